"""The index of a log that is there already, as command-svc builds it."""

import subprocess

import pytest
import requests

from support.market import Market
from support.paths import build_folder
from support.waiting import wait_until

TOPIC = "sijang.catalog.events.v1"
PRODUCTS, VERSIONS = 3000, 8


@pytest.fixture
def written_market():
    """A log of products, and a command-svc that has not seen it; ids of some of them."""
    market = Market()
    try:
        market.broker.start()
        market.ctl("topics", "create")
        filled = subprocess.run(
            [build_folder() / "tests/bench/fill_log", "--brokers", market.broker.address,
             "--topic", TOPIC, "--partitions", str(market.partitions), "--products", str(PRODUCTS),
             "--versions", str(VERSIONS), "--ids-every", "300"],
            check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        yield market, filled.stdout.split()
    finally:
        market.stop(check=False)


def wait_until_half_built(command):
    """Or built, where that is quicker than looking."""
    most = 0

    def is_on_its_way():
        nonlocal most
        try:
            behind = command.metric("sijang_records_behind") or 0
        except requests.RequestException:
            return False
        most = max(most, behind)
        return most > 0 and behind < most * 0.7
    wait_until(is_on_its_way, 60, "the index is being built")


def test_an_index_is_built_on_where_a_killed_process_left_it(written_market):
    market, ids = written_market
    command = market.command
    for _ in range(2):
        command.start(wait=False)
        wait_until_half_built(command)
        command.kill()
    command.start(90)
    assert not command.log_contains("index_wiped")
    seller = market.client("bench-seller", "seller", at=command)
    for product in ids:
        stream = seller.get(f"/v1/streams/catalog/product/{product}").json()
        assert [item["version"] for item in stream["items"]] == list(range(1, VERSIONS + 1))
        answer = seller.post(f"/v1/products/{product}/stock-adjustments",
                             {"delta": -3 * (VERSIONS - 1), "reason": "sold"})
        assert answer.headers["ETag"] == f'"{VERSIONS + 1}"', answer.text
        short = seller.post(f"/v1/products/{product}/stock-adjustments",
                            {"delta": -1, "reason": "sold"})
        assert short.status_code == 409, "each delivery counts once"
