-- Rebuilding a view beside the one that is read: `sijangctl views`, docs/OPERATIONS.md. The new
-- tables lie in <schema>_rebuild; their positions are kept under revision -1.

CREATE TABLE projector.rebuild (
    view            text        PRIMARY KEY,
    revision        integer     NOT NULL,
    state           text        NOT NULL CHECK (state IN ('replaying', 'indexing', 'following')),
    paused          boolean     NOT NULL DEFAULT false,
    partitions_done integer     NOT NULL DEFAULT 0,
    records_done    bigint      NOT NULL DEFAULT 0,
    records_total   bigint      NOT NULL DEFAULT 0,
    rows            bigint      NOT NULL DEFAULT 0,
    replay_ms       bigint      NOT NULL DEFAULT 0, -- work so far, pauses and stops aside
    throttle        integer     NOT NULL DEFAULT 0, -- records a second at most; 0: no limit
    sliced          boolean     NOT NULL DEFAULT false, -- some rows of a partition are there
    trouble         text,
    swaps           integer     NOT NULL DEFAULT 0,
    started_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- The revision that the newest code writes.
CREATE FUNCTION projector.newest_revision(v text) RETURNS integer
    LANGUAGE sql STABLE AS $$
    SELECT max(revision) FROM projector.fingerprint WHERE view = v AND revision > 0
$$;

CREATE FUNCTION projector.schema_of(v text, r integer) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$ SELECT 'view_' || v || '_r' || r $$;

-- Empty tables like the view's, without indexes: those are made when the rows are there.
CREATE FUNCTION projector.rebuild_begin(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    live   text := projector.schema_of(v, r);
    fresh  text := live || '_rebuild';
    option text;
BEGIN
    IF NOT EXISTS (SELECT FROM projector.fingerprint WHERE view = v AND revision = r) THEN
        RAISE EXCEPTION 'there is no view % of revision %', v, r USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO projector.rebuild (view, revision, state, records_total)
        SELECT v, r, 'replaying', coalesce(sum(greatest(end_offset, next_offset)), 0)
        FROM projector.position WHERE view = v AND revision = r;
    DELETE FROM projector.position WHERE view = v AND revision = -1;
    DELETE FROM projector.parked WHERE view = v AND revision = -1;
    DELETE FROM projector.fingerprint WHERE view = v AND revision = -1;
    INSERT INTO projector.fingerprint (view, revision, columns, events, contexts, live)
        SELECT view, -1, columns, events, contexts, false FROM projector.fingerprint
        WHERE view = v AND revision = r;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', fresh);
    EXECUTE format('CREATE SCHEMA %I', fresh);
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)',
                   fresh, v, live, v);
    SELECT array_to_string(reloptions, ', ') INTO option FROM pg_class
        WHERE oid = format('%I.%I', live, v)::regclass;
    IF option IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I.%I SET (%s)', fresh, v, option);
    END IF;
    RETURN true;
END $$;

-- Half a partition cannot be told from a whole one.
CREATE FUNCTION projector.rebuild_start_over(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('TRUNCATE %I.%I', projector.schema_of(v, r) || '_rebuild', v);
    DELETE FROM projector.position WHERE view = v AND revision = -1;
    DELETE FROM projector.parked WHERE view = v AND revision = -1;
    UPDATE projector.rebuild SET partitions_done = 0, records_done = 0, rows = 0, sliced = false
        WHERE view = v AND revision = r;
    RETURN true;
END $$;

-- The live table's indexes for the new one. Does what is left to do when called again.
CREATE FUNCTION projector.rebuild_index(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    live  text := projector.schema_of(v, r);
    fresh text := live || '_rebuild';
    made  record;
BEGIN
    FOR made IN
        SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, k.conname AS key,
               pg_get_constraintdef(k.oid) AS key_definition
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
        WHERE i.indrelid = format('%I.%I', live, v)::regclass
        ORDER BY c.relname
    LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', fresh, made.name)) IS NOT NULL;
        IF made.key IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', fresh, v, made.key,
                           made.key_definition);
        ELSE
            EXECUTE replace(made.definition, format(' ON %I.', live), format(' ON %I.', fresh));
        END IF;
    END LOOP;
    EXECUTE format('ANALYZE %I.%I', fresh, v);
    RETURN true;
END $$;

-- Keys whose rows differ between the two, at most 1,000, in one snapshot. While events flow, they
-- stand at different places: what differs once may be on its way, what stays different is not.
CREATE FUNCTION projector.rebuild_compare(v text, r integer)
    RETURNS TABLE (row_key text, live_row text, new_row text)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    live  text := projector.schema_of(v, r);
    fresh text := live || '_rebuild';
    key   text;
BEGIN
    SELECT a.attname INTO STRICT key FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = format('%I.%I', live, v)::regclass AND i.indisprimary;
    RETURN QUERY EXECUTE format(
        'SELECT coalesce(a.%1$I, b.%1$I)::text, a::text, b::text'
        ' FROM %2$I.%4$I AS a FULL JOIN %3$I.%4$I AS b ON a.%1$I = b.%1$I'
        ' WHERE a::text IS DISTINCT FROM b::text LIMIT 1000', key, live, fresh, v);
END $$;

-- Independent of order and place: equal tables have equal digests.
CREATE FUNCTION projector.rebuild_digest(schema text, v text)
    RETURNS TABLE (rows bigint, digest text)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text'
        ' FROM %I.%I AS t', schema, v);
