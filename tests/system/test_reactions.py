"""Deadlines and reactions on a real broker: sums are preserved and everything ends once, however
often the service dies on the way."""

import json
import random
import subprocess
import uuid

import pytest
from confluent_kafka import Consumer, TopicPartition

from support.client import Client, sign_token
from support.exchange import PARTITIONS, Books, Exchange, Transfers, insist
from support.market import SECRET
from support.paths import binary
from support.waiting import wait_until

KILLS = 8


@pytest.fixture
def exchange():
    with Exchange() as running:
        yield running


def open_purses(exchange, count, coins):
    client = exchange.client()
    return [insist(client, "POST", "/v1/purses", {"coins": coins}).json()["id"]
            for _ in range(count)]


def open_chests(exchange, count, capacity):
    client = exchange.client()
    return [insist(client, "POST", "/v1/chests", {"capacity": capacity}).json()["id"]
            for _ in range(count)]


def request(exchange, purse, chest, amount, patience_ms):
    answer = insist(exchange.client(), "POST", "/v1/transfers", {
        "purse_id": purse, "chest_id": chest, "amount": amount, "patience_ms": patience_ms})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def approve(exchange, transfer):
    client, path = exchange.client(), f"/v1/transfers/{transfer}/approval"
    wait_until(lambda: insist(client, "PUT", path).status_code == 200, 20, "the transfer is held")


def wait_until_ended(exchange, transfers, timeout_s=60):
    wait_until(lambda: Books(exchange).ends().keys() >= set(transfers), timeout_s,
               "every transfer has ended", 0.5)


def test_transfers_end_once_whatever_dies(exchange):
    chance = random.Random(4)
    purses, chests = open_purses(exchange, 12, 400), open_chests(exchange, 6, 600)
    clients = [Transfers(exchange, seed, purses, chests) for seed in range(4)]
    for client in clients:
        client.start()
    for kill in range(KILLS):
        goal = sum(client.count() for client in clients) + chance.randint(5, 40)
        wait_until(lambda: sum(client.count() for client in clients) >= goal, 60,
                   "more transfers are asked for")
        exchange.command.kill()
        if kill % 3 == 2:
            exchange.forget_index()
        exchange.command.start(60)
    requested = [transfer for client in clients for transfer in client.finish()]
    wait_until_ended(exchange, requested)
    books = Books(exchange)
    books.check(requested)
    reasons = {event.body["reason"] for event in books.of_type("TransferCancelled")}
    assert books.of_type("TransferCompleted") and "expired" in reasons
    assert exchange.command.metric("sijang_reactions_open") == 0


def test_transfers_cross_processes_that_come_and_go():
    """Reactions run where the transfer's partition is; purse and chest may be another process's."""
    chance = random.Random(5)
    with Exchange(processes=2) as exchange:
        purses, chests = open_purses(exchange, 12, 400), open_chests(exchange, 6, 600)
        clients = [Transfers(exchange, seed, purses, chests) for seed in range(4)]
        for client in clients:
            client.start()
        for kill in range(4):
            goal = sum(client.count() for client in clients) + chance.randint(10, 30)
            wait_until(lambda: sum(client.count() for client in clients) >= goal, 90,
                       "more transfers are asked for")
            exchange.commands[kill % 2].kill()
            exchange.commands[kill % 2].start(60)
        requested = [transfer for client in clients for transfer in client.finish()]
        wait_until_ended(exchange, requested)
        Books(exchange).check(requested)


def test_each_deployment_hosts_what_it_is_told():
    """Purses and transfers here, chests there: commands are forwarded, reactions cross over."""
    settings = [{"SIJANG_DEPLOYMENT": "money", "SIJANG_CONTEXTS": "exchange"},
                {"SIJANG_DEPLOYMENT": "goods", "SIJANG_CONTEXTS": "vault"}]
    with Exchange(settings=settings) as exchange:
        hosted = [{lane["context"] for lane in command.get("/ready").json()["lanes"]}
                  for command in exchange.commands]
        assert hosted == [{"exchange"}, {"vault"}]
        groups = {group.id for group in exchange.broker.admin().list_groups(timeout=10)}
        assert {"sijang.command.money", "sijang.command.goods"} <= groups
        purse, chest = open_purses(exchange, 1, 10)[0], open_chests(exchange, 1, 5)[0]
        transfer = request(exchange, purse, chest, 3, 60000)
        approve(exchange, transfer)
        wait_until_ended(exchange, [transfer])
        books = Books(exchange)
        books.check([transfer])
        assert len(books.of_type("CoinsDeposited")) == 1
        path = f"/v1/streams/vault/chest/{chest}"
        here, there = [exchange.client(at).get(path) for at in exchange.commands]
        assert (here.status_code, here.json()["code"]) == (421, "context_not_hosted")
        assert there.status_code == 200
        order = exchange.client(exchange.commands[1]).post(
            "/v1/reactions/exchange/carry_transfer/release", {"reason": "looked into"})
        assert (order.status_code, order.json()["code"]) == (421, "context_not_hosted")


