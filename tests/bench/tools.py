"""The load generators as functions: each runs one measurement and returns its figures as a dict."""

import json
import os
import re
import statistics
import subprocess
import uuid
from pathlib import Path

from support.paths import build_folder

HERE = Path(__file__).resolve().parent
FILLING_S_MAX = 600
PATIENCE_S = 60  # beyond a run's own length, before it counts as hung


def _run(command, seconds, env=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=seconds + PATIENCE_S,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {done.returncode}: "
                           f"{done.stderr.strip()[-600:]}")
    return done.stdout


def _own(name):
    path = build_folder() / "tests" / "bench" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built: cmake --build {build_folder()}")
    return path


def fresh_key():
    """No run repeats another's keys: a repeated command would be answered from memory."""
    return uuid.uuid4().hex[:12]


def wrk(script, url, token, connections, seconds, **settings):
    """Closed loop at full speed. `settings`: ids (file), id, stock; see wrk/load.lua."""
    env = {"BENCH_FOLDER": str(HERE / "wrk"), "BENCH_TOKEN": token, "BENCH_RUN": fresh_key(),
           "BENCH_STOCK": "0",
           **{f"BENCH_{name.upper()}": str(value) for name, value in settings.items()}}
    text = _run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
                 "-s", HERE / "wrk" / f"{script}.lua", url], seconds, env)
    figures = json.loads(re.search(r"^BENCH (.*)$", text, re.MULTILINE)[1])
    figures["accepted"] = figures["answered"] - figures["refused"]
    figures["rate"] = figures["accepted"] / figures["seconds"]
    return figures


def http_load(address, path, token, seconds, **options):
    """Open loop with `rate`, closed without. Options as the tool's: body, method, key, ids, …"""
    command = [_own("open_loop"), "--address", address, "--path", path, "--token", token,
               "--seconds", seconds]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    return json.loads(_run(command, seconds))


def write_read(write_address, read_address, token, seconds, **options):
    command = [_own("write_read"), "--write", write_address, "--read", read_address,
               "--token", token, "--key", fresh_key(), "--seconds", seconds]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    return json.loads(_run(command, seconds))


def raw_produce(brokers, topic, outstanding, seconds, shape):
    """`shape`: the tool's options headers, header-bytes and value-bytes."""
    command = [_own("raw_produce"), "--brokers", brokers, "--topic", topic,
               "--outstanding", outstanding, "--seconds", seconds]
    for name, value in shape.items():
        command += [f"--{name}", value]
    return json.loads(_run(command, seconds))


def fill_log(brokers, topic, partitions, products, versions, ids_every=1):
    """A long log in little time, by one who claims every partition: only while no command-svc runs.
    Ids of some of the products."""
    return _run([_own("fill_log"), "--brokers", brokers, "--topic", topic, "--partitions",
                 partitions, "--products", products, "--versions", versions,
                 "--ids-every", ids_every], FILLING_S_MAX).split()


def pgbench(conninfo, script, clients, seconds):
    """Transactions per second of a script in sql/, prepared."""
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"),
                     key=lambda path: int(path.parts[-3]))[-1]
    text = _run([program, "-n", "-M", "prepared", "-c", clients, "-j", 1, "-T", seconds,
                 "-f", HERE / "sql" / f"{script}.sql", conninfo], seconds)
    return {"rate": float(re.search(r"^tps = ([\d.]+)", text, re.MULTILINE)[1]),
            "mean_ms": float(re.search(r"^latency average = ([\d.]+)", text, re.MULTILINE)[1])}


def median_run(runs):
    """The run whose rate is the median of all."""
    middle = statistics.median_low(run["rate"] for run in runs)
    return next(run for run in runs if run["rate"] == middle)


def consume_walk(brokers, topic, context, partitions):
    """Every record of a topic, read and its Avro walked."""
    return json.loads(_run([_own("consume_walk"), "--brokers", brokers, "--topic", topic,
                            "--context", context, "--partitions", partitions], 60))
