"""Services, broker and database die under load; what was acknowledged stays, once, and every row
is the fold of the log."""

import random
import uuid

import pytest

from support.ledger import Ledger, check_views, detail_rows
from support.load import Load
from support.market import PARTITIONS, Market
from support.waiting import wait_until


def wait_until_projected(market, ledger, timeout_s=60):
    versions = {subject: stream[-1].version for subject, stream in ledger.streams.items()}
    wait_until(lambda: {subject: row["version"] for subject, row in detail_rows(market).items()}
               == versions, timeout_s, "product_detail has every event", 0.2)
    listed = "SELECT product_id::text, version FROM product_list"
    wait_until(lambda: dict(market.query_rows(listed)) == versions, timeout_s,
               "product_list has every event", 0.2)


def check(market, load):
    """The log against the promises, the views against the log."""
    ledger = Ledger(market.broker, PARTITIONS)
    load.check(ledger)
    wait_until_projected(market, ledger)
    check_views(market, ledger)
    return ledger


def more(load, count, timeout_s=60):
    """Waits until so many more commands were accepted."""
    goal = load.accepted + count
    wait_until(lambda: load.accepted >= goal, timeout_s, f"{count} more accepted commands")


@pytest.mark.parametrize("name", ["command", "projector", "query"])
def test_a_killed_service_loses_and_doubles_nothing(fresh_market, name):
    market = fresh_market
    with Load(market) as load:
        for _ in range(3):
            more(load, 200)
            service = getattr(market, name)
            service.kill()
            service.start()
        more(load, 200)
    check(market, load)


def test_a_restarted_database_is_waited_for(fresh_market):
    market = fresh_market
    with Load(market) as load:
        more(load, 200)
        market.postgres.kill()
        more(load, 200)  # commands do not need it
        assert market.client().get("/v1/products").status_code == 503
        market.postgres.start()
        more(load, 200)
    check(market, load)
    wait_until(lambda: market.client().get("/v1/products").status_code == 200, 20)


def test_a_restarted_broker_is_waited_for(fresh_market):
    market = fresh_market
    with Load(market) as load:
        more(load, 200)
        market.broker.stop()
        market.broker.start()
        more(load, 200, 120)
        market.broker.kill()
        market.broker.start()
        more(load, 200, 120)
    check(market, load)


def test_a_lost_index_is_rebuilt_from_the_log(fresh_market):
    market = fresh_market
    key, seller = str(uuid.uuid4()), market.client("seller", "seller")
    body = {"title": "Latte", "price": 1, "stock": 1}
    first = seller.post("/v1/products", body, key)
    market.command.kill()
    for index in market.folder.glob("index/*/data.mdb"):
        index.unlink()
    market.command.start()
    again = seller.post("/v1/products", body, key)
    assert (again.status_code, again.json()) == (201, first.json())


def test_an_index_larger_than_its_overlay_is_rebuilt():
    """A log of many times what may wait for a flush, read from its beginning."""
    with Market({"SIJANG_OVERLAY_BYTES_MAX": 1048576}) as market:
        body = {"title": "Latte", "description": "x" * 4000, "price": 1, "stock": 0}
        keys = [str(uuid.uuid4()) for _ in range(4000)]
        seller = market.client("seller", "seller", at=market.command)
        first = [seller.post("/v1/products", body, key) for key in keys]
        assert {answer.status_code for answer in first} == {201}
        market.command.kill()
        for index in market.folder.glob("index/*/data.mdb"):
            index.unlink()
        market.command.start()
        for number in (0, 1999, 3999):
            again = seller.post("/v1/products", body, keys[number])
            assert (again.status_code, again.json()) == (201, first[number].json())


def test_answers_are_repeated_after_a_crash(fresh_market):
    market = fresh_market
    seller = market.client("seller", "seller")
    body = {"title": "Latte", "price": 1, "stock": 1}
    keys = [str(uuid.uuid4()) for _ in range(50)]
    first = [seller.post("/v1/products", body, key).json() for key in keys]
    market.command.kill()
    market.command.start()
    assert [seller.post("/v1/products", body, key).json() for key in keys] == first


def test_a_recreated_topic_is_refused(fresh_market):
    """Positions of another log are not mistaken for positions of this one."""
    market = fresh_market
    seller = market.client("seller", "seller")
    for number in range(40):
        seller.post("/v1/products", {"title": str(number), "price": 1, "stock": 0})
    market.command.stop()
    market.projector.stop()
    market.broker.delete_topic("sijang.catalog.events.v1")
    market.ctl("topics", "create")
    market.command.start(wait=False)
    wait_until(lambda: market.command.log_contains("log_replaced")
               or market.command.log_contains("log_truncated"), 20, "the log is refused")
    assert not market.command.ready()
    answer = market.client("seller", "seller", at=market.command).post(
        "/v1/products", {"title": "x", "price": 1, "stock": 0})
    assert answer.status_code == 503
    market.projector.start(wait=False)
    wait_until(lambda: market.projector.log_contains("log_replaced")
               or market.projector.log_contains("log_truncated"), 20, "the log is refused")
    assert not market.projector.ready()
    assert len(detail_rows(market)) == 40


def random_kills(market, count, seed):
    chance = random.Random(seed)
    with Load(market, seed=seed) as load:
        for number in range(count):
            more(load, chance.randint(1, 60))
            service = getattr(market, chance.choice(["command", "command", "projector", "query"]))
            service.kill()
            service.start()
        more(load, 100)
    return load


def test_twenty_random_kills_leave_the_log_and_the_views_right(fresh_market):
    load = random_kills(fresh_market, 20, 20261121)
    check(fresh_market, load)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_thousand_random_kills_leave_the_log_and_the_views_right(fresh_market):
    load = random_kills(fresh_market, 1000, 4242)
    ledger = check(fresh_market, load)
    print(f"{load.accepted} accepted commands, {len(ledger.events)} events, 1000 kills")
