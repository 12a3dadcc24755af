"""What all benches stand on: a market with products in it, and the references beside it."""

import time
from pathlib import Path

import psycopg2
from confluent_kafka import Consumer, TopicPartition
from support.client import Client
from support.market import Market

from machine import CpuMeter
from tools import HERE, raw_produce, wrk

TOPIC = "sijang.catalog.events.v1"
RAW_TOPIC = "bench.raw"
IDS_MAX = 20000
SLICE_S = 2
LISTING_S_MAX = 120
WARM_UP_S_MAX = 60
WARM_GAIN = 1.03
CATCH_UP_S_MAX = 120
SERVICES = ("command-svc", "projector", "query-svc")
VIEWS = ("product_detail", "product_list")


class Ground:
    def __init__(self, partitions):
        self.market = Market(quick_broker=False, partitions=partitions, sockets=True)
        self.token = self.market.token("bench-seller", "seller", lifetime_s=7200)
        self.ids_path = Path(self.market.folder) / "ids"
        self.listed = 0
        self.peak = {}  # commands a second, by what was measured
        self._reference_made = False
        self._consumer = None
        self._shape = None

    def start(self):
        self.market.start()
        self.market.broker.create_topic(RAW_TOPIC, self.market.partitions, {
            "message.timestamp.type": "LogAppendTime", "retention.ms": -1})
        self._consumer = Consumer({"bootstrap.servers": self.market.broker.address,
                                   "group.id": "bench", "enable.auto.commit": False})
        self._database = psycopg2.connect(self.market.postgres.conninfo("sijang"))
        self._database.autocommit = True
        return self

    def warm_up(self):
        """Until the rate stops growing: a broker just started interprets its bytecode and takes
        eight times as long for a record. The seconds that took."""
        began, best, slower = time.monotonic(), 0, 0
        while slower < 3 and time.monotonic() - began < WARM_UP_S_MAX:
            rate = self.list_products({}, 64, SLICE_S)["rate"]
            slower = 0 if rate > best * WARM_GAIN else slower + 1
            best = max(best, rate)
        return time.monotonic() - began

    def stop(self):
        if self._consumer:
            self._consumer.close()
        self.market.stop(check=False)

    def log_tails(self):
        """The end of each service's log, for a bench that broke."""
        return "\n".join(f"{name}:\n{process.log_tail(8)}"
                         for name, process in self.services.items())

    @property
    def services(self):
        market = self.market
        return dict(zip(SERVICES, (market.command, market.projector, market.query)))

    def address(self, name):
        process = {**self.services, "gateway": self.market.gateway}[name]
        return f"127.0.0.1:{process.port}"

    def cpu(self):
        market = self.market
        return CpuMeter({"kafka": market.broker, "postgres": market.postgres,
                         "gateway": market.gateway, **self.services})

    def query(self, sql):
        with self._database.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def list_products(self, script_settings, connections, seconds, at="command-svc"):
        figures = wrk("list_product", f"http://{self.address(at)}", self.token, connections,
                      seconds, **script_settings)
        self.listed += figures["accepted"]
        return figures

    def ensure_products(self, wanted):
        """So many products, with stock, in log and views (fewer where that takes minutes); the
        ids of some in ids_path."""
        until = time.monotonic() + LISTING_S_MAX
        while self.listed < wanted and time.monotonic() < until:
            before = self.listed
            self.list_products({"stock": 100}, 64, SLICE_S)
            if self.listed == before:
                raise RuntimeError("no product was accepted")
        self.projector(True)
        if not self.ids_path.exists():
            rows = self.query(f"SELECT product_id FROM product_detail LIMIT {IDS_MAX}")
            self.ids_path.write_text("".join(f"{row[0]}\n" for row in rows))

    def create_product(self, stock):
        """A single product; its id."""
        client = Client(self.market.command.url, self.token)
        answer = client.post("/v1/products", {"title": "Hot", "price": 1000, "stock": stock})
        answer.raise_for_status()
        return answer.json()["id"]

    def ends(self):
        return [self._consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=10,
                                                     cached=False)[1]
                for number in range(self.market.partitions)]

    def read_up_to(self):
        """The sum of offsets that the view which is furthest behind has read up to."""
        sums = [self.query(f"SELECT coalesce(sum(next_offset), 0) FROM {view}_position")
                for view in VIEWS]
        return min(int(rows[0][0]) for rows in sums)

    def events_behind(self):
        return max(0, sum(self.ends()) - self.read_up_to())

    def catch_up(self):
        """Seconds until the views have all that is in the log now; None when they took too long."""
        began, wanted = time.monotonic(), sum(self.ends())
        while self.read_up_to() < wanted:
            if time.monotonic() - began > CATCH_UP_S_MAX:
                return None
            self.market.projector.check_alive()
            time.sleep(0.02)
        return time.monotonic() - began

    def projector(self, wanted):
        """Runs and has caught up, or is stopped."""
        process = self.market.projector
        if not wanted:
            process.stop()
            return
        if not process.alive:
            process.start(wait=False)
        if self.catch_up() is None:
            raise TimeoutError(f"the projector is {self.events_behind()} events behind")

    def make_references(self):
        if not self._reference_made:
            for statement in (HERE / "sql" / "ground.sql").read_text().split(";"):
                if statement.strip():
                    self.query(statement)
            self._reference_made = True

    def _event_shape(self):
        """Headers and bytes of the newest events, as options of raw_produce."""
        if self._shape is None:
            sample = [message for message in self._newest(200) if message.headers()
                      and dict(message.headers()).get("ce_type", b"").startswith(b"sijang.catalog")]
            headers = round(sum(len(each.headers()) for each in sample) / len(sample))
            header_bytes = sum(len(name) + len(value) for each in sample
                               for name, value in each.headers()) / len(sample)
            self._shape = {
                "headers": headers,
                "header-bytes": max(0, round(header_bytes / headers) - 9),  # less the tool's name
                "value-bytes": round(sum(len(each.value()) for each in sample) / len(sample)),
            }
        return self._shape

    def _newest(self, count):
        end = self.ends()[0]
        self._consumer.assign([TopicPartition(TOPIC, 0, max(0, end - count))])
        messages = self._consumer.consume(min(count, end), timeout=10)
        self._consumer.unassign()
        return [message for message in messages if not message.error()]

    def raw(self, outstanding, seconds=3):
        """What the broker does with as many records outstanding, each shaped like an event."""
        shape = {**self._event_shape(), "partitions": self.market.partitions}
        return raw_produce(self.market.broker.address, RAW_TOPIC, outstanding, seconds, shape)
