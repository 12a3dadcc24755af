"""An owner of catalog's partitions, as small as it can be: claims, and appends valid commits of
valid events, without command-svc. For tests of those who read."""

import io
import json
import random
import struct
import threading
import uuid
from datetime import datetime, timezone

import avro.io
import avro.schema
from confluent_kafka import Producer

from support.paths import ROOT

TOPIC = "sijang.catalog.events.v1"
TOPIC_SETTINGS = {"message.timestamp.type": "LogAppendTime", "retention.ms": -1,
                  "retention.bytes": -1}


class Encoder:
    """By the event's name, with the newest released schema."""

    def __init__(self):
        self._writers = {}
        for entry in json.loads((ROOT / "schemas/released/ids.json").read_text()):
            schema = avro.schema.parse(
                (ROOT / "schemas/released" / f"{entry['id']}.avsc").read_text())
            self._writers[entry["name"]] = (entry["id"], avro.io.DatumWriter(schema))

    def __call__(self, name, body):
        schema_id, writer = self._writers[name]
        out = io.BytesIO()
        writer.write(body, avro.io.BinaryEncoder(out))
        return struct.pack(">bI", 0, schema_id) + out.getvalue()


class Partition:
    def __init__(self, number):
        self.number = number
        self.term = None
        self.seq = 0
        self.products = []


class Writer:
    """Any thread may write: a commit is in the log as a whole, in the order of its numbers."""

    def __init__(self, broker, partitions, seed=1):
        self.encode = Encoder()
        self.random = random.Random(seed)
        self.partitions = [Partition(number) for number in range(partitions)]
        self._writing = threading.RLock()
        self._producer = Producer({
            "bootstrap.servers": broker.address, "enable.idempotence": True, "linger.ms": 0,
            "log_level": 0, "queue.buffering.max.messages": 200000})

    def flush(self):
        assert self._producer.flush(30) == 0, "the broker did not take all records"

    def _produce(self, partition, value, key, headers, on_delivery=None):
        self._producer.produce(TOPIC, value, key, partition, headers=headers,
                               on_delivery=on_delivery)
        self._producer.poll(0)

    def claim(self, number):
        """Becomes the owner: the offset of the claim is the term."""
        with self._writing:
            self._claim(number)

    def _claim(self, number):
        partition, offsets = self.partitions[number], []
        body = {"incarnation": str(uuid.uuid4()), "log": str(uuid.uuid4()),
                "partition_count": len(self.partitions)}
        headers = [("ce_specversion", "1.0"), ("ce_id", str(uuid.uuid4())),
                   ("ce_type", "sijang.platform.Claim"), ("ce_source", "/platform/claim")]
        self._produce(number, self.encode("Claim", body), None, headers,
                      lambda error, message: offsets.append((error, message.offset())))
        self.flush()
        assert offsets[0][0] is None
        partition.term, partition.seq = offsets[0][1], 0

    def claim_all(self):
        for partition in self.partitions:
            self.claim(partition.number)

    def barrier(self, number):
        with self._writing:
            self._barrier(number)

    def _barrier(self, number):
        partition = self.partitions[number]
        partition.seq += 1
        headers = [("ce_fence", f"{partition.term}.{partition.seq}.1.1"), ("ce_specversion", "1.0"),
                   ("ce_id", str(uuid.uuid4())), ("ce_type", "sijang.platform.Barrier"),
                   ("ce_source", "/platform/barrier")]
        self._produce(number, self.encode("Barrier", {"note": None}), None, headers)

    def _headers(self, fence, name, subject, version):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return [("ce_fence", ".".join(str(number) for number in fence)), ("ce_specversion", "1.0"),
                ("ce_id", str(uuid.uuid4())), ("ce_type", f"sijang.catalog.{name}"),
                ("ce_source", "/catalog/product"), ("ce_subject", subject), ("ce_time", now),
                ("content-type", "application/avro"), ("ce_version", str(version)),
                ("ce_commandid", str(uuid.uuid4()))]

    def append(self, number, subject, version, events, term=None):
        """One commit of (name, body or raw payload); versions count up from `version`. With another
        term it is a zombie's: void."""
        with self._writing:
            self._append(number, subject, version, events, term)

    def _append(self, number, subject, version, events, term):
        partition = self.partitions[number]
        for index, (name, body) in enumerate(events, 1):
            if term is None:
                partition.seq += 1
            fence = (partition.term if term is None else term, partition.seq, index, len(events))
            payload = body if isinstance(body, bytes) else self.encode(name, body)
            self._produce(number, payload, subject,
                          self._headers(fence, name, subject, version + index - 1))

    def list_product(self, number, made_to_order=False, title="Latte", stock=20):
        product = Product(number, self.random, made_to_order)
        listed = ("ProductListed", {
            "seller_id": f"seller-{self.random.randrange(5)}", "title": title, "description": None,
            "price": product.price, "made_to_order": made_to_order})
        stocked = [("StockAdjusted", {"delta": stock, "reason": "delivery"})]
        product.on_hand = 0 if made_to_order else stock
        self.commit(product, [listed] if made_to_order else [listed, *stocked])
        self.partitions[number].products.append(product)
        return product

    def commit(self, product, events):
        self.append(product.partition, product.id, product.version + 1, events)
        product.version += len(events)

    def work(self, commits):
        """Random valid commits, with claims, barriers and zombies' records in between."""
        for _ in range(commits):
            number = self.random.randrange(len(self.partitions))
            partition, dice = self.partitions[number], self.random.random()
            if len(partition.products) < 5 or dice < 0.1:
                self.list_product(number, self.random.random() < 0.3,
                                  self.random.choice(["Latte", "아메리카노", "Ticket", "抹茶"]))
            elif dice < 0.13:
                self.barrier(number)
            elif dice < 0.15:
                product = self.random.choice(partition.products)
                self.append(number, product.id, product.version + 1,
                            [("PriceChanged", {"price": 1, "previous_price": 1})],
                            term=partition.term + 1)
            elif dice < 0.151:
                self.claim(number)
            else:
                product = self.random.choice(partition.products)
                self.commit(product, product.next_events(self.random))
        self.flush()


