"""Standard tools read the topics: kcat, and a plain Python consumer with an Avro library and the
registry's schemas."""

import io
import json
import struct
import subprocess
import uuid

import avro.io
import avro.schema
import requests

from support.market import PARTITIONS

TOPIC = "sijang.catalog.events.v1"


def test_a_plain_python_consumer_decodes_with_the_registry(market):
    seller = market.client("seller", "seller")
    created = seller.post("/v1/products", {"title": "라떼", "price": 4500, "stock": 2}).json()["id"]
    found = []
    for partition in range(PARTITIONS):
        for record in market.broker.records(TOPIC, partition):
            if record.key() == created.encode():
                found.append(record)
    assert len(found) == 2
    bodies = []
    for record in found:
        magic, schema_id = struct.unpack(">bI", record.value()[:5])
        assert magic == 0
        registered = requests.get(f"{market.gateway.url}/schemas/ids/{schema_id}", timeout=10)
        schema = avro.schema.parse(registered.json()["schema"])
        reader = avro.io.DatumReader(schema)
        bodies.append(reader.read(avro.io.BinaryDecoder(io.BytesIO(record.value()[5:]))))
    assert bodies[0]["title"] == "라떼"
    assert bodies[1] == {"delta": 2, "reason": "listed"}


def test_headers_are_cloudevents_in_binary_mode(market):
    seller = market.client("seller", "seller")
    created = seller.post("/v1/products", {"title": "Latte", "price": 1, "stock": 0}).json()["id"]
    record = next(record for partition in range(PARTITIONS)
                  for record in market.broker.records(TOPIC, partition)
                  if record.key() == created.encode())
    headers = {name: value.decode() for name, value in record.headers()}
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_type"] == "sijang.catalog.ProductListed"
    assert headers["ce_source"] == "/catalog/product"
    assert headers["ce_subject"] == created
    assert headers["content-type"] == "application/avro"
    assert uuid.UUID(headers["ce_id"]).version == 5
    assert headers["ce_version"] == "1"
    assert headers["ce_actor"] == "seller"
    assert headers["ce_time"].endswith("Z")
    assert len(headers["traceparent"]) == 55


def test_kcat_reads_the_topic(market):
    market.client("seller", "seller").post("/v1/products", {"title": "L", "price": 1, "stock": 0})
    command = ["kcat", "-b", market.broker.address, "-C", "-t", TOPIC, "-o", "beginning", "-e",
               "-q", "-f", "%k %h\\n"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "ce_type=sijang.catalog.ProductListed" in done.stdout


def test_subjects_and_versions_answer_as_a_registry(market):
    url = market.gateway.url
    subjects = requests.get(f"{url}/subjects", timeout=10).json()
    subject = next(name for name in subjects if name.endswith("ProductListed"))
    versions = requests.get(f"{url}/subjects/{subject}/versions", timeout=10).json()
    entry = requests.get(f"{url}/subjects/{subject}/versions/{versions[-1]}", timeout=10).json()
    assert entry["subject"] == subject and entry["version"] == versions[-1]
    by_id = requests.get(f"{url}/schemas/ids/{entry['id']}", timeout=10).json()
    assert json.loads(by_id["schema"]) == json.loads(entry["schema"])
    assert requests.get(f"{url}/schemas/ids/999999", timeout=10).status_code == 404
