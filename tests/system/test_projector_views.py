"""Views of one projector: they share reader and transaction, and none of them holds up another."""

import random

import pytest

from support.ledger import Ledger, detail_rows
from support.views_room import PARTITIONS, VIEWS, Work, more, total
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


def digest(room):
    return [room.query_rows(f"SELECT md5(string_agg(t::text, '|' ORDER BY product_id)) FROM {view}"
                            " AS t") for view in VIEWS]


@pytest.mark.parametrize("seed", range(3))
def test_any_batches_and_any_crashes_give_the_same_rows(room, seed):
    """Twice from the beginning, each time with other batches and deaths: the same digest, and it is
    that of the plain fold."""
    chance, digests = random.Random(seed), []
    room.writer.random.seed(seed)
    room.writer.work(1500)
    room.writer.flush()
    for _ in range(2):
        for view in VIEWS:
            begin_anew(room, view)
        projector = room.projector(
            SIJANG_PROJECTOR_BATCH_EVENTS=chance.choice([1, 3, 20, 5000]),
            SIJANG_PROJECTOR_PACE_MS=chance.choice([0, 10]),
            SIJANG_PROJECTOR_FETCH_SPACING_MS=chance.choice([0, 5]),
            SIJANG_PROJECTOR_APART_RECORDS=chance.choice([20, 10000]),
            SIJANG_PROJECTOR_CACHE_BYTES=chance.choice([65536, 8388608]))
        for _ in range(chance.randrange(4)):
            projector.start(wait=False)
            goal = min(total(room) + chance.randrange(1, 200), sum(room.ends().values()))
            wait_until(lambda: total(room) >= goal, 30, "some records are stored", 0.002)
            if chance.random() < 0.3:
                room.postgres.end_sessions()
            projector.kill()
            behind = chance.choice(VIEWS)
            if chance.random() < 0.3:
                begin_anew(room, behind)
        projector.start(wait=False)
        room.check()
        digests.append(digest(room))
        projector.kill()
    assert digests[0] == digests[1]
