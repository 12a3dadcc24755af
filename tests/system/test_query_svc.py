"""query-svc alone, on rows and positions written here: waiting, refusing, losing its database."""

import asyncio
import http.client
import json
import os
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
import requests

from support.client import sign_token
from support.paths import ROOT
from support.postgres import Postgres
from support.service import Service
from support.waiting import wait_until

LOG = "11111111-1111-4111-8111-111111111111"
OTHER_LOG = "22222222-2222-4222-8222-222222222222"
PARTITIONS = 8
VIEWS = ("product_detail", "product_list")


def product_id(number):
    return f"01900000-0000-7000-8000-{number:012x}"


def murmur2(data):
    """As Kafka's Java client has it, from its description, not from our C."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    for i in range(0, len(data) - 3, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[len(data) // 4 * 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key):
    return (murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


def mark(offset, partition=0, context="catalog", log=LOG):
    return f"{context}/{partition}@{offset}~{log}"


class Reads:
    """One query-svc on a database of its own."""

    def __init__(self, postgres, folder, **settings):
        self.postgres = postgres
        self.database = f"reads_{uuid.uuid4().hex[:12]}"
        self.service = Service("query-svc", folder, {
            "SIJANG_DATABASE": postgres.create_database(self.database),
            "SIJANG_TOKEN_SECRET": "a secret for tests, forty characters long",
            "SIJANG_PARTITIONS": PARTITIONS,
            **settings,
        }, "SIJANG_QUERY_PORT")

    def query(self, sql, arguments=None):
        return self.postgres.query(sql, arguments, self.database)

    def migrate(self):
        for path in sorted((ROOT / "migrations").glob("*.sql")):
            self.query(path.read_text())
        for view in VIEWS:
            for partition in range(PARTITIONS):
                self.query("INSERT INTO projector.position (view, revision, partition, context,"
                           " log, next_offset, end_offset, updated_at)"
                           " VALUES (%s, 1, %s, 'catalog', %s, 100, 103, '2100-01-01')",
                           (view, partition, LOG))

    def fill(self, count):
        self.query("INSERT INTO view_product_detail_r1.product_detail SELECT"
                   " ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,"
                   " 'seller-' || i %% 3, 'Product ' || i, 'About ' || i, 1000 + i, i %% 5 = 0,"
                   " 'active', 10, i %% 4, i FROM generate_series(1, %s) AS i", (count,))
        self.query("INSERT INTO view_product_list_r1.product_list SELECT product_id, seller_id,"
                   " title, price, made_to_order, status,"
                   " CASE WHEN made_to_order THEN 0 ELSE on_hand - reserved END, version"
                   " FROM view_product_detail_r1.product_detail")

    def move(self, next_offset, partition=0, view="product_detail"):
        self.query("UPDATE projector.position SET next_offset = %s"
                   " WHERE partition = %s AND view = %s", (next_offset, partition, view))

    def get(self, path, wait_for=None, wait_s=None, **headers):
        if wait_for is not None:
            headers["Sijang-Wait-For"] = wait_for
        if wait_s is not None:
            headers["Prefer"] = f"wait={wait_s}"
        return requests.get(self.service.url + path, headers=headers, timeout=40)


@pytest.fixture(scope="module")
def reads(postgres, shared_folder):
    running = Reads(postgres, shared_folder)
    running.migrate()
    running.fill(250)
    running.service.start()
    yield running
    assert running.service.stop() == 0, running.service.log_tail()


@pytest.fixture
def own_reads(postgres, folder):
    """For tests that move positions."""
    running = Reads(postgres, folder, SIJANG_QUERY_WAITERS_MAX=1500)
    running.migrate()
    running.fill(10)
    running.service.start()
    yield running
    assert running.service.stop() == 0, running.service.log_tail()


PRODUCT = f"/v1/products/{product_id(7)}"


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def test_a_product_is_answered_with_its_version_and_the_position_of_its_partition(reads):
    answer = reads.get(PRODUCT)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "id": product_id(7), "seller_id": "seller-1", "title": "Product 7",
        "description": "About 7", "price": 1007, "on_hand": 10, "reserved": 3, "available": 7,
        "made_to_order": False, "status": "active", "version": 7,
    }
    assert answer.headers["ETag"] == '"7"'
    assert answer.headers["Sijang-Position"] == mark(99, partition_of(product_id(7)))
    assert answer.headers["Sijang-View-Lag"] == "3"


@pytest.mark.parametrize("condition,status", [
    ('"7"', 304), ('W/"7"', 304), ('"6", "7"', 304), ("*", 304), ('"6"', 200), ("7", 200),
])
def test_an_unchanged_product_is_not_sent_again(reads, condition, status):
    answer = reads.get(PRODUCT, **{"If-None-Match": condition})
    assert answer.status_code == status
    assert answer.headers["ETag"] == '"7"'
    assert (answer.content == b"") == (status == 304)


def test_an_unchanged_list_is_not_sent_again(reads):
    answer = reads.get("/v1/products?limit=2")
    tag = answer.headers["ETag"]
    assert reads.get("/v1/products?limit=2").headers["ETag"] == tag
    assert reads.get("/v1/products?limit=3").headers["ETag"] != tag
    again = reads.get("/v1/products?limit=2", **{"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Sijang-Position"] == answer.headers["Sijang-Position"]


def test_a_product_that_is_not_there_is_refused_with_a_position(reads):
    answer = reads.get(f"/v1/products/{product_id(9999)}")
    assert code_of(answer) == (404, "product_not_found")
    assert answer.headers["Sijang-Position"].startswith("catalog/")


def test_a_path_that_is_no_id_is_the_path_of_nothing(reads):
    assert code_of(reads.get("/v1/products/no-uuid")) == (404, "product_not_found")


def test_an_upper_case_id_finds_the_same_product(reads):
    assert reads.get(f"/v1/products/{product_id(171).upper()}").json()["id"] == product_id(171)


def test_pages_show_everything_once_newest_first(reads):
    seen, cursor = [], ""
    while cursor is not None:
        page = reads.get(f"/v1/products?limit=40{cursor}").json()
        assert len(page["items"]) <= 40
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if "next_cursor" in page else None
    assert seen == [product_id(number) for number in range(250, 0, -1)]


def test_a_page_has_twenty_items_if_nothing_is_said(reads):
    answer = reads.get("/v1/products")
    assert len(answer.json()["items"]) == 20
    assert answer.headers["Sijang-Position"].count("catalog/") == PARTITIONS
    assert answer.headers["Sijang-View-Lag"] == str(3 * PARTITIONS)


def test_a_full_last_page_has_no_next_one(reads):
    page = reads.get("/v1/products?limit=2&term=Product 99").json()
    assert [item["title"] for item in page["items"]] == ["Product 99"]
    assert "next_cursor" not in page


def test_filters_add_up(reads):
    def titles(query):
        page = reads.get(f"/v1/products?limit=100&{query}").json()
        return {item["title"] for item in page["items"]}
    assert titles("term=product 24") == {"Product 24", *(f"Product 24{i}" for i in range(10))}
    assert titles("term=product 24&seller=seller-0") == {"Product 24", "Product 240",
                                                         "Product 243", "Product 246",
                                                         "Product 249"}
    reads.query("UPDATE view_product_list_r1.product_list SET available = 0, title = '50%%_\\ off'"
                " WHERE product_id = %s", (product_id(3),))
    assert titles("term=50%25_%5C") == {"50%_\\ off"}
    assert titles("term=50%25_%5C&available=false") == {"50%_\\ off"}
    assert titles("term=50%25_%5C&available=true") == set()
    assert titles("seller=nobody") == set()
    assert titles("term=_") == {"50%_\\ off"}


@pytest.mark.parametrize("query,field,code", [
    ("limit=0", "limit", "too_small"), ("limit=101", "limit", "too_large"),
    ("limit=ten", "limit", "wrong_type"), ("available=maybe", "available", "wrong_type"),
    ("cursor=zzz", "cursor", "bad_format"), ("cursor=AAAAA", "cursor", "bad_format"),
    ("cursor=", "cursor", "bad_format"), ("seller=a%20b", "seller", "bad_format"),
    ("term=" + "x" * 65, "term", "too_long"),
], ids=lambda value: value[:20])
def test_what_cannot_be_asked_is_said_field_by_field(reads, query, field, code):
    answer = reads.get(f"/v1/products?{query}")
    assert code_of(answer) == (422, "invalid_fields")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_a_position_already_reached_does_not_wait(reads):
    every = ",".join(mark(99, partition) for partition in range(PARTITIONS))
    start = time.monotonic()
    assert reads.get(PRODUCT, every, 20).status_code == 200
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("position", [
    "catalog", "catalog/0@1", "catalog/0@-1~" + LOG, "catalog/x@1~" + LOG, mark(1) + ",",
    mark(1) + ";" + mark(1), "", ",".join([mark(1)] * 300),
], ids=range(8))
def test_a_malformed_position_is_refused(reads, position):
    assert code_of(reads.get(PRODUCT, position)) == (400, "malformed_position")


def code_of_lines(reads, *lines):
    """requests joins lines of one name itself: here each goes out as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", reads.service.port, timeout=20)
    connection.putrequest("GET", PRODUCT)
    for name, value in lines:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    code = json.loads(answer.read()).get("code")
    connection.close()
    return answer.status, code


