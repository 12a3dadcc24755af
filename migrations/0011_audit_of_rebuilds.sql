-- Who slowed, stopped or hurried a rebuild, and why, is audited as what is done to parked events:
-- docs/REBUILDING.md. sijangctl says who and why in two settings of its session.

CREATE OR REPLACE FUNCTION projector.note(action text, v text, r integer, detail text) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO projector.audit (who, action, view, revision, key, detail)
        VALUES (coalesce(nullif(current_setting('sijang.who', true), ''), session_user), action, v,
                r, '', concat_ws(': ', nullif(detail, ''),
                                 nullif(current_setting('sijang.why', true), '')))
$$;

-- False: it is not being rebuilt.
CREATE FUNCTION projector.rebuild_pause(v text, wanted boolean) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    r integer;
BEGIN
    UPDATE projector.rebuild SET paused = wanted, trouble = CASE WHEN wanted THEN trouble END
        WHERE view = v RETURNING revision INTO r;
    IF r IS NULL THEN
        RETURN false;
    END IF;
    PERFORM projector.note(CASE WHEN wanted THEN 'pause' ELSE 'resume' END, v, r, '');
    RETURN true;
END $$;

COMMENT ON COLUMN projector.rebuild.throttle IS
    'Records a second at most; 0: no limit but the live views; -1: not even that.';

-- False: it is not being rebuilt.
CREATE FUNCTION projector.rebuild_throttle(v text, rate integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    r integer;
BEGIN
    UPDATE projector.rebuild SET throttle = rate WHERE view = v RETURNING revision INTO r;
    IF r IS NULL THEN
        RETURN false;
    END IF;
    PERFORM projector.note('throttle', v, r, CASE rate WHEN 0 THEN 'gives way to live views'
        WHEN -1 THEN 'off' ELSE format('%s records a second at most', rate) END);
    RETURN true;
END $$;
