"""The relay: how fast it copies a backlog of what counts, and what it costs with nothing to do."""

import time

from machine import CpuMeter
from report import Row, number
from support.service import Service
from tools import consume_walk

TOPIC = "sijang.catalog.events.v1"
BACKLOG_RECORDS = 200000
LISTING_S = 5
PATIENCE_S = 120
IDLE_S = 10


def _lags(relay):
    return [float(line.rsplit(" ", 1)[1]) for line in relay.get("/metrics").text.splitlines()
            if line.startswith("sijang_relay_lag_events{")]


def _published(relay):
    return sum(float(line.rsplit(" ", 1)[1]) for line in relay.get("/metrics").text.splitlines()
               if line.startswith("sijang_relay_published_total{"))


def _copy(relay, partitions):
    """(events, seconds) from its start until nothing is left to copy."""
    began = time.monotonic()
    relay.start()
    while _lags(relay) != [0] * partitions:
        relay.check_alive()
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError(f"the relay is behind by {_lags(relay)} after {PATIENCE_S} s")
        time.sleep(0.05)
    return _published(relay), time.monotonic() - began


def relay(ground, records=BACKLOG_RECORDS):
    """A backlog from a standing start, then nothing at all."""
    market = ground.market
    while sum(ground.ends()) < records:
        ground.list_products({"stock": 3}, 64, LISTING_S)
    ground.projector(True)
    market.ctl("topics", "create", "--public")
    reference = consume_walk(market.broker.address, TOPIC, "catalog", market.partitions)
    copier = Service("relay", market.folder, {"SIJANG_KAFKA_BROKERS": market.broker.address,
                                              "SIJANG_PARTITIONS": market.partitions},
                     "SIJANG_RELAY_PORT")
    try:
        events, seconds = _copy(copier, market.partitions)
        yield Row("relay: a backlog, from its start", f"{number(events / seconds)} events/s",
                  f"consume + walk {number(reference['rate'])}/s",
                  events / seconds / reference["rate"], [],
                  {"events": events, "seconds": seconds})
        with CpuMeter({"relay": copier, "kafka": market.broker}) as meter:
            time.sleep(IDLE_S)
        yield Row("relay: nothing to do", f"{meter.shares['relay'] * 100:.1f} % of a processor",
                  f"the broker beside it {meter.shares['kafka'] * 100:.1f} %", None, [],
                  {"cpu": meter.shares})
    finally:
        copier.stop()