class Product:
    def __init__(self, partition, chance, made_to_order):
        self.partition = partition
        self.id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        self.made_to_order = made_to_order
        self.price = chance.randrange(1, 10000)
        self.version = self.on_hand = self.reserved = self.lines = 0
        self.open = {}

    def next_events(self, chance):
        """The events of one possible command."""
        choice = chance.randrange(6)
        if choice == 0:
            price = chance.randrange(1, 10000)
            before, self.price = self.price, price
            return [("PriceChanged", {"price": price, "previous_price": before})]
        if choice == 1:
            return [("ProductRevised", {"title": chance.choice([None, "New title"]),
                                        "description": chance.choice([None, "따뜻한", "x" * 300])})]
        if choice == 2 and not self.made_to_order:
            self.on_hand += 7
            return [("StockAdjusted", {"delta": 7, "reason": "delivery"})]
        if choice == 3 and self.open:
            line, quantity = self.open.popitem()
            self.reserved -= quantity
            self.on_hand -= 0 if self.made_to_order else quantity
            return [("ReservationCommitted", {"reservation_id": line, "quantity": quantity})]
        if choice == 4 and self.open:
            line, quantity = self.open.popitem()
            self.reserved -= quantity
            return [("ReservationReleased", {"reservation_id": line, "quantity": quantity})]
        if not self.made_to_order and self.on_hand - self.reserved < 2:
            return [("ReservationReleased", {"reservation_id": "never", "quantity": 0})]
        self.lines += 1
        line = f"line-{self.lines}"
        self.open[line] = 2
        self.reserved += 2
        return [("StockReserved", {"reservation_id": line, "quantity": 2,
                                   "unit_price": self.price})]
