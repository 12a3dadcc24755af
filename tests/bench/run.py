#!/usr/bin/python3
"""Benchmarks a whole market: each figure beside a reference taken in the same run."""

import argparse
import functools
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
sys.dont_write_bytecode = True

import machine  # noqa: E402
from commands import commands, hot, live  # noqa: E402
from failover import failover, handover  # noqa: E402
from footprint import memory, memory_now, start  # noqa: E402
from ground import Ground  # noqa: E402
from indexing import indexing  # noqa: E402
from reading import projection, readable, reads  # noqa: E402
from rebuilding import beside, rebuild  # noqa: E402
from relaying import relay  # noqa: E402
from report import Row, table, write_json  # noqa: E402
from support.market import PARTITIONS  # noqa: E402

# In this order: what needs a small log and a live projector first, the bulk of the writing last.
BENCHES = {each.__name__: each for each in (memory, start, reads, live, readable, projection, hot,
                                            rebuild, beside, relay, commands, memory_now,
                                            indexing, failover, handover)}


LARGE = {"memory": {"aggregates": 1000000}, "indexing": {"aggregates": 1000000},
         "rebuild": {"records": 5000000}, "beside": {"records": 5000000}}


def arguments():
    parser = argparse.ArgumentParser(prog="sijang bench", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[[], *BENCHES], metavar="NAME",
                        help=f"one or more of: {', '.join(BENCHES)}; all without a name")
    parser.add_argument("--json", metavar="FILE", help="write all figures to a file")
    parser.add_argument("--partitions", type=int, default=PARTITIONS, metavar="N",
                        help=f"of every topic ({PARTITIONS} unless said)")
    parser.add_argument("--large", action="store_true",
                        help="memory and indexing with 1,000,000 aggregates instead of 100,000,"
                             " rebuild and beside with 5,000,000 records instead of 500,000")
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def say_processors(figures):
    if "cpu_line" in figures:
        say(f"    processors: {figures['cpu_line']}")
    if "cpu" in figures and figures.get("rate"):
        each = {name: share / figures["rate"] * 1e6 for name, share in figures["cpu"].items()}
        text = ", ".join(f"{name} {us:.1f}" for name, us in each.items()
                         if us >= 1 and name not in ("others", "host"))
        say(f"    microseconds of processor for each: {text}")


def run_one(name, bench, ground, rows):
    """True unless it broke; being slow is a result, not a failure."""
    began = time.monotonic()
    try:
        for row in bench(ground):
            rows.append(row)
            say(f"  {row.what}: {row.measured}")
            say_processors(row.figures)
    except (TimeoutError, subprocess.TimeoutExpired) as late:
        rows.append(Row(name, f"TOO SLOW: {str(late).splitlines()[0][:100]}"))
        say(f"  {late}")
    except Exception as failure:  # the other benches are still worth running
        traceback.print_exc()
        rows.append(Row(name, f"FAILED: {str(failure).splitlines()[0][:100]}"))
        return False
    finally:
        say(f"  ({name}: {time.monotonic() - began:.0f} s)")
    return True


def main():
    chosen = arguments()
    benches = {name: bench for name, bench in BENCHES.items()
               if not chosen.name or name in chosen.name}
    if chosen.large:
        for bench in LARGE.keys() & benches.keys():
            benches[bench] = functools.partial(benches[bench], **LARGE[bench])
    began = time.monotonic()
    say("starting a market: broker, database, three services, gateway")
    rows, ground = [], Ground(chosen.partitions)
    try:
        ground.start()
        say(f"warm after {ground.warm_up():.0f} s")
        facts = machine.facts(ground.query("SHOW server_version")[0][0])
        for name, bench in benches.items():
            say(name)
            if not run_one(name, bench, ground, rows):
                say(ground.log_tails())
    finally:
        ground.stop()
    facts["seconds"] = round(time.monotonic() - began)
    print(f"{facts['date']}, {facts['cpus']} x {facts['cpu_model']}, {facts['memory']}, "
          f"Linux {facts['kernel']}, commit {facts['commit']}")
    print(f"Kafka {facts['kafka']}, PostgreSQL {facts['postgres']}, load average before the run "
          f"{facts['load_average_before']:.2f}, {facts['seconds']} s in all\n")
    print(table(rows))
    if chosen.json:
        write_json(chosen.json, facts, rows)
    return 1 if any(row.measured.startswith("FAILED") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
