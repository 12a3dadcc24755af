-- What the projector keeps about every view lies in one schema instead of a copy per view: one
-- statement compares and sets the positions of all views that a transaction writes.

CREATE SCHEMA projector;

-- The defaults say "nothing read yet". end_offset is the log's end as heard at updated_at, -1 if
-- never. generation is raised by whoever changes rows or positions beside the projector.
CREATE TABLE projector.position (
    view        text        NOT NULL,
    revision    integer     NOT NULL,
    partition   integer     NOT NULL,
    context     text        NOT NULL,
    log         uuid,
    next_offset bigint      NOT NULL DEFAULT 0,
    last_offset bigint      NOT NULL DEFAULT -1,
    term        bigint      NOT NULL DEFAULT -1,
    seq         bigint      NOT NULL DEFAULT 0,
    time_us     bigint      NOT NULL DEFAULT 0,
    generation  bigint      NOT NULL DEFAULT 0,
    end_offset  bigint      NOT NULL DEFAULT -1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, revision, partition, context)
) WITH (fillfactor = 20);

-- The code that writes a revision: another one must not.
CREATE TABLE projector.fingerprint (
    view     text    NOT NULL,
    revision integer NOT NULL,
    columns  text    NOT NULL,
    events   text    NOT NULL,
    contexts text    NOT NULL,
    PRIMARY KEY (view, revision)
);

-- The fence: ends a transaction whose positions were not where it believed them to be.
CREATE FUNCTION projector.require(actual bigint, expected bigint) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION 'fenced: % of % positions are where they were read', actual, expected;
    END IF;
    RETURN true;
END $$;

INSERT INTO projector.position
    SELECT 'product_detail', 1, partition, context, log, next_offset, last_offset, term, seq,
           time_us, generation, end_offset, updated_at
    FROM view_product_detail_r1.position;
INSERT INTO projector.position
    SELECT 'product_list', 1, partition, context, log, next_offset, last_offset, term, seq,
           time_us, generation, end_offset, updated_at
    FROM view_product_list_r1.position;
INSERT INTO projector.fingerprint
    SELECT view, revision, columns, events, contexts FROM view_product_detail_r1.fingerprint;
INSERT INTO projector.fingerprint
    SELECT view, revision, columns, events, contexts FROM view_product_list_r1.fingerprint;

CREATE OR REPLACE VIEW public.product_detail_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at
    FROM projector.position WHERE view = 'product_detail' AND revision = 1;
CREATE OR REPLACE VIEW public.product_list_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at
    FROM projector.position WHERE view = 'product_list' AND revision = 1;

DROP TABLE view_product_detail_r1.position, view_product_detail_r1.fingerprint;
DROP TABLE view_product_list_r1.position, view_product_list_r1.fingerprint;
