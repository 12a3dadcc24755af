-- A swap holds the live view still for half a second at most, and only when the new rows are so
-- near that they can come in that time; until then it waits without holding anybody. A deadlock
-- with a projector's transaction ends neither: the swap lets go and tries again.

-- No partition of the live view is further on than the new one's.
CREATE FUNCTION projector.rebuild_is_level(v text, r integer) RETURNS boolean
    LANGUAGE sql VOLATILE AS $$
    SELECT NOT EXISTS (
        SELECT FROM projector.position AS a LEFT JOIN projector.position AS b
            ON b.view = v AND b.revision = -1 AND b.partition = a.partition
               AND b.context = a.context
        WHERE a.view = v AND a.revision = r AND a.next_offset > 0
          AND (b.next_offset IS NULL OR b.next_offset < a.next_offset OR b.log <> a.log))
$$;

-- Both stand still, level, until the transaction ends; no lock is waited for longer than hold_ms.
CREATE FUNCTION projector.rebuild_hold(v text, r integer, hold_ms integer) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz;
BEGIN
    PERFORM set_config('lock_timeout', hold_ms::text, true);
    PERFORM FROM projector.position WHERE view = v AND revision = r
        ORDER BY partition, context FOR UPDATE;
    until := clock_timestamp() + hold_ms * interval '1 millisecond';
    WHILE NOT projector.rebuild_is_level(v, r) LOOP
        IF clock_timestamp() > until THEN
            RAISE EXCEPTION 'not level' USING ERRCODE = 'lock_not_available';
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    PERFORM FROM projector.position WHERE view = v AND revision = -1
        ORDER BY partition, context FOR UPDATE;
END $$;

-- The two change places. False: not this time; nothing is held and nothing has changed.
CREATE FUNCTION projector.rebuild_exchange(v text, r integer, hold_ms integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    live   text := projector.schema_of(v, r);
    fresh  text := live || '_rebuild';
    moment text := live || '_moving';
BEGIN
    PERFORM projector.rebuild_hold(v, r, hold_ms);
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
    RETURN true;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN false;
END $$;

-- One transaction: who reads never sees the view go back. What was live follows on as the new one,
-- so the same again is the way back.
CREATE OR REPLACE FUNCTION projector.rebuild_swap(v text, r integer, timeout_ms integer)
    RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + timeout_ms * interval '1 millisecond';
BEGIN
    PERFORM FROM projector.rebuild WHERE view = v AND revision = r AND state = 'following'
        FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no rebuild of % has been finished', v USING ERRCODE = 'no_data_found';
    END IF;
    WHILE projector.rebuild_behind(v, r) > 500 OR NOT projector.rebuild_exchange(v, r, 500) LOOP
        IF clock_timestamp() > until THEN
            RAISE EXCEPTION 'no swap of % within % ms: the new rows are % records behind the live '
                'ones, or somebody reads for long', v, timeout_ms, projector.rebuild_behind(v, r)
                USING ERRCODE = 'query_canceled';
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    UPDATE projector.rebuild SET swaps = swaps + 1, updated_at = clock_timestamp() WHERE view = v;
    RETURN true;
END $$;
