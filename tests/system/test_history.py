"""GET /v1/streams/{context}/{type}/{id}: what happened to one aggregate, as command-svc's index
has it."""

import shutil
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from support.market import PARTITIONS

TOPIC = "sijang.catalog.events.v1"


class Stream:
    """A product of its own, and how its history is asked for."""

    def __init__(self, market, changes=0):
        self.market = market
        self.seller = market.client(f"seller-{uuid.uuid4()}", "seller")
        body = {"title": "라떼", "price": 4500, "stock": 2}
        self.created = self.seller.post("/v1/products", body)
        assert self.created.status_code == 201, self.created.text
        self.id = self.created.json()["id"]
        self.answers = [self.change() for _ in range(changes)]

    def change(self):
        answer = self.seller.post(f"/v1/products/{self.id}/stock-adjustments",
                                  {"delta": 1, "reason": "delivery"})
        assert answer.status_code == 200, answer.text
        return answer

    def get(self, client=None, headers=None, **query):
        path = f"/v1/streams/catalog/product/{self.id}"
        if query:
            path += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        return (client or self.seller).get(path, headers=headers)

    def records(self):
        """Of the topic, in order: the valid ones of this stream."""
        return [record for partition in range(PARTITIONS)
                for record in self.market.broker.records(TOPIC, partition)
                if record.key() == self.id.encode()]


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def versions(answer):
    assert answer.status_code == 200, answer.text
    return [item["version"] for item in answer.json()["items"]]


def test_events_are_shown_as_they_are_on_the_log(market):
    stream = Stream(market, changes=1)
    answer = stream.get()
    page = answer.json()
    assert (page["context"], page["type"], page["id"]) == ("catalog", "product", stream.id)
    assert page["version"] == 3 and "next_from_version" not in page
    assert answer.headers["ETag"] == '"3"'
    assert answer.headers["Sijang-Position"].startswith("catalog/")
    records = stream.records()
    assert len(records) == len(page["items"]) == 3
    for item, record in zip(page["items"], records):
        headers = {name: value.decode() for name, value in record.headers()}
        for name in ("id", "type", "source", "subject", "time", "commandid", "correlationid",
                     "causationid", "actor"):
            assert item[name] == headers[f"ce_{name}"], name
        assert item["specversion"] == "1.0" and item["version"] == int(headers["ce_version"])
        assert item["traceparent"] == headers["traceparent"]
    assert page["items"][0]["data"]["title"] == "라떼"
    assert page["items"][2]["data"] == {"delta": 1, "reason": "delivery"}


def test_the_position_is_that_of_the_commit(market):
    stream = Stream(market, changes=2)
    positions = [item["position"] for item in stream.get().json()["items"]]
    answered = [answer.headers["Sijang-Position"] for answer in (stream.created, *stream.answers)]
    assert positions == [answered[0], answered[0], answered[1], answered[2]]


def test_what_was_just_acknowledged_is_there(market):
    stream = Stream(market)
    for version in range(3, 40):
        stream.change()
        assert stream.get(limit=100).json()["version"] == version


def test_foreign_records_in_between_leave_positions_right(market):
    stream = Stream(market, changes=1)
    partition = stream.records()[0].partition()
    for _ in range(5):
        for _ in range(3):
            market.broker.produce(TOPIC, partition, b"junk")
        stream.change()
    items = stream.get(limit=100).json()["items"]
    offsets = [int(item["position"].split("@")[1].split("~")[0]) for item in items]
    records = [record.offset() for record in stream.records()]
    assert offsets == [records[1], *records[1:]]


def test_pages_are_walked_by_version(market):
    stream = Stream(market, changes=5)
    seen, query = [], {"limit": 3}
    while query:
        page = stream.get(**query).json()
        seen += [item["version"] for item in page["items"]]
        query = {"limit": 3, "from_version": page["next_from_version"]} \
            if "next_from_version" in page else None
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert versions(stream.get(from_version=6)) == [6, 7]
    assert versions(stream.get(from_version=8)) == []


def test_a_history_as_of_a_position_ends_there(market):
    stream = Stream(market, changes=3)
    position = stream.answers[1].headers["Sijang-Position"]
    answer = stream.get(as_of=position)
    assert versions(answer) == [1, 2, 3, 4]
    assert answer.headers["ETag"] == '"4"' and answer.json()["version"] == 4


def test_a_history_as_of_a_time_ends_there(market):
    stream = Stream(market, changes=3)
    times = [item["time"] for item in stream.get().json()["items"]]
    assert versions(stream.get(as_of=times[2])) == \
        [index + 1 for index, moment in enumerate(times) if moment <= times[2]]
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    assert versions(stream.get(as_of=later.strftime("%Y-%m-%dT%H:%M:%SZ"))) == [1, 2, 3, 4, 5]
    assert code_of(stream.get(as_of="2020-01-01T00:00:00Z")) == (404, "stream_not_found")


