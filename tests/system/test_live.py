"""Live answers: what a client sees of a question that goes on."""

import json
import uuid
from contextlib import ExitStack

import pytest
import requests

from support.live_stream import live_stream
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


def change_title(reads, title, number=7):
    reads.query("UPDATE view_product_detail_r1.product_detail SET title = %s, version = version + 1"
                " WHERE product_id = %s", (title, product_id(number)))
    reads.query("UPDATE projector.position SET next_offset = next_offset + 1"
                " WHERE partition = %s AND view = 'product_detail'",
                (partition_of(product_id(number)),))


def test_a_live_product_is_sent_at_once_and_again_when_it_changes(reads):
    with live_stream(reads.service, f"/v1/products/{ONE}/stream") as live:
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
    with live_stream(reads.service, path) as live:
        seen = live.event()["id"]
        with live_stream(reads.service, path, **{"Last-Event-ID": seen}) as again:
            change_title(reads, "Later")
            assert json.loads(again.event()["data"])["title"] == "Later"
        with live_stream(reads.service, path, **{"Last-Event-ID": seen}) as late:
            assert json.loads(late.event()["data"])["title"] == "Later"


def test_a_move_that_does_not_change_the_answer_sends_nothing(reads):
    with live_stream(reads.service, f"/v1/products/{ONE}/stream") as live:
        live.event()
        reads.move(500, partition_of(ONE))
        change_title(reads, "Then")
        assert json.loads(live.event()["data"])["title"] == "Then"


def test_a_live_list_follows_its_filters(reads):
    with live_stream(reads.service, "/v1/products/stream?seller=seller-1&limit=2") as live:
        assert len(json.loads(live.event()["data"])["items"]) == 2
        reads.query("UPDATE view_product_list_r1.product_list SET price = 77"
                    " WHERE seller_id = 'seller-1'")
        reads.move(101, view="product_list")
        assert [item["price"] for item in json.loads(live.event()["data"])["items"]] == [77, 77]


def test_a_product_that_is_not_there_yet_is_a_problem_until_it_is(reads):
    absent = product_id(5000)
    with live_stream(reads.service, f"/v1/products/{absent}/stream") as live:
        event = live.event()
        assert event["event"] == "problem"
        assert json.loads(event["data"])["code"] == "product_not_found"
        reads.query("INSERT INTO view_product_detail_r1.product_detail SELECT %s, seller_id, title,"
                    " description, price, made_to_order, status, on_hand, reserved, 1"
                    " FROM view_product_detail_r1.product_detail LIMIT 1", (absent,))
        reads.move(101, partition_of(absent))
        assert live.event()["event"] == "answer"


def test_a_change_through_the_gateway_reaches_who_follows_there(market):
    seller = market.client(f"seller-{uuid.uuid4()}", "seller")
    listed = seller.post("/v1/products", {"title": "Barley tea", "price": 900, "stock": 3})
    path = f"/v1/products/{listed.json()['id']}"
    assert seller.get(path, after=listed).status_code == 200
    with live_stream(market.gateway, f"{path}/stream") as live:
        assert json.loads(live.event()["data"])["price"] == 900
        assert seller.put(f"{path}/price", {"price": 950}).status_code == 200
        assert json.loads(live.event()["data"])["price"] == 950


def test_what_cannot_be_asked_is_refused_before_a_stream_begins(reads):
    answer = requests.get(f"{reads.service.url}/v1/products/stream?limit=0", timeout=10)
    assert answer.status_code == 422 and answer.json()["code"] == "invalid_fields"


def test_more_streams_than_configured_are_refused(postgres, folder):
    few = Reads(postgres, folder, SIJANG_QUERY_STREAMS_MAX=2)
    few.migrate()
    few.fill(10)
    with few.service.start():
        path = f"/v1/products/{ONE}/stream"
        with live_stream(few.service, path) as first, live_stream(few.service, path) as second:
            assert first.event() and second.event()
            answer = requests.get(few.service.url + path, timeout=10)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        wait_until(lambda: few.service.metric("sijang_live_streams") == 0, 30, "both are gone")
        with live_stream(few.service, path) as third:
            assert third.event()


def test_a_reader_that_sleeps_misses_steps_and_not_the_end(reads):
    """Events of 300 kB: what the sleeper's connection cannot hold is replaced, not queued."""
    reads.query("UPDATE view_product_detail_r1.product_detail"
                " SET description = repeat('d', 300000)")
    path, last = f"/v1/products/{ONE}/stream", "Title 59"
    with live_stream(reads.service, path) as sleeper, live_stream(reads.service, path) as awake:
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
    with live_stream(own.service, f"/v1/products/{ONE}/stream") as live:
        live.event()
        assert own.service.stop() == 0
        assert live.event() is None


def test_five_thousand_listeners_cost_one_question_a_change(reads):
    """They share the topic; the last one hears of the change as the first does."""
    with ExitStack() as stack:
        live = [stack.enter_context(live_stream(reads.service, f"/v1/products/{ONE}/stream"))
                for _ in range(5000)]
        for one in live:
            assert one.event()["event"] == "answer"
        change_title(reads, "For all")
        for one in live:
            assert json.loads(one.event()["data"])["title"] == "For all"
        assert reads.service.metric("sijang_live_streams") == 5000
        assert reads.service.metric("sijang_live_questions_total") < 10
