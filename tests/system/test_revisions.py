"""From one revision of a view to the next: both are kept beside each other, one is read, and the
way back stays open until the old one is dropped."""

from support.paths import ROOT
from support.views_room import Work
from support.waiting import wait_until
from test_rebuild import VIEW, ctl, wait_until_follows, wait_until_same
from test_swap import LOAD_PER_S, Reader, moved

MIGRATION = ROOT / "tests/projector/revised/product_list_next.sql"


def live(room):
    return room.query_rows("SELECT revision FROM projector.fingerprint WHERE view = %s AND live",
                           (VIEW,))


def columns(room):
    return [name for (name,) in room.query_rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " ORDER BY attnum", (f"public.{VIEW}",))]


def test_a_new_revision_takes_over_and_gives_back_under_load(room):
    room.writer.work(1000)
    room.projector().start()
    room.check()
    room.end()
    room.query_rows(MIGRATION.read_text())
    projector = room.projector("projector-revised").start()
    reader = Reader(room)
    reader.start()
    try:
        with Work(room.writer, LOAD_PER_S):
            ctl(room, "rebuild", VIEW)
            wait_until_follows(room)
            for verb, revision in (("swap", 2), ("rollback", 1), ("swap", 2)):
                before = moved(room)
                ctl(room, verb, VIEW)
                assert live(room) == [(revision,)]
                assert ("sold" in columns(room)) == (revision == 2)
                wait_until(lambda: moved(room) > before + 300, 60, "the live view goes on")
    finally:
        reader.stopping = True
        reader.join()
    assert reader.failures == []
    room.check()
    wait_until_same(room)
    said = ctl(room, "verify", VIEW).stdout
    assert "no row differs" in said and "revisions 2 and 1" in said
    assert room.query_rows(f"SELECT sum(sold) > 0 FROM {VIEW}") == [(True,)]
    listed = [line.split() for line in ctl(room, check=True).stdout.splitlines()[1:]]
    assert [line[1] for line in listed if line[0] == VIEW and "live" in line] == ["r1"]
    room.end()
    older = room.projector().start(wait=False)
    wait_until(lambda: not older.alive, 20, "the program without the live revision ends")
    assert older.exit_code == 1 and older.log_contains("readers of product_list get revision 2")
    room.projectors = []
    projector = room.projector("projector-revised").start()
    room.writer.work(200)
    room.check()
    wait_until_same(room)
    ctl(room, "drop", VIEW)
    wait_until(lambda: projector.log_contains('"revision":1,"as":"not at all"'), 30,
               "nobody keeps the old revision")
    room.writer.work(200)
    room.check()
    assert room.query_rows("SELECT to_regnamespace('view_product_list_r1') IS NULL") == [(True,)]
    projector.wait_ready()
    said = room.query_rows("SELECT action FROM projector.audit ORDER BY number")
    assert [action for (action,) in said] == ["rebuild", "swap", "rollback", "swap", "drop"]


def test_a_fresh_installation_begins_with_the_newest_revision(room):
    room.query_rows(MIGRATION.read_text())
    assert live(room) == [(2,)]
    room.writer.work(300)
    projector = room.projector("projector-revised").start()
    room.check()
    projector.wait_ready()
    assert room.query_rows("SELECT count(*) FROM view_product_list_r1.product_list") == [(0,)]
