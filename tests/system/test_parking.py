"""Poison: what cannot be applied waits in projector.parked, and with it, in order, what comes later
for the same row; everything else flows on."""

import pytest

from support.client import Client, sign_token
from support.ledger import Ledger, detail_rows
from support.views_room import PARTITIONS, VIEWS, Work, more
from support.waiting import wait_until


def price_changed(product, version, price=1):
    return product.id, version, [("PriceChanged", {"price": price, "previous_price": 1})]


POISON = {
    "a gap in the versions": lambda product: price_changed(product, product.version + 2),
    "an event applied before": lambda product: price_changed(product, product.version),
    "corrupt bytes": lambda product: (
        product.id, product.version + 1, [("PriceChanged", b"\x00\x00\x00\x03\xeb\xff")]),
    "no frame": lambda product: (product.id, product.version + 1, [("PriceChanged", b"\x07")]),
    "what the database refuses": lambda product: (
        product.id, product.version + 1,
        [("ProductRevised", {"title": "nul\0", "description": None})]),
}


def parked(room, view="product_detail"):
    return room.query_rows("SELECT key, type, reason FROM projector.parked WHERE view = %s"
                           " ORDER BY number", (view,))


def parked_count(room, view="product_detail"):
    return int(room.query_rows("SELECT sum(parked) FROM projector.position WHERE view = %s",
                               (view,))[0][0])


def delist(room, product):
    room.writer.commit(product, [("ProductDelisted", {"reason": None})])


@pytest.mark.parametrize("kind", POISON)
def test_poison_and_what_is_behind_it_is_parked_and_all_else_flows(room, kind):
    room.writer.work(300)
    product = room.writer.partitions[1].products[0]
    ledger = Ledger(room.broker, PARTITIONS)
    room.writer.append(1, *POISON[kind](product))
    delist(room, product)
    for number in range(PARTITIONS):
        room.writer.list_product(number, title="after")
    room.writer.flush()
    projector = room.projector()
    for round_number in range(3):  # the second one behind what the database has, after a restart
        projector.start()
        room.wait_until_at(room.ends())
        for view in VIEWS:
            assert parked(room, view) == [
                (product.id, f"sijang.catalog.{POISON[kind](product)[2][0][0]}", "data_corrupt"),
                *[(product.id, "sijang.catalog.ProductDelisted", "behind")] * (1 + round_number)]
            assert parked_count(room, view) == 2 + round_number
        rows, expected = detail_rows(room), ledger.rows()
        assert {key: rows[key] for key in expected} == expected
        assert len(rows) == len(expected) + PARTITIONS
        views = projector.get("/ready").json()["views"]
        assert [view["parked_keys"] for view in views.values()] == [1, 1]
        assert projector.log_contains("event_parked")
        assert projector.stop() == 0
        delist(room, product)
        room.writer.flush()


def test_an_event_without_a_key_waits_under_its_aggregate(room):
    room.writer.append(1, "not-a-uuid", 1, [("ProductDelisted", {"reason": None})])
    room.writer.append(1, "not-a-uuid", 2, [("ProductDelisted", {"reason": None})])
    room.writer.work(300)
    room.projector().start()
    room.wait_until_at(room.ends())
    delisted = "sijang.catalog.ProductDelisted"
    assert parked(room) == [("not-a-uuid", delisted, "data_corrupt"),
                            ("not-a-uuid", delisted, "behind")]


def test_one_poisoned_key_among_many_under_load(room):
    """The rows of the others are the fold of the log, while the projector is killed again and
    again."""
    room.writer.work(300)
    poisoned = [room.writer.partitions[number].products[0] for number in range(PARTITIONS)]
    projector = room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=40).start()
    with Work(room.writer):
        for product in poisoned:
            more(room, 100)
            room.writer.append(product.partition, *POISON["corrupt bytes"](product))
            more(room, 100)
            projector.kill()
            projector.start(wait=False)
    room.wait_until_at(room.ends())
    keys = {product.id for product in poisoned}
    assert {key for key, _, _ in parked(room)} == keys
    for key in keys:
        reasons = [reason for parked_key, _, reason in parked(room) if parked_key == key]
        assert reasons == ["data_corrupt"] + ["behind"] * (len(reasons) - 1)
    wait_until(lambda: projector.metric('sijang_projector_parked_keys{view="product_detail"}')
               == PARTITIONS, 10, "the metric tells the keys")


def reprice(room, product, price):
    room.writer.commit(product, [("PriceChanged", {"price": price,
                                                   "previous_price": product.price})])
    product.price = price


SECRET = "a secret for tests, forty characters long"


def operated(room, **settings):
    """A projector, and an admin who talks to it."""
    projector = room.projector(SIJANG_TOKEN_SECRET=SECRET, **settings).start()
    return projector, Client(projector.url, sign_token(SECRET, "ops-1", ["admin"]))


