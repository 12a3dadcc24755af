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


def test_a_position_of_another_log_or_context_is_no_place(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.append(0, log.subject, 2, [stock(1)])
    log.flush()
    position = lines_of(broker, "tail", "catalog")[0]["position"]
    elsewhere = position[:position.index("~")] + f"~{uuid.uuid4()}"
    stream = ("history", "catalog", "product", log.subject, "--as-of")
    for words in (("tail", "catalog", "--from", elsewhere), (*stream, elsewhere)):
        done = ctl(broker, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "of another log" in done.stderr and "(log_replaced)" in done.stderr
    orders = position.replace("catalog", "orders")
    for words in (("tail", "catalog", "--from", orders), ("seek", "g", "catalog", orders)):
        done = ctl(broker, *words)
        assert done.returncode != 0 and "position of orders" in done.stderr
    done = ctl(broker, *stream, position.replace("/0@", "/1@"))
    assert done.returncode == 1 and "the stream is in partition 0" in done.stderr


def test_where_nobody_claims_every_event_counts(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.append(0, log.subject, 2, [stock(1)])
    log.append(0, log.subject, 2, [stock(9)], term=99)
    log.flush()
    name = f"test.{uuid.uuid4()}"
    broker.create_topic(name, 1, {"message.timestamp.type": "LogAppendTime"})
    assert "2 records copied" in ctl(broker, "copy", "catalog", name).stdout
    assert [line["version"] for line in lines_of(broker, "tail", name)] == [1, 2]
    assert ctl(broker, "diff", "catalog", name).returncode == 0
    broker.produce(name, 0, b"no envelope")
    assert ctl(broker, "diff", "catalog", name).returncode == 0
    broker.delete_topic(name)


def test_tail_says_that_records_are_there_which_do_not_count(broker, log):
    log.append(0, log.subject, 1, [LISTED], term=99)
    log.flush()
    done = ctl(broker, "tail", "catalog")
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 records, none of them an event that counts" in done.stderr


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


def test_history_is_the_stream_alone(broker, log):
    other = str(uuid.uuid4())
    log.append(0, log.subject, 1, [LISTED, stock(2)])
    log.append(0, other, 1, [LISTED])
    log.append(0, log.subject, 3, [stock(9)], term=99)
    log.append(0, log.subject, 3, [stock(3)])
    log.flush()
    lines = lines_of(broker, "history", "catalog", "product", log.subject.upper())
    assert [line["version"] for line in lines] == [1, 2, 3]
    assert [line["offset"] for line in lines] == [1, 2, 5]
    assert lines[2]["data"] == {"delta": 3, "reason": "delivery"}

    def versions(*words):
        done = lines_of(broker, "history", "catalog", "product", log.subject, *words)
        return [line["version"] for line in done]
    assert versions("--from-version", 2) == [2, 3]
    assert versions("--limit", 1, "--from-version", 2) == [2]
    assert versions("--as-of", lines[0]["position"]) == [1, 2]
    assert versions("--as-of", lines[1]["time"])[:2] == [1, 2]
    assert versions("--from-version", 9) == []


def test_a_history_of_nothing_fails(broker, log):
    for words in (("catalog", "product", str(uuid.uuid4())), ("catalog", "basket", log.subject)):
        done = ctl(broker, "history", *words)
        assert done.returncode == 1 and "there is no stream" in done.stderr


def verify(broker, *words):
    done = ctl(broker, "verify", "log", "catalog", "--json", *words)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode == 0) == (len(lines) == 1), done.stdout + done.stderr
    return [line["finding"] for line in lines[:-1]], lines[-1]


def test_a_sound_log_is_verified_and_its_void_records_are_counted(broker, log):
    log.append(0, log.subject, 1, [LISTED, stock(2)])
    log.append(0, log.subject, 3, [stock(9)], term=99)
    log.barrier(0)
    log.flush()
    broker.produce(TOPIC, 0, b"junk")
    findings, total = verify(broker)
    assert findings == [] and total["findings"] == 0 and total["partitions"] == 1
    counts = {name: count for name, count in total["records"].items() if count}
    assert counts == {"claim": 1, "event": 2, "platform": 1, "foreign_term": 1, "malformed": 1}
    text = ctl(broker, "verify", "log")
    assert text.returncode == 0 and "foreign_term            1  void: " in text.stdout


def with_id(log, version, event_id):
    """A valid event with an id of the test's choice."""
    log.partitions[0].seq += 1
    fence = (log.partitions[0].term, log.partitions[0].seq, 1, 1)
    headers = [(name, event_id if name == "ce_id" else value) for name, value
               in log._headers(fence, "StockAdjusted", log.subject, version)]
    log._produce(0, log.encode(*stock(1)), log.subject, headers)


def test_what_is_wrong_is_found_and_said(broker, log):
    log.append(0, log.subject, 1, [LISTED])
    log.append(0, log.subject, 3, [stock(1)])
    event_id = str(uuid.uuid4())
    with_id(log, 4, event_id)
    with_id(log, 5, event_id)
    log.append(0, log.subject, 6, [("StockAdjusted", b"\0\0\0\x27\x0f")])
    log.append(0, log.subject, 7, [("PriceChanged", log.encode(*stock(1)))])
    log.append(0, log.subject, 8, [("StockAdjusted", log.encode(*stock(1))[:-1])])
    log.append(0, log.subject, 9, [("StockAdjusted", b"{}")])
    log.flush()
    findings, total = verify(broker)
    assert total["findings"] == len(findings) == 6
    for finding, words in zip(findings, (
            "follows 1", f"event id {event_id} was at 0@3", "schema id 9999 is not known",
            "schema of sijang.catalog.StockAdjusted", "cannot be read", "has no schema id")):
        assert words in finding
    done = ctl(broker, "verify", "log")
    assert done.returncode == 1 and "6 findings" in done.stderr
    assert "catalog/0@2: version 3 of /catalog/product/" in done.stdout


def test_a_key_in_another_partition_than_its_own_is_found(broker):
    if TOPIC in broker.topics():
        broker.delete_topic(TOPIC)
    assert ctl(broker, "topics", "create", "--partitions", 2).returncode == 0
    writer, subject = Writer(broker, 2), str(uuid.uuid4())
    writer.claim_all()
    for number in range(2):
        writer.append(number, subject, number + 1, [stock(1)])
    writer.flush()
    findings, _ = verify(broker)
    assert len([finding for finding in findings if "belongs to partition" in finding]) == 1


def test_verifying_leaves_nothing_behind(broker, log, folder):
    log.append(0, log.subject, 1, [LISTED])
    log.flush()
    done = subprocess.run([binary("sijangctl"), "verify", "log"], text=True, capture_output=True,
                          env={**environment(broker), "SIJANG_SCRATCH_PATH": str(folder)},
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", [
    ("tail",), ("tail", "catalog", "--from", "yesterday"), ("tail", "catalog", "--partition", "1"),
    ("tail", "catalog", "--partition", "x"), ("tail", "catalog", "--count", "0"),
    ("tail", "a", "b"), ("tail", "catalog", "--what"), ("history", "catalog", "product"),
    ("history", "catalog", "product", "x", "--as-of", "7"), ("history", "nowhere", "product", "x"),
    ("verify", "log", "nowhere"), ("verify", "log", "--what"), ("verify", "log", "a", "b"),
])
def test_a_wrong_wish_is_misuse(broker, log, words):
    done = ctl(broker, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sijangctl ")


def test_a_topic_that_is_not_there_is_said(broker):
    done = ctl(broker, "tail", "no.such.topic")
    assert done.returncode == 1 and "no.such.topic" in done.stderr
