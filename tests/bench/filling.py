"""A long log in little time: valid commits by the readers' rule, as command-svc would write them,
without deciding anything. Only while no command-svc runs: each partition is claimed first."""

import random
import uuid
from datetime import datetime, timezone

from confluent_kafka import Producer
from support.writer import TOPIC, Encoder, Writer

MASK = 0xFFFFFFFF
SETTINGS = {"enable.idempotence": True, "linger.ms": 20, "log_level": 0,
            "queue.buffering.max.messages": 500000, "batch.num.messages": 20000}
FIELDS = ("ce_specversion", "1.0"), ("content-type", "application/avro"), ("ce_actor", "filler")
POLL_EVERY = 1000


def partition_of(key, count):
    """As the Java client computes it: murmur2."""
    multiplier, length = 0x5BD1E995, len(key)
    value = (0x9747B28C ^ length) & MASK
    for at in range(0, length - length % 4, 4):
        word = int.from_bytes(key[at:at + 4], "little") * multiplier & MASK
        word = (word ^ word >> 24) * multiplier & MASK
        value = (value * multiplier & MASK) ^ word
    if length % 4:
        value ^= int.from_bytes(key[length - length % 4:], "little")
        value = value * multiplier & MASK
    value = (value ^ value >> 13) * multiplier & MASK
    return ((value ^ value >> 15) & 0x7FFFFFFF) % count


def _time_ordered_ids():
    """As command-svc draws them: version 7, here one every 50 microseconds."""
    chance, now_us = random.Random(7), int(datetime.now().timestamp() * 1e6)
    while True:
        now_us += 50
        number = now_us // 1000 << 80 | now_us % 1000 << 66 | chance.getrandbits(62)
        yield str(uuid.UUID(int=number | 7 << 76 | 2 << 62))


class Filler:
    def __init__(self, broker, partitions):
        self._producer = Producer({"bootstrap.servers": broker.address, **SETTINGS})
        self._writer = Writer(broker, partitions)
        self._writer.claim_all()
        self._waiting = 0
        self._time = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self._chance = random.Random()
        encode = Encoder()
        self._listed = encode("ProductListed", {
            "seller_id": "bench-seller", "title": "Barley tea, cold", "price": 3000,
            "description": "Roasted this morning, half a litre.", "made_to_order": False})
        self._stocked = encode("StockAdjusted", {"delta": 3, "reason": "delivery"})

    def products(self, count, versions):
        """So many products; each is listed and has its stock adjusted up to that version, all
        products once before any of them twice. Their ids."""
        drawn = _time_ordered_ids()
        ids = [next(drawn) for _ in range(count)]
        homes = [partition_of(each.encode(), len(self._writer.partitions)) for each in ids]
        for version in range(1, versions + 1):
            name, payload = (("ProductListed", self._listed) if version == 1 else
                             ("StockAdjusted", self._stocked))
            for product, home in zip(ids, homes):
                self._append(home, product, version, name, payload)
        if self._producer.flush(60):
            raise TimeoutError("the broker did not take all records")
        return ids

    def _append(self, home, product, version, name, payload):
        partition, command = self._writer.partitions[home], str(uuid.UUID(
            int=self._chance.getrandbits(128), version=4))
        partition.seq += 1
        self._producer.produce(TOPIC, payload, product, home, headers=[
            ("ce_fence", f"{partition.term}.{partition.seq}.1.1"), *FIELDS,
            ("ce_id", command), ("ce_type", f"sijang.catalog.{name}"),
            ("ce_source", "/catalog/product"), ("ce_subject", product), ("ce_time", self._time),
            ("ce_version", str(version)), ("ce_commandid", command),
            ("ce_correlationid", command), ("ce_causationid", command),
            ("ce_requesthash", "0123456789abcdef" * 2)])
        self._waiting += 1
        if self._waiting % POLL_EVERY == 0:
            self._producer.poll(0)
            while len(self._producer) > SETTINGS["queue.buffering.max.messages"] * 0.8:
                self._producer.poll(0.05)