def test_a_context_that_another_deployment_hosts_is_left_alone(exchange):
    """The one that is there serves on; when it stops, the other one takes its place."""
    first = exchange.command
    purse = open_purses(exchange, 1, 10)[0]
    second = exchange.command_service("index1", {"SIJANG_DEPLOYMENT": "elsewhere"})
    exchange.commands.append(second)
    second.start(wait=False)
    second.wait_for_log("context_hosted_elsewhere", 30)
    ready = second.get("/ready")
    assert ready.status_code == 503
    refused = ready.json()["refused"]
    assert {each["context"] for each in refused} == {"exchange", "vault"}
    assert {(each["code"], each["by_deployment"]) for each in refused} == {
        ("context_hosted_elsewhere", "main")}
    assert first.ready() and first.metric("sijang_partitions_deposed_total") == 0
    assert second.metric("sijang_partitions_serving") == 0
    forwarded = exchange.client(second).post("/v1/transfers", {
        "purse_id": purse, "chest_id": str(uuid.uuid4()), "amount": 1, "patience_ms": 60000})
    assert forwarded.status_code == 201
    first.stop()
    second.wait_ready()
    assert second.metric("sijang_partitions_serving") == 2 * PARTITIONS


def test_a_context_that_nobody_knows_is_named():
    refused = subprocess.run([binary("exchange-command-svc"), "--contexts", "vault,books"],
                             env={"SIJANG_TOKEN_SECRET": SECRET}, text=True, check=False,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20)
    assert refused.returncode != 0
    assert 'no context "books"; there are: exchange vault' in refused.stderr


def test_what_the_chest_refuses_is_compensated(exchange):
    purse, chest = open_purses(exchange, 1, 10)[0], open_chests(exchange, 1, 5)[0]
    transfer = request(exchange, purse, chest, 7, 60000)
    approve(exchange, transfer)
    wait_until_ended(exchange, [transfer])
    books = Books(exchange)
    books.check([transfer])
    assert [event.body["reason"] for event in books.of_type("TransferCancelled")] == ["chest_full"]
    assert [event.body["amount"] for event in books.of_type("HoldReleased")] == [7]


def lag(exchange, group, topic):
    """As Kafka's tools compute it: how far the group is behind, over all partitions it is in."""
    consumer = Consumer({"bootstrap.servers": exchange.broker.address, "group.id": group})
    try:
        where = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reached = [each for each in consumer.committed(where, timeout=10) if each.offset >= 0]
        return {each.partition: exchange.broker.end_offset(topic, each.partition) - each.offset
                for each in reached}
    finally:
        consumer.close()


def test_marks_show_as_a_groups_offsets(exchange):
    purse = open_purses(exchange, 1, 10)[0]
    transfers = [request(exchange, purse, str(uuid.uuid4()), 1, 0) for _ in range(20)]
    wait_until_ended(exchange, transfers)
    group, topic = "sijang.reactions.exchange.carry_transfer", "sijang.exchange.events.v1"
    mine = {event.partition for event in Books(exchange).of_type("TransferCancelled")}
    behind = wait_until(lambda: (found := lag(exchange, group, topic)).keys() >= mine and found, 20,
                        "all partitions with transfers have marks")
    assert min(behind.values()) >= 0


