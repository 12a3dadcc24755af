"""Wall clocks jump by an hour: the host's, the broker's, forward and back. Nothing is accepted that
should not be, no deadline fires while clocks disagree, and each fires once."""

import uuid
from collections import Counter

import pytest

from support.client import Client, sign_token
from support.exchange import Books, Exchange, insist
from support.market import SECRET
from support.waiting import wait_until
from support.wall_clock import HOUR_S, WallClock


@pytest.fixture
def exchange():
    house = Exchange(settings=[{}])
    clocks = {name: WallClock(house.folder / f"{name}-clock") for name in ("host", "broker")}
    house.broker.env |= clocks["broker"].env
    house.command.env |= clocks["host"].env
    with house as running:
        running.clocks = clocks
        # Good for long enough that an hour more or less does not matter.
        token = sign_token(SECRET, "anna", ["admin"], lifetime_s=10 * HOUR_S)
        running.anna = Client(running.command.url, token, timeout_s=10)
        yield running


def differing(exchange):
    return exchange.command.get("/ready").json()["clocks_differ"]


def open_purse(exchange, key=None):
    return insist(exchange.anna, "POST", "/v1/purses", {"coins": 10}, key)


def transfer(exchange, purse, patience_s):
    return insist(exchange.anna, "POST", "/v1/transfers", {
        "purse_id": purse, "chest_id": str(uuid.uuid4()), "amount": 1,
        "patience_ms": int(patience_s * 1000)})


def partition_of(answer):
    return answer.headers["Sijang-Position"].split("@")[0]


def one_more_beside(exchange, *answers):
    """A record in each of those partitions: their owner compares the clocks."""
    wanted = {partition_of(answer) for answer in answers}
    while wanted:
        wanted.discard(partition_of(open_purse(exchange)))


def expired(exchange):
    return Counter(event.subject for event in Books(exchange).of_type("TransferCancelling"))


@pytest.mark.parametrize("name", ["host", "broker"])
def test_a_clock_that_jumps_an_hour_and_back_fires_nothing_twice(exchange, name):
    key, dues = str(uuid.uuid4()), []
    first = open_purse(exchange, key)
    distant = transfer(exchange, first.json()["id"], HOUR_S / 2)
    for ahead_s in (HOUR_S, -HOUR_S):
        exchange.clocks[name].set(ahead_s)
        one_more_beside(exchange, distant)
        wait_until(lambda: differing(exchange) >= 1, 10, "the clocks differ")
        due = transfer(exchange, first.json()["id"], 0)
        dues.append(due.json()["id"])
        again = open_purse(exchange, key)
        assert (again.status_code, again.json()) == (201, first.json())
        one_more_beside(exchange, due, distant)
        assert dues[-1] not in expired(exchange)
        exchange.clocks[name].set(0)
        one_more_beside(exchange, due, distant)
        wait_until(lambda: dues[-1] in expired(exchange), 20, "the deadline fires", 0.1)
    # Partition time is the newest append time: an hour of the broker's is an hour.
    distant_id = distant.json()["id"]
    wait_until(lambda: name == "host" or distant_id in expired(exchange), 20, "its time has come")
    ended = dues + ([distant_id] if name == "broker" else [])
    assert expired(exchange) == Counter(ended)
    wait_until(lambda: Books(exchange).ends() == Counter(ended), 20, "each has ended, once", 0.1)