def result(answer):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["applied"], body["discarded"], body["blocked"]


def audited(room):
    return room.query_rows("SELECT who, action, view FROM projector.audit ORDER BY number")


def test_what_was_mended_is_applied_in_order_and_later_events_follow(room):
    room.query_rows("ALTER TABLE view_product_list_r1.product_list ADD CONSTRAINT refusing"
                    " CHECK (title <> 'refused')")
    projector, admin = operated(room)
    room.writer.work(200)
    product = room.writer.partitions[1].products[0]
    room.writer.commit(product, [("ProductRevised", {"title": "refused", "description": None})])
    reprice(room, product, 7)
    room.writer.flush()
    room.wait_until_at(room.ends())
    [line] = admin.get("/v1/parked").json()["items"]
    assert (line["view"], line["key"], line["waiting"]) == ("product_list", product.id, 2)
    assert "refusing" in line["detail"]
    path = f"/v1/parked/product_list/{product.id}/retry"
    assert result(admin.post(path)) == (0, 0, True)
    assert admin.get("/v1/parked").json()["items"][0]["attempts"] == 2
    room.query_rows("ALTER TABLE view_product_list_r1.product_list DROP CONSTRAINT refusing")
    answer = admin.post(path)
    assert result(answer) == (2, 0, False), answer.text
    assert admin.get("/v1/parked?view=product_list").json() == {"items": []}
    reprice(room, product, 8)
    room.writer.work(200)
    room.check()
    assert parked_count(room, "product_list") == 0
    assert admin.post(path).json()["code"] == "not_parked"
    assert [entry[1] for entry in audited(room)] == ["tried", "applied"]
    assert not projector.log_contains("view_halted")


def test_all_keys_of_a_view_are_tried_at_once(room):
    room.query_rows("ALTER TABLE view_product_detail_r1.product_detail ADD CONSTRAINT refusing"
                    " CHECK (title <> 'refused')")
    _, admin = operated(room)
    room.writer.work(100)
    for number in range(PARTITIONS):
        room.writer.list_product(number, title="refused")
    room.writer.flush()
    room.wait_until_at(room.ends())
    assert len(admin.get("/v1/parked").json()["items"]) == PARTITIONS
    room.query_rows("ALTER TABLE view_product_detail_r1.product_detail DROP CONSTRAINT refusing")
    applied, _, blocked = result(admin.post("/v1/parked/product_detail/retry"))
    assert applied >= PARTITIONS and not blocked
    room.check()


def test_a_discarded_event_is_never_applied_again(room):
    projector, admin = operated(room)
    room.writer.work(200)
    product = room.writer.partitions[1].products[0]
    ledger_rows = Ledger(room.broker, PARTITIONS).rows()
    room.writer.append(1, *POISON["corrupt bytes"](product))
    reprice(room, product, 7)
    room.writer.flush()
    room.wait_until_at(room.ends())
    for view in VIEWS:
        path = f"/v1/parked/{view}/{product.id}"
        assert result(admin.post(f"{path}/retry")) == (0, 0, True)
        answer = admin.post(f"{path}/discard", {"reason": "a broken import"})
        assert result(answer) == (1, 1, False)
    assert room.query_rows("SELECT reason, discarded_by FROM projector.discarded") == [
        ("a broken import", "ops-1")] * 2
    expected = dict(ledger_rows[product.id], price=7, version=product.version)
    assert detail_rows(room)[product.id] == expected
    assert projector.stop() == 0
    for view in VIEWS:  # as a new revision would, from the beginning
        room.query_rows(f"DELETE FROM view_{view}_r1.{view}")
    room.query_rows("DELETE FROM projector.position")
    projector.start()
    room.wait_until_at(room.ends())
    assert detail_rows(room)[product.id] == expected
    assert parked(room) == []


def test_who_may_do_what_and_with_what(room):
    projector, admin = operated(room)
    room.wait_until_at(room.ends())
    seller = Client(projector.url, sign_token(SECRET, "s-1", ["seller"]))
    assert Client(projector.url, None).get("/v1/parked").status_code == 401
    assert seller.get("/v1/parked").status_code == 403
    assert seller.post("/v1/parked/product_list/x/retry").status_code == 403
    assert admin.post("/v1/parked/no_view/x/retry").status_code == 404
    assert admin.post("/v1/parked/product_list/x/retry").json()["code"] == "not_parked"
    discard = "/v1/parked/product_list/x/discard"
    assert admin.post(discard, {"reason": "x"}).json()["code"] == "not_parked"
    assert admin.post(discard, {"reason": ""}).status_code == 422
    assert admin.post(discard, {}).status_code == 422
    closed = room.projector().start()
    answer = Client(closed.url, None).get("/v1/parked")
    assert (answer.status_code, answer.json()["code"]) == (503, "operators_not_configured")
