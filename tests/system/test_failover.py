"""Several command-svc processes: owners die, stall, wake up, are cut off and are replaced under
load. What was acknowledged is in the log once, what was refused is not, and who is asked to stop
fails nobody."""

import subprocess
import uuid
from contextlib import ExitStack

import pytest

from support.ledger import Ledger
from support.load import Load
from support.market import PARTITIONS, Market
from support.proxy import Proxy
from support.waiting import wait_until

TOPIC = "sijang.catalog.events.v1"
# What a client may see while an owner is dead: nothing happened, or nobody knows. The gateway
# closes the connection when the process behind a kept one is gone with its request.
RETRYABLE = {502, 503, 504, "ConnectionError"}


def more(load, count, timeout_s=60):
    """Waits until so many more commands were accepted."""
    goal = load.accepted + count
    wait_until(lambda: load.accepted >= goal, timeout_s, f"{count} more accepted commands")


def check(market, load):
    ledger = Ledger(market.broker, PARTITIONS)
    load.check(ledger)
    strange = [trouble for trouble in load.troubles if trouble.what not in RETRYABLE]
    assert not strange
    return ledger


def serving(command):
    """How many partitions it serves."""
    return command.get("/ready").json()["serving"]


def wait_shared(market, among=None, timeout_s=20):
    """Until every partition is served, and each of these processes serves some."""
    among = among or market.commands

    def shared():
        counts = [serving(command) for command in among]
        return min(counts) > 0 and sum(counts) == PARTITIONS
    wait_until(shared, timeout_s, "the partitions are shared")


class Trio(Market):
    """Three processes; the first is reached by the others, and reaches Kafka, through proxies."""

    def __init__(self):
        super().__init__(processes=3)
        self.to_first = Proxy(self.command.port)
        self.to_kafka = Proxy(0)
        self.to_kafka.target_port = self.broker.second_listener(self.to_kafka.port)
        self.command.env |= {"SIJANG_ADVERTISE": self.to_first.address,
                             "SIJANG_KAFKA_BROKERS": self.to_kafka.address}

    def __enter__(self):
        with ExitStack() as proxies:
            proxies.enter_context(self.to_first)
            proxies.enter_context(self.to_kafka)
            super().__enter__()
            self._proxies = proxies.pop_all()
        return self

    def __exit__(self, failure, *rest):
        try:
            super().__exit__(failure, *rest)
        finally:
            self._proxies.close()


@pytest.fixture(scope="module")
def trio():
    """Every test leaves them running and serving."""
    with Trio() as market:
        yield market


@pytest.fixture
def shared(trio):
    wait_shared(trio)
    return trio


def test_any_process_takes_any_command(shared):
    market = shared
    first, *others = [market.client("seller", "seller", at=command) for command in market.commands]
    body = {"title": "Latte", "price": 1, "stock": 5}
    for number in range(8):
        key = f"list-{number}"
        listed = first.post("/v1/products", body, key)
        assert listed.status_code == 201
        for other in others:
            again = other.post("/v1/products", body, key)
            assert (again.status_code, again.json()) == (201, listed.json())
            for name in ("Location", "ETag"):
                assert again.headers[name] == listed.headers[name]
            assert again.headers["Sijang-Position"].startswith("catalog/")
        path = f"/v1/products/{listed.json()['id']}"
        changes = [client.put(f"{path}/price", {"price": 10 + place}, headers={"If-Match": tag})
                   for place, (client, tag) in enumerate(zip((first, *others),
                                                             ('"2"', '"3"', '"4"')))]
        assert [(each.status_code, each.json().get("version")) for each in changes] == [
            (200, 3), (200, 4), (200, 5)]
        stale = [client.put(f"{path}/price", {"price": 99}, headers={"If-Match": '"2"'})
                 for client in (first, *others)]
        assert [each.status_code for each in stale] == [412] * 3
        short = [client.post(f"{path}/reservations", {"reservation_id": "r", "quantity": 6})
                 for client in (first, *others)]
        assert [(each.status_code, each.json()["code"]) for each in short] == [
            (409, "stock_short")] * 3
    forwarded = sum(command.metric('sijang_commands_total{outcome="forwarded"}')
                    for command in market.commands)
    assert forwarded >= 8


