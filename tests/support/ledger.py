"""The log as an outsider reads it: the readers' rule, the events and their fold, written a second
time in another language from docs/ARCHITECTURE.md alone, so that it can disagree with the product.
"""

import io
import json
import struct

import avro.io
import avro.schema

from support.paths import ROOT

CLAIM = "sijang.platform.Claim"
PLATFORM = "sijang.platform."
ALWAYS = ("ce_specversion", "ce_id", "ce_type", "ce_source")
OF_EVENTS = ("ce_subject", "ce_time", "ce_version", "ce_commandid")


class Event:
    def __init__(self, message, headers, body):
        self.offset = message.offset()
        self.partition = message.partition()
        self.key = message.key().decode()
        self.id = headers["ce_id"]
        self.type = headers["ce_type"].rsplit(".", 1)[1]
        self.subject = headers["ce_subject"]
        self.version = int(headers["ce_version"])
        self.command_id = headers["ce_commandid"]
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"{self.type}({self.subject} v{self.version} @{self.offset} {self.body})"


class Schemas:
    """By id, from the committed releases; the platform's are the same in every tree."""

    PLATFORM_ID_MAX = 999

    def __init__(self, tree=ROOT):
        self._readers = {}
        self._tree = tree

    def decode(self, value):
        magic, schema_id = struct.unpack(">bI", value[:5])
        assert magic == 0
        if schema_id not in self._readers:
            tree = ROOT if schema_id <= self.PLATFORM_ID_MAX else self._tree
            text = (tree / "schemas/released" / f"{schema_id}.avsc").read_text()
            self._readers[schema_id] = avro.io.DatumReader(avro.schema.parse(text))
        rest = io.BytesIO(value[5:])
        body = self._readers[schema_id].read(avro.io.BinaryDecoder(rest))
        assert not rest.read(), "bytes left over"
        return body


def _fence(headers):
    try:
        term, seq, number, count = (int(part) for part in headers["ce_fence"].split("."))
        return term, seq, number, count
    except (KeyError, ValueError):
        return None


def _is_well_formed(message, headers):
    """A record that lacks part of its envelope is no owner's."""
    if any(name not in headers for name in ALWAYS):
        return False
    if headers["ce_type"].startswith(PLATFORM):
        return True
    return message.key() is not None and all(name in headers for name in OF_EVENTS)


def valid_commits(messages, schemas):
    """The readers' rule over one partition's records: a list of commits, each a list of events."""
    commits, term, seq, open_commit = [], None, 0, []
    for message in messages:
        headers = {}
        for name, value in message.headers() or []:
            headers.setdefault(name, (value or b"").decode("utf-8", "replace"))
        if headers.get("ce_type") == CLAIM:
            try:
                schemas.decode(message.value())
            except Exception:  # a malformed claim is no claim
                continue
            term, seq, open_commit = message.offset(), 0, []
            continue
        fence = _fence(headers)
        if not _is_well_formed(message, headers):
            continue
        if fence is None or fence[0] != term or fence[1] != seq + 1:
            continue
        seq = fence[1]
        open_commit.append((message, headers))
        if fence[2] == fence[3]:
            assert [int(h["ce_fence"].split(".")[2]) for _, h in open_commit] == list(
                range(1, fence[3] + 1))
            commit = [Event(m, h, schemas.decode(m.value())) for m, h in open_commit
                      if not h["ce_type"].startswith(PLATFORM)]
            if commit:
                commits.append(commit)
            open_commit = []
    return commits


class Ledger:
    """All valid events of catalog, checked while they are read."""

    TOPIC = "sijang.catalog.events.v1"

    def __init__(self, broker, partitions):
        schemas = Schemas()
        self.events, self.streams, self.voided = [], {}, 0
        for partition in range(partitions):
            messages = broker.records(self.TOPIC, partition)
            commits = valid_commits(messages, schemas)
            self.events += [event for commit in commits for event in commit]
        for event in self.events:
            stream = self.streams.setdefault(event.subject, [])
            assert event.version == len(stream) + 1, f"{event} follows {stream[-1:]}"
            stream.append(event)
        ids = [event.id for event in self.events]
        assert len(ids) == len(set(ids)), "an event is in the log twice"

    def of_type(self, name):
        return [event for event in self.events if event.type == name]

    def rows(self):
        """What product_detail must hold: id -> row."""
        return {subject: fold(stream) for subject, stream in self.streams.items()}


def fold(stream):
    row = None
    for event in stream:
        body = event.body
        if event.type == "ProductListed":
            row = {"seller_id": body["seller_id"], "title": body["title"],
                   "description": body["description"], "price": body["price"],
                   "made_to_order": body["made_to_order"], "status": "active", "on_hand": 0,
                   "reserved": 0}
        elif event.type == "ProductRevised":
            for name in ("title", "description"):
                if body[name] is not None:
                    row[name] = body[name]
        elif event.type == "PriceChanged":
            assert row["price"] == body["previous_price"]
            row["price"] = body["price"]
        elif event.type == "StockAdjusted":
            row["on_hand"] += body["delta"]
        elif event.type == "StockReserved":
            assert body["unit_price"] == row["price"]
            row["reserved"] += body["quantity"]
        elif event.type == "ReservationCommitted":
            row["reserved"] -= body["quantity"]
            if not row["made_to_order"]:
                row["on_hand"] -= body["quantity"]
        elif event.type == "ReservationReleased":
            row["reserved"] -= body["quantity"]
        elif event.type == "ProductDelisted":
            row["status"] = "delisted"
        else:
            raise AssertionError(f"unknown event {event}")
        lawful = row["made_to_order"] or 0 <= row["reserved"] <= row["on_hand"]
        assert lawful, f"law broken: {event}"
        row["version"] = event.version
    return row


DETAIL_SQL = ("SELECT product_id::text, seller_id, title, description, price, made_to_order,"
              " status, on_hand, reserved, version FROM product_detail")
DETAIL_NAMES = ("seller_id", "title", "description", "price", "made_to_order", "status", "on_hand",
                "reserved", "version")
LIST_SQL = "SELECT product_id::text, title, price, status, available, version FROM product_list"


def detail_rows(market):
    return {row[0]: dict(zip(DETAIL_NAMES, row[1:])) for row in market.query_rows(DETAIL_SQL)}


def list_rows(market):
    return {row[0]: row[1:] for row in market.query_rows(LIST_SQL)}


def expected_list_row(row):
    available = 0 if row["made_to_order"] else row["on_hand"] - row["reserved"]
    return (row["title"], row["price"], row["status"], available, row["version"])


def check_views(market, ledger):
    """Every row equals the fold of the log, in both views."""
    expected = ledger.rows()
    assert detail_rows(market) == expected
    assert list_rows(market) == {subject: expected_list_row(row)
                                 for subject, row in expected.items()}
