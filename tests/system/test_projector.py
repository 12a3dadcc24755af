"""projector alone against real Kafka and Postgres: whatever dies, every row is the fold of the log,
once; and what cannot be applied stops where it is, and says so."""

import random
import uuid

import psycopg2
import pytest
import requests

from support.ledger import Ledger, detail_rows
from support.views_room import PARTITIONS, VIEWS, Work, more, snatch, wait_until_kept
from support.waiting import wait_until
from support.writer import TOPIC, TOPIC_SETTINGS


def test_rows_are_the_fold_of_the_log(room):
    room.writer.work(3000)
    room.projector().start()
    room.check()
    room.writer.work(500)
    room.check()


def test_small_batches_and_a_small_cache_give_the_same_rows(room):
    room.writer.work(3000)
    projector = room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=7, SIJANG_PROJECTOR_CACHE_BYTES=65536)
    projector.start(wait=False)
    room.check()


def test_a_killed_projector_loses_and_doubles_nothing(room):
    chance = random.Random(7)
    projector = room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=40)
    with Work(room.writer):
        for _ in range(12):
            projector.start(wait=False)
            more(room, chance.randrange(1, 300))
            projector.kill()
    projector.start()
    room.check()


def test_a_killed_database_is_waited_for(room):
    projector = room.projector().start()
    with Work(room.writer):
        for _ in range(3):
            more(room, 300)
            room.postgres.kill()
            wait_until(lambda: not projector.ready(), 10, "the projector says that it is not ready")
            room.postgres.start()
            projector.wait_ready()
    room.check()
    waits = [line for line in projector.log_text().splitlines() if "view_waits" in line]
    assert len(waits) <= 3 * 2 * 3, "said once per outage and view, not at each attempt"


def test_broken_sessions_lose_and_double_nothing(room):
    room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=50).start()
    with Work(room.writer):
        for _ in range(25):
            more(room, 60)
            room.postgres.end_sessions()
    room.check()


def test_a_restarted_broker_is_waited_for(room):
    projector = room.projector().start()
    room.writer.work(500)
    room.wait_until_at(room.ends())
    room.broker.kill()
    room.broker.start()
    room.writer.work(500)
    room.check()
    projector.wait_ready()


def test_two_projectors_that_both_believe_write_each_event_once(room):
    first = room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=30).start()
    second = room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=50).start()
    wait_until_kept([first, second], [2, 2])
    with Work(room.writer):
        for _ in range(10):
            more(room, 200)
            snatch(room)
    room.check()
    assert any(each.log_contains("another projector writes") for each in (first, second)), (
        "they never met")
    for projector in (first, second):
        assert not projector.log_contains("view_halted")


def test_a_stalled_projector_wakes_up_into_the_fence(room):
    first = room.projector().start()
    room.writer.work(200)
    room.wait_until_at(room.ends())
    first.pause()
    second = room.projector().start()
    room.writer.work(500)
    room.check()
    second.kill()
    first.resume()
    room.writer.work(500)
    room.check()
    assert not first.log_contains("view_halted")


def test_who_loses_the_race_for_a_position_writes_no_row(room):
    room.projector().start()
    product = room.writer.list_product(0)
    room.writer.flush()
    room.wait_until_at(room.ends())
    schema = "view_product_detail_r1"
    other = psycopg2.connect(room.postgres.conninfo("sijang"))
    with other.cursor() as cursor:  # another projector, in the middle of its transaction
        cursor.execute("UPDATE product_detail_position SET next_offset = next_offset + 1"
                       " WHERE partition = 0")
        cursor.execute(f"UPDATE {schema}.product_detail SET title = 'the other', version = %s"
                       " WHERE product_id = %s", (product.version + 1, product.id))
        room.writer.commit(product, [("ProductRevised", {"title": "mine", "description": None})])
        room.writer.flush()
        waiting = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND application_name LIKE 'sijang%'")
        wait_until(lambda: room.query_rows(waiting) == [(1,)], 10, "the projector waits its turn")
    other.commit()
    other.close()
    room.wait_until_at(room.ends())
    row = detail_rows(room)[product.id]
    assert (row["title"], row["version"]) == ("the other", product.version)


def test_positions_pass_what_is_no_event(room):
    room.projector().start()
    for number in range(PARTITIONS):
        room.writer.barrier(number)
        room.writer.append(number, str(uuid.uuid4()), 1, [("PriceChanged", b"void")], term=999)
        room.broker.produce(TOPIC, number, b"junk")
    room.writer.flush()
    room.check()


def halted(projector):
    """What /ready says of the views, once both have halted somewhere."""
    def find():
        try:
            views = projector.get("/ready").json()["views"]
        except requests.ConnectionError:
            return None
        return views if all(view["halted_partitions"] for view in views.values()) else None
    return wait_until(find, 20, "both views are halted")


