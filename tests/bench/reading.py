"""The read side: point reads, one's own writes, and the projection between log and rows."""

import threading
import time
from pathlib import Path

from ground import CATCH_UP_S_MAX
from report import Row, at_least, at_most, ms, number, speed
from tools import fresh_key, http_load, median_run, pgbench, wrk, write_read

RUNS, RUN_S = 3, 5
CLIENTS = 16
READABLE_S, READABLE_RATE = 8, 50
BACKLOG_S = 6
UPSERT_ROWS = 1000  # of a transaction in sql/upsert.sql


def _product_reads(ground, at):
    with ground.cpu() as meter:
        figures = wrk("get_product", f"http://{ground.address(at)}", ground.token, 64, RUN_S,
                      ids=ground.ids_path)
    return {**figures, "cpu": meter.shares, "threads": meter.threads, "cpu_line": meter.line()}


def _speed(figures):
    refused = figures["refused"]
    return speed(figures) + (f", {number(refused)} REFUSED" if refused else "")


def reads(ground):
    """Reads and their reference take turns, so that both see the same machine."""
    ground.ensure_products(20000)
    ground.make_references()
    conninfo = ground.market.postgres.conninfo("sijang")
    runs, references = [], []
    for _ in range(RUNS):
        runs.append(_product_reads(ground, "query-svc"))
        references.append(pgbench(conninfo, "point_read", CLIENTS, RUN_S))
    figures, reference = median_run(runs), median_run(references)
    ratio = figures["rate"] / reference["rate"]
    yield Row(
        "point read, 64 connections, straight", _speed(figures),
        f"pgbench -M prepared, same SELECT {number(reference['rate'])}/s", ratio,
        [at_least(ratio, 0.6, "≥ 0.6 x pgbench"), at_least(ratio, 1.0, "≥ 1.0 x pgbench")],
        {**figures, "rates": [round(run["rate"]) for run in runs], "pgbench": references})
    gateway = _product_reads(ground, "gateway")
    yield Row("point read, 64 connections, through the gateway", _speed(gateway),
              f"straight {number(figures['rate'])}/s", gateway["rate"] / figures["rate"], [],
              gateway)


def _write_read(ground, rate=READABLE_RATE, **more):
    return write_read(ground.address("command-svc"), ground.address("query-svc"), ground.token,
                      READABLE_S, ids=ground.ids_path, rate=rate,
                      body='{"delta":1,"reason":"counted"}',
                      write_path="/v1/products/{id}/stock-adjustments",
                      read_path="/v1/products/{id}", **more)


def _readable_row(what, figures, targets):
    wrong = figures["refused"] + figures["not_readable"] + figures["stale"]
    text = (f"p50 {ms(figures['after_answer_p50_us'])} p99 {ms(figures['after_answer_p99_us'])} ms"
            f" after the answer")
    return Row(what, text + (f", {wrong} WRONG" if wrong else ""),
               f"with the write itself p50 {ms(figures['after_send_p50_us'])}"
               f" p99 {ms(figures['after_send_p99_us'])} ms", None, targets, figures)


def readable(ground):
    """From the answer of a write to the answer of a read that waited for its position."""
    ground.ensure_products(1000)
    with ground.cpu() as meter:
        figures = _write_read(ground)
    figures["cpu_line"] = meter.line()
    yield _readable_row("write → readable, idle", figures, [
        at_most(figures["after_answer_p50_us"], 10000, "p50 ≤ 10 ms"),
        at_most(figures["after_answer_p50_us"], 2000, "p50 ≤ 2 ms"),
        at_most(figures["after_answer_p99_us"], 6000, "p99 ≤ 6 ms")])
    if "live" not in ground.peak:
        ground.peak["live"] = ground.list_products({}, 64, RUN_S, "gateway")["rate"]
        ground.projector(True)
    loaded = under_load(ground, 0.7)
    del loaded["samples"]
    yield _readable_row(
        f"write → readable at {number(loaded['load_rate'])} commands/s (70 %)", loaded,
        [at_most(loaded["after_answer_p99_us"], 50000, "p99 ≤ 50 ms")])


def under_load(ground, share, rate=READABLE_RATE):
    """Beside an open loop at that share of what the whole market takes. `samples`: when each read
    was answered, and the microseconds since the write's answer."""
    load, path = {}, Path(ground.market.folder) / "samples"

    def run_load():
        load.update(http_load(
            ground.address("gateway"), "/v1/products", ground.token, READABLE_S + 1, method="POST",
            body='{"title":"Barley tea, cold","price":3000,"stock":0}', key=fresh_key(),
            rate=share * ground.peak["live"], connections=64))
    thread = threading.Thread(target=run_load)
    with ground.cpu() as meter:
        thread.start()
        try:
            figures = _write_read(ground, rate, samples=path)
        finally:
            thread.join()
    ground.listed += load["status"]["2xx"]
    samples = [line.split() for line in path.read_text().splitlines()]
    return {**figures, "load": load, "load_rate": load["rate"], "cpu_line": meter.line(),
            "samples": [(float(at), int(us)) for at, us in samples]}


def _watch_progress(ground, wanted):
    """(seconds, offsets read) from the first progress on, until all is read or patience ends."""
    seen = []
    began, first = time.monotonic(), ground.read_up_to()
    while time.monotonic() - began < CATCH_UP_S_MAX:
        done = ground.read_up_to()
        if done > first:
            seen.append((time.monotonic() - began, done))
            if done >= wanted:
                break
        time.sleep(0.02)
        ground.market.projector.check_alive()
    return first, seen


def projection(ground):
    """A stopped projector, events meanwhile, then the time it takes to make rows of them."""
    ground.ensure_products(20000)
    ground.make_references()
    ground.projector(False)
    ground.list_products({}, 64, BACKLOG_S)
    wanted = sum(ground.ends())
    ground.market.projector.start(wait=False)
    with ground.cpu() as meter:
        first, seen = _watch_progress(ground, wanted)
    conninfo = ground.market.postgres.conninfo("sijang")
    reference = pgbench(conninfo, "upsert", 2, RUN_S)["rate"] * UPSERT_ROWS
    if len(seen) < 3:
        yield Row("live projection, catching up", "too few steps seen to tell a rate",
                  figures={"seen": seen, "events": wanted - first})
        return
    seconds = seen[-1][0] - seen[0][0]
    rate = (seen[-1][1] - seen[0][1]) / max(seconds, 1e-3)
    whole = wanted - first
    ratio = rate / reference
    yield Row(
        f"live projection of {number(whole)} events into two views", f"{number(rate)} events/s",
        f"bare upsert of as many rows {number(reference)}/s", ratio,
        [at_least(rate, 40000, "≥ 40,000/s"), at_least(ratio, 0.5, "≥ 0.5 x upsert")],
        {"events": whole, "seconds": seconds, "from_start_s": seen[-1][0],
         "complete": seen[-1][1] >= wanted, "rate": rate, "reference": reference,
         "cpu": meter.shares, "threads": meter.threads, "cpu_line": meter.line()})
