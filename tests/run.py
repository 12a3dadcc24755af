"""Runs the groups of tests and sums them up: run.py [--long] [FILTER].

A filter that is a group's name runs that group; any other runs the tests whose name contains it.
The last line is always `N passed, N failed`, and `, N skipped` when some were. Exit 1 on any
failure."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "var" / "test"
FUZZ_SECONDS, FUZZ_SECONDS_LONG = 20, 600


class Tally:
    """Counts, and the names of what failed."""

    def __init__(self, passed=0, failed=(), skipped=0):
        self.passed = passed
        self.failed = list(failed)
        self.skipped = skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def run(name, command, env=None):
    """Output goes to a log; (exit code, output)."""
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        done = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=out, stderr=out,
                              stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    return done.returncode, log.read_text(errors="replace")


def build(preset, *targets):
    """None, or the tally of a build that failed."""
    commands = [["cmake", "--build", "--preset", preset, "--parallel", str(os.cpu_count()),
                 *(["--target", *targets] if targets else [])]]
    if not (ROOT / "build" / preset / "build.ninja").exists():
        commands.insert(0, ["cmake", "--preset", preset])
    for command in commands:
        code, output = run(f"build-{preset}", command)
        if code != 0:
            wrong = re.search(r"^(FAILED:|CMake Error|.*error: )", output, re.MULTILINE)
            print(output[wrong.start() if wrong else -3000:][:3000])
            return Tally(failed=[f"build {preset}"])
    return None


def style(options):
    tally = Tally()
    code, output = run("style", ["tests/style/check"])
    print(output, end="")
    for line in output.splitlines():
        if options.filter in line and line.startswith("ok "):
            tally.passed += 1
        elif options.filter in line and line.startswith("FAIL "):
            tally.failed.append(line.removeprefix("FAIL "))
    if code != 0 and not output.rstrip().endswith("failed"):
        tally.failed.append("style: the check itself")
    tally.add(pytest("style", options))
    return tally


def ctest(preset, name, options, selection, env=None):
    report = LOGS / f"{name}.xml"
    command = ["ctest", "--test-dir", ROOT / "build" / preset, *selection, "--timeout", "600",
               "--output-junit", report, "--test-output-size-passed", "1000000",
               "--test-output-size-failed", "1000000", "--no-tests=ignore"]
    if options.filter:
        command += ["-R", re.escape(options.filter)]
    report.unlink(missing_ok=True)
    code, output = run(name, command, {"UBSAN_OPTIONS": "print_stacktrace=1", **(env or {})})
    tally = Tally()
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            tally.add(cmocka_tally(name, case))
    if code != 0 and not tally.failed:
        print(output[-3000:])
        tally.failed.append(f"{name}: ctest")
    return tally


def cmocka_tally(name, case):
    """A program's own counts; one that ended without them counts as one test."""
    output = case.findtext("system-out") or ""

    def count(word):
        return sum(int(number) for number in
                   re.findall(rf"^\[\s+{word}\s+\] (\d+) test", output, re.MULTILINE))
    passed, failed, skipped = count("PASSED"), count("FAILED"), count("SKIPPED")
    names = sorted(set(re.findall(r"^\[\s+FAILED\s+\] ([a-z]\w+)$", output, re.MULTILINE)))
    program = case.get("name")
    if case.get("status") == "run":
        return Tally(passed or 1, [], skipped)
    print(f"--- {name} {program}\n{output[-4000:]}")
    if failed == 0:
        names = [f"ended badly ({case.get('status')})"]
    return Tally(passed, [f"{name}: {program}: {each}" for each in names], skipped)


def unit(options):
    tally = pytest("schemas", options)
    for preset in ("asan", "clang", *(["tsan"] if options.long else [])):
        tally.add(build(preset) or
                  ctest(preset, f"unit-{preset}", options,
                        ["-LE", "system", "-j", str(os.cpu_count())]))
    return tally


def servers(options):
    """The C tests that need a real Kafka and a real PostgreSQL."""
    broken = build("asan")
    if broken:
        return broken
    sys.path.insert(0, str(ROOT / "tests"))
    from support.broker import Broker
    from support.market import make_folder
    from support.postgres import Postgres
    folder = make_folder()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = stack.enter_context(Broker(folder / "kafka"))
        postgres = stack.enter_context(Postgres(folder / "postgres"))
        broker.start()
        postgres.start()
        return ctest("asan", "servers", options, ["-L", "system"], {
            "SIJANG_TEST_KAFKA": broker.address,
            "SIJANG_TEST_DATABASE": postgres.create_database("test"),
        })


# Their tests mind the time, or load the whole machine.
ALONE = ("test_bench_tools", "test_entry", "test_failover", "test_membership", "test_readme",
         "test_swap")


