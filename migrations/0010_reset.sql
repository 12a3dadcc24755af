-- For `sijangctl repair`: a view whose position is not in the log any more begins again, empty. Who
-- writes it finds its positions moved.
CREATE FUNCTION projector.reset_view(v text, r integer, why text) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM projector.position WHERE view = v AND revision = r
        ORDER BY partition, context FOR UPDATE;
    EXECUTE format('TRUNCATE %I.%I', projector.schema_of(v, r), v);
    DELETE FROM projector.parked WHERE view = v AND revision = r;
    UPDATE projector.position SET log = NULL, next_offset = 0, last_offset = -1, term = -1, seq = 0,
            time_us = 0, generation = generation + 1, end_offset = -1, parked = 0, halted = NULL,
            updated_at = clock_timestamp()
        WHERE view = v AND revision = r;
    PERFORM projector.note('reset', v, r, why);
    RETURN true;
END $$;
