-- What an operator asks for: says why not, instead of what a constraint says.
CREATE FUNCTION projector.rebuild_order(v text) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    newest integer := projector.newest_revision(v);
BEGIN
    IF newest IS NULL THEN
        RAISE EXCEPTION 'there is no view %', v USING ERRCODE = 'no_data_found';
    END IF;
    IF EXISTS (SELECT FROM projector.rebuild AS r WHERE r.view = v) THEN
        RAISE EXCEPTION '% has a rebuild already: see its progress, swap or drop it', v
            USING ERRCODE = 'object_in_use';
    END IF;
    RETURN projector.rebuild_begin(v, newest);
END $$;
