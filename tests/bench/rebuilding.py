"""Rebuilding a view from its whole history, beside reading that history at all."""

import time

from report import Row, at_least, number
from tools import consume_walk

VIEW = "product_detail"
BACKLOG_RECORDS = 500000
PATIENCE_S = 300


def _enough_records(ground):
    """The history has as many records as make a rate; others have written most of them."""
    while sum(ground.ends()) < BACKLOG_RECORDS:
        ground.list_products({"stock": 3}, 64, 10)
    ground.projector(True)


def _state(ground):
    return ground.query("SELECT state, records_done, rows, replay_ms, coalesce(trouble, '')"
                        f" FROM projector.rebuild WHERE view = '{VIEW}'")[0]


def rebuild(ground):
    """Replay alone has the target; until the new rows follow the log, indexes and all, is told."""
    _enough_records(ground)
    reference = consume_walk(ground.market.broker.address, "sijang.catalog.events.v1", "catalog",
                             len(ground.ends()))
    ctl = ground.market.ctl
    began = time.monotonic()
    with ground.cpu() as meter:
        ctl("views", "rebuild", VIEW)
        while True:
            state, records, rows, replay_ms, trouble = _state(ground)
            if state == "following":
                break
            if trouble or time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"the rebuild stands at {state}: {trouble}")
            time.sleep(0.05)
    whole_s = time.monotonic() - began
    ctl("views", "verify", VIEW)
    ctl("views", "drop", VIEW)
    rate = records / (replay_ms / 1000)
    ratio = rate / reference["rate"]
    yield Row(
        f"rebuild of a view, {number(records)} records into {number(rows)} rows",
        f"{number(rate)} records/s, {whole_s:.1f} s with indexes, verified",
        f"consume and walk {number(reference['rate'])}/s", ratio,
        [at_least(rate, 300000, "≥ 300,000/s"), at_least(ratio, 0.5, "≥ 0.5 x consume + walk")],
        {"records": records, "rows": rows, "replay_ms": replay_ms, "whole_s": whole_s,
         "rate": rate, "reference": reference, "cpu": meter.shares, "threads": meter.threads,
         "cpu_line": meter.line()})