END $$;

CREATE FUNCTION projector.view_columns(schema text, v text) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = format('%I.%I', schema, v)::regclass AND attnum > 0 AND NOT attisdropped
$$;

-- The two change places, in one transaction. The live view is held still until the new one is not
-- behind it in any partition: who reads never sees it go back. What was live follows on as the new
-- one, so the same again is the way back.
CREATE FUNCTION projector.rebuild_swap(v text, r integer, timeout_ms integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    live     text := projector.schema_of(v, r);
    fresh    text := live || '_rebuild';
    until    timestamptz := clock_timestamp() + timeout_ms * interval '1 millisecond';
    moment   text := live || '_moving';
BEGIN
    PERFORM FROM projector.rebuild WHERE view = v AND revision = r AND state = 'following'
        FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no rebuild of % has been finished', v USING ERRCODE = 'no_data_found';
    END IF;
    -- The live view is not held still for what cannot come in time.
    IF projector.rebuild_behind(v, r) > 5000 THEN
        RAISE EXCEPTION 'the new % is % records behind the live one: let it catch up first', v,
            projector.rebuild_behind(v, r) USING ERRCODE = 'query_canceled';
    END IF;
    PERFORM FROM projector.position WHERE view = v AND revision = r
        ORDER BY partition, context FOR UPDATE;
    WHILE EXISTS (
        SELECT FROM projector.position AS a LEFT JOIN projector.position AS b
            ON b.view = v AND b.revision = -1 AND b.partition = a.partition
               AND b.context = a.context
        WHERE a.view = v AND a.revision = r AND a.next_offset > 0
          AND (b.next_offset IS NULL OR b.next_offset < a.next_offset OR b.log <> a.log))
    LOOP
        IF clock_timestamp() > until THEN
            RAISE EXCEPTION 'the new % has not caught up with the live one in % ms', v, timeout_ms
                USING ERRCODE = 'query_canceled';
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    PERFORM FROM projector.position WHERE view = v AND revision = -1
        ORDER BY partition, context FOR UPDATE;
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', live, moment);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', fresh, live);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', moment, fresh);
    EXECUTE format('CREATE OR REPLACE VIEW public.%I AS SELECT %s FROM %I.%I', v,
                   projector.view_columns(live, v), live, v);
    UPDATE projector.position SET revision = -2, generation = generation + 1
        WHERE view = v AND revision = r;
    UPDATE projector.position SET revision = r,
            generation = 1 + greatest(generation, (SELECT max(o.generation)
                FROM projector.position AS o WHERE o.view = v AND o.revision = -2))
        WHERE view = v AND revision = -1;
    UPDATE projector.position SET revision = -1 WHERE view = v AND revision = -2;
    UPDATE projector.parked SET revision = CASE revision WHEN -1 THEN r ELSE -1 END
        WHERE view = v AND revision IN (r, -1);
    UPDATE projector.rebuild SET swaps = swaps + 1, updated_at = clock_timestamp() WHERE view = v;
    RETURN true;
END $$;

CREATE FUNCTION projector.rebuild_drop(v text) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    r integer;
BEGIN
    DELETE FROM projector.rebuild WHERE view = v RETURNING revision INTO r;
    IF r IS NULL THEN
        RAISE EXCEPTION 'there is no rebuild of %', v USING ERRCODE = 'no_data_found';
    END IF;
    DELETE FROM projector.position WHERE view = v AND revision = -1;
    DELETE FROM projector.parked WHERE view = v AND revision = -1;
    DELETE FROM projector.fingerprint WHERE view = v AND revision = -1;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', projector.schema_of(v, r) || '_rebuild');
    RETURN true;
END $$;

-- Estimates: the log's records so far, the live table's size, the rate of the last rebuild.
CREATE FUNCTION projector.rebuild_cost(v text)
    RETURNS TABLE (revision integer, records bigint, rows bigint, bytes bigint, rate bigint)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    r integer := projector.newest_revision(v);
BEGIN
    IF r IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT r,
        (SELECT coalesce(sum(greatest(p.end_offset, p.next_offset)), 0)::bigint
            FROM projector.position AS p WHERE p.view = v AND p.revision = r),
        (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c
            WHERE c.oid = format('%I.%I', projector.schema_of(v, r), v)::regclass),
        pg_total_relation_size(format('%I.%I', projector.schema_of(v, r), v)::regclass),
        (SELECT coalesce(max(b.records_done * 1000 / nullif(b.replay_ms, 0)), 0)::bigint
            FROM projector.rebuild AS b WHERE b.view = v);
END $$;

CREATE FUNCTION projector.rebuild_behind(v text, r integer) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(greatest(a.next_offset - coalesce(b.next_offset, 0), 0)), 0)::bigint
    FROM projector.position AS a LEFT JOIN projector.position AS b
        ON b.view = v AND b.revision = -1 AND b.partition = a.partition AND b.context = a.context
    WHERE a.view = v AND a.revision = r
$$;
