"""An aggregate's next revision finds the index of the one before: streams are folded again out of
it, one by one, when they are met; nothing is read from the log."""

import pytest

from support.market import Market
from support.paths import binary
from support.waiting import wait_until

REFOLDED = "sijang_streams_refolded_total"


@pytest.fixture(scope="module")
def market():
    with Market(processes=2, partitions=1) as one:
        yield one


def serves(process):
    return process.metric("sijang_partitions_serving") == 1


def reserve(market, product, name):
    """Of one unit: the status, and a refusal's code."""
    orders = market.client("orders", "service")
    answer = orders.post(f"{product}/reservations", {"reservation_id": name, "quantity": 1})
    return answer.status_code, answer.json().get("code")


def test_a_changed_evolve_folds_a_stream_again_when_it_is_met(market):
    """For revision 2 a reserved unit counts twice, and the name of a released one is free."""
    seller = market.client("anna", "seller")
    latte, mocha = [seller.post("/v1/products", {"title": title, "price": 1, "stock": 4})
                    .headers["Location"] for title in ("Latte", "Mocha")]
    for product in (latte, mocha):
        assert reserve(market, product, "first") == (201, None)
        assert reserve(market, product, "second") == (201, None)
        market.client("orders", "service").delete(f"{product}/reservations/first")
        assert reserve(market, product, "first") == (409, "reservation_closed")

    owner = next(each for each in market.commands if serves(each))
    follower = next(each for each in market.commands if each is not owner)
    follower.stop()
    follower.command[0] = str(binary("command-svc-revised"))
    follower.start()
    assert follower.metric(REFOLDED) == 0
    assert reserve(market, mocha, "third") == (201, None)  # decided under revision 1 ...
    wait_until(lambda: follower.metric(REFOLDED) == 1, 20, "the follower met the stream")

    owner.stop()
    wait_until(lambda: serves(follower), 20, "the follower serves")
    assert reserve(market, mocha, "fourth") == (409, "stock_short")  # ... and counted under 2
    assert reserve(market, latte, "first") == (201, None)
    assert reserve(market, latte, "third") == (409, "stock_short")
    assert follower.metric(REFOLDED) == 2
    assert "index_wiped" not in follower.log_path.read_text()
