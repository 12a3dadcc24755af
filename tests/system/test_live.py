"""Live answers: what a client sees of a question that goes on."""

import json
import resource
import socket
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from support.waiting import wait_until
from test_query_svc import Reads, mark, partition_of, product_id

ONE = product_id(7)


@pytest.fixture
def reads(postgres, folder):
    running = Reads(postgres, folder)
    running.migrate()
    running.fill(10)
    running.service.start()
    yield running
    assert running.service.stop() == 0, running.service.log_tail()


class Stream:
    """A bare client: reads one event after the other."""

    def __init__(self, reads, path, **headers):
        address = urlsplit(reads.service.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=10)
        lines = [f"GET {path} HTTP/1.1", "Host: market",
                 *(f"{name}: {value}" for name, value in headers.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        self.rest = b""

    def _chunk(self):
        size = int(self.file.readline(), 16)
        bytes_ = self.file.read(size)
        self.file.readline()
        return bytes_

    def event(self):
        """The next one that is no comment, as a dict; None: the stream is over."""
        while True:
            while b"\n\n" not in self.rest:
                chunk = self._chunk()
                if not chunk:
                    return None
                self.rest += chunk
            text, _, self.rest = self.rest.partition(b"\n\n")
            lines = [line.partition(": ") for line in text.decode().split("\n")]
            event = {name: value for name, _, value in lines if name.strip(":")}
            if event:
                return event

    def close(self):
        self.file.close()
        self.socket.close()


@contextmanager
def stream(reads, path, **headers):
    opened = Stream(reads, path, **headers)
    try:
        yield opened
    finally:
        opened.close()


def change_title(reads, title, number=7):
    reads.query("UPDATE view_product_detail_r1.product_detail SET title = %s, version = version + 1"
                " WHERE product_id = %s", (title, product_id(number)))
    reads.query("UPDATE view_product_detail_r1.position SET next_offset = next_offset + 1"
                " WHERE partition = %s", (partition_of(product_id(number)),))


def test_a_live_product_is_sent_at_once_and_again_when_it_changes(reads):
    with stream(reads, f"/v1/products/{ONE}/stream") as live:
        assert live.status == 200 and live.headers["content-type"] == "text/event-stream"
        first = live.event()
        assert first["event"] == "answer" and first["id"] == mark(99, partition_of(ONE))
        assert json.loads(first["data"]) == requests.get(
            f"{reads.service.url}/v1/products/{ONE}").json()
        change_title(reads, "Another")
        second = live.event()
        assert second["id"] == mark(100, partition_of(ONE))
        assert json.loads(second["data"])["title"] == "Another"


def test_what_the_client_has_seen_is_not_sent_again(reads):
    path = f"/v1/products/{ONE}/stream"
    with stream(reads, path) as live:
        seen = live.event()["id"]
        with stream(reads, path, **{"Last-Event-ID": seen}) as again:
            change_title(reads, "Later")
            assert json.loads(again.event()["data"])["title"] == "Later"
        with stream(reads, path, **{"Last-Event-ID": seen}) as late:
            assert json.loads(late.event()["data"])["title"] == "Later"


def test_a_move_that_does_not_change_the_answer_sends_nothing(reads):
    with stream(reads, f"/v1/products/{ONE}/stream") as live:
        live.event()
        reads.move(500, partition_of(ONE))
        change_title(reads, "Then")
        assert json.loads(live.event()["data"])["title"] == "Then"


def test_a_live_list_follows_its_filters(reads):
    with stream(reads, "/v1/products/stream?seller=seller-1&limit=2") as live:
        assert len(json.loads(live.event()["data"])["items"]) == 2
        reads.query("UPDATE view_product_list_r1.product_list SET price = 77"
                    " WHERE seller_id = 'seller-1'")
        reads.move(101, view="product_list")
        assert [item["price"] for item in json.loads(live.event()["data"])["items"]] == [77, 77]


def test_a_product_that_is_not_there_yet_is_a_problem_until_it_is(reads):
    absent = product_id(5000)
    with stream(reads, f"/v1/products/{absent}/stream") as live:
        event = live.event()
        assert event["event"] == "problem"
        assert json.loads(event["data"])["code"] == "product_not_found"
        reads.query("INSERT INTO view_product_detail_r1.product_detail SELECT %s, seller_id, title,"
                    " description, price, made_to_order, status, on_hand, reserved, 1"
                    " FROM view_product_detail_r1.product_detail LIMIT 1", (absent,))
        reads.move(101, partition_of(absent))
        assert live.event()["event"] == "answer"


def test_what_cannot_be_asked_is_refused_before_a_stream_begins(reads):
    answer = requests.get(f"{reads.service.url}/v1/products/stream?limit=0", timeout=10)
    assert answer.status_code == 422 and answer.json()["code"] == "invalid_fields"


def test_more_streams_than_configured_are_refused(postgres, folder):
    few = Reads(postgres, folder, SIJANG_QUERY_STREAMS_MAX=2)
    few.migrate()
    few.fill(10)
    with few.service.start():
        path = f"/v1/products/{ONE}/stream"
        with stream(few, path) as first, stream(few, path) as second:
            assert first.event() and second.event()
            answer = requests.get(few.service.url + path, timeout=10)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        wait_until(lambda: few.service.metric("sijang_live_streams") == 0, 30, "both are gone")
        with stream(few, path) as third:
            assert third.event()


def test_a_reader_that_sleeps_misses_steps_and_not_the_end(reads):
    """Events of 300 kB: what the sleeper's connection cannot hold is replaced, not queued."""
    reads.query("UPDATE view_product_detail_r1.product_detail"
                " SET description = repeat('d', 300000)")
    path, last = f"/v1/products/{ONE}/stream", "Title 59"
    with stream(reads, path) as sleeper, stream(reads, path) as awake:
        for one in (sleeper, awake):
            one.event()
        for number in range(60):
            change_title(reads, f"Title {number}")
            while json.loads(awake.event()["data"])["title"] != f"Title {number}":
                pass
        titles = [json.loads(sleeper.event()["data"])["title"]]
        while titles[-1] != last:
            titles.append(json.loads(sleeper.event()["data"])["title"])
        assert len(titles) < 60


def test_stopping_ends_streams(postgres, folder):
    own = Reads(postgres, folder)
    own.migrate()
    own.fill(10)
    own.service.start()
    with stream(own, f"/v1/products/{ONE}/stream") as live:
        live.event()
        assert own.service.stop() == 0
        assert live.event() is None


def test_five_thousand_listeners_cost_one_question_a_change(reads):
    """They share the topic; the last one hears of the change as the first does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, most))
    with ExitStack() as stack:
        live = [stack.enter_context(stream(reads, f"/v1/products/{ONE}/stream"))
                for _ in range(5000)]
        for one in live:
            assert one.event()["event"] == "answer"
        change_title(reads, "For all")
        for one in live:
            assert json.loads(one.event()["data"])["title"] == "For all"
        assert reads.service.metric("sijang_live_streams") == 5000
        assert reads.service.metric("sijang_live_questions_total") < 10
