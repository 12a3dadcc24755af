"""Three command-svc processes: how long nobody can change anything when one of them dies, and when
one is asked to stop."""

import json
import statistics
import threading
import time

from support.client import Client
from support.market import PARTITIONS, Market
from support.waiting import wait_until

from report import Row, at_most, ms, number
from tools import fresh_key, http_load

PROCESSES = 3
KILLS = 3
SESSION_S = 2
TARGET_S = SESSION_S + 1.5
WARM_UP_S, HANDOVER_S, HANDOVER_RATE = 4, 7, 500
STOP_AFTER_S = 2
BODY = {"title": "Barley tea", "price": 3000, "stock": 0}


def failover(_ground):
    """SIGKILL; a command for each of its partitions is asked at once, at another process."""
    with Market(quick_broker=False, processes=PROCESSES) as market:
        _wait_shared(market.commands)
        seller = Client(market.command.url, market.token("seller", "seller", lifetime_s=7200))
        products = _product_in_each_partition(seller)
        pauses = [_kill_one(market, market.commands[number % PROCESSES], products)
                  for number in range(KILLS)]
    middle = statistics.median(pauses)
    yield Row(
        f"owner killed → all its partitions accept again, {PROCESSES} processes",
        f"{middle:.2f} s (of {KILLS}: {min(pauses):.2f}-{max(pauses):.2f})",
        f"session timeout {SESSION_S} s", middle / SESSION_S,
        [at_most(max(pauses), TARGET_S, "≤ session timeout + 1.5 s")], {"pauses_s": pauses})


def handover(_ground):
    """SIGTERM under load through the gateway; the longest wait of any request is the pause."""
    with Market(quick_broker=False, processes=PROCESSES) as market:
        _wait_shared(market.commands)
        _load(market, WARM_UP_S)
        runs = [_stop_one(market, command) for command in market.commands]
    longest_us = max(run["max_us"] for run in runs)
    failed = sum(run["failed"] for run in runs)
    yield Row(
        f"owner stopped under {HANDOVER_RATE} commands/s, {PROCESSES} processes, gateway",
        f"longest answer {ms(longest_us)} ms, {number(failed)} failed of "
        f"{number(sum(run['answered'] for run in runs))}",
        "p50 " + ms(statistics.median(run["p50_us"] for run in runs)) + " ms", None,
        [at_most(longest_us, 500000, "≤ 500 ms pause"), ("no failed request", failed == 0)],
        {"runs": runs})


def _served(command):
    lanes = command.get("/ready").json()["lanes"]
    return {lane["partition"] for lane in lanes if lane["state"] == "serving"}


def _wait_shared(commands):
    def shared():
        shares = [_served(command) for command in commands]
        return all(shares) and sum(map(len, shares)) == PARTITIONS
    wait_until(shared, 30, "the partitions are shared")


def _product_in_each_partition(seller):
    found = {}
    while len(found) < PARTITIONS:
        answer = seller.post("/v1/products", BODY)
        answer.raise_for_status()
        position = answer.headers["Sijang-Position"]
        found[int(position.split("/")[1].split("@")[0])] = answer.json()["id"]
    return found


def _kill_one(market, victim, products):
    """Seconds until the last of its partitions has accepted a command."""
    other = next(command for command in market.commands if command is not victim)
    token = market.token("seller", "seller")
    share, ends = _served(victim), {}

    def ask(partition):
        client = Client(other.url, token)
        path = f"/v1/products/{products[partition]}/stock-adjustments"
        while client.post(path, {"delta": 1, "reason": "delivery"}).status_code != 200:
            pass
        ends[partition] = time.monotonic()
    threads = [threading.Thread(target=ask, args=(partition,)) for partition in share]
    victim.kill()
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    victim.start()
    _wait_shared(market.commands)
    return max(ends.values()) - began


def _load(market, seconds):
    return http_load(
        f"127.0.0.1:{market.gateway.port}", "/v1/products", market.token("seller", "seller"),
        seconds, method="POST", body=json.dumps(BODY), key=fresh_key(), rate=HANDOVER_RATE,
        connections=64)


def _stop_one(market, command):
    """The load's figures, while one process stops and comes back."""
    ended = []
    stopper = threading.Timer(STOP_AFTER_S, lambda: ended.append(command.stop()))
    stopper.start()
    figures = _load(market, HANDOVER_S)
    stopper.join()
    if ended != [0]:
        raise RuntimeError(f"{command.name} ended with {ended}")
    command.start()
    _wait_shared(market.commands)
    status = figures["status"]
    figures["failed"] = (figures["unanswered"] + figures["broken"] + status["4xx"] + status["5xx"]
                         + status["other"])
    return figures
