"""The two contexts of tests/contexts on a real broker: command-svc, and what its log says."""

import os
import random
import shutil
import subprocess
import threading
import uuid
from collections import Counter

import requests

from support.broker import Broker
from support.client import Client, sign_token
from support.ledger import Schemas, valid_commits
from support.market import SECRET, make_folder
from support.paths import ROOT, binary
from support.service import Service
from support.waiting import wait_until

PARTITIONS = 8
TREE = ROOT / "tests/contexts"
TOPICS = ("sijang.exchange.events.v1", "sijang.vault.events.v1")


class Exchange:
    def __init__(self, processes=1, shards=2, settings=None):
        self.folder = make_folder()
        self.broker = Broker(self.folder / "kafka")
        self.settings = {
            "SIJANG_KAFKA_BROKERS": self.broker.address,
            "SIJANG_TOKEN_SECRET": SECRET,
            "SIJANG_ADDRESS": "127.0.0.1",
            "SIJANG_PARTITIONS": PARTITIONS,
            "SIJANG_SHARDS": shards,
        }
        settings = settings or [{}] * processes  # of each process
        self.commands = [self.command_service(f"index{number}", more)
                         for number, more in enumerate(settings)]
        self.command = self.commands[0]

    def command_service(self, index_name, more):
        env = {**self.settings, **more, "SIJANG_INDEX_PATH": self.folder / index_name}
        return Service("exchange-command-svc", self.folder, env, "SIJANG_COMMAND_PORT",
                       f"exchange-command-svc-{index_name}")

    def start(self):
        self.broker.start()
        env = {**os.environ, **{key: str(value) for key, value in self.settings.items()}}
        subprocess.run([binary("exchange-sijangctl"), "topics", "create"], env=env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
        for command in self.commands:
            command.start(wait=False)
        for command in self.commands:
            command.wait_ready()
        return self

    def ctl(self, *words, at=None):
        """exchange-sijangctl asks the first process, or another one; its completed process."""
        env = {**os.environ, "SIJANG_TOKEN_SECRET": SECRET,
               "SIJANG_COMMAND_URL": (at or self.command).url}
        return subprocess.run([binary("exchange-sijangctl"), *words], env=env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                              check=False)

    def forget_index(self):
        """Of the first process, while it is stopped."""
        shutil.rmtree(self.folder / "index0")

    def stop(self, check=True):
        ended = [(command.stop(), command) for command in self.commands]
        self.broker.stop()
        for code, command in ended:
            if check and code not in (0, None, -9):
                raise AssertionError(f"it ended with {code}:\n{command.log_tail(60)}")
        if not os.environ.get("SIJANG_KEEP") and check:
            shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, at=None):
        return Client((at or self.command).url, sign_token(SECRET, "anna", ["admin"]), timeout_s=10)

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *rest):
        self.stop(check=failure is None)


def insist(client, method, path, body=None, key=None, stop=None):
    """The definite answer, however often the service dies meanwhile."""
    key = key or str(uuid.uuid4())

    def definite():
        if stop is not None and stop.is_set():
            raise TimeoutError("nobody wants to know any more")
        try:
            answer = client.request(method, path, body, key)
        except requests.RequestException:
            return None
        return answer if answer.status_code < 500 else None
    return wait_until(definite, 60, f"{method} {path} is answered", 0.02)


class Transfers(threading.Thread):
    """One client that has coins moved: some are approved, some are left to expire."""

    def __init__(self, exchange, seed, purses, chests):
        super().__init__(daemon=True)
        self.client = exchange.client(exchange.commands[seed % len(exchange.commands)])
        self.random = random.Random(seed)
        self.purses, self.chests = purses, chests
        self.requested = []
        self.stop_asked = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stop_asked.is_set():
                self.one()
        except Exception as failure:  # told to the test by finish()
            self.failure = failure

    def one(self):
        approved = self.random.random() < 0.8
        answer = insist(self.client, "POST", "/v1/transfers", {
            "purse_id": self.random.choice(self.purses),
            "chest_id": self.random.choice(self.chests),
            "amount": self.random.randint(1, 20),
            "patience_ms": 10000 if approved else self.random.randint(0, 3000),
        })
        assert answer.status_code == 201, answer.text
        self.requested.append(answer.json()["id"])
        if approved:
            self.approve(f"/v1/transfers/{self.requested[-1]}/approval")

    def approve(self, path):
        """As soon as it is held; one that ends before is not waited for."""
        try:
            wait_until(lambda: insist(self.client, "PUT", path).status_code == 200, 3)
        except TimeoutError:
            pass

    def count(self):
        if self.failure:
            raise self.failure
        return len(self.requested)

    def finish(self):
        self.stop_asked.set()
        self.join(70)
        if self.failure:
            raise self.failure
        return self.requested


class Books:
    """Everything in the log, held against the laws of the two contexts."""

    def __init__(self, exchange):
        schemas = Schemas(TREE)
        self.events = []
        for topic in TOPICS:
            for partition in range(PARTITIONS):
                messages = exchange.broker.records(topic, partition)
                for commit in valid_commits(messages, schemas):
                    self.events += commit
        ids = [event.id for event in self.events]
        assert len(ids) == len(set(ids)), "an event is in the log twice"

    def of_type(self, *names):
        return [event for event in self.events if event.type in names]

    def ends(self):
        """How often each transfer has ended."""
        return Counter(event.subject
                       for event in self.of_type("TransferCompleted", "TransferCancelled"))

    def check(self, requested):
        """Each transfer ended once; every hold was taken or released, never both; coins that left
        purses are in chests."""
        ends = self.ends()
        assert {transfer: ends[transfer] for transfer in requested} == dict.fromkeys(requested, 1)
        completed = {event.subject for event in self.of_type("TransferCompleted")}
        held = {event.body["hold_id"]: event.body["amount"] for event in self.of_type("CoinsHeld")}
        taken = Counter(event.body["hold_id"] for event in self.of_type("HoldTaken"))
        released = Counter(event.body["hold_id"] for event in self.of_type("HoldReleased"))
        put = {event.body["deposit_id"]: event.body["amount"]
               for event in self.of_type("CoinsDeposited")}
        assert len(put) == len(self.of_type("CoinsDeposited"))
        assert set(taken) == set(put) == completed
        assert set(taken.values()) <= {1} and set(released.values()) <= {1}
        assert not set(taken) & set(released)
        assert set(held) <= set(taken) | set(released)
        assert {hold: held[hold] for hold in taken} == put