@pytest.mark.parametrize("positions,expected", [
    ((mark(99), mark(99, 1)), (200, None)),
    ((mark(99), mark(100, 4)), (504, "position_not_reached")),
    ((mark(100, 4), mark(99)), (504, "position_not_reached")),
    ((mark(99), mark(99, 1), mark(1, log=OTHER_LOG)), (400, "unknown_position")),
    ((mark(99), "nonsense"), (400, "malformed_position")),
    ((mark(99), ""), (400, "malformed_position")),
], ids=range(6))
def test_positions_on_several_lines_are_one_list(reads, positions, expected):
    lines = [("sijang-wait-for" if i else "Sijang-Wait-For", position)
             for i, position in enumerate(positions)]
    start = time.monotonic()
    preferences = [("Prefer", "return=minimal"), ("Prefer", "wait=0")]
    assert code_of_lines(reads, *lines, *preferences) == expected
    assert time.monotonic() - start < 0.9


@pytest.mark.parametrize("position", [
    mark(1, log=OTHER_LOG), mark(1, partition=PARTITIONS), f"{mark(1)},{mark(1, 1, log=OTHER_LOG)}",
    f"{mark(5, 3, 'nowhere', OTHER_LOG)},{mark(50)}",
])
def test_a_position_of_another_log_or_of_no_context_is_refused(reads, position):
    assert code_of(reads.get(PRODUCT, position)) == (400, "unknown_position")


