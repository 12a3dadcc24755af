-- Two revisions of a view beside each other: docs/REBUILDING.md. projector.fingerprint.live says
-- which one readers get; a rebuild row says what is being made and what it is to replace.

ALTER TABLE projector.rebuild ADD COLUMN replaces integer;
UPDATE projector.rebuild SET replaces = revision;
ALTER TABLE projector.rebuild ALTER COLUMN replaces SET NOT NULL;

CREATE FUNCTION projector.note(action text, v text, r integer, detail text) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO projector.audit (who, action, view, revision, key, detail)
        VALUES (session_user, action, v, r, '', detail)
$$;

CREATE FUNCTION projector.live_revision(v text) RETURNS integer
    LANGUAGE sql STABLE AS $$
    SELECT revision FROM projector.fingerprint WHERE view = v AND live AND revision > 0
$$;

-- Where the rows lie that are made. A new revision moves to its own place once it is complete.
CREATE FUNCTION projector.rebuild_place(v text)
    RETURNS TABLE (live_revision integer, live_schema text, new_revision integer, new_schema text)
    LANGUAGE sql STABLE AS $$
    SELECT replaces, projector.schema_of(v, replaces),
           CASE WHEN apart THEN revision ELSE -1 END,
           projector.schema_of(v, revision) || CASE WHEN apart THEN '' ELSE '_rebuild' END
    FROM projector.rebuild,
         LATERAL (SELECT replaces <> revision AND state = 'following') AS a (apart)
    WHERE view = v
$$;

-- The names that readers use show this revision. Columns may have come and gone.
CREATE FUNCTION projector.publish(v text, r integer) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    own  text := projector.schema_of(v, r);
    made text := format('SELECT %s FROM %I.%I', projector.view_columns(own, v), own, v);
BEGIN
    BEGIN
        EXECUTE format('CREATE OR REPLACE VIEW public.%I AS %s', v, made);
    EXCEPTION WHEN invalid_table_definition THEN
        EXECUTE format('DROP VIEW public.%I', v);
        EXECUTE format('CREATE VIEW public.%I AS %s', v, made);
    END;
    EXECUTE format(
        'CREATE OR REPLACE VIEW public.%I AS'
        ' SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,'
        ' end_offset, updated_at, parked,'
        ' (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint AS age_ms'
        ' FROM projector.position WHERE view = %L AND revision = %s', v || '_position', v, r);
    UPDATE projector.fingerprint SET live = revision = r WHERE view = v AND revision > 0;
END $$;

-- For the migration that has made a revision's empty table: beside the live one, if that has rows.
CREATE FUNCTION projector.add_revision(v text, r integer, columns text, events text, contexts text)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    live integer := projector.live_revision(v);
BEGIN
    INSERT INTO projector.fingerprint (view, revision, columns, events, contexts, live)
        VALUES (v, r, columns, events, contexts, false);
    IF NOT EXISTS (SELECT FROM projector.position AS p
                   WHERE p.view = v AND p.revision = live AND p.next_offset > 0) THEN
        PERFORM projector.publish(v, r);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION projector.rebuild_begin(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    shape  text := projector.schema_of(v, r);
    fresh  text := shape || '_rebuild';
    option text;
BEGIN
    IF NOT EXISTS (SELECT FROM projector.fingerprint WHERE view = v AND revision = r) THEN
        RAISE EXCEPTION 'there is no view % of revision %', v, r USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO projector.rebuild (view, revision, replaces, state, records_total)
        SELECT v, r, projector.live_revision(v), 'replaying',
               coalesce(sum(greatest(end_offset, next_offset)), 0)
        FROM projector.position WHERE view = v AND revision = projector.live_revision(v);
    DELETE FROM projector.position WHERE view = v AND revision = -1;
    DELETE FROM projector.parked WHERE view = v AND revision = -1;
    DELETE FROM projector.fingerprint WHERE view = v AND revision = -1;
    INSERT INTO projector.fingerprint (view, revision, columns, events, contexts, live)
        SELECT view, -1, columns, events, contexts, false FROM projector.fingerprint
        WHERE view = v AND revision = r;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', fresh);
    EXECUTE format('CREATE SCHEMA %I', fresh);
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)',
                   fresh, v, shape, v);
    SELECT array_to_string(reloptions, ', ') INTO option FROM pg_class
        WHERE oid = format('%I.%I', shape, v)::regclass;
    IF option IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I.%I SET (%s)', fresh, v, option);
    END IF;
    PERFORM projector.note('rebuild', v, r, fresh);
    RETURN true;