def system(options):
    """Whole markets: the sanitized programs, and `./sijang up` with the released ones. Tests wait
    more than they work: as many files at once as there are processors, the large ones first."""
    broken = build("asan") or build("release")
    if broken:
        return broken
    files = sorted((ROOT / "tests/system").glob("test_*.py"), key=lambda path: -path.stat().st_size)
    tally = Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        together = [path for path in files if path.stem not in ALONE]
        for one in pool.map(lambda path: pytest(f"system/{path.name}", options), together):
            tally.add(one)
    for path in files:
        if path.stem in ALONE:
            tally.add(pytest(f"system/{path.name}", options))
    return tally


def pytest(group, options):
    began = time.monotonic()
    report = LOGS / f"pytest-{group}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-v", "-c", "tests/pytest.ini", "--rootdir", "tests",
               f"--junitxml={report}", f"tests/{group}"]
    if options.filter:
        command += ["-k", options.filter]
    code, output = run(f"pytest-{group}", command,
                       {"SIJANG_BUILD": "build/asan", "PYTHONDONTWRITEBYTECODE": "1"})
    tally = Tally()
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                tally.failed.append(f"{group}: {case.get('name')}")
            elif case.find("skipped") is not None:
                tally.skipped += 1
            else:
                tally.passed += 1
    if code not in (0, 5) and not tally.failed:
        tally.failed.append(f"{group}: pytest ended with {code}")
    if tally.failed:
        print(output[max(output.find("= FAILURES ="), output.find("= ERRORS ="), 0):][:20000])
    if "/" in group:
        print(f"  {group}: {tally} ({time.monotonic() - began:.0f} s)", flush=True)
    return tally


def fuzz(options):
    """A short run of each fuzzer; inputs that crash are kept in var/test/fuzz."""
    names = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("*_fuzz.c")
                   if options.filter in path.stem)
    broken = names and build("fuzz", *names)
    if broken:
        return broken
    programs = [ROOT / "build/fuzz/tests/fuzz" / name for name in names]
    seconds = FUZZ_SECONDS_LONG if options.long else FUZZ_SECONDS
    tally = Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for outcome in pool.map(lambda program: fuzz_one(program, seconds), programs):
            tally.add(outcome)
    return tally


def fuzz_one(program, seconds):
    found = LOGS / "fuzz" / program.name
    found.mkdir(parents=True, exist_ok=True)
    corpora = [found, ROOT / "tests/fuzz/corpus" / program.name.removesuffix("_fuzz")]
    code, output = run(f"fuzz-{program.name}", [
        program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        f"-artifact_prefix={LOGS}/fuzz/crash-{program.name}-", "-print_final_stats=1",
        *[corpus for corpus in corpora if corpus.exists()]])
    if code == 0:
        return Tally(1)
    print(output[-4000:])
    return Tally(failed=[f"fuzz: {program.name}"])


def simulation(options):
    """Seeds and mutants; a filter chooses nothing within the group, for seeds tell no names."""
    if options.filter not in "simulation":
        return Tally()
    broken = build("release", "simulate", "simulate-exchange")
    if broken:
        return broken
    code, output = run("simulation", ["tests/simulation/cases.py", "build/release",
                                      *(["--long"] if options.long else [])])
    print(output, end="")
    tally = Tally(len(re.findall(r"^ok ", output, re.MULTILINE)),
                  re.findall(r"^FAIL (simulation: .*?)(?::|$)", output, re.MULTILINE))
    if code != 0 and not tally.failed:
        tally.failed.append("simulation: the runner itself")
    return tally


GROUPS = {group.__name__: group for group in (style, unit, simulation, servers, system, fuzz)}


def main():
    parser = argparse.ArgumentParser(prog="./sijang test")
    parser.add_argument("--long", action="store_true",
                        help="ThreadSanitizer, more seeds, long fuzzing")
    parser.add_argument("filter", nargs="?", default="",
                        help=f"a group ({', '.join(GROUPS)}), or a part of a test's name")
    options = parser.parse_args()
    chosen = list(GROUPS)
    if options.filter in GROUPS:
        chosen, options.filter = [options.filter], ""
    if options.long:
        os.environ["SIJANG_TEST_LONG"] = "1"
    total = Tally()
    for name in chosen:
        began = time.monotonic()
        tally = GROUPS[name](options)
        print(f"{name}: {tally} ({time.monotonic() - began:.0f} s)", flush=True)
        total.add(tally)
    if total.passed + len(total.failed) + total.skipped == 0:
        total.failed.append(f"no test is called {options.filter!r}")
    for failure in total.failed:
        print(f"failed: {failure}")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
