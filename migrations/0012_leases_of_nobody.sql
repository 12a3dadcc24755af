-- A lease whose holder is no member is nobody's, and free. The functions change both together; who
-- moves a lease by hand while its new holder ends, or removes a member, would leave one that stays
-- for ever, and a partition that nobody works.
CREATE OR REPLACE FUNCTION projector.remove_lost_members(me text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    lost text;
BEGIN
    FOR lost IN
        DELETE FROM projector.member AS m
        WHERE m.process <> me
          AND (m.alive_until < clock_timestamp()
               OR NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.application_name
                                  = 'sijang-projector shares ' || m.process))
        RETURNING m.process
    LOOP
        PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
            WHERE a.application_name LIKE 'sijang-projector % ' || lost
              AND a.usename = current_user;
    END LOOP;
    DELETE FROM projector.share AS s
        WHERE NOT EXISTS (SELECT FROM projector.member AS m WHERE m.process = s.process);
END $$;