@pytest.mark.parametrize("wait,least_s,most_s", [("0", 0, 0.9), ("0.3", 0.3, 0.95), (None, 1, 4)])
def test_a_position_not_reached_in_time_says_where_the_view_stands(reads, wait, least_s, most_s):
    start = time.monotonic()
    answer = reads.get(PRODUCT, mark(100, 4), wait)
    assert least_s <= time.monotonic() - start < most_s
    assert code_of(answer) == (504, "position_not_reached")
    assert mark(99, 4) in answer.json()["detail"]


def test_a_reader_waits_until_the_row_is_there(own_reads):
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(own_reads.get, f"/v1/products/{product_id(50)}", mark(100, 2), 20)
        assert own_reads.get(PRODUCT, mark(100, 2), 0.2).status_code == 504
        assert not late.done()
        own_reads.query(
            "BEGIN; INSERT INTO view_product_detail_r1.product_detail VALUES (%s, 's', 'New', NULL,"
            " 1, false, 'active', 1, 0, 1); UPDATE product_detail_position"
            " SET next_offset = 101 WHERE partition = 2; COMMIT", (product_id(50),))
        answer = late.result(10)
    assert answer.status_code == 200, answer.text
    assert answer.json()["title"] == "New"
    assert "description" not in answer.json()