def test_an_unchanged_history_is_not_sent_again(market):
    stream = Stream(market)
    tag = stream.get().headers["ETag"]
    again = stream.get(headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == tag
    stream.change()
    assert stream.get(headers={"If-None-Match": tag}).status_code == 200


def test_the_tag_is_good_for_a_conditional_change(market):
    stream = Stream(market)
    tag = stream.get().headers["ETag"]
    path, body = f"/v1/products/{stream.id}/stock-adjustments", {"delta": 1, "reason": "x"}
    assert stream.seller.post(path, body, headers={"If-Match": tag}).status_code == 200
    assert stream.seller.post(path, body, headers={"If-Match": tag}).status_code == 412


def test_the_owner_and_admins_read_it_and_nobody_else(market):
    stream = Stream(market)
    assert stream.get().status_code == 200
    assert stream.get(market.client("root", "admin")).status_code == 200
    for role in ("seller", "customer", "service"):
        other = market.client(f"other-{uuid.uuid4()}", role)
        assert code_of(stream.get(other)) == (403, "forbidden")
        assert code_of(stream.get(other, headers={"If-None-Match": '"2"'})) == (403, "forbidden")


def test_without_a_token_nothing_is_told(market):
    stream = Stream(market)
    answer = market.client().get(f"/v1/streams/catalog/product/{stream.id}")
    assert code_of(answer) == (401, "unauthenticated")


@pytest.mark.parametrize("path", [
    "catalog/product/01890000-0000-7000-8000-000000000000", "catalog/product/what",
    "catalog/reservation/01890000-0000-7000-8000-000000000000",
    "nowhere/product/01890000-0000-7000-8000-000000000000",
])
def test_a_stream_that_is_not_there_is_not_found(market, path):
    answer = market.client("root", "admin").get(f"/v1/streams/{path}")
    assert code_of(answer) == (404, "stream_not_found")


@pytest.mark.parametrize("query, field, code", [
    ("limit=0", "limit", "too_small"), ("limit=101", "limit", "too_large"),
    ("limit=many", "limit", "wrong_type"), ("from_version=0", "from_version", "too_small"),
    ("from_version=-1", "from_version", "too_small"),
    ("as_of=yesterday", "as_of", "bad_format"), ("as_of=catalog/1@2", "as_of", "bad_format"),
    ("as_of=", "as_of", "too_short"),
])
def test_a_query_out_of_bounds_names_its_field(market, query, field, code):
    answer = market.client("root", "admin").get(
        f"/v1/streams/catalog/product/{uuid.uuid4()}?{query}")
    assert code_of(answer) == (422, "invalid_fields")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_positions_are_waited_for(market):
    stream = Stream(market, changes=1)
    position = stream.answers[0].headers["Sijang-Position"]
    assert versions(stream.get(headers={"Sijang-Wait-For": position})) == [1, 2, 3]
    foreign = position.split("~")[0] + "~01890000-0000-7000-8000-000000000000"
    assert code_of(stream.get(headers={"Sijang-Wait-For": foreign})) == (400, "unknown_position")
    assert code_of(stream.get(as_of=foreign)) == (400, "unknown_position")
    elsewhere = f"catalog/{(int(position.split('/')[1].split('@')[0]) + 1) % PARTITIONS}@1~" + \
        position.split("~")[1]
    assert versions(stream.get(headers={"Sijang-Wait-For": elsewhere})) == [1, 2, 3]
    assert code_of(stream.get(as_of=elsewhere)) == (400, "unknown_position")
    nowhere = position.replace("catalog", "nowhere")
    assert code_of(stream.get(headers={"Sijang-Wait-For": nowhere})) == (400, "unknown_position")
    assert code_of(stream.get(headers={"Sijang-Wait-For": ""})) == (400, "malformed_position")
    assert code_of(stream.get(headers={"Sijang-Wait-For": "soon"})) == (400, "malformed_position")


def test_a_position_that_does_not_come_is_said_in_time(market):
    stream = Stream(market)
    place, log = stream.created.headers["Sijang-Position"].split("~")
    partition, offset = place.split("@")
    begun = time.monotonic()
    answer = stream.get(headers={"Sijang-Wait-For": f"{partition}@{int(offset) + 100000}~{log}"})
    assert code_of(answer) == (504, "position_not_reached")
    assert time.monotonic() - begun < 8


def test_large_events_come_a_few_at_a_time(market):
    stream = Stream(market)
    for number in range(30):
        answer = stream.seller.patch(f"/v1/products/{stream.id}",
                                     {"description": f"{number} " + '"' * 3990})
        assert answer.status_code == 200, answer.text
    page = stream.get(limit=100).json()
    assert 2 < len(page["items"]) < 30 and page["next_from_version"] == len(page["items"]) + 1
    rest = stream.get(limit=100, from_version=page["next_from_version"]).json()
    assert len(page["items"]) + len(rest["items"]) == 32


def test_histories_survive_a_killed_service_and_a_lost_index(fresh_market):
    stream = Stream(fresh_market, changes=4)
    before = stream.get().json()
    fresh_market.command.kill()
    fresh_market.command.start()
    assert stream.get().json() == before
    fresh_market.command.kill()
    shutil.rmtree(fresh_market.folder / "index")
    fresh_market.command.start()
    assert stream.get().json() == before