def test_a_deadline_fires_once_after_a_restart(exchange):
    purse = open_purses(exchange, 1, 10)[0]
    transfers = [request(exchange, purse, str(uuid.uuid4()), 1, 1500) for _ in range(5)]
    exchange.command.kill()
    exchange.command.start()
    wait_until_ended(exchange, transfers)
    exchange.command.kill()
    exchange.forget_index()
    exchange.command.start()
    late = request(exchange, purse, str(uuid.uuid4()), 1, 0)
    wait_until_ended(exchange, [late])
    books = Books(exchange)
    books.check([*transfers, late])
    expired = [event.subject for event in books.of_type("TransferCancelling")]
    assert sorted(expired) == sorted([*transfers, late])


def test_what_only_the_service_may_give_has_no_path(exchange):
    client = exchange.client()
    purse = open_purses(exchange, 1, 10)[0]
    assert client.post(f"/v1/purses/{purse}/holds", {"hold_id": purse}).status_code == 404


def test_only_admins_order_what_is_parked(exchange):
    path = "/v1/reactions/exchange/carry_transfer/release"
    client = exchange.client()
    assert client.post(path, {"reason": "looked into"}).status_code == 202
    assert client.post(path, {}).json()["errors"][0]["field"] == "reason"
    assert client.post("/v1/reactions/exchange/none/release", {"reason": "x"}).status_code == 404
    listed = client.get("/v1/reactions/exchange/carry_transfer/parked")
    assert listed.status_code == 200
    assert listed.json() == {"context": "exchange", "reaction": "carry_transfer", "items": [],
                             "more": False}
    assert client.get("/v1/reactions/exchange/none/parked").status_code == 404
    other = Client(exchange.command.url, sign_token(SECRET, "bert", ["customer"]))
    assert other.post(path, {"reason": "looked into"}).status_code == 403
    assert other.get("/v1/reactions/exchange/carry_transfer/parked").status_code == 403


PARKED = "/v1/reactions/exchange/carry_transfer/parked"


def parked(exchange, at=None):
    """By sender and version of the event."""
    done = exchange.ctl("reactions", "list", "exchange", "carry_transfer", at=at)
    assert done.returncode == 0, done.stderr
    return {(item["id"], item["version"]): item for item in json.loads(done.stdout)["items"]}


def paged(exchange):
    """The same, one by one."""
    client, items, page = exchange.client(), [], {"next": ""}
    while "next" in page:
        place = f"&from={page['next']}" if page["next"] else ""
        page = client.get(f"{PARKED}?limit=1{place}").json()
        items += page["items"]
    return items


def test_parked_events_are_listed_retried_and_discarded_by_their_owners():
    """No purse can have such a name. Any process is asked; each owner is told."""
    with Exchange(processes=2) as exchange:
        senders = [request(exchange, "p" * 450, str(uuid.uuid4()), 1, 600000) for _ in range(6)]
        expected = {(sender, 1) for sender in senders}
        for at in exchange.commands:
            wait_until(lambda: parked(exchange, at).keys() == expected, 20, "all are parked")
        items = parked(exchange)
        assert paged(exchange) == list(items.values())
        assert {item["reason"] for item in items.values()} == {"limit_exceeded"}
        owner = items[senders[0], 1]["owner"]
        other = next(each for each in exchange.commands if not each.url.endswith(owner))
        order = {"reason": "no such purse", "sender": senders[0]}
        refused = exchange.client(other).post(PARKED.replace("parked", "release"), order)
        assert (refused.status_code, refused.json()["code"]) == (421, "not_owner")
        assert exchange.client().get(f"{PARKED}?from=1/x/y").json()["errors"][0]["field"] == "from"

        words = "exchange", "carry_transfer"
        told = exchange.ctl("reactions", "retry", *words, "--reason", "perhaps now")
        assert told.returncode == 0 and told.stdout.startswith("6 parked events, "), told.stderr
        wrong = exchange.ctl("reactions", "discard", *words, senders[0], "2", "--reason", "x")
        assert (wrong.returncode, wrong.stdout) == (1, "")
        assert "nothing of that is parked" in wrong.stderr
        for at, sender in zip(exchange.commands, senders[:2]):
            gone = exchange.ctl("reactions", "discard", *words, sender, "1", "--reason",
                                "no such purse", at=at)
            assert gone.returncode == 0, gone.stdout + gone.stderr
            expected -= {(sender, 1)}
            wait_until(lambda: parked(exchange).keys() == expected, 20, "it is given up")
        assert exchange.ctl("reactions", "retry", *words).returncode == 2