def test_a_context_of_which_nothing_was_read_makes_readers_wait(own_reads):
    own_reads.query("DELETE FROM product_detail_position WHERE partition = 5")
    wait_until(lambda: reads_lag_unknown(own_reads), 5, "the position is gone")
    assert own_reads.get(PRODUCT, mark(0, 5), 0.1).status_code == 504
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(own_reads.get, PRODUCT, mark(0, 5), 20)
        own_reads.query("INSERT INTO projector.position (view, revision, partition, context, log,"
                        " next_offset) VALUES ('product_detail', 1, 5, 'catalog', %s, 1)", (LOG,))
        assert late.result(10).status_code == 200


def reads_lag_unknown(reads):
    """A product of partition 5 has no lag once its position is not known."""
    number = next(n for n in range(1, 1000) if partition_of(product_id(n)) == 5)
    return "Sijang-View-Lag" not in reads.get(f"/v1/products/{product_id(number)}").headers


async def ask_at_once(port, count, headers):
    """Statuses of so many requests, each on a connection of its own, and a call for `asked`."""
    async def ask(asked):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {PRODUCT} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        await writer.drain()
        asked.release()
        status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    asked = asyncio.Semaphore(0)
    asking = [asyncio.create_task(ask(asked)) for _ in range(count)]
    for _ in range(count):
        await asked.acquire()
    return asking


def test_a_thousand_readers_wait_at_once(own_reads):
    async def scenario():
        asking = await ask_at_once(own_reads.service.port, 1000,
                                   f"Sijang-Wait-For: {mark(100)}\r\nPrefer: wait=25\r\n")
        await asyncio.to_thread(own_reads.move, 101)
        return await asyncio.wait_for(asyncio.gather(*asking), 20)
    assert asyncio.run(scenario()) == [200] * 1000