END $$;

ALTER FUNCTION projector.rebuild_index(text, integer) RENAME TO rebuild_make_indexes;

-- The rows are complete: a copy stays where it is until the swap, a new revision moves to its own
-- place.
CREATE FUNCTION projector.rebuild_index(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    own   text := projector.schema_of(v, r);
    fresh text := own || '_rebuild';
BEGIN
    PERFORM FROM projector.rebuild WHERE view = v AND revision = r AND state = 'indexing'
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM projector.rebuild_make_indexes(v, r);
    IF EXISTS (SELECT FROM projector.rebuild WHERE view = v AND replaces <> revision) THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', own);
        EXECUTE format('ALTER SCHEMA %I RENAME TO %I', fresh, own);
        DELETE FROM projector.position WHERE view = v AND revision = r;
        DELETE FROM projector.parked WHERE view = v AND revision = r;
        DELETE FROM projector.fingerprint WHERE view = v AND revision = -1;
        UPDATE projector.position SET revision = r WHERE view = v AND revision = -1;
        UPDATE projector.parked SET revision = r WHERE view = v AND revision = -1;
    END IF;
    UPDATE projector.rebuild SET state = 'following', trouble = NULL, updated_at = clock_timestamp()
        WHERE view = v AND revision = r;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION projector.rebuild_behind(v text, r integer) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(greatest(a.next_offset - coalesce(b.next_offset, 0), 0)), 0)::bigint
    FROM projector.rebuild_place(v) AS place
    JOIN projector.position AS a ON a.view = v AND a.revision = place.live_revision
    LEFT JOIN projector.position AS b
        ON b.view = v AND b.revision = place.new_revision AND b.partition = a.partition
           AND b.context = a.context
$$;

-- A context that only one of them reads is nothing they could be level in.
CREATE OR REPLACE FUNCTION projector.rebuild_is_level(v text, r integer) RETURNS boolean
    LANGUAGE sql VOLATILE AS $$
    SELECT NOT EXISTS (
        SELECT FROM projector.rebuild_place(v) AS place
        JOIN projector.position AS a ON a.view = v AND a.revision = place.live_revision
        LEFT JOIN projector.position AS b
            ON b.view = v AND b.revision = place.new_revision AND b.partition = a.partition
               AND b.context = a.context
        WHERE a.next_offset > 0
          AND EXISTS (SELECT FROM projector.position AS c WHERE c.view = v
                      AND c.revision = place.new_revision AND c.context = a.context)
          AND (b.next_offset IS NULL OR b.next_offset < a.next_offset OR b.log <> a.log))
$$;

CREATE OR REPLACE FUNCTION projector.rebuild_hold(v text, r integer, hold_ms integer) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz;
    place record;
BEGIN
    SELECT * INTO STRICT place FROM projector.rebuild_place(v);
    PERFORM set_config('lock_timeout', hold_ms::text, true);
    PERFORM FROM projector.position WHERE view = v AND revision = place.live_revision
        ORDER BY partition, context FOR UPDATE;
    until := clock_timestamp() + hold_ms * interval '1 millisecond';
    WHILE NOT projector.rebuild_is_level(v, r) LOOP
        IF clock_timestamp() > until THEN
            RAISE EXCEPTION 'not level' USING ERRCODE = 'lock_not_available';
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    PERFORM FROM projector.position WHERE view = v AND revision = place.new_revision
        ORDER BY partition, context FOR UPDATE;
END $$;

-- A copy and the live rows change places: who writes finds the generation raised. The tables are
-- locked although renaming a schema needs no lock: a backend that has not heard of the new names
-- must wait until it has, or it writes behind the new positions into the old table.
CREATE FUNCTION projector.rebuild_exchange_copy(v text, r integer) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    live   text := projector.schema_of(v, r);
    fresh  text := live || '_rebuild';
    moment text := live || '_moving';
