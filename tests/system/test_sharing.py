"""Several projectors share the partitions: who dies, stalls or stops is replaced, who comes gets
its part, and the rows are the fold of the log all the while."""

import os
import subprocess
import time

from support.client import Client, sign_token
from support.ledger import Ledger, detail_rows, expected_list_row, list_rows
from support.paths import binary
from support.views_room import PARTITIONS, VIEWS, Work, kept, more, wait_until_kept
from support.waiting import wait_until

SILENCE_MS = 1500
SECRET = "a secret for tests, forty characters long"


def sharing(room, **settings):
    return room.projector(SIJANG_PROJECTOR_SILENCE_MS=SILENCE_MS, **settings)


def metric(projector, name):
    return sum(projector.metric(f'sijang_projector_{name}{{view="{view}"}}') for view in VIEWS)


def why(room):
    env = {**os.environ, "SIJANG_DATABASE": room.postgres.conninfo("sijang")}
    return subprocess.run([binary("sijangctl"), "why", "product_list"], env=env, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60).stdout


def works(projector, room):
    """It stores something of its own."""
    before = metric(projector, "transactions_total")
    wait_until(lambda: metric(projector, "transactions_total") > before, 20,
               f"{projector.name} writes")
    more(room, 50)


def check(room, *projectors):
    room.check()
    check_nothing_is_parked(room, *projectors)


def check_nothing_is_parked(room, *projectors):
    assert room.query_rows("SELECT count(*) FROM projector.parked") == [(0,)]
    for projector in projectors:
        assert not projector.log_contains("view_halted")


def test_partitions_follow_who_lives(room):
    first, second, third = sharing(room).start(), sharing(room), sharing(room)
    with Work(room.writer):
        wait_until_kept([first], [4])
        second.start()
        wait_until_kept([first, second], [2, 2])
        first.wait_for_log('"event":"partitions_read_on"', 20)
        third.start()
        wait_until_kept([first, second, third], [2, 1, 1])
        for projector in (first, second, third):
            works(projector, room)
        first.kill()
        killed = time.monotonic()
        wait_until_kept([second, third], [2, 2])
        took_s = time.monotonic() - killed
        first.start()
        wait_until_kept([first, second, third], [1, 1, 2])
        works(first, room)
        assert second.stop() == 0
        wait_until_kept([first, third], [2, 2])
        more(room, 300)
    check(room, first, second, third)
    assert took_s < 10, "its connections are gone: nobody waits for its silence to be noticed"
    assert metric(first, "fenced_total") + metric(third, "fenced_total") <= 10, "no storm"


def test_a_stalled_projector_is_replaced_and_shares_again_when_it_wakes(room):
    first, second = sharing(room).start(), sharing(room).start()
    wait_until_kept([first, second], [2, 2])
    with Work(room.writer):
        more(room, 200)
        first.pause()
        wait_until_kept([second], [4])
        more(room, 200)
        first.resume()
        wait_until_kept([first, second], [2, 2])
        works(first, room)
    check(room, first, second)
    assert metric(first, "fenced_total") + metric(second, "fenced_total") <= 10, "no storm"


def test_who_has_no_partition_is_ready_to_take_one(room):
    projectors = [sharing(room).start() for _ in range(PARTITIONS + 1)]
    wait_until_kept(projectors, [0, 1, 1, 1, 1])
    idle = next(projector for projector in projectors if kept(projector) == 0)
    assert idle.ready()
    assert all(view["partitions"] == 0 for view in idle.get("/ready").json()["views"].values())
    next(projector for projector in projectors if kept(projector) == 1).kill()
    wait_until(lambda: kept(idle) == 1, 20, "it takes the place of the one that was killed")
    room.writer.work(300)
    check(room, *projectors)


def test_a_lease_whose_holder_is_gone_is_taken(room):
    """However it came there: nobody would ever give it back."""
    first = sharing(room).start()
    room.query_rows("UPDATE projector.share SET process = 'gone' WHERE partition IN (0, 2)")
    room.writer.work(200)
    check(room, first)
    assert room.query_rows("SELECT count(DISTINCT process), count(*) FROM projector.share") == [
        (1, PARTITIONS)]


def test_a_partition_that_nobody_works_is_told_as_such(room):
    first = sharing(room).start()
    room.writer.work(100)
    room.wait_until_at(room.ends())
    first.pause()
    silent = ("SELECT count(*) FROM projector.position"
              " WHERE updated_at < clock_timestamp() - interval '1.5 s'")
    wait_until(lambda: room.query_rows(silent) == [(PARTITIONS * len(VIEWS),)], 10,
               "no position is told any more")
    wait_until(lambda: why(room).count("no projector has told of it") == PARTITIONS, 20,
               "`why` says so after five seconds")
    second = sharing(room).start()
    wait_until(lambda: room.query_rows(silent) == [(0,)], 20, "all are told again")
    assert kept(second) == PARTITIONS
    wait_until(lambda: "nothing keeps" in why(room), 10, "nothing to tell any more")


def test_operators_may_ask_any_projector(room):
    """What is parked in a partition of one is discarded at another, and a rebuild goes over all."""
    projectors = [sharing(room, SIJANG_TOKEN_SECRET=SECRET).start() for _ in range(2)]
    wait_until_kept(projectors, [2, 2])
    room.writer.work(200)
    poisoned = [room.writer.partitions[number].products.pop() for number in range(PARTITIONS)]
    for product in poisoned:
        room.writer.commit(product, [("ProductRevised", {"title": "nul\0", "description": None})])
    room.writer.flush()
    room.wait_until_at(room.ends())
    for projector in projectors:
        wait_until(lambda: metric(projector, "parked_keys") == 2 * len(VIEWS), 10,
                   "it tells those of its own partitions")
    admin = Client(projectors[0].url, sign_token(SECRET, "ops-1", ["admin"]))
    for view in VIEWS:
        for product in poisoned:
            answer = admin.post(f"/v1/parked/{view}/{product.id}/discard", {"reason": "nul"})
            assert answer.status_code == 200 and answer.json()["discarded"] == 1, answer.text
    room.query_rows("SELECT projector.rebuild_begin('product_list', 1)")
    following = "SELECT state FROM projector.rebuild"
    wait_until(lambda: room.query_rows(following) == [("following",)], 30, "it is rebuilt", 0.05)
    room.writer.work(200)
    room.wait_until_at(room.ends())
    behind = "SELECT projector.rebuild_behind('product_list', 1)"
    wait_until(lambda: room.query_rows(behind) == [(0,)], 30, "the new rows catch up", 0.05)
    room.query_rows("SELECT projector.rebuild_swap('product_list', false, 5000)")
    room.writer.work(200)
    room.wait_until_at(room.ends())
    check_nothing_is_parked(room, *projectors)
    expected = Ledger(room.broker, PARTITIONS).rows()
    for product in poisoned:  # what was discarded is missing in theirs
        del expected[product.id]
    rows, lists = detail_rows(room), list_rows(room)
    assert {key: rows[key] for key in expected} == expected
    assert {key: lists[key] for key in expected} == {
        key: expected_list_row(row) for key, row in expected.items()}
