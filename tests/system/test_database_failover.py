"""The database fails over to a replica that has not got everything: rows and positions were lost
together, so the log heals the views; what operators have decided was never answered before the
replica had it."""

from support.client import Client, sign_token
from support.ledger import Ledger, detail_rows, expected_list_row, list_rows
from support.views_room import PARTITIONS, VIEWS, Work, more, total, wait_until_kept
from support.waiting import wait_until

SECRET = "a secret for tests, forty characters long"


def both(primary, standby):
    """For libpq: whichever of them takes writes."""
    return (f"host=127.0.0.1,127.0.0.1 port={primary.port},{standby.port} user=postgres"
            " dbname=sijang target_session_attrs=read-write")


def wait_until_streaming(primary, state):
    wait_until(lambda: primary.query("SELECT sync_state FROM pg_stat_replication"
                                     " WHERE state = 'streaming'") == state, 30,
               f"the replica follows: {state}")


def discard_poison(room, projector):
    """Of every view, one event; returns what it was about."""
    product = room.writer.partitions[1].products.pop()
    room.writer.commit(product, [("ProductRevised", {"title": "nul\0", "description": None})])
    room.writer.flush()
    room.wait_until_at(room.ends())
    admin = Client(projector.url, sign_token(SECRET, "ops-1", ["admin"]))
    for view in VIEWS:
        answer = admin.post(f"/v1/parked/{view}/{product.id}/discard", {"reason": "nul"})
        assert answer.status_code == 200, answer.text
    return product


def test_views_heal_from_the_log_and_decisions_stay(room):
    primary = room.postgres
    room.writer.work(300)
    with primary.replica(room.folder / "standby") as standby:
        standby.start()
        primary.configure("synchronous_standby_names", "*")
        wait_until_streaming(primary, [("sync",)])
        settings = {"SIJANG_DATABASE": both(primary, standby), "SIJANG_TOKEN_SECRET": SECRET}
        projectors = [room.projector(**settings).start() for _ in range(2)]
        wait_until_kept(projectors, [2, 2])
        poisoned = discard_poison(room, projectors[0])
        with Work(room.writer):
            more(room, 200)
            standby.configure("primary_conninfo", "")  # from here on it gets nothing
            wait_until_streaming(primary, [])
            more(room, 500)
            before = total(room)
            primary.kill()
            room.postgres = standby
            assert total(room) < before, "nothing was lost: this test shows nothing"
            standby.promote()
            for projector in projectors:
                projector.wait_ready()
            more(room, 200)
        wait_until_kept(projectors, [2, 2])
        room.wait_until_at(room.ends())
        expected = Ledger(room.broker, PARTITIONS).rows()
        del expected[poisoned.id]
        rows, lists = detail_rows(room), list_rows(room)
        assert {key: rows[key] for key in expected} == expected
        assert {key: lists[key] for key in expected} == {
            key: expected_list_row(row) for key, row in expected.items()}
        assert room.query_rows("SELECT count(*) FROM projector.parked") == [(0,)]
        assert room.query_rows("SELECT discarded_by FROM projector.discarded") == [("ops-1",)] * 2
        for projector in projectors:
            assert not projector.log_contains("view_halted")
        room.end()