BEGIN
    EXECUTE format('LOCK TABLE %I.%I, %I.%I IN ACCESS EXCLUSIVE MODE', live, v, fresh, v);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', live, moment);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', fresh, live);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', moment, fresh);
    PERFORM projector.publish(v, r);
    UPDATE projector.position SET revision = -2, generation = generation + 1
        WHERE view = v AND revision = r;
    UPDATE projector.position SET revision = r,
            generation = 1 + greatest(generation, (SELECT max(o.generation)
                FROM projector.position AS o WHERE o.view = v AND o.revision = -2))
        WHERE view = v AND revision = -1;
    UPDATE projector.position SET revision = -1 WHERE view = v AND revision = -2;
    UPDATE projector.parked SET revision = CASE revision WHEN -1 THEN r ELSE -1 END
        WHERE view = v AND revision IN (r, -1);
END $$;

-- Another revision stays where it is, as does whoever writes it: only the names change.
CREATE OR REPLACE FUNCTION projector.rebuild_exchange(v text, r integer, hold_ms integer)
    RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projector.rebuild_hold(v, r, hold_ms);
    IF r = projector.live_revision(v) THEN
        PERFORM projector.rebuild_exchange_copy(v, r);
    ELSE
        PERFORM projector.publish(v, r);
    END IF;
    UPDATE projector.rebuild SET revision = replaces, replaces = revision, swaps = swaps + 1,
            updated_at = clock_timestamp() WHERE view = v;
    RETURN true;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN false;
END $$;

DROP FUNCTION projector.rebuild_swap(text, integer, integer);

-- One transaction: who reads never sees the view go back. What was live follows on as the new one:
-- `back` is the same the other way round, whatever is parked there.
CREATE FUNCTION projector.rebuild_swap(v text, back boolean, timeout_ms integer)
    RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + timeout_ms * interval '1 millisecond';
    made  projector.rebuild;
    place record;
    newly bigint;
BEGIN
    SELECT * INTO made FROM projector.rebuild WHERE view = v AND state = 'following' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no rebuild of % has been finished', v USING ERRCODE = 'no_data_found';
    END IF;
    IF back AND made.swaps % 2 = 0 THEN
        RAISE EXCEPTION '% has not been swapped: there is no way back', v
            USING ERRCODE = 'no_data_found';
    END IF;
    WHILE projector.rebuild_behind(v, made.revision) > 500
        OR NOT projector.rebuild_exchange(v, made.revision, 500) LOOP
        IF clock_timestamp() > until THEN
            RAISE EXCEPTION 'no swap of % within % ms: the new rows are % records behind the live '
                'ones, or somebody reads for long', v, timeout_ms,
                projector.rebuild_behind(v, made.revision) USING ERRCODE = 'query_canceled';
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    SELECT * INTO STRICT place FROM projector.rebuild_place(v);
    SELECT count(DISTINCT a.key) INTO newly FROM projector.parked AS a
        WHERE a.view = v AND a.revision = place.live_revision AND NOT EXISTS (
            SELECT FROM projector.parked AS b WHERE b.view = v AND b.key = a.key
            AND b.revision = place.new_revision)
        AND EXISTS ( -- the old rows have passed it
            SELECT FROM projector.position AS p WHERE p.view = v AND p.context = a.context
            AND p.partition = a.partition AND p.revision = place.new_revision
            AND p.next_offset > a.event_offset);
    IF newly > 0 AND NOT back THEN
        RAISE EXCEPTION 'the new % has % keys parked that the live one has not: nothing is swapped',
            v, newly USING ERRCODE = 'query_canceled';
    END IF;
    PERFORM projector.note(CASE WHEN back THEN 'rollback' ELSE 'swap' END, v, place.live_revision,
                           format('instead of %s', place.new_revision));
    RETURN true;
END $$;

