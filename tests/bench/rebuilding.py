"""Rebuilding a view from its whole history, beside reading that history at all."""

import datetime
import json
import statistics
import threading
import time

from ground import TOPIC
from reading import under_load
from report import Row, at_least, at_most, ms, number
from tools import consume_walk, fill_log

VIEW = "product_detail"
TURNS = 3  # of each, one after the other
READ_RATE = 200
LIVE_SHARE = 0.3  # of what the market takes
BACKLOG_RECORDS = 500000
PATIENCE_S = 300
MANY_RECORDS = 2000000  # more than that are not made one request at a time
VERSIONS = 10
FILLING_S_MAX = 900


def _fill(ground, records):
    """Written straight to the log; then index and views read it, side by side."""
    command, projector = ground.services["command-svc"], ground.market.projector
    ground.projector(False)
    command.stop()
    fill_log(ground.market.broker.address, TOPIC, ground.market.partitions, records // VERSIONS,
             VERSIONS)
    projector.start(wait=False)
    command.start(FILLING_S_MAX)
    until = time.monotonic() + FILLING_S_MAX
    while ground.catch_up() is None and time.monotonic() < until:
        pass


def _enough_records(ground, records):
    """The history has as many records as make a rate; others have written most of them."""
    if records - sum(ground.ends()) > MANY_RECORDS:
        _fill(ground, records - sum(ground.ends()))
    while sum(ground.ends()) < records:
        ground.list_products({"stock": 3}, 64, 10)
    ground.projector(True)


class _Rebuilds(threading.Thread):
    """One after the other until told to end: each replays the whole history."""

    def __init__(self, ground):
        super().__init__()
        self.ground, self.ending, self.records, self.failure = ground, threading.Event(), 0, None
        self.ctl = ground.market.ctl

    def run(self):
        try:
            while not self.ending.is_set():
                self.ctl("views", "rebuild", VIEW)
                while not self.ending.is_set() and _state(self.ground)[0] != "following":
                    self.ending.wait(0.1)
                self.records += _state(self.ground)[1]
                self.ctl("views", "drop", VIEW)
        except BaseException as failure:
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.ending.set()
        self.join()
        if self.failure:
            raise self.failure


def _phases(log):
    """(begin, end, phase) of what the projector says about rebuilds in a piece of its log."""
    phases = []
    for line in log.splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("event") not in ("partition_replayed", "partition_given_up", "indexes_made"):
            continue
        end = datetime.datetime.fromisoformat(said["time"].replace("Z", "+00:00")).timestamp()
        for phase in ("index", "copy", "read"):  # from the last one back
            begin = end - said.get(f"{phase}_ms", 0) / 1000
            phases.append((begin, end, phase))
            end = begin
    return phases


def _percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _by_phase(samples, phases):
    """Whatever overlapped with a phase counts there; the rest is `other`."""
    found = {}
    for ended, us in samples:
        names = {name for begin, end, name in phases if begin < ended and ended - us / 1e6 < end}
        for name in names or {"other"}:
            found.setdefault(name, []).append(us)
    return {name: {"samples": len(values), "p50_us": _percentile(values, 0.5),
                   "p99_us": _percentile(values, 0.99)} for name, values in found.items()}


def _say_phases(runs):
    """read p99 31 ms (of 1,034), copy …"""
    texts = []
    for name in ("read", "copy", "index", "other"):
        those = [run["phases"][name] for run in runs if name in run["phases"]]
        if those:
            texts.append(f"{name} {ms(max(each['p99_us'] for each in those))}"
                         f" (of {number(sum(each['samples'] for each in those))})")
    return "; p99 by phase, the worse turn: " + ", ".join(texts)


def _loaded(ground):
    """Beside rebuilds, and what each of their phases did."""
    log_size = len(ground.market.projector.log_text())
    with _Rebuilds(ground) as rebuilds:
        run = under_load(ground, LIVE_SHARE, READ_RATE)
    ground.projector(True)
    time.sleep(1)  # what was under way when it was dropped is told by then
    phases = _phases(ground.market.projector.log_text()[log_size:])
    return {**run, "phases": _by_phase(run.pop("samples"), phases), "replayed": rebuilds.records,
            "phases_s": {name: sum(end - begin for begin, end, each in phases if each == name)
                         for name in ("read", "copy", "index")}}


def beside(ground, records=BACKLOG_RECORDS):
    """What those who write and read notice of a rebuild, in turns with none."""
    _enough_records(ground, records)
    ground.ensure_products(1000)
    if "live" not in ground.peak:
        ground.peak["live"] = ground.list_products({}, 64, 5, "gateway")["rate"]
        ground.projector(True)
    alone, loaded = [], []
    for _ in range(TURNS):
        alone.append(under_load(ground, LIVE_SHARE, READ_RATE))
        del alone[-1]["samples"]
        ground.projector(True)
        loaded.append(_loaded(ground))
    replayed = sum(run["replayed"] for run in loaded)
    before, during = (statistics.median(run["after_answer_p99_us"] for run in runs)
                      for runs in (alone, loaded))
    yield Row(
        f"write → readable at {number(alone[0]['load_rate'])} commands/s while views are rebuilt",
        f"p99 {ms(during)} ms, {number(replayed)} records replayed{_say_phases(loaded)}",
        f"without p99 {ms(before)} ms", during / before,
        [at_most(during / before, 1.2, "p99 changes by less than 20 %")],
        {"alone": alone, "loaded": loaded, "replayed": replayed})


def _state(ground):
    return ground.query("SELECT state, records_done, rows, replay_ms, coalesce(trouble, '')"
                        f" FROM projector.rebuild WHERE view = '{VIEW}'")[0]


def rebuild(ground, records=BACKLOG_RECORDS):
    """Replay alone has the target; until the new rows follow the log, indexes and all, is told."""
    _enough_records(ground, records)
    reference = consume_walk(ground.market.broker.address, "sijang.catalog.events.v1", "catalog",
                             len(ground.ends()))
    ctl = ground.market.ctl
    began = time.monotonic()
    with ground.cpu() as meter:
        ctl("views", "rebuild", VIEW)
        while True:
            state, done, rows, replay_ms, trouble = _state(ground)
            if state == "following":
                break
            if trouble or time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"the rebuild stands at {state}: {trouble}")
            time.sleep(0.05)
    whole_s = time.monotonic() - began
    ctl("views", "verify", VIEW)
    ctl("views", "drop", VIEW)
    rate = done / (replay_ms / 1000)
    ratio = rate / reference["rate"]
    yield Row(
        f"rebuild of a view, {number(done)} records into {number(rows)} rows",
        f"{number(rate)} records/s, {whole_s:.1f} s with indexes, verified",
        f"consume and walk {number(reference['rate'])}/s", ratio,
        [at_least(rate, 300000, "≥ 300,000/s"), at_least(ratio, 0.5, "≥ 0.5 x consume + walk")],
        {"records": done, "rows": rows, "replay_ms": replay_ms, "whole_s": whole_s,
         "rate": rate, "reference": reference, "cpu": meter.shares, "threads": meter.threads,
         "cpu_line": meter.line()})
