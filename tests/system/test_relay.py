"""The relay: a consumer that knows no rule but read_committed sees what counts in a context's log,
each event once and in order, whatever happens to the relays."""

import random
import shutil
import subprocess

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from support.broker import Broker
from support.ledger import Schemas, valid_commits
from support.market import make_folder
from support.paths import binary
from support.service import Service
from support.views_room import Work
from support.waiting import wait_until
from support.writer import TOPIC, Writer

PARTITIONS = 4
PUBLIC = "sijang.catalog.public.v1"
GROUP = "sijang.relay.catalog"


class Place:
    """A broker with a context's two topics, and relays."""

    def __init__(self, folder):
        self.folder = folder
        self.broker = Broker(folder / "kafka")
        self.relays = []

    def begin(self):
        for topic in {TOPIC, PUBLIC} & self.broker.topics():
            self.broker.delete_topic(topic)
        self.create_topics()
        self.writer = Writer(self.broker, PARTITIONS)
        self.writer.claim_all()
        return self

    def create_topics(self):
        subprocess.run([binary("sijangctl"), "topics", "create", "--public"], check=True,
                       env={"SIJANG_KAFKA_BROKERS": self.broker.address,
                            "SIJANG_PARTITIONS": str(PARTITIONS)}, capture_output=True)

    def relay(self):
        name = f"relay-{len(self.relays) + 1}"
        env = {"SIJANG_KAFKA_BROKERS": self.broker.address, "SIJANG_PARTITIONS": PARTITIONS,
               "SIJANG_RELAY_NAME": name, "SIJANG_RELAY_SESSION_TIMEOUT_MS": 1500,
               "SIJANG_RELAY_BATCH_RECORDS": 200}
        relay = Service("relay", self.folder, env, "SIJANG_RELAY_PORT", name)
        self.relays.append(relay)
        return relay

    def end(self):
        stopped, self.relays = self.relays, []
        for relay in stopped:
            code = relay.stop()
            assert code in (0, None, -9), relay.log_tail()

    def written(self):
        """As a read_uncommitted end: what transactions under way have appended is in it."""
        return sum(self.broker.end_offset(PUBLIC, number) for number in range(PARTITIONS))

    def shown(self):
        """What Kafka's tools show as the relay's group."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": GROUP})
        try:
            places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
            return {place.partition: place.offset for place in consumer.committed(places, 10)}
        finally:
            consumer.close()

    def wait_published(self):
        ends = {number: self.broker.end_offset(TOPIC, number) for number in range(PARTITIONS)}
        wait_until(lambda: self.shown() == ends, 60, f"published up to {ends}", 0.2)

    def published(self):
        """By partition, as a plain consumer with isolation.level=read_committed sees it."""
        found, open_partitions = [[] for _ in range(PARTITIONS)], set(range(PARTITIONS))
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "plain",
                             "isolation.level": "read_committed", "enable.auto.commit": False,
                             "enable.partition.eof": True})
        try:
            consumer.assign([TopicPartition(PUBLIC, number, 0) for number in range(PARTITIONS)])
            while open_partitions:
                message = consumer.poll(20)
                assert message is not None, f"partitions {open_partitions} have no end"
                if message.error():
                    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                    open_partitions.discard(message.partition())
                else:
                    found[message.partition()].append(message)
        finally:
            consumer.close()
        return found

    def check(self):
        """The same records as those that count, and nothing else."""
        schemas, count = Schemas(), 0
        for number, copies in enumerate(self.published()):
            commits = valid_commits(self.broker.records(TOPIC, number), schemas)
            originals = [(event, commit[-1].offset) for commit in commits for event in commit]
            assert len(copies) == len(originals), f"partition {number}"
            for copy, (event, end) in zip(copies, originals):
                headers = {name: value.decode() for name, value in copy.headers()}
                position = headers.pop("ce_position")
                assert headers == event.headers
                assert position.startswith(f"catalog/{number}@{end}~")
                assert copy.key().decode() == event.key
                assert schemas.decode(copy.value()) == event.body
            count += len(copies)
        return count


@pytest.fixture(scope="module")
def server():
    folder = make_folder()
    place = Place(folder)
    try:
        place.broker.start()
        yield place
    finally:
        place.broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(server):
    try:
        yield server.begin()
    finally:
        server.end()


def test_a_relay_killed_again_and_again_publishes_what_counts_once_and_in_order(place):
    chance, relay = random.Random(5), place.relay()
    with Work(place.writer):
        for _ in range(6):
            goal = place.written() + chance.randrange(1, 300)
            relay.start(wait=False)
            wait_until(lambda: place.written() >= goal, 30, f"{goal} records are published", 0.001)
            relay.kill()
    relay.start()
    place.wait_published()
    assert place.check() > 200
    compared = subprocess.run([binary("sijangctl"), "diff", "catalog", PUBLIC], text=True,
                              env={"SIJANG_KAFKA_BROKERS": place.broker.address},
                              capture_output=True, timeout=60)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert relay.metric("sijang_relay_lag_events") == 0
    assert relay.get("/ready").json()["publishing"] == PARTITIONS


def test_two_relays_share_and_one_that_slept_disturbs_nobody(place):
    first, second = place.relay(), place.relay()
    with Work(place.writer):
        first.start()
        wait_until(lambda: first.get("/ready").json()["publishing"] == PARTITIONS, 30,
                   "the first has all")
        second.start()
        for relay in (first, second):
            wait_until(lambda: relay.get("/ready").json()["publishing"] == PARTITIONS // 2, 30,
                       "each has its half")
        first.pause()
        wait_until(lambda: second.get("/ready").json()["publishing"] == PARTITIONS, 30,
                   "the second has taken over")
        first.resume()
        for relay in (first, second):
            wait_until(lambda: relay.get("/ready").json()["publishing"] == PARTITIONS // 2, 30,
                       "each has its half again")
    place.wait_published()
    assert place.check() > 50


def test_another_log_under_the_same_name_is_not_published(place):
    relay = place.relay().start()
    place.writer.work(50)
    place.wait_published()
    relay.stop()
    before = place.check()
    place.broker.delete_topic(TOPIC)
    place.create_topics()
    again = Writer(place.broker, PARTITIONS, seed=2)
    again.claim_all()
    again.work(300)
    relay.start(wait=False)
    relay.wait_for_log("log_replaced", 30)
    assert not relay.ready()
    assert sum(len(copies) for copies in place.published()) == before