def test_more_waiters_than_configured_are_refused_at_once(own_reads):
    async def scenario():
        asking = await ask_at_once(own_reads.service.port, 1600,
                                   f"Sijang-Wait-For: {mark(100)}\r\nPrefer: wait=25\r\n")
        while sum(task.done() for task in asking) < 100:
            await asyncio.wait([task for task in asking if not task.done()],
                               return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(own_reads.move, 101)
        return await asyncio.wait_for(asyncio.gather(*asking), 20)
    statuses = asyncio.run(scenario())
    assert (statuses.count(503), statuses.count(200)) == (100, 1500)


def test_stopping_answers_those_who_wait(own_reads):
    async def scenario():
        asking = await ask_at_once(own_reads.service.port, 20,
                                   f"Sijang-Wait-For: {mark(100)}\r\nPrefer: wait=25\r\n")
        # The last one asked has been put aside when a later one, which need not wait, is answered.
        assert (await asyncio.to_thread(own_reads.get, PRODUCT)).status_code == 200
        exit_code = await asyncio.to_thread(own_reads.service.stop)
        return exit_code, await asyncio.wait_for(asyncio.gather(*asking), 20)
    assert asyncio.run(scenario()) == (0, [503] * 20)


def test_sessions_cut_off_under_load_are_a_moment_of_503(own_reads):
    stop, statuses = threading.Event(), []

    def keep_asking():
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.get(own_reads.service.url + PRODUCT, timeout=20)
                statuses.append(answer.status_code)

    askers = [threading.Thread(target=keep_asking) for _ in range(8)]
    for asker in askers:
        asker.start()
    for _ in range(5):
        count = len(statuses)
        wait_until(lambda: 200 in statuses[count:], 10, "answers")
        own_reads.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()")
    count = len(statuses)
    wait_until(lambda: 200 in statuses[count:], 10, "answers")
    stop.set()
    for asker in askers:
        asker.join()
    assert set(statuses) <= {200, 503}
    wait_until(own_reads.service.ready, 5, "ready again")


def test_a_product_is_answered_while_lists_are_stuck(own_reads):
    with closing(psycopg2.connect(own_reads.postgres.conninfo(own_reads.database))) as connection:
        cursor = connection.cursor()
        cursor.execute("LOCK TABLE view_product_list_r1.product_list IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(8) as pool:
            lists = [pool.submit(own_reads.get, "/v1/products?term=Product") for _ in range(8)]
            wait_until(lambda: own_reads.query(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0] > 0,
                5, "a list is stuck")
            assert own_reads.get(PRODUCT, wait_s=1).status_code == 200
            assert not any(one.done() for one in lists)
            connection.rollback()
            assert all(one.result().status_code in (200, 503) for one in lists)


def test_who_waits_is_answered_in_time_when_the_database_says_nothing(own_reads):
    positions = ("SELECT pid FROM pg_stat_activity WHERE application_name = 'query-svc positions'"
                 " AND datname = current_database()")
    pid = own_reads.query(positions)[0][0]
    os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        answer = own_reads.get(PRODUCT, mark(1000), 0.2)
        assert answer.status_code in (503, 504)
        assert time.monotonic() - start < 2.5
    finally:
        os.kill(pid, signal.SIGCONT)
    own_reads.service.wait_ready()


def test_a_lost_database_is_503_at_once_and_comes_back_by_itself(folder):
    with Postgres(folder / "postgres") as postgres:
        postgres.start()
        reads = Reads(postgres, folder)
        reads.migrate()
        reads.fill(10)
        with reads.service.start():
            postgres.kill()
            wait_until(lambda: not reads.service.ready(), 5, "not ready")
            for position in (None, mark(100)):
                start = time.monotonic()
                answer = reads.get(PRODUCT, position, 20)
                assert code_of(answer) == (503, "database_unavailable")
                assert answer.headers["Retry-After"] == "1"
                assert time.monotonic() - start < 2
            assert reads.service.get("/health").status_code == 200
            reads.service.wait_for_log("database_lost")
            postgres.start()
            reads.service.wait_ready()
            assert reads.get(PRODUCT).status_code == 200


def test_it_starts_before_the_views_exist_and_is_ready_when_they_do(postgres, folder):
    reads = Reads(postgres, folder)
    with reads.service.start(wait=False):
        reads.service.wait_for_log("started")
        reads.service.wait_for_log("database_lost")
        assert not reads.service.ready()
        assert reads.get(PRODUCT).status_code == 503
        reads.migrate()
        reads.fill(10)
        reads.service.wait_ready()
        assert reads.get(PRODUCT).status_code == 200
        assert reads.service.stop() == 0


def test_a_row_that_cannot_be_is_a_logged_500_and_others_are_answered(own_reads):
    own_reads.query("ALTER TABLE view_product_detail_r1.product_detail"
                    " ALTER COLUMN title DROP NOT NULL")
    own_reads.query("UPDATE view_product_detail_r1.product_detail SET title = NULL"
                    " WHERE product_id = %s", (product_id(7),))
    assert code_of(own_reads.get(PRODUCT)) == (500, "data_corrupt")
    own_reads.service.wait_for_log("question_failed")
    assert own_reads.get(f"/v1/products/{product_id(8)}").status_code == 200


def test_the_lag_behind_a_silent_projector_is_not_known(own_reads):
    assert own_reads.get(PRODUCT).headers["Sijang-View-Lag"] == "3"
    own_reads.query("UPDATE projector.position SET updated_at = now() - interval '10 s'")
    wait_until(lambda: "Sijang-View-Lag" not in own_reads.get(PRODUCT).headers, 5, "lag unknown")
    assert own_reads.get(PRODUCT).headers["Sijang-Position"] == mark(99, 2)


def test_who_wants_no_old_answer_waits_for_the_view_to_have_been_at_an_end(own_reads):
    assert "Sijang-View-Age-Ms" not in own_reads.get(PRODUCT).headers
    late = own_reads.get(PRODUCT, Prefer="max-stale=60, wait=0.1")
    assert code_of(late) == (504, "view_too_old")
    assert mark(99, 2) in late.json()["detail"]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(own_reads.get, PRODUCT, Prefer="max-stale=60, wait=20")
        # The end has run ahead, but what it was is passed.
        own_reads.query("UPDATE projector.position SET next_offset = 103, end_offset = 110"
                        " WHERE partition = 2")
        assert answer.result(10).status_code == 200
    assert int(own_reads.get(PRODUCT).headers["Sijang-View-Age-Ms"]) < 60000
    assert code_of(own_reads.get("/v1/products", Prefer="max-stale=60, wait=0.1")) == (
        504, "view_too_old")


def test_an_answer_is_as_old_as_its_projector_has_been_silent(own_reads):
    own_reads.query("UPDATE projector.position SET next_offset = 103,"
                    " updated_at = now() - interval '100 s'")
    own_reads.service.restart()
    for path in (PRODUCT, "/v1/products"):
        assert int(own_reads.get(path).headers["Sijang-View-Age-Ms"]) >= 100000
        assert own_reads.get(path, Prefer="max-stale=3000").status_code == 200
        assert code_of(own_reads.get(path, Prefer="wait=0.1, max-stale=60")) == (
            504, "view_too_old")
    both = own_reads.get(PRODUCT, mark(103, 2), Prefer="wait=0.1, max-stale=60")
    assert code_of(both) == (504, "position_not_reached")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(own_reads.get, PRODUCT, Prefer="max-stale=60, wait=20")
        own_reads.query("UPDATE projector.position SET updated_at = now()")
        assert answer.result(10).status_code == 200
    assert own_reads.get("/v1/products", Prefer="max-stale=60, wait=20").status_code == 200


@pytest.mark.parametrize("preference", ["max-stale=soon", "max-stale=", "max-stale",
                                        "wait=1, max-stale=-1", "max-stale=5, max-stale=x"])
def test_an_age_that_is_no_number_is_refused(reads, preference):
    answer = reads.get(PRODUCT, Prefer=preference)
    assert code_of(answer) == (400, "malformed_preference")


def test_a_replica_answers_what_it_has_and_makes_readers_wait_for_the_rest(folder):
    with Postgres(folder / "primary") as primary:
        primary.start()
        reads = Reads(primary, folder)
        reads.migrate()
        reads.fill(10)
        with primary.standby(folder / "replica") as replica:
            replica.start()
            reads.service.env["SIJANG_DATABASE"] = replica.conninfo(reads.database)
            with reads.service.start():
                assert reads.get(PRODUCT, mark(99, 2)).status_code == 200
                replica.query("SELECT pg_wal_replay_pause()")
                wait_until(lambda: replica.query("SELECT pg_get_wal_replay_pause_state()")
                           == [("paused",)], 10, "the replica stands still")
                reads.query("BEGIN; UPDATE view_product_detail_r1.product_detail SET title = 'New',"
                            " version = 8 WHERE product_id = %s; UPDATE projector.position SET"
                            " next_offset = 101 WHERE partition = 2; COMMIT", (product_id(7),))
                late = reads.get(PRODUCT, mark(100, 2), 0.2)
                assert code_of(late) == (504, "position_not_reached")
                assert mark(99, 2) in late.json()["detail"]
                old = reads.get(PRODUCT)
                assert (old.json()["version"], old.headers["Sijang-Position"]) == (7, mark(99, 2))
                with ThreadPoolExecutor(1) as pool:
                    answer = pool.submit(reads.get, PRODUCT, mark(100, 2), 20)
                    replica.query("SELECT pg_wal_replay_resume()")
                    assert answer.result(25).json()["title"] == "New"
                assert reads.service.stop() == 0


def test_several_servers_are_refused_unless_only_one_of_them_can_be_meant(postgres, folder):
    reads = Reads(postgres, folder)
    one = reads.service.env["SIJANG_DATABASE"]
    reads.service.env["SIJANG_DATABASE"] = f"{one} host=127.0.0.1,127.0.0.2"
    reads.service.start(wait=False)
    assert reads.service.wait() == 1
    assert reads.service.log_contains("target_session_attrs")


def test_a_position_that_no_gateway_would_take_is_left_out(postgres, folder):
    reads = Reads(postgres, folder, SIJANG_PARTITIONS=512)
    reads.migrate()
    reads.fill(10)
    reads.query("INSERT INTO projector.position (view, revision, partition, context, log,"
                " next_offset, end_offset) SELECT v.view, 1, p, 'catalog', %s, 100, 100"
                " FROM generate_series(8, 511) AS p, unnest(%s) AS v (view)", (LOG, list(VIEWS)))
    with reads.service.start():
        page = reads.get("/v1/products")
        assert (page.status_code, len(page.json()["items"])) == (200, 10)
        assert "Sijang-Position" not in page.headers
        late = reads.get("/v1/products", mark(200, 300), 0)
        assert code_of(late) == (504, "position_not_reached")
        assert mark(99, 511) in late.json()["detail"]
        assert "Sijang-Position" in reads.get(PRODUCT).headers
        assert reads.service.stop() == 0


def park(reads, key, partition, commit_offset, reason="data_corrupt"):
    reads.query(
        "INSERT INTO projector.parked (view, revision, key, partition, context, event_offset,"
        " commit_offset, event_id, type, subject, version, time_us, payload, reason, detail)"
        " VALUES ('product_detail', 1, %s, %s, 'catalog', 7, %s, gen_random_uuid(), 'T', 's', 1, 1,"
        " '', %s, 'out of joint'); UPDATE projector.position SET parked = parked + 1"
        " WHERE view = 'product_detail' AND partition = %s",
        (key, partition, commit_offset, reason, partition))


def test_who_waits_for_a_parked_commit_is_told_others_are_answered(own_reads):
    assert "Sijang-View-Parked" not in own_reads.get(PRODUCT).headers
    park(own_reads, "one", 2, 50)
    park(own_reads, "one", 2, 60, "behind")
    wait_until(lambda: own_reads.get(PRODUCT).headers.get("Sijang-View-Parked") == "2", 5,
               "the count is told")
    for offset in (50, 60):
        answer = own_reads.get(PRODUCT, mark(offset, 2))
        assert code_of(answer) == (409, "event_parked")
        assert "one" in answer.json()["detail"] and "out of joint" in answer.json()["detail"]
    for position in (mark(51, 2), mark(99, 2), mark(50, 1)):
        answer = own_reads.get(PRODUCT, position)
        assert answer.status_code == 200
        assert answer.headers["Sijang-View-Parked"] == "2"
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(own_reads.get, PRODUCT, mark(105, 2), 20)
        park(own_reads, "two", 2, 105)
        own_reads.move(106, 2)
        assert code_of(late.result(10)) == (409, "event_parked")
    assert "Sijang-View-Parked" not in own_reads.get("/v1/products").headers


def test_admins_see_how_far_all_views_are(own_reads):
    def ask(*roles):
        token = sign_token("a secret for tests, forty characters long", "ops-1", roles)
        return own_reads.get("/v1/views", Authorization=f"Bearer {token}")
    assert own_reads.get("/v1/views").status_code == 401
    assert ask("seller").status_code == 403
    park(own_reads, "one", 2, 50)
    own_reads.query("UPDATE projector.position SET halted = 'schema_unknown at 7: x'"
                    " WHERE view = 'product_list' AND partition = 1")
    detail, listed = ask("admin").json()["items"]
    assert (detail["view"], listed["view"]) == VIEWS
    assert (detail["lag_events"], detail["parked_events"], detail["parked_keys"]) == (
        3 * PARTITIONS, 1, 1)
    assert (listed["halted_partitions"], listed["halted"]) == (1, "schema_unknown at 7: x")
    own_reads.query("UPDATE projector.position SET updated_at = now() - interval '10 s'")
    silent = ask("admin").json()["items"][0]
    assert "lag_events" not in silent and silent["heard_age_ms"] >= 10000


def test_positions_that_cannot_be_read_are_not_ready_and_said_why(own_reads):
    own_reads.query("DROP VIEW product_list_position")
    wait_until(lambda: not own_reads.service.ready(), 10, "not ready")
    own_reads.service.wait_for_log("product_list_position")
    assert code_of(own_reads.get(PRODUCT, mark(100), 20)) == (503, "database_unavailable")
    own_reads.query("CREATE VIEW product_list_position AS SELECT partition, context, log,"
                    " next_offset, end_offset, parked, 0::bigint AS age_ms"
                    " FROM projector.position WHERE view = 'product_list'")
    own_reads.service.wait_ready()
    assert own_reads.get(PRODUCT, mark(99), 20).status_code == 200


def test_positions_from_before_a_loss_are_not_used_after_it(own_reads):
    """A database that crashed may be back with older positions than those already seen."""
    own_reads.query("ALTER VIEW product_detail_position RENAME TO hidden")
    wait_until(lambda: not own_reads.service.ready(), 10, "not ready")
    for position in (None, mark(99)):
        assert code_of(own_reads.get(PRODUCT, position, 20)) == (503, "database_unavailable")
    for partition in range(PARTITIONS):
        own_reads.move(50, partition)
    own_reads.query("ALTER VIEW hidden RENAME TO product_detail_position")
    own_reads.service.wait_ready()
    assert own_reads.get(PRODUCT).headers["Sijang-Position"] == mark(
        49, partition_of(product_id(7)))
    assert code_of(own_reads.get(PRODUCT, mark(99), 0)) == (504, "position_not_reached")


def test_metrics_count_answers_waits_and_lag(own_reads):
    assert own_reads.get(PRODUCT, mark(100), 0.1).status_code == 504
    service = own_reads.service
    assert service.metric('sijang_position_waits_total{outcome="timed_out"}') == 1
    assert service.metric('sijang_answers_total{status="5xx"}') >= 1
    assert service.metric('sijang_view_lag_events{view="product_detail"}') == 3 * PARTITIONS
    wait_until(lambda: service.metric("sijang_database_connected") == 1, 5, "connected is counted")


def test_the_registry_answers_as_consumers_expect(reads):
    subjects = reads.get("/subjects").json()
    assert len(subjects) == len(set(subjects))
    for subject in subjects:
        versions = reads.get(f"/subjects/{subject}/versions").json()
        assert versions == sorted(versions) and versions
        latest = reads.get(f"/subjects/{subject}/versions/latest").json()
        assert (latest["subject"], latest["version"]) == (subject, versions[-1])
        assert reads.get(f"/schemas/ids/{latest['id']}").json() == {"schema": latest["schema"]}
        assert json.loads(latest["schema"])["type"] == "record"
        assert reads.get(f"/schemas/ids/{latest['id']}/schema").text == latest["schema"]
        assert {"subject": subject, "version": latest["version"]} in \
            reads.get(f"/schemas/ids/{latest['id']}/versions").json()
    assert reads.get("/schemas/types").json() == ["AVRO"]


@pytest.mark.parametrize("path,status,code", [
    ("/schemas/ids/0", 404, 40403), ("/schemas/ids/0/schema", 404, 40403),
    ("/schemas/ids/x/versions", 404, 40403), ("/schemas/ids/x", 404, 40403),
    ("/subjects/nobody/versions", 404, 40401), ("/subjects/nobody/versions/1", 404, 40401),
    ("/subjects/sijang.platform.Claim/versions/99", 404, 40402),
    ("/subjects/sijang.platform.Claim/versions/first", 422, 42202),
])
def test_what_the_registry_does_not_have_has_the_registrys_numbers(reads, path, status, code):
    answer = reads.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
