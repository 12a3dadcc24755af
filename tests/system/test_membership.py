"""Three command-svc processes share the partitions: every request is answered by each of them, also
while one dies, stalls, comes back or stops."""

import json
import time
import uuid

import pytest
import requests

from support.ledger import Ledger
from support.load import Load
from support.market import PARTITIONS, Market
from support.waiting import wait_until
from support.writer import Writer

TOPIC = "sijang.catalog.events.v1"
OWNERS_TOPIC = "sijang.owners.v1"
SESSION_TIMEOUT_S = 2
BODY = {"title": "Latte", "price": 100, "stock": 5}


@pytest.fixture(scope="module")
def trio():
    with Market(processes=3) as market:
        yield market


@pytest.fixture
def market(trio):
    """All three are up, and each serves its share."""
    for command in trio.commands:
        if not command.alive:
            command.start()
    wait_until_spread(trio.commands)
    return trio


def lanes(command):
    try:
        return command.get("/ready", 5).json()["lanes"]
    except requests.RequestException:
        return []


def served(command):
    return {lane["partition"] for lane in lanes(command) if lane["state"] == "serving"}


def wait_until_spread(commands, timeout_s=30):
    """Every partition is served by one of them, and by that one to which it is assigned."""
    def spread():
        shares = [served(command) for command in commands]
        return (all(shares) and sorted(sum(map(list, shares), [])) == list(range(PARTITIONS))
                and all(lane["assigned"] == (lane["state"] == "serving")
                        for command in commands for lane in lanes(command)))
    wait_until(spread, timeout_s, "each serves its share", 0.05)


def products_by_partition(market, at):
    """A product in each partition."""
    seller = market.client("seller", "seller", at=at)
    found = {}
    while len(found) < PARTITIONS:
        answer = seller.post("/v1/products", BODY)
        assert answer.status_code == 201, answer.text
        position = answer.headers["Sijang-Position"]
        found[int(position.split("/")[1].split("@")[0])] = answer.json()["id"]
    return found


def claims(market, partition):
    """Offsets of all claims in a partition."""
    return [record.offset() for record in market.broker.records(TOPIC, partition)
            if dict(record.headers() or {}).get("ce_type") == b"sijang.platform.Claim"]


def adjust(client, product):
    return client.post(f"/v1/products/{product}/stock-adjustments", {"delta": 1, "reason": "more"})


def test_each_serves_a_share_and_answers_for_all(market):
    products = products_by_partition(market, market.commands[0])
    for command in market.commands:
        seller = market.client("seller", "seller", at=command)
        for product in products.values():
            answer = adjust(seller, product)
            assert answer.status_code == 200, answer.text
            assert answer.headers["ETag"] and answer.headers["Sijang-Position"]


def test_gauges_say_who_serves_and_who_follows(market):
    for command in market.commands:
        share = len(served(command))
        assert command.metric("sijang_partitions_serving") == share
        assert command.metric("sijang_partitions_following") == PARTITIONS - share


def test_a_standby_shows_the_same_history(market):
    """Who only follows a partition answers from its own index, as far as it is asked to wait:
    listed, stocked, adjusted."""
    seller = market.client("seller", "seller", at=market.commands[0])
    created = seller.post("/v1/products", BODY)
    product = created.json()["id"]
    last = adjust(seller, product)
    number = int(last.headers["Sijang-Position"].split("/")[1].split("@")[0])
    assert sum(number in served(command) for command in market.commands) == 1
    pages = [market.client("seller", "seller", at=command).get(
        f"/v1/streams/catalog/product/{product}", headers={
            "Sijang-Wait-For": last.headers["Sijang-Position"]}) for command in market.commands]
    assert [page.status_code for page in pages] == [200] * 3
    assert [item["version"] for item in pages[0].json()["items"]] == [1, 2, 3]
    assert pages[0].json() == pages[1].json() == pages[2].json()


def test_the_owners_topic_says_where_each_partition_is_served(market):
    def said():
        newest = {}
        for record in market.broker.records(OWNERS_TOPIC, 0):
            newest[record.key().decode()] = record.value() and json.loads(record.value())
        assert newest.pop("@catalog/main")["address"]
        return {key: value.get("address") for key, value in newest.items()}
    expected = {f"catalog/{partition}": f"127.0.0.1:{command.port}"
                for command in market.commands for partition in served(command)}
    wait_until(lambda: said() == expected, 10, "the owners' topic says who serves")