-- Columns that both have, by name and type.
CREATE FUNCTION projector.rebuild_columns(v text) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM projector.rebuild_place(v) AS place
    JOIN pg_attribute AS a ON a.attrelid = format('%I.%I', place.live_schema, v)::regclass
    JOIN pg_attribute AS b ON b.attrelid = format('%I.%I', place.new_schema, v)::regclass
        AND b.attname = a.attname AND b.atttypid = a.atttypid
    WHERE a.attnum > 0 AND b.attnum > 0 AND NOT a.attisdropped AND NOT b.attisdropped
$$;

DROP FUNCTION projector.rebuild_compare(text, integer);

-- Keys whose rows differ between the two, at most 1,000, in one snapshot. While events flow, they
-- stand at different places: what differs once may be on its way, what stays different is not.
CREATE FUNCTION projector.rebuild_compare(v text)
    RETURNS TABLE (row_key text, live_row text, new_row text)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    place record;
    key   text;
BEGIN
    SELECT * INTO STRICT place FROM projector.rebuild_place(v);
    SELECT a.attname INTO STRICT key FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = format('%I.%I', place.live_schema, v)::regclass AND i.indisprimary;
    RETURN QUERY EXECUTE format(
        'WITH live AS (SELECT %1$I AS k, ROW(%5$s)::text AS t FROM %2$I.%4$I),'
        ' made AS (SELECT %1$I AS k, ROW(%5$s)::text AS t FROM %3$I.%4$I)'
        ' SELECT coalesce(a.k, b.k)::text, a.t, b.t FROM live AS a FULL JOIN made AS b ON a.k = b.k'
        ' WHERE a.t IS DISTINCT FROM b.t LIMIT 1000',
        key, place.live_schema, place.new_schema, v, projector.rebuild_columns(v));
END $$;

DROP FUNCTION projector.rebuild_digest(text, text);

-- Independent of order and place: equal rows have equal digests.
CREATE FUNCTION projector.digest(schema text, v text, columns text)
    RETURNS TABLE (rows bigint, digest text)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT count(*), coalesce(sum(hashtextextended(ROW(%s)::text, 0)), 0)::text'
        ' FROM %I.%I', columns, schema, v);
END $$;

-- What is not live is gone. A revision newer than the live one keeps its empty table: it can be
-- rebuilt. An older one goes for good.
CREATE OR REPLACE FUNCTION projector.rebuild_drop(v text) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    made  projector.rebuild;
    place record;
BEGIN
    SELECT * INTO place FROM projector.rebuild_place(v);
    DELETE FROM projector.rebuild WHERE view = v RETURNING * INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no rebuild of %', v USING ERRCODE = 'no_data_found';
    END IF;
    DELETE FROM projector.position WHERE view = v AND revision = place.new_revision;
    DELETE FROM projector.parked WHERE view = v AND revision = place.new_revision;
    IF place.new_revision > made.replaces THEN
        EXECUTE format('TRUNCATE %I.%I', place.new_schema, v);
    ELSE
        DELETE FROM projector.fingerprint WHERE view = v AND revision = place.new_revision;
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', place.new_schema);
    END IF;
    PERFORM projector.note('drop', v, place.new_revision, place.new_schema);
    RETURN true;
END $$;

-- Estimates: the log's records so far, the live table's size, the rate of the last rebuild.
CREATE OR REPLACE FUNCTION projector.rebuild_cost(v text)
    RETURNS TABLE (revision integer, records bigint, rows bigint, bytes bigint, rate bigint)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    r integer := projector.live_revision(v);
BEGIN
    IF r IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT projector.newest_revision(v),
        (SELECT coalesce(sum(greatest(p.end_offset, p.next_offset)), 0)::bigint
            FROM projector.position AS p WHERE p.view = v AND p.revision = r),
        (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c
            WHERE c.oid = format('%I.%I', projector.schema_of(v, r), v)::regclass),
        pg_total_relation_size(format('%I.%I', projector.schema_of(v, r), v)::regclass),
        (SELECT coalesce(max(b.records_done * 1000 / nullif(b.replay_ms, 0)), 0)::bigint
            FROM projector.rebuild AS b WHERE b.view = v);
END $$;
