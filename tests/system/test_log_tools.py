"""sijangctl on the log itself: tail, history, verify log. Records are written by the tests, the
valid ones by the smallest possible owner, so that every verdict is known beforehand."""

import json
import os
import shutil
import signal
import subprocess
import uuid

import pytest

from support.broker import Broker
from support.market import make_folder
from support.paths import binary
from support.waiting import wait_until
from support.writer import TOPIC, Writer


@pytest.fixture(scope="module")
def broker():
    """The topic of catalog is these tests' own."""
    folder = make_folder()
    with Broker(folder / "kafka") as running:
        running.start()
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def environment(broker):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIJANG_")}
    return {**kept, "SIJANG_KAFKA_BROKERS": broker.address}


def ctl(broker, *words):
    return subprocess.run([binary("sijangctl"), *map(str, words)], env=environment(broker),
                          text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)


def lines_of(broker, *words):
    done = ctl(broker, *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def log(broker):
    """An empty topic of one partition, claimed; a Writer with the product's id at `.subject`."""
    if TOPIC in broker.topics():
        broker.delete_topic(TOPIC)
    done = ctl(broker, "topics", "create", "--partitions", 1)
    assert done.returncode == 0, done.stderr
    writer = Writer(broker, 1)
    writer.claim(0)
    writer.subject = str(uuid.uuid4())
    return writer


LISTED = ("ProductListed", {"seller_id": "seller-1", "title": "라떼", "description": None,
                            "price": 4500, "made_to_order": False})


def stock(delta):
    return ("StockAdjusted", {"delta": delta, "reason": "delivery"})


def test_tail_shows_valid_events_decoded(broker, log):
    log.append(0, log.subject, 1, [LISTED, stock(2)])
    log.barrier(0)
    log.append(0, log.subject, 3, [stock(7)], term=99)
    log.flush()
    broker.produce(TOPIC, 0, b"junk")
    lines = lines_of(broker, "tail", "catalog")
    assert [(line["offset"], line["version"], line["data"]) for line in lines] == [
        (1, 1, {"seller_id": "seller-1", "title": "라떼", "price": 4500, "made_to_order": False}),
        (2, 2, {"delta": 2, "reason": "delivery"})]
    first = lines[0]
    assert first["type"] == "sijang.catalog.ProductListed" and first["subject"] == log.subject
    assert first["source"] == "/catalog/product" and first["specversion"] == "1.0"
    assert first["topic"] == TOPIC and first["partition"] == 0
    assert first["position"] == lines[1]["position"]
    assert first["position"].startswith("catalog/0@2~")


def test_tail_raw_says_what_is_void_and_why(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.barrier(0)
    log.append(0, log.subject, 2, [stock(7)], term=99)
    log.flush()
    broker.produce(TOPIC, 0, b"junk", key=b"\xff")
    lines = lines_of(broker, "tail", TOPIC, "--raw")
    assert [(line["verdict"], line["void"]) for line in lines] == [
        ("claim", False), ("event", False), ("platform", False), ("foreign_term", True),
        ("malformed", True)]
    assert lines[0]["data"]["partition_count"] == 1
    assert all(line["why"] for line in lines)
    assert (lines[3]["term"], lines[3]["seq"]) == (99, 2)
    assert (lines[4]["key_base64"], lines[4]["value_base64"]) == ("/w==", "anVuaw==")


def test_tail_begins_where_it_is_told(broker, log):
    for version in range(1, 6):
        log.append(0, log.subject, version, [LISTED if version == 1 else stock(1)])
    log.flush()
    everything = lines_of(broker, "tail", "catalog")

    def versions(*words):
        return [line["version"] for line in lines_of(broker, "tail", "catalog", *words)]
    assert versions("--from", "begin", "--count", 2) == [1, 2]
    assert versions("--from", 4) == [4, 5]
    assert versions("--from", everything[2]["position"]) == [4, 5]
    assert versions("--from", everything[0]["appended"]) == [1, 2, 3, 4, 5]
    assert versions("--from", "2100-01-01T00:00:00Z") == versions("--from", "end") == []
    assert versions("--from", 99, "--partition", 0) == []


def test_tail_follows_until_interrupted(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.flush()
    with subprocess.Popen([binary("sijangctl"), "tail", "catalog", "--follow", "--from", "begin"],
                          env=environment(broker), stdout=subprocess.PIPE, text=True) as follower:
        assert json.loads(follower.stdout.readline())["version"] == 1
        log.append(0, log.subject, 2, [stock(1)])
        log.flush()
        assert json.loads(follower.stdout.readline())["version"] == 2
        follower.send_signal(signal.SIGINT)
        wait_until(lambda: follower.poll() is not None, 10, "tail ends")


def test_tail_as_a_table(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.flush()
    done = ctl(broker, "tail", "catalog", "--raw", "--table")
    head, claim, event = done.stdout.splitlines()
    assert head.split() == ["PARTITION", "OFFSET", "APPENDED", "VERDICT", "VERSION", "SUBJECT",
                            "TYPE"]
    assert claim.split()[3] == "claim"
    assert event.split()[3:] == ["event", "1", log.subject, "sijang.catalog.ProductListed"]


@pytest.mark.parametrize("words", [
    ("tail",), ("tail", "catalog", "--from", "yesterday"), ("tail", "catalog", "--partition", "1"),
    ("tail", "catalog", "--partition", "x"), ("tail", "catalog", "--count", "0"),
    ("tail", "a", "b"), ("tail", "catalog", "--what"),
])
def test_a_wrong_wish_is_misuse(broker, log, words):
    done = ctl(broker, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sijangctl tail: ")


def test_a_topic_that_is_not_there_is_said(broker):
    done = ctl(broker, "tail", "no.such.topic")
    assert done.returncode == 1 and "no.such.topic" in done.stderr