def test_a_request_keeps_its_id_and_its_trace_on_the_way(shared):
    market = shared
    trace = uuid.uuid4().hex
    for command in market.commands:
        answer = market.client("seller", "seller", at=command).post(
            "/v1/products", {"title": trace, "price": 1, "stock": 0}, headers={
                "X-Request-ID": "mine", "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (201, "mine")
    listed = [event for event in Ledger(market.broker, PARTITIONS).events
              if event.body.get("title") == trace]
    assert [event.headers["traceparent"].split("-")[1] for event in listed] == [trace] * 3


def test_clients_cannot_write_the_header_between_processes(shared):
    seller = shared.client("seller", "seller")
    forged = seller.post("/v1/products", {"title": "Latte", "price": 1, "stock": 5},
                         headers={"Sijang-Forwarded": f"1;1000;{2 ** 42};-;{'0' * 64}"})
    assert (forged.status_code, forged.json()["code"]) == (403, "forged_header")


def test_killed_owners_are_succeeded_and_come_back(shared):
    market = shared
    kill_in_turns(market, market.commands[1:2])


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_owners_killed_in_turns_thirty_times(shared):
    kill_in_turns(shared, shared.commands * 10)


def kill_in_turns(market, commands):
    with Load(market, shared=2) as load:
        for command in commands:
            more(load, 100)
            command.kill()
            wait_shared(market, [each for each in market.commands if each is not command])
            more(load, 100)
            command.start()
            wait_shared(market)
        more(load, 100)
    check(market, load)


def test_a_zombie_acknowledges_nothing(shared):
    """An owner stalls until others have its partitions, and goes on where it was: with what it was
    asked before, and what it is asked while it still believes."""
    stall_in_turns(shared, shared.commands[:1])


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_zombies_in_turns_thirty_times(shared):
    stall_in_turns(shared, shared.commands * 10)


def stall_in_turns(market, commands):
    for zombie in commands:
        with Load(market, shared=2) as load, Load(market, 4, zombie, seed=2) as direct:
            more(load, 100)
            zombie.pause()
            wait_shared(market, [each for each in market.commands if each is not zombie])
            more(load, 100)
            zombie.resume()
            wait_shared(market)
            more(direct, 20)
        direct.check(check(market, load))
        assert zombie.log_contains("lane_deposed")


def test_a_rolling_restart_fails_nobody(shared):
    market = shared
    with Load(market, shared=2) as load:
        for command in market.commands:
            more(load, 200)
            assert command.stop() == 0
            command.start()
            wait_shared(market)
        more(load, 200)
    check(market, load)
    assert load.troubles == []


@pytest.mark.parametrize("fault", ["cut", pytest.param("silence", marks=pytest.mark.long)])
def test_processes_that_cannot_reach_each_other_tell_the_truth(shared, fault):
    """The owner goes on, for those who reach it; the others wait, and say so in the end."""
    market, proxy = shared, shared.to_first
    with Load(market, shared=2, at=market.commands[1]) as load:
        more(load, 100)
        getattr(proxy, fault)()
        wait_until(lambda: any(trouble.what in RETRYABLE for trouble in load.troubles), 20,
                   "somebody was told")
        with Load(market, writers=2, at=market.command, seed=2) as own:
            more(own, 20)
        proxy.heal()
        more(load, 200)
    ledger = check(market, load)
    own.check(ledger)
    if fault == "cut":  # nothing was sent over a refused connection
        assert {"deadline_passed", "outcome_unknown"} >= {
            trouble.detail.split('"code":"')[1].split('"')[0] for trouble in load.troubles}


@pytest.mark.parametrize("fault", [pytest.param("cut", marks=pytest.mark.long), "silence"])
def test_an_owner_cut_off_from_kafka_is_succeeded(shared, fault):
    market, proxy = shared, shared.to_kafka
    others = market.commands[1:]
    with Load(market, shared=2) as load:
        more(load, 100)
        getattr(proxy, fault)()
        wait_shared(market, others)
        more(load, 200)
        proxy.heal()
        wait_shared(market, timeout_s=40)
        more(load, 200)
    check(market, load)


@pytest.mark.timeout(300)
def test_three_brokers_lose_their_leader_under_load():
    with Market(processes=3, brokers=3) as market:
        wait_shared(market)
        with Load(market, shared=2) as load:
            more(load, 200)
            leader = market.broker.leading(TOPIC, 0)
            leader.kill()
            more(load, 300)
            leader.start()
            more(load, 100)
        check(market, load)


def grow(mounted):
    subprocess.run(["mount", "-o", "remount,size=200m", mounted], check=True)


@pytest.fixture
def small_disk(folder):
    """A file system of a few megabytes for one process's index."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs to mount a small file system: root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_under_the_index_loses_nothing(small_disk):
    market = Market()
    market.command.env["SIJANG_INDEX_PATH"] = small_disk
    with market:
        with Load(market) as load:
            market.command.wait_for_log("index_flush_failed", 60)
            more(load, 200)  # what it cannot write waits in memory
            grow(small_disk)
            wait_until(lambda: market.command.metric("sijang_index_overlay_bytes") < 65536, 20,
                       "what waited is written")
            more(load, 100)
        check(market, load)
        market.command.kill()
        market.command.start()
        known = load.writers[0].products[0]  # version 1 at least, in an index that was killed
        assert market.client("seller-0", "seller").put(
            f"/v1/products/{known}/price", {"price": 7},
            headers={"If-Match": '"0"'}).status_code == 412


@pytest.mark.long
def test_a_disk_that_stays_full_refuses_in_the_end(small_disk):
    market = Market({"SIJANG_OVERLAY_BYTES_MAX": 1048576})
    market.command.env["SIJANG_INDEX_PATH"] = small_disk
    with market:
        with Load(market, at=market.command) as load:
            wait_until(lambda: any(trouble.what == 503 for trouble in load.troubles), 150,
                       "what waits for the disk has filled its share")
            grow(small_disk)
            more(load, 500)
        check(market, load)
