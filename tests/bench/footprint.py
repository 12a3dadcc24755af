"""What the services cost when nothing happens: memory, and the time until they can work."""

import http.client
import statistics
import time

from ground import SERVICES
from machine import anonymous_bytes
from report import Row, at_most, number

STARTS = 5
START_S_MAX = 30
MIB = 1024 * 1024


def memory(ground, aggregates=100000):
    """Anonymous resident memory after so many aggregates, command-svc's index aside."""
    ground.ensure_products(aggregates)
    yield from memory_now(ground)


def memory_now(ground):
    """The same as it is now: at the end of a run, after millions of records."""
    alive = {name: each for name, each in ground.services.items() if each.alive}
    for name, process in alive.items():
        used = anonymous_bytes(process.pid)
        yield Row(
            f"memory of {name}", f"{used / MIB:.1f} MiB",
            f"{number(ground.listed)} aggregates, {number(sum(ground.ends()))} records", None,
            [at_most(used, 50 * MIB, "≤ 50 MB")],
            {"anonymous_bytes": used, "aggregates": ground.listed})


def _is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def start_ms(process):
    process.stop()
    began = time.monotonic()
    process.start(wait=False)
    while not _is_ready(process.port):
        if time.monotonic() - began > START_S_MAX:
            return None
        process.check_alive()
        time.sleep(0.001)
    return (time.monotonic() - began) * 1000


def start(ground):
    """From exec to a 200 on /ready; asked every millisecond."""
    ground.ensure_products(20000)
    for name in SERVICES:
        times = [start_ms(ground.services[name]) for _ in range(STARTS)]
        measured = [each for each in times if each is not None]
        middle = statistics.median(measured) if measured else None
        text = "never ready" if middle is None else (
            f"{middle:.0f} ms (of {STARTS}: {min(measured):.0f}-{max(measured):.0f})")
        yield Row(f"start of {name}, warm", text,
                  f"{number(sum(ground.ends()))} records in the log", None,
                  [at_most(middle, 100, "≤ 100 ms")], {"starts_ms": times})
    ground.projector(True)
