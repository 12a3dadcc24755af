-- Events that cannot be applied wait here, and behind each of them all later ones for the same row,
-- in order. They are written in the transaction that moves the positions over them.

ALTER TABLE projector.position ADD COLUMN parked bigint NOT NULL DEFAULT 0; -- events waiting

CREATE TABLE projector.parked (
    number        bigint  GENERATED ALWAYS AS IDENTITY, -- their order
    view          text    NOT NULL,
    revision      integer NOT NULL,
    key           text    NOT NULL, -- of the row; where that is not known, the aggregate's id
    partition     integer NOT NULL,
    context       text    NOT NULL,
    event_offset  bigint  NOT NULL,
    commit_offset bigint  NOT NULL, -- of the commit's last event, as positions name it
    event_id      uuid    NOT NULL,
    type          text    NOT NULL,
    subject       text    NOT NULL,
    version       bigint  NOT NULL,
    time_us       bigint  NOT NULL,
    payload       bytea   NOT NULL,
    reason        text    NOT NULL, -- a fault's code; "behind": waits for the one before it
    detail        text    NOT NULL,
    attempts      bigint  NOT NULL DEFAULT 1,
    parked_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, revision, key, number)
);
CREATE INDEX parked_commit ON projector.parked (view, revision, context, partition, commit_offset);

-- Never applied, by nobody, in no revision of the view.
CREATE TABLE projector.discarded (
    view         text NOT NULL,
    event_id     uuid NOT NULL,
    key          text NOT NULL,
    type         text NOT NULL,
    reason       text NOT NULL,
    discarded_by text NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, event_id)
);

-- What operators did.
CREATE TABLE projector.audit (
    number   bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    who      text    NOT NULL,
    action   text    NOT NULL,
    view     text    NOT NULL,
    revision integer NOT NULL,
    key      text    NOT NULL,
    detail   text    NOT NULL
);
