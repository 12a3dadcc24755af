#!/usr/bin/env python3
"""cases.py BUILD [--long]: the simulation's tests, a line each that begins with `ok` or `FAIL`.
Exit 1 on any failure. BUILD is a build directory that has the programs."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from mutants import PROGRAMS, try_mutants  # noqa: E402

# Seeds of each program: in CI, and with --long.
SEEDS = {"simulate": (2_000, 80_000), "simulate-exchange": (500, 20_000)}
SEEDS_A_MUTANT, SEEDS_A_MUTANT_LONG = 1_000, 10_000
SEEDS_A_RUN = 125
REPLAYED = range(1, 6)
ATTEMPTS_A_SEED_LEAST = 50


def simulate(build, program, *arguments):
    run = subprocess.run([build / PROGRAMS / program, *map(str, arguments)], text=True,
                         capture_output=True)
    if run.returncode not in (0, 1):  # 1: a seed failed
        sys.exit(f"{program} ended with {run.returncode}: {run.stderr[-1000:]}")
    return run.stdout


def seeds(build, program, count):
    """Lives them on all cores: (what failed, what happened, added up)."""
    firsts = range(1, count + 1, SEEDS_A_RUN)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(lambda first: simulate(build, program, first, SEEDS_A_RUN),
                                firsts))
    census = {}
    for output in outputs:
        for name, number in re.findall(r"([a-z]+(?: [a-z]+)?) (\d+)", output.splitlines()[-2]):
            census[name] = census.get(name, 0) + int(number)
    return [line for output in outputs for line in output.splitlines()
            if line.startswith("seed ")], census


def every_seed_holds(build, program, long):
    count = SEEDS[program][long]
    failed, census = seeds(build, program, count)
    happened = ", ".join(f"{name} {number}" for name, number in census.items())
    busy = census.get("attempts", 0) >= ATTEMPTS_A_SEED_LEAST * count
    return not failed and busy, "\n".join([f"{count} seeds: {happened}", *failed])


def seeds_that_once_failed_hold(build, program, _):
    numbers = [line.split()[1] for line in (HERE / "regressions.txt").read_text().splitlines()
               if line.split()[0] == program]
    failed = [line for number in numbers
              for line in simulate(build, program, number, 1).splitlines()
              if line.startswith("seed ")]
    return not failed, "\n".join([f"{len(numbers)} seeds", *failed])


def a_seed_lives_the_same_way_twice(build, program, _):
    different = [str(seed) for seed in REPLAYED
                 if simulate(build, program, seed, 1, "--trace")
                 != simulate(build, program, seed, 1, "--trace")]
    return not different, f"seeds that differ: {' '.join(different) or 'none'}"


def main(build, long):
    cases = [every_seed_holds, seeds_that_once_failed_hold, a_seed_lives_the_same_way_twice]
    outcomes = [(f"{program}: {case.__name__}", *case(build, program, long))
                for program in SEEDS for case in cases]
    mutants = try_mutants(build, SEEDS_A_MUTANT_LONG if long else SEEDS_A_MUTANT)
    outcomes += [(f"mutant {name} is caught", *outcome) for name, *outcome in mutants]
    for name, held, line in outcomes:
        print(f"{'ok  ' if held else 'FAIL'} simulation: {name}: {line}")
    return 0 if mutants and all(held for _, held, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--long" in sys.argv))