FROM_THE_FUTURE = {
    "an unknown schema": lambda product: (
        product.id, product.version + 1, [("ProductEnchanted", b"\x00\x00\x0f\xff\xff\x00")]),
    "the second event of a commit": lambda product: (
        product.id, product.version + 1, [("PriceChanged", {"price": 5, "previous_price": 1}),
                                          ("ProductEnchanted", b"\x00\x00\x0f\xff\xff\x00")]),
}


@pytest.mark.parametrize("kind", FROM_THE_FUTURE)
def test_what_a_newer_program_wrote_halts_its_partition_alone(room, kind):
    room.writer.work(300)
    product = room.writer.partitions[1].products[0]
    poisoned_at = room.ends()[1]
    ledger = Ledger(room.broker, PARTITIONS)
    room.writer.append(1, *FROM_THE_FUTURE[kind](product))
    room.writer.commit(product, [("ProductDelisted", {"reason": "behind it"})])
    for number in (0, 2, 3):
        room.writer.list_product(number, title="after")
    room.writer.flush()
    projector = room.projector().start(wait=False)
    for restarted in (False, True):
        if restarted:  # the same place again
            assert projector.stop() == 0
            projector.start(wait=False)
        views = halted(projector)
        for view in views.values():
            halt = view["halt"]
            assert not view["ready"]
            assert (halt["context"], halt["partition"]) == ("catalog", 1)
            assert halt["offset"] - poisoned_at in (0, 1)
            assert halt["error"]["detail"]
        assert projector.get("/ready").status_code == 503
        assert projector.log_contains("view_halted")
        room.wait_until_at({**room.ends(), 1: poisoned_at})
        rows, expected = detail_rows(room), ledger.rows()
        assert {key: rows[key] for key in expected} == expected
        assert len(rows) == len(expected) + 3
        assert projector.alive


def test_another_log_in_the_place_of_the_known_one_is_not_read(room):
    room.writer.work(400)
    projector = room.projector().start()
    room.check()
    rows, positions = detail_rows(room), room.positions("product_detail")
    assert projector.stop() == 0
    room.broker.delete_topic(TOPIC)
    room.broker.create_topic(TOPIC, PARTITIONS, TOPIC_SETTINGS)
    room.writer.claim_all()
    room.writer.work(800)
    projector.start(wait=False)
    for view in halted(projector).values():
        assert view["halt"]["error"]["fault"] in ("log_replaced", "log_truncated")
    wait_until(lambda: projector.metric("sijang_projector_halted_partitions") == PARTITIONS, 20,
               "every partition is halted")
    assert (detail_rows(room), room.positions("product_detail")) == (rows, positions)


def test_code_that_does_not_match_the_tables_refuses_to_start(room):
    room.query_rows("UPDATE projector.fingerprint SET events = 'others'"
                    " WHERE view = 'product_list'")
    projector = room.projector().start(wait=False)
    wait_until(lambda: not projector.alive, 20, "the projector ends")
    assert projector.exit_code == 1
    assert projector.log_contains("the fingerprint of product_list, revision 1, differs")


def test_other_partition_counts_refuse_to_start(room):
    room.projector().start().stop()
    fewer = room.projector(SIJANG_PARTITIONS=PARTITIONS - 1).start(wait=False)
    wait_until(lambda: not fewer.alive, 20, "the projector ends")
    assert fewer.exit_code == 1
    assert fewer.log_contains("SIJANG_PARTITIONS")


def test_a_raised_generation_fences_the_worker(room):
    projector = room.projector().start()
    room.writer.work(100)
    room.wait_until_at(room.ends())
    room.query_rows("UPDATE product_detail_position SET generation = generation + 1")
    room.writer.work(100)
    room.check()
    assert projector.metric('sijang_projector_fenced_total{view="product_detail"}') >= 1


def test_it_starts_before_its_tables_and_its_servers(room):
    room.writer.work(100)
    for view in VIEWS:
        room.query_rows(f"DROP SCHEMA view_{view}_r1 CASCADE")
    room.query_rows("DROP SCHEMA projector CASCADE")
    room.postgres.stop()
    projector = room.projector().start(wait=False)
    projector.wait_for_log("view_waits", 20)
    room.postgres.start()
    room.migrate()
    projector.wait_ready()
    room.check()


def test_the_metrics_say_how_far_each_partition_is(room):
    room.writer.work(200)
    projector = room.projector().start()
    room.check()
    wait_until(lambda: projector.metric("sijang_projector_lag_milliseconds") == 0, 10, "no lag")
    text = projector.get("/metrics").text
    for view in VIEWS:
        for number in range(PARTITIONS):
            labels = f'view="{view}",context="catalog",partition="{number}"'
            assert f"sijang_projector_lag_events{{{labels}}} 0" in text
