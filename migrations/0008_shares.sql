-- Which projector works which partitions: docs/decisions/0012. Unlogged: after a crash or a
-- fail-over of the database nobody holds anything, and everybody comes again.

-- Processes that live. `process` is at the end of their connections' application_name.
CREATE UNLOGGED TABLE projector.member (
    process     text        PRIMARY KEY,
    number      bigint      GENERATED ALWAYS AS IDENTITY,
    views       text        NOT NULL, -- with revisions: only who writes the same shares
    alive_until timestamptz NOT NULL
);

CREATE UNLOGGED TABLE projector.share (
    views     text    NOT NULL,
    partition integer NOT NULL,
    process   text    NOT NULL,
    PRIMARY KEY (views, partition)
);

-- A member is gone when its connection is, or when it has been silent for too long. It is cut off
-- then, so that a stalled one keeps no locks on positions.
CREATE FUNCTION projector.remove_lost_members(me text) RETURNS void
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
        DELETE FROM projector.share AS s WHERE s.process = lost;
    END LOOP;
END $$;

-- One member's word, several times a second: it lives, it has stopped working what it gives back.
-- Returns what it holds; of the surplus it has to stop working, and give it back then. Nobody takes
-- what another one holds.
CREATE FUNCTION projector.share_partitions(me text, v text, partitions integer, given integer[],
                                           silence_ms integer)
    RETURNS TABLE (held integer, surplus boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    members bigint;
    place   bigint;
    due     bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sijang shares'));
    INSERT INTO projector.member AS m (process, views, alive_until)
        VALUES (me, v, clock_timestamp() + silence_ms * interval '1 millisecond')
        ON CONFLICT (process) DO UPDATE SET alive_until = EXCLUDED.alive_until;
    PERFORM projector.remove_lost_members(me);
    DELETE FROM projector.share AS s
        WHERE s.process = me AND s.views = v AND s.partition = ANY (given);
    SELECT count(*), count(*) FILTER (WHERE m.number < mine.number) INTO members, place
        FROM projector.member AS m, (SELECT number FROM projector.member WHERE process = me) AS mine
        WHERE m.views = v;
    due := partitions / members + (place < partitions % members)::integer;
    INSERT INTO projector.share (views, partition, process)
        SELECT v, p, me FROM generate_series(0, partitions - 1) AS p
        WHERE NOT EXISTS (SELECT FROM projector.share AS s WHERE s.views = v AND s.partition = p)
        ORDER BY p
        LIMIT greatest(due - (SELECT count(*) FROM projector.share AS s
                              WHERE s.views = v AND s.process = me), 0);
    RETURN QUERY SELECT s.partition, row_number() OVER (ORDER BY s.partition) > due
        FROM projector.share AS s WHERE s.views = v AND s.process = me;
END $$;

-- In order: the others need not wait until its silence is noticed.
CREATE FUNCTION projector.share_leave(me text) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sijang shares'));
    DELETE FROM projector.share AS s WHERE s.process = me;
    DELETE FROM projector.member AS m WHERE m.process = me;
    RETURN true;
END $$;
