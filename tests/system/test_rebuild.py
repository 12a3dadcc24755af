"""Rebuilding a view beside the live one: the new rows are the fold of the log, whoever dies, and
who reads meanwhile sees no gap and nothing older than before."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from support.ledger import Ledger, check_views
from support.paths import ROOT, binary
from support.views_room import PARTITIONS
from support.waiting import wait_until

VIEW = "product_list"


def ctl(room, *words, check=True):
    env = {**os.environ, "SIJANG_DATABASE": room.postgres.conninfo("sijang")}
    done = subprocess.run([binary("sijangctl"), "views", *words], env=env, text=True, cwd=ROOT,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def state(room, view=VIEW):
    rows = room.query_rows("SELECT state, partitions_done, sliced, paused, trouble"
                           " FROM projector.rebuild WHERE view = %s", (view,))
    return dict(zip(("state", "partitions_done", "sliced", "paused", "trouble"), rows[0]))


def wait_until_follows(room, view=VIEW):
    def follows():
        now = state(room, view)
        assert now["trouble"] is None, now
        return now["state"] == "following"
    wait_until(follows, 60, f"{view} is rebuilt", 0.05)


def behind(room, view=VIEW):
    """Records between the new rows and the live ones."""
    return room.query_rows("SELECT projector.rebuild_behind(%s, 1)", (view,))[0][0]


def wait_until_same(room, view=VIEW):
    wait_until(lambda: behind(room, view) == 0, 30, f"the new {view} has caught up", 0.05)


def rebuild(room, view=VIEW):
    ctl(room, "rebuild", view)
    wait_until_follows(room, view)
    wait_until_same(room, view)


def digest(room, schema, view=VIEW):
    columns = room.query_rows(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
        (schema, view))[0][0]
    return room.query_rows("SELECT * FROM projector.digest(%s, %s, %s)", (schema, view, columns))


def tables(room, view, schema):
    return [(name, definition.replace(f"{schema}.", "")) for name, definition in room.query_rows(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND tablename = %s"
        " ORDER BY indexname", (schema, view))]


def test_the_new_rows_are_the_fold_of_the_log(room):
    room.writer.work(3000)
    room.projector().start()
    room.check()
    for view in ("product_list", "product_detail"):
        rebuild(room, view)
        assert "no row differs" in ctl(room, "verify", view).stdout
        live = f"view_{view}_r1"
        assert tables(room, view, live) == tables(room, view, f"{live}_rebuild")
        ctl(room, "swap", view)
    room.writer.work(500)
    room.check()
    for view in ("product_list", "product_detail"):
        wait_until_same(room, view)
        assert "no row differs" in ctl(room, "verify", view).stdout


def test_rows_that_do_not_fit_into_memory_are_replayed_in_slices(room):
    for number in range(PARTITIONS):
        for _ in range(900):
            room.writer.list_product(number, title="A title that takes some room " * 40)
    room.writer.flush()
    projector = room.projector(SIJANG_PROJECTOR_REBUILD_BYTES=1048576).start()
    room.wait_until_at(room.ends())
    rebuild(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout
    assert room.query_rows("SELECT rows FROM projector.rebuild") == [(PARTITIONS * 900,)]
    assert projector.log_contains('"rows":900,"slices":2')
    in_slices = digest(room, f"view_{VIEW}_r1_rebuild")
    ctl(room, "drop", VIEW)
    assert projector.stop() == 0
    two = [room.projector().start() for _ in range(2)]
    rebuild(room)
    assert [one.log_contains('"rows":900,"slices":1') for one in two].count(True) == 1
    at_once = digest(room, f"view_{VIEW}_r1_rebuild")
    assert in_slices == at_once == digest(room, f"view_{VIEW}_r1")


def test_a_killed_projector_goes_on_with_the_rebuild(room):
    room.writer.work(4000)
    projector = room.projector().start()
    room.check()
    ctl(room, "rebuild", VIEW)
    ctl(room, "throttle", VIEW, "3000")
    for partitions in (1, 2):
        wait_until(lambda: state(room)["partitions_done"] >= partitions, 30, "a partition is done")
        projector.kill()
        projector.start()
    ctl(room, "throttle", VIEW, "0")
    wait_until_follows(room)
    wait_until_same(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout


def test_half_a_partition_is_begun_again(room):
    room.writer.work(1000)
    projector = room.projector().start()
    room.check()
    rebuild(room)
    projector.stop()
    room.query_rows("UPDATE projector.rebuild SET state = 'replaying', sliced = true")
    projector.start()
    wait_until_follows(room)
    wait_until_same(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout


def test_a_rebuild_pauses_across_restarts_and_can_be_dropped(room):
    room.writer.work(2000)
    projector = room.projector().start()
    ctl(room, "rebuild", VIEW)
    ctl(room, "throttle", VIEW, "500")
    wait_until(lambda: state(room)["partitions_done"] >= 1, 30, "a partition is done")
    ctl(room, "pause", VIEW, "--as", "ops-1", "--reason", "sale at noon")
    projector.restart()
    assert "paused" in ctl(room, "progress", VIEW).stdout
    done = state(room)["partitions_done"]
    room.writer.work(200)
    room.check()
    assert state(room)["partitions_done"] == done < PARTITIONS
    ctl(room, "resume", VIEW)
    ctl(room, "throttle", VIEW, "off")
    wait_until_follows(room)
    ctl(room, "drop", VIEW)
    check_audit(room)
    assert room.query_rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%rebuild%'") == []
    room.writer.work(200)
    room.check()
    assert room.query_rows("SELECT count(*) FROM projector.position WHERE revision < 0") == [(0,)]


def check_audit(room):
    """Of what the test above did."""
    user = room.query_rows("SELECT session_user")[0][0]
    assert room.query_rows("SELECT who, action, detail FROM projector.audit ORDER BY number") == [
        (user, "rebuild", f"view_{VIEW}_r1_rebuild"),
        (user, "throttle", "500 records a second at most"), ("ops-1", "pause", "sale at noon"),
        (user, "resume", ""), (user, "throttle", "off"),
        (user, "drop", f"view_{VIEW}_r1_rebuild")]
    listed = ctl(room, "audit", VIEW).stdout.splitlines()
    assert len(listed) == 6 and listed[2].split()[1:] == [
        "ops-1", "pause", VIEW, "r1", "sale", "at", "noon"]


def test_a_rebuild_is_dropped_although_it_copies(room, monkeypatch):
    """A replay's transaction as it is while it copies: it has the table, then wants positions. The
    drop is the one that finds the deadlock."""
    room.writer.work(300)
    room.projector().start()
    room.check()
    rebuild(room)
    copying = psycopg2.connect(room.postgres.conninfo("sijang"))
    with copying, copying.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '60s'")
        cursor.execute(f"LOCK TABLE view_{VIEW}_r1_rebuild.{VIEW} IN ROW EXCLUSIVE MODE")
        monkeypatch.setenv("PGOPTIONS", "-c deadlock_timeout=4s")
        with ThreadPoolExecutor() as pool:
            drop = pool.submit(ctl, room, "drop", VIEW)
            wait_until(lambda: room.query_rows(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            ) == [(1,)], 30, "the drop waits for the table")
            cursor.execute("UPDATE projector.position SET parked = parked WHERE revision = -1")
            copying.commit()
            assert drop.result().returncode == 0
    copying.close()
    assert room.query_rows("SELECT count(*) FROM projector.rebuild") == [(0,)]


def test_verify_finds_damaged_rows_and_the_swap_mends_them(room):
    room.writer.work(1000)
    room.projector().start()
    room.check()
    rebuild(room)
    damaged = room.query_rows(f"UPDATE view_{VIEW}_r1.{VIEW} SET price = -1 WHERE ctid IN"
                              f" (SELECT ctid FROM view_{VIEW}_r1.{VIEW} LIMIT 3)"
                              " RETURNING product_id")
    found = ctl(room, "verify", VIEW, check=False)
    assert found.returncode == 1 and "3 rows differ" in found.stderr
    assert all(key in found.stdout for (key,) in damaged)
    ctl(room, "swap", VIEW)
    room.check()


def test_what_is_parked_is_parked_in_the_new_rows_as_well(room):
    """The replay stops where something has to be parked; who follows the log goes on from there."""
    room.writer.work(300)
    product = room.writer.partitions[1].products[0]
    room.writer.append(1, product.id, product.version + 1, [("StockAdjusted", b"no Avro")])
    room.writer.flush()
    room.projector().start()
    for _ in range(200):
        room.writer.work(1)
    room.wait_until_at(room.ends())
    rebuild(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout
    parked = ("SELECT key, event_offset, reason FROM projector.parked WHERE view = %s"
              " AND revision = %s ORDER BY number")
    live = room.query_rows(parked, (VIEW, 1))
    assert live and live == room.query_rows(parked, (VIEW, -1))
    ctl(room, "swap", VIEW)
    room.writer.work(100)
    room.wait_until_at(room.ends())
    wait_until_same(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout


def test_a_swap_before_the_rebuild_is_done_changes_nothing(room):
    room.writer.work(300)
    room.projector().start()
    room.check()
    refused = ctl(room, "swap", VIEW, check=False)
    assert refused.returncode == 1 and "no rebuild of product_list has been finished" in (
        refused.stderr)
    assert "not being rebuilt" in ctl(room, "pause", VIEW, check=False).stderr
    ctl(room, "rebuild", VIEW)
    refused = ctl(room, "rebuild", VIEW, check=False)
    assert refused.returncode == 1 and "product_list has a rebuild already" in refused.stderr
    refused = ctl(room, "rebuild", "nothing", check=False)
    assert refused.returncode == 1 and "there is no view nothing" in refused.stderr
    check_views(room, Ledger(room.broker, PARTITIONS))


def test_a_plan_says_what_it_costs(room):
    room.writer.work(300)
    room.projector().start()
    room.check()
    said = ctl(room, "plan", VIEW).stdout
    assert f"{sum(room.ends().values())} records to read" in said
    assert ctl(room, "plan", "nothing", check=False).returncode == 1


@pytest.mark.parametrize("words", [["rebuild"], ["rebuild", "a", "b"], ["throttle", VIEW],
                                   ["throttle", VIEW, "fast"],
                                   ["progress", VIEW, "--as", "ops-1"]])
def test_wrong_arguments_are_said(room, words):
    assert ctl(room, *words, check=False).returncode == 2
