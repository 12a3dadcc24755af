"""sijangctl on topics as topics: list, seek, copy, diff, produce-test, and completion of words."""

import itertools
import json
import os
import re
import subprocess
import uuid

import pytest
from confluent_kafka import Consumer, TopicPartition

from support.paths import binary

SETTINGS = {"message.timestamp.type": "LogAppendTime"}


def ctl(broker, *words):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIJANG_")}
    return subprocess.run([binary("sijangctl"), *map(str, words)], text=True, timeout=120,
                          env={**kept, "SIJANG_KAFKA_BROKERS": broker.address},
                          capture_output=True, stdin=subprocess.DEVNULL)


def lines_of(broker, *words, code=0):
    done = ctl(broker, *words)
    assert done.returncode == code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture
def topic(broker):
    """Two partitions: three records in the first, one in the second."""
    name = f"test.{uuid.uuid4()}"
    broker.create_topic(name, 2, SETTINGS)
    for number in range(3):
        broker.produce(name, 0, f"value {number}".encode(), b"key", [("h", b"1"), ("h", b"2")])
    broker.produce(name, 1, b"\x00\xff", None)
    yield name
    broker.delete_topic(name)


@pytest.fixture
def empty(broker):
    name = f"test.{uuid.uuid4()}"
    broker.create_topic(name, 2, SETTINGS)
    yield name
    broker.delete_topic(name)


def test_topics_are_listed_with_what_is_in_them(broker, topic):
    line = next(line for line in lines_of(broker, "topics", "--json") if line["topic"] == topic)
    assert line == {"topic": topic, "context": "-", "partitions": 2, "first": 0, "end": 4,
                    "records": 4}
    parts = [line for line in lines_of(broker, "topics", "--json", "--partitions")
             if line["topic"] == topic]
    assert [(part["partition"], part["end"]) for part in parts] == [(0, 3), (1, 1)]
    table = ctl(broker, "topics").stdout.splitlines()
    assert table[0].split() == ["TOPIC", "CONTEXT", "PARTITIONS", "FIRST", "END", "RECORDS"]
    assert not any(line.startswith("__") for line in table)


def committed(broker, group, topic):
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group})
    try:
        places = consumer.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], 10)
        return [place.offset for place in places]
    finally:
        consumer.close()


def test_a_group_is_moved_and_what_it_had_is_shown(broker, topic):
    group = f"group-{uuid.uuid4()}"
    assert lines_of(broker, "seek", group, topic, "end", "--json") == [
        {"partition": 0, "after": 3}, {"partition": 1, "after": 1}]
    assert committed(broker, group, topic) == [3, 1]
    assert lines_of(broker, "seek", group, topic, 2, "--json", "--dry-run") == [
        {"partition": 0, "before": 3, "after": 2}, {"partition": 1, "before": 1, "after": 1}]
    assert committed(broker, group, topic) == [3, 1]
    lines_of(broker, "seek", group, topic, "begin", "--partition", 0)
    assert committed(broker, group, topic) == [0, 1]
    lines_of(broker, "seek", group, topic, "2020-01-01T00:00:00Z")
    assert committed(broker, group, topic) == [0, 0]
    position = "x/0@1~01890000-0000-7000-8000-000000000000"
    lines_of(broker, "seek", group, topic, position)
    assert committed(broker, group, topic) == [2, 0]


def test_a_group_with_members_does_not_move(broker, topic):
    group = f"group-{uuid.uuid4()}"
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group,
                         "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        assert consumer.poll(20) is not None
        done = ctl(broker, "seek", group, topic, "begin")
        assert done.returncode == 1 and "only while it has no members" in done.stderr
    finally:
        consumer.close()


def test_a_copy_is_the_same_and_diff_says_so(broker, topic, empty):
    copied = ctl(broker, "copy", topic, empty, "--raw")
    assert copied.returncode == 0 and "4 records copied" in copied.stdout, copied.stderr
    for partition in range(2):
        pairs = zip(broker.records(topic, partition), broker.records(empty, partition))
        for one, other in pairs:
            assert (one.key(), one.value(), one.headers()) == \
                (other.key(), other.value(), other.headers())
    assert lines_of(broker, "diff", topic, empty, "--raw", "--json") == [
        {"first_records": 4, "second_records": 4, "partitions_that_differ": 0}]


