"""Views of one projector: they share reader and transaction, and none of them holds up another."""

from support.ledger import Ledger, detail_rows
from support.views_room import PARTITIONS, VIEWS, Work, more
from support.waiting import wait_until


def begin_anew(room, view):
    room.query_rows(f"DELETE FROM view_{view}_r1.{view}")
    room.query_rows("DELETE FROM projector.position WHERE view = %s", (view,))


def transactions(projector, view):
    return projector.metric(f'sijang_projector_transactions_total{{view="{view}"}}')


def test_all_views_are_written_in_one_transaction(room):
    room.projector().start()
    with Work(room.writer):
        for _ in range(20):
            more(room, 50)
            rows = room.query_rows("SELECT partition, count(DISTINCT (next_offset, xmin::text))"
                                   " FROM projector.position GROUP BY partition")
            assert rows and all(distinct == 1 for _, distinct in rows), rows
    room.check()


def test_a_view_a_little_behind_shares_the_reader(room):
    projector = room.projector().start()
    room.writer.work(1000)
    room.wait_until_at(room.ends())
    assert projector.stop() == 0
    begin_anew(room, "product_list")
    with Work(room.writer):
        projector.start()
        more(room, 300)
    room.check()
    assert not projector.log_contains("view_apart")


def test_a_view_far_behind_catches_up_apart_and_comes_back(room):
    projector = room.projector(SIJANG_PROJECTOR_APART_RECORDS=200).start()
    room.writer.work(2000)
    room.wait_until_at(room.ends())
    assert projector.stop() == 0
    begin_anew(room, "product_list")
    with Work(room.writer):
        projector.start(wait=False)
        projector.wait_for_log("view_apart", 20)
        projector.wait_for_log("view_back", 40)
        more(room, 300)
    room.check()
    before = transactions(projector, "product_list")
    room.writer.work(100)
    room.check()
    assert transactions(projector, "product_list") > before
    assert not projector.log_contains("view_halted")


def test_a_table_that_is_gone_stops_its_own_view_alone(room):
    projector = room.projector().start()
    room.writer.work(300)
    room.wait_until_at(room.ends())
    room.query_rows("ALTER TABLE view_product_list_r1.product_list RENAME TO gone")
    room.writer.work(300)
    room.wait_until_at(room.ends(), views=("product_detail",))
    wait_until(lambda: not projector.ready(), 10, "the projector is not ready")
    views = projector.get("/ready").json()["views"]
    assert views["product_list"]["waiting_for"]["fault"] == "database_failed"
    room.query_rows("ALTER TABLE view_product_list_r1.gone RENAME TO product_list")
    room.check()
    projector.wait_ready()


def test_what_the_database_refuses_of_one_view_is_written_to_the_others(room):
    room.query_rows("ALTER TABLE view_product_list_r1.product_list"
                    " ADD CHECK (title <> 'refused')")
    projector = room.projector().start()
    room.writer.work(300)
    room.writer.list_product(1, title="refused")
    room.writer.work(300)
    room.wait_until_at(room.ends(), views=("product_detail",))
    assert detail_rows(room) == Ledger(room.broker, PARTITIONS).rows()
    room.wait_until_at(room.ends())
    views = projector.get("/ready").json()["views"]
    assert [views[view]["parked_keys"] for view in VIEWS] == [0, 1]
