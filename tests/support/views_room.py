"""projector alone against real Kafka and Postgres, and what tests of it have in common."""

import threading
import time

import requests

from support.broker import Broker
from support.ledger import Ledger, check_views
from support.paths import ROOT
from support.postgres import Postgres
from support.service import Service
from support.waiting import wait_until
from support.writer import TOPIC, TOPIC_SETTINGS, Writer

PARTITIONS = 4
VIEWS = ("product_detail", "product_list")


class Room:
    """A broker, a database with its views, and as many projectors as a test likes."""

    def __init__(self, folder):
        self.folder = folder
        self.broker = Broker(folder / "kafka")
        self.postgres = Postgres(folder / "postgres")
        self.projectors = []
        self.started = 0

    def begin(self):
        """Empty, whatever the test before has left."""
        for server in (self.broker, self.postgres):
            if not server.alive:
                server.start()
        if TOPIC in self.broker.topics():
            self.broker.delete_topic(TOPIC)
        self.broker.create_topic(TOPIC, PARTITIONS, TOPIC_SETTINGS)
        self.postgres.query("DROP DATABASE IF EXISTS sijang WITH (FORCE)")
        self.postgres.create_database("sijang")
        self.migrate()
        self.writer = Writer(self.broker, PARTITIONS)
        self.writer.claim_all()
        return self

    def end(self):
        """All projectors stop, in order."""
        stopped, self.projectors = self.projectors, []
        ended = [projector.stop() for projector in stopped]
        for projector, code in zip(stopped, ended):
            assert code in (0, 1, None, -9), projector.log_tail()

    def migrate(self):
        for path in sorted((ROOT / "migrations").glob("*.sql")):
            self.query_rows(path.read_text())

    def projector(self, program="projector", **settings):
        env = {"SIJANG_KAFKA_BROKERS": self.broker.address,
               "SIJANG_DATABASE": self.postgres.conninfo("sijang"),
               "SIJANG_PARTITIONS": PARTITIONS, "SIJANG_ADDRESS": "127.0.0.1", **settings}
        self.started += 1
        name = f"projector-{self.started}"
        projector = Service(program, self.folder, env, "SIJANG_PROJECTOR_PORT", name)
        self.projectors.append(projector)
        return projector

    def stop(self):
        self.postgres.stop()
        self.broker.stop()

    def query_rows(self, sql, arguments=None):
        return self.postgres.query(sql, arguments, "sijang")

    def positions(self, view):
        return dict(self.query_rows(f"SELECT partition, next_offset FROM {view}_position"))

    def ends(self):
        return {number: self.broker.end_offset(TOPIC, number) for number in range(PARTITIONS)}

    def wait_until_at(self, ends, timeout_s=60, views=VIEWS):
        for view in views:
            wait_until(lambda: self.positions(view) == ends, timeout_s,
                       f"{view} stands at {ends}", 0.05)

    def check(self):
        """Everything is read, and the rows are what an independent fold of the log gives."""
        self.wait_until_at(self.ends())
        check_views(self, Ledger(self.broker, PARTITIONS))


class Work:
    """Commits in the background until the block ends; so many each second, or as fast as it can."""

    def __init__(self, writer, per_s=None):
        self.writer, self.stopping, self.per_s = writer, threading.Event(), per_s
        self.thread, self.failure = threading.Thread(target=self._run), None

    def _run(self):
        try:
            due = time.monotonic()
            while not self.stopping.is_set():
                self.writer.work(50)
                due += 50 / self.per_s if self.per_s else 0
                self.stopping.wait(max(0, due - time.monotonic()))
        except BaseException as failure:
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.stopping.set()
        self.thread.join()
        if self.failure:
            raise self.failure


def wait_while_moving(room, reached, what, standstill_s=30):
    """However long a busy machine takes for it; views that stand still are stuck."""
    while not reached():
        before = [room.positions(view) for view in VIEWS]
        wait_until(lambda: reached() or [room.positions(view) for view in VIEWS] != before,
                   standstill_s, f"{what}, or a view moves", 0.005)


def total(room, view="product_detail"):
    return sum(room.positions(view).values())


def more(room, count, timeout_s=30):
    goal = total(room) + count
    wait_until(lambda: total(room) >= goal, timeout_s, f"{count} more records are stored", 0.002)


def kept(projector):
    """How many partitions it says it works."""
    try:
        return projector.metric('sijang_projector_partitions{view="product_detail"}')
    except (KeyError, requests.RequestException):
        return None


def wait_until_kept(projectors, counts, timeout_s=20):
    """Each partition has one of them, in whatever order."""
    def is_so():
        now = [kept(projector) for projector in projectors]
        return None not in now and sorted(now) == sorted(counts)
    wait_until(is_so, timeout_s, f"{len(projectors)} projectors share like {counts}", 0.02)


def snatch(room):
    """Each partition changes hands behind its worker's back: for a moment two believe."""
    room.query_rows("UPDATE projector.share AS s SET process = (SELECT m.process"
                    " FROM projector.member AS m WHERE m.process <> s.process LIMIT 1)"
                    " WHERE (SELECT count(*) FROM projector.member) > 1")