def test_without_raw_only_valid_events_are_copied(broker, topic, empty):
    assert "0 records copied" in ctl(broker, "copy", topic, empty).stdout


def test_diff_says_where_each_partition_differs_first(broker, topic, empty):
    assert ctl(broker, "copy", topic, empty, "--raw").returncode == 0
    broker.produce(empty, 0, b"more")
    broker.produce(topic, 1, b"one", b"key")
    broker.produce(empty, 1, b"one", b"another key")
    assert lines_of(broker, "diff", topic, empty, "--raw", "--json", code=1) == [
        {"partition": 0, "second": 3}, {"partition": 1, "first": 1, "second": 1},
        {"first_records": 5, "second_records": 6, "partitions_that_differ": 2}]
    assert lines_of(broker, "diff", empty, topic, "--raw", "--json", code=1)[0] == \
        {"partition": 0, "first": 3}
    done = ctl(broker, "diff", topic, empty, "--raw")
    assert f"partition 0 differs first at (end of {topic}) {empty}@3" in done.stdout


def test_a_copy_needs_as_many_partitions(broker, topic):
    name = f"test.{uuid.uuid4()}"
    broker.create_topic(name, 1, SETTINGS)
    done = ctl(broker, "copy", topic, name, "--raw")
    broker.delete_topic(name)
    assert done.returncode == 1 and "partitions" in done.stderr


def test_produce_test_says_how_fast_the_topic_is(broker, empty):
    figures, = lines_of(broker, "produce-test", empty, "--count", 500, "--bytes", 64, "--json")
    assert (figures["records"], figures["bytes"]) == (500, 64)
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["max_us"]
    assert broker.end_offset(empty, 0) == broker.end_offset(empty, 1) == 250


@pytest.mark.parametrize("words", [
    ("produce-test", "sijang.catalog.events.v1"), ("copy", "x", "sijang.catalog.events.v1"),
    ("copy", "x"), ("diff", "x"), ("seek", "group", "topic"), ("seek", "group", "topic", "never"),
    ("produce-test", "x", "--count", "0"), ("topics", "--what"), ("completion", "fish"),
    ("seek", "group", "topic", "end", "--partition", "-1"),
])
def test_a_wrong_wish_is_misuse(broker, words):
    done = ctl(broker, *words)
    assert (done.returncode, done.stdout) == (2, "")


def complete(broker, *words):
    script = ('source <("$0" completion bash); COMP_WORDS=(sijangctl "$@"); '
              'COMP_CWORD=$#; _sijangctl; echo "${COMPREPLY[@]}"')
    return subprocess.run(["bash", "-c", script, binary("sijangctl"), *words], text=True,
                          capture_output=True, check=True, timeout=20).stdout.split()


def test_words_are_completed(broker):
    assert complete(broker, "ta") == ["tail"]
    assert complete(broker, "topics", "cr") == ["create"]
    assert complete(broker, "topics", "--p") == ["--partitions"]
    assert complete(broker, "topics", "create", "--par") == ["--partitions"]
    assert complete(broker, "tail", "ca") == ["catalog"]
    assert complete(broker, "completion", "") == ["--help", "bash"]
    assert complete(broker, "token", "x", "--r") == ["--role"]
    assert complete(broker, "verify", "") == ["--help", "log", "views"]
    assert "--follow" in complete(broker, "tail", "catalog", "--")
    assert complete(broker, "topics", "create", "--pu") == ["--public"]
    assert complete(broker, "views", "pl") == ["plan"]
    assert complete(broker, "parked", "") == ["--help", "discard", "list", "retry"]
    assert complete(broker, "reactions", "") == ["--help", "discard", "list", "retry"]
    assert complete(broker, "parked", "discard", "v", "k", "--r") == ["--reason"]


def test_the_help_of_every_command_has_an_example(broker):
    usages = [line.split() for line in ctl(broker, "--help").stdout.splitlines()
              if line.startswith("  sijangctl ")]
    assert len(usages) > 20
    for usage in usages:
        words = list(itertools.takewhile(re.compile("[a-z-]+$").match, usage[1:]))
        asked = words[:1] if words[0] == "completion" else words
        shown = ctl(broker, *asked, "--help").stdout
        assert f"sijangctl {' '.join(words)}" in shown.partition("Example: ")[2], shown
