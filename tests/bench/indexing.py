"""The index of command-svc when it is large: memory, starts, and one aggregate with many parts."""

import os
import shutil
import statistics
import time
from pathlib import Path


from commands import metered, speed_of
from footprint import MIB, STARTS, start_ms
from ground import IDS_MAX, TOPIC
from machine import MemoryMeter, anonymous_bytes
from report import Row, at_least, at_most, number
from tools import fill_log, wrk

VERSIONS = 10
BUILDING_S_MAX = 900
HOT_S = 5
OPEN_RESERVATIONS = 100000
RESERVING_S_MAX = 60


def _index_bytes(ground):
    """What its files take on the disk."""
    files = Path(ground.market.folder, "index").rglob("data.mdb")
    return sum(os.stat(path).st_blocks * 512 for path in files)


def _build(ground, aggregates):
    """From no index at all to a command-svc that serves: the log is read once, from its
    beginning."""
    command, market = ground.services["command-svc"], ground.market
    command.stop()
    began = time.monotonic()
    ids = fill_log(market.broker.address, TOPIC, market.partitions, aggregates, VERSIONS,
                   max(1, aggregates // IDS_MAX))
    filled_s = time.monotonic() - began
    ground.ids_path.write_text("".join(f"{each}\n" for each in ids))
    shutil.rmtree(Path(market.folder, "index"))
    records, began = sum(ground.ends()), time.monotonic()
    with MemoryMeter(command) as meter:
        command.start(BUILDING_S_MAX)
    built_s, size = time.monotonic() - began, _index_bytes(ground)
    yield Row(
        "index built from the log", f"{number(records / built_s)} records/s",
        f"{number(records)} records, {number(aggregates * VERSIONS)} of them of "
        f"{number(aggregates)} aggregates; {size / MIB:,.0f} MiB on disk", None, [],
        {"records": records, "built_s": built_s, "filled_s": filled_s, "index_bytes": size})
    yield _memory_row("while the index is built", meter.peak_bytes)


def _memory_row(when, used):
    return Row(f"memory of command-svc, {when}", f"{used / MIB:.1f} MiB", "", None,
               [at_most(used, 50 * MIB, "≤ 50 MB")], {"anonymous_bytes": used})


def _memory(ground, when):
    return _memory_row(when, anonymous_bytes(ground.services["command-svc"].pid))


def _starts(ground):
    times = [start_ms(ground.services["command-svc"]) for _ in range(STARTS)]
    measured = [each for each in times if each is not None]
    middle = statistics.median(measured) if measured else None
    text = "never ready" if middle is None else (
        f"{middle:.0f} ms (of {STARTS}: {min(measured):.0f}-{max(measured):.0f})")
    return Row("start of command-svc, large warm index", text,
               f"{number(sum(ground.ends()))} records in the log", None,
               [at_most(middle, 300, "≤ 300 ms")], {"starts_ms": times})


def _changes(ground):
    figures = metered(ground, lambda: wrk(
        "adjust_stock", f"http://{ground.address('command-svc')}", ground.token, 64, HOT_S,
        ids=ground.ids_path))
    return Row("change (adjust stock), 64 connections, large index", speed_of(figures), "", None,
               [], figures)


def _hot(ground, product, seconds=HOT_S):
    url = f"http://{ground.address('command-svc')}"
    return wrk("reserve_stock", url, ground.token, 64, seconds, id=product)


def _crowded(ground):
    """Reservations of one product that has 100,000 open ones already, beside one that has none."""
    product, opened = ground.create_product(1000000000), 0
    until = time.monotonic() + RESERVING_S_MAX
    while opened < OPEN_RESERVATIONS and time.monotonic() < until:
        opened += _hot(ground, product, 2)["accepted"]
    before = _hot(ground, ground.create_product(1000000000))["rate"]
    figures = metered(ground, lambda: _hot(ground, product))
    after = _hot(ground, ground.create_product(1000000000))["rate"]
    bare = (before + after) / 2
    return Row("one hot product, 64 connections, many open reservations", speed_of(figures),
               f"{number(opened)} open before; with none, before and after {number(bare)}/s",
               figures["rate"] / bare, [at_least(figures["rate"], 20000, "≥ 20,000/s")],
               {**figures, "opened": opened, "bare_rates": [before, after]})


def indexing(ground, aggregates=100000):
    ground.projector(False)
    yield from _build(ground, aggregates)
    yield _memory(ground, "index just built")
    yield _starts(ground)
    yield _memory(ground, "large index, cold")
    yield _changes(ground)
    yield _memory(ground, "large index, hot")
    yield _crowded(ground)
