"""docs/CONSUMING.md, word for word: the kcat and Python examples against a market with history,
voids included; and the registry's read API as Confluent's own client sees it."""

import json
import os
import re
import subprocess
import sys
import uuid

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError

from support.market import PARTITIONS
from support.paths import ROOT, binary, kafka_jars
from support.service import Service
from support.waiting import wait_until

TOPIC = "sijang.catalog.events.v1"
PUBLIC = "sijang.catalog.public.v1"
AVRO = "org.apache.avro:avro:1.11.3"
NODE_PACKAGES = ("kafkajs@2.2.4", "avsc@5.7.7")
TEXT = (ROOT / "docs/CONSUMING.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def shell_of(title):
    return re.findall(r"^```sh\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)


def run(market, script, folder):
    """The second line of the document says where things are; here they are elsewhere."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, program in (("sijangctl", binary("sijangctl")), ("python3", sys.executable)):
        if not (tools / name).exists():
            (tools / name).symlink_to(program)
    env = {**os.environ, "KAFKA": market.broker.address, "MARKET": market.gateway.url,
           "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, env=env,
                          text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def product(market):
    """Two events, with junk and copies of the first one behind them in every partition."""
    seller = market.client(f"seller-{uuid.uuid4()}", "seller")
    created = seller.post("/v1/products", {"title": "라떼", "price": 4500, "stock": 2}).json()["id"]
    mine = [record for partition in range(PARTITIONS)
            for record in market.broker.records(TOPIC, partition)
            if record.key() == created.encode()]
    for partition in range(PARTITIONS):
        market.broker.produce(TOPIC, partition, b"junk")
        market.broker.produce(TOPIC, partition, mine[0].value(), mine[0].key(), mine[0].headers())
    return created


def test_the_first_block_says_where_up_starts_things():
    assert blocks("sh")[0] == "export KAFKA=127.0.0.1:9092 MARKET=http://127.0.0.1:8080\n"


def test_kcat_shows_a_partition_as_it_is(market, product, folder):
    everything, recent, valid = shell_of("kcat")
    lines = run(market, everything, folder)
    assert len(lines) == market.broker.end_offset(TOPIC, 0)
    assert "ce_type=sijang.platform.Claim" in lines[0]
    lines = run(market, recent, folder)
    assert any(f"ce_subject={product}" in line for line in lines)
    assert not any("ce_type=sijang.platform." in line for line in lines)
    shown = [json.loads(line) for line in run(market, valid, folder)]
    assert [event["version"] for event in shown if event["subject"] == product] == [1, 2]


def test_the_python_example_prints_what_counts_and_nothing_else(market, product, folder):
    program, = blocks("python")
    (folder / "consume.py").write_text(program)
    command, = shell_of("Python")
    events = [json.loads(line) for line in run(market, command, folder)]
    mine = [event for event in events if event["subject"] == product]
    assert [event["version"] for event in mine] == [1, 2]
    assert mine[0]["data"]["title"] == "라떼"
    assert mine[1]["data"] == {"delta": 2, "reason": "listed"}
    assert len({event["id"] for event in events}) == len(events)
    counted = run(market, "SIJANG_KAFKA_BROKERS=$KAFKA sijangctl tail catalog", folder)
    assert sorted(event["id"] for event in events) == \
        sorted(json.loads(line)["id"] for line in counted)


def test_the_public_topic_has_what_counts_and_nothing_else(market, product, folder):
    create, kcat = shell_of("Without the rule: public topics")
    run(market, f"export SIJANG_PARTITIONS={PARTITIONS}; {create}", folder)
    env = {**market.settings, "SIJANG_RELAY_NAME": "relay"}
    counted = run(market, "SIJANG_KAFKA_BROKERS=$KAFKA sijangctl tail catalog", folder)
    ids = sorted(json.loads(line)["id"] for line in counted)

    def published():
        found = [re.search("ce_id=([^,]+)", line)[1] for line in run(market, kcat, folder)]
        return sorted(found) if len(found) >= len(ids) else None
    with Service("relay", folder, env, "SIJANG_RELAY_PORT") as relay:
        relay.start()
        assert wait_until(published, 60, "everything is published", 0.5) == ids
    market.broker.delete_topic(PUBLIC)


def wanted(market, folder):
    """What must be printed, as a set of (type, subject, version)."""
    counted = run(market, "SIJANG_KAFKA_BROKERS=$KAFKA sijangctl tail catalog", folder)
    events = [json.loads(line) for line in counted]
    return {(event["type"], event["subject"], str(event["version"])) for event in events}


@pytest.mark.long
def test_the_java_example_prints_what_counts_and_nothing_else(market, product, folder):
    program, = blocks("java")
    (folder / "Consume.java").write_text(program)
    fetched = subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={AVRO}",
                              f"-DoutputDirectory={folder}"], capture_output=True, timeout=150)
    if fetched.returncode != 0:
        pytest.skip(f"Maven does not give {AVRO}")
    lines = run(market, f"java -cp '{kafka_jars()}/*:{folder}/*' Consume.java", folder)
    printed = [tuple(line.split(" ")[:3]) for line in lines]
    assert len(printed) == len(set(printed)) and set(printed) == wanted(market, folder)
    assert any(product in line and "라떼" in line for line in lines)


@pytest.mark.long
def test_the_node_example_prints_what_counts_and_nothing_else(market, product, folder):
    program, = blocks("js")
    (folder / "consume.js").write_text(program)
    fetched = subprocess.run(["npm", "install", "--silent", *NODE_PACKAGES], cwd=folder,
                             capture_output=True, timeout=150)
    if fetched.returncode != 0:
        pytest.skip(f"npm does not give {NODE_PACKAGES}")
    missing = wanted(market, folder)
    env = {**os.environ, "KAFKA": market.broker.address, "MARKET": market.gateway.url}
    with subprocess.Popen(["node", "consume.js"], cwd=folder, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as node:
        try:
            while missing:
                missing.remove(tuple(node.stdout.readline().split(" ")[:3]))
        finally:
            node.kill()


def test_confluents_registry_client_finds_every_schema(market):
    with SchemaRegistryClient({"url": market.gateway.url}) as registry:
        subjects = registry.get_subjects()
        assert any(subject.endswith("ProductListed") for subject in subjects)
        for subject in subjects:
            latest = registry.get_latest_version(subject)
            assert latest.subject == subject
            assert latest.version == registry.get_versions(subject)[-1]
            schema = registry.get_schema(latest.schema_id)
            assert schema.schema_type == "AVRO"
            assert json.loads(schema.schema_str) == json.loads(latest.schema.schema_str)
        with pytest.raises(SchemaRegistryError) as refused:
            registry.get_schema(999999)
    assert (refused.value.http_status_code, refused.value.error_code) == (404, 40403)


def test_confluents_deserialiser_reads_an_event(market, product):
    deserialiser = pytest.importorskip("confluent_kafka.schema_registry.avro")
    from confluent_kafka.serialization import MessageField, SerializationContext
    record = next(record for partition in range(PARTITIONS)
                  for record in market.broker.records(TOPIC, partition)
                  if record.key() == product.encode())
    with SchemaRegistryClient({"url": market.gateway.url}) as registry:
        decode = deserialiser.AvroDeserializer(registry)
        body = decode(record.value(), SerializationContext(TOPIC, MessageField.VALUE))
    assert body["title"] == "라떼"
