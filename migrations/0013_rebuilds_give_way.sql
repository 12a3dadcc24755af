-- A rebuild takes less from the live views while it fills and indexes its table:
-- docs/REBUILDING.md.

-- The new table is only written until its indexes are made, which ends with ANALYZE: an autovacuum
-- on the way would take processor and disk from the live views for nothing.
ALTER FUNCTION projector.rebuild_begin(text, integer) RENAME TO rebuild_make_tables;

CREATE FUNCTION projector.rebuild_begin(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projector.rebuild_make_tables(v, r);
    EXECUTE format('ALTER TABLE %I.%I SET (autovacuum_enabled = false)',
                   projector.schema_of(v, r) || '_rebuild', v);
    RETURN true;
END $$;

ALTER FUNCTION projector.rebuild_make_indexes(text, integer) RENAME TO rebuild_add_indexes;

-- One process, not all processors: live views need them.
CREATE FUNCTION projector.rebuild_make_indexes(v text, r integer) RETURNS boolean
    LANGUAGE plpgsql SET max_parallel_maintenance_workers = 0 AS $$
BEGIN
    PERFORM projector.rebuild_add_indexes(v, r);
    EXECUTE format('ALTER TABLE %I.%I RESET (autovacuum_enabled)',
                   projector.schema_of(v, r) || '_rebuild', v);
    RETURN true;
END $$;

-- A replay that copies holds the table and wants its positions, who drops has the positions and
-- wants the table: whoever finds that out here tries again.
ALTER FUNCTION projector.rebuild_drop(text) RENAME TO rebuild_try_drop;

CREATE FUNCTION projector.rebuild_drop(v text) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN 1..5 LOOP
        BEGIN
            RETURN projector.rebuild_try_drop(v);
        EXCEPTION WHEN deadlock_detected THEN
            IF attempt = 5 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END $$;
