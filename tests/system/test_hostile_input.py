"""Bad input gets a clear error and changes nothing; junk in the topic is nobody's problem."""

import uuid

import pytest
import requests

from support.client import sign_token
from support.ledger import Ledger, check_views
from support.market import PARTITIONS, SECRET
from support.waiting import wait_until

TOPIC = "sijang.catalog.events.v1"
LATTE = {"title": "Latte", "price": 4500, "stock": 3}


@pytest.fixture(params=["gateway", "command"])
def door(request, market):
    """Both ways in: the gateway and the service itself."""
    return getattr(market, request.param)


def raw_post(market, door, body, headers=None, path="/v1/products"):
    token = market.token("seller", "seller")
    return requests.post(door.url + path, data=body, timeout=10, headers={
        "Authorization": f"Bearer {token}", "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()), **(headers or {})})


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "nonsense", '{"title":"a"}}',
                                  '{"a":1,"a":2}', '{"title":"\\ud800"}',
                                  "{\"title\":\"\x00\"}", "[" * 5000])
def test_malformed_json_is_refused(market, door, body):
    answer = raw_post(market, door, body.encode("utf-8", "surrogatepass"))
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["code"] in ("malformed_json", "invalid_fields")


@pytest.mark.parametrize("change, field, code", [
    ({"price": "12"}, "price", "wrong_type"),
    ({"price": 1.5}, "price", "wrong_type"),
    ({"price": 0}, "price", "too_small"),
    ({"price": 10**18}, "price", "too_large"),
    ({"stock": -1}, "stock", "too_small"),
    ({"title": 7}, "title", "wrong_type"),
    ({"title": ""}, "title", "too_short"),
    ({"title": "x" * 65}, "title", "too_long"),
    ({"made_to_order": "yes"}, "made_to_order", "wrong_type"),
    ({"colour": "red"}, "colour", "unknown"),
    ({"price": None}, "price", "missing"),
    ({"title": None}, "title", "missing"),
])
def test_each_bad_field_is_named(market, change, field, code):
    body = {name: value for name, value in {**LATTE, **change}.items() if value is not None}
    answer = market.client("seller", "seller").post("/v1/products", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    errors = {(error["field"], error["code"]) for error in answer.json()["errors"]}
    assert (field, code) in errors


def test_several_bad_fields_are_named_at_once(market):
    answer = market.client("seller", "seller").post("/v1/products", {"title": "", "stock": -1})
    assert {error["field"] for error in answer.json()["errors"]} == {"title", "stock", "price"}


def test_an_oversized_body_is_refused(market, door):
    answer = raw_post(market, door, b'{"title":"' + b"x" * 300000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_an_oversized_body_in_pieces_is_refused(market, door):
    def pieces():
        for _ in range(100):
            yield b"x" * 4096
    try:
        answer = raw_post(market, door, pieces())
        assert answer.status_code in (411, 413)
    except requests.ConnectionError:
        pass  # the server may hang up on one that does not stop sending


def test_another_content_type_is_refused(market):
    answer = raw_post(market, market.gateway, b"title=latte",
                      {"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_unknown_paths_and_methods_are_told_apart(market):
    client = market.client("seller", "seller")
    assert client.post("/v1/nothing", {}).json()["code"] == "not_found"
    assert client.get("/v1/nothing").json()["code"] == "not_found"
    answer = client.put("/v1/products", LATTE)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("token", [
    None, "", "x", "a.b.c", sign_token(SECRET, "seller", ["seller"], lifetime_s=-10),
    sign_token("another secret, also forty characters..", "seller", ["seller"]),
    sign_token(SECRET, "seller", ["seller"], algorithm="none"),
    sign_token(SECRET, "seller", ["seller"], algorithm="HS512"),
    sign_token(SECRET, "seller", ["seller"], issuer="elsewhere"),
    sign_token(SECRET, "", ["seller"]),
    sign_token(SECRET, "x" * 100, ["seller"]),
    sign_token(SECRET, "seller", ["seller"]).rsplit(".", 1)[0] + ".",
], ids=["none", "empty", "short", "shape", "expired", "forged", "alg-none", "alg-hs512", "issuer",
        "no-subject", "long-subject", "unsigned"])
def test_no_valid_token_no_change(market, door, token):
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = requests.post(door.url + "/v1/products", json=LATTE, timeout=10,
                           headers={"Idempotency-Key": "k", **headers})
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] in ("unauthenticated", "token_expired")


def test_an_expired_token_says_so(market):
    token = sign_token(SECRET, "seller", ["seller"], lifetime_s=-10)
    answer = requests.post(market.command.url + "/v1/products", json=LATTE, timeout=10,
                           headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"})
    assert answer.json()["code"] == "token_expired"


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there"])
def test_a_strange_idempotency_key_is_refused(market, key):
    answer = raw_post(market, market.command, b'{"title":"a","price":1,"stock":0}',
                      {"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["code"] in ("idempotency_key_invalid", "idempotency_key_required")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=zzz",
                                   "available=maybe", "term=" + "x" * 2000])
def test_bad_query_arguments_are_refused(market, query):
    answer = market.client().get(f"/v1/products?{query}")
    assert answer.status_code in (400, 414, 422), answer.text


def hostile_records():
    """(value, headers) that a partition may hold besides ours."""
    fence = [("ce_fence", b"0.1.1.1"), ("ce_type", b"sijang.catalog.ProductListed")]
    return [
        (b"", []),
        (b"\x00\x00\x00\x03\xe9", fence),
        (b"\x00\x00\x00\x03\xe9" + b"\xff" * 64, fence),
        (b"junk" * 1000, [("ce_fence", b"99999999999999999999.1.1.1")]),
        (b"{}", [("ce_fence", b"-1.-1.-1.-1")]),
        (b"\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
         [("ce_type", b"sijang.platform.Claim")]),
        (b"\x00\x00\x00\x00\x01", [("ce_type", b"sijang.platform.Claim")]),
        (None, [("ce_type", b"\xff\xfe")]),
    ]


def test_foreign_and_hostile_records_are_void(fresh_market):
    market = fresh_market
    seller = market.client("seller", "seller")
    answers = []
    for value, headers in hostile_records():
        for partition in range(PARTITIONS):
            market.broker.produce(TOPIC, partition, value, b"key", headers)
        for _ in range(8):
            answer = seller.post("/v1/products", LATTE)
            assert answer.status_code == 201, answer.text
            answers.append(answer)
    for answer in answers:
        assert market.client().get(answer.headers["Location"], after=answer).status_code == 200
    ledger = Ledger(market.broker, PARTITIONS)
    assert {answer.json()["id"] for answer in answers} == set(ledger.streams)
    check_views(market, ledger)


def test_records_copied_headers_and_all_are_void(fresh_market):
    market = fresh_market
    seller = market.client("seller", "seller")
    first = seller.post("/v1/products", LATTE)
    for partition in range(PARTITIONS):
        for record in market.broker.records(TOPIC, partition):
            if dict(record.headers())["ce_type"] != b"sijang.platform.Claim":
                market.broker.produce(TOPIC, partition, record.value(), record.key(),
                                      record.headers())
    second = seller.post("/v1/products", LATTE)
    assert market.client().get(second.headers["Location"], after=second).status_code == 200
    ledger = Ledger(market.broker, PARTITIONS)
    assert set(ledger.streams) == {first.json()["id"], second.json()["id"]}
    market.command.kill()
    market.command.start()
    wait_until(market.gateway.ready, 10, "the gateway sees it again")
    third = seller.post("/v1/products", LATTE)
    assert third.status_code == 201
    wait_until(lambda: market.client().get(third.headers["Location"]).status_code == 200, 10)
    check_views(market, Ledger(market.broker, PARTITIONS))