def test_a_killed_owner_is_replaced_in_time(market):
    victim, *others = market.commands[::-1]
    lost = served(victim)
    products = products_by_partition(market, others[0])
    victim.kill()
    killed_s = time.monotonic()
    sellers = [market.client("seller", "seller", at=other) for other in others]
    for number, partition in enumerate(lost):
        answer = adjust(sellers[number % 2], products[partition])
        assert answer.status_code == 200, answer.text
    assert time.monotonic() - killed_s < SESSION_TIMEOUT_S + 1.5
    wait_until_spread(others)


def test_who_comes_back_within_its_session_finds_its_share(market):
    victim, *others = market.commands
    share, terms = served(victim), {other: served(other) for other in others}
    before = {partition: claims(market, partition) for partition in range(PARTITIONS)}
    victim.kill()
    victim.start()
    wait_until(lambda: served(victim) == share, 10, "its share is served again")
    assert {other: served(other) for other in others} == terms
    for partition in range(PARTITIONS):
        made = len(claims(market, partition)) - len(before[partition])
        assert made == (1 if partition in share else 0)


def test_a_stalled_owner_deposes_nobody_and_answers_truthfully(market):
    sleeper, *others = market.commands
    share = served(sleeper)
    products = products_by_partition(market, others[0])
    with Load(market, writers=4, at=sleeper) as at_sleeper, \
            Load(market, writers=4, at=others[0], seed=2) as at_other:
        wait_until(lambda: at_sleeper.accepted > 50 and at_other.accepted > 50, 60)
        sleeper.pause()
        wait_until(lambda: set().union(*map(served, others)) == set(range(PARTITIONS)), 20,
                   "the others serve everything", 0.05)
        seller = market.client("seller", "seller", at=others[1])
        for partition in share:
            assert adjust(seller, products[partition]).status_code == 200
        before = {partition: len(claims(market, partition)) for partition in range(PARTITIONS)}
        sleeper.resume()
        wait_until_spread(market.commands)
        since = at_sleeper.accepted
        wait_until(lambda: at_sleeper.accepted > since + 50, 60)
    dealt = served(sleeper)
    for partition in range(PARTITIONS):
        made = len(claims(market, partition)) - before[partition]
        # Dealt anew: everyone may have got some, by one claim each, and only who serves it now.
        assert made <= 1, f"partition {partition} was claimed {made} times"
        if partition in dealt:
            assert made == 1
    ledger = Ledger(market.broker, PARTITIONS)
    at_sleeper.check(ledger)
    at_other.check(ledger)


def test_a_stopping_owner_hands_over_without_a_failed_request(market):
    leaver, *others = market.commands[::-1]
    with Load(market, writers=4, at=others[0]) as load:
        wait_until(lambda: load.accepted > 200, 60)
        assert leaver.stop() == 0
        assert set().union(*map(served, others)) == set(range(PARTITIONS))
        since = load.accepted
        wait_until(lambda: load.accepted > since + 200, 60)
    assert not load.troubles
    assert leaver.log_contains('"handed_over"')
    assert load.longest_pause_s() < 1.0  # of 0.5 wanted; the machine does other things, too
    load.check(Ledger(market.broker, PARTITIONS))


def test_all_are_restarted_in_turn_without_a_failed_request(market):
    with Load(market, writers=4) as load:  # through the gateway
        wait_until(lambda: load.accepted > 100, 60)
        for command in market.commands:
            command.restart()
            wait_until_spread(market.commands)
        since = load.accepted
        wait_until(lambda: load.accepted > since + 100, 60)
    assert not load.troubles
    load.check(Ledger(market.broker, PARTITIONS))


def test_a_command_sent_twice_to_two_processes_is_done_once(market):
    key = str(uuid.uuid4())
    answers = [market.client("seller", "seller", at=command).post("/v1/products", BODY, key)
               for command in market.commands]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_who_does_not_know_an_event_leaves_its_share_to_others():
    """A newer version has written an event of a schema that this one cannot decide with."""
    with Market(processes=2) as market:
        wait_until_spread(market.commands)
        owner, = [command for command in market.commands if 0 in served(command)]
        follower, = [command for command in market.commands if command is not owner]
        newer = Writer(market.broker, PARTITIONS)
        newer.claim(0)
        newer.append(0, str(uuid.uuid4()), 1, [("ProductBlessed", b"\0\0\x01\0\0junk")])
        newer.flush()
        follower.wait_for_log('"upgrade_me"')
        wait_until(lambda: served(owner) == set(range(PARTITIONS)) and not served(follower), 20,
                   "the other one has taken over")
        assert not follower.ready()
        seller = market.client("seller", "seller", at=follower)
        answers = [seller.post("/v1/products", BODY) for _ in range(20)]
        assert 201 in {answer.status_code for answer in answers}  # the others' partitions go on
