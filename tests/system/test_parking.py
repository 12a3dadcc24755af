"""Poison: what cannot be applied waits in projector.parked, and with it, in order, what comes later
for the same row; everything else flows on."""

import pytest

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
