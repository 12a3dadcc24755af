"""The machine under the figures: what it is, and who used its processors and memory."""

import datetime
import os
import platform
import resource
import subprocess
import threading
import time
from pathlib import Path

from support.paths import ROOT, build_folder, kafka_jars

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return (done.stdout or done.stderr).splitlines()[0] if done.stdout or done.stderr else ""


def _field(path, name):
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def _build_flags():
    cache = (build_folder() / "CMakeCache.txt").read_text().splitlines()
    wanted = ("CMAKE_BUILD_TYPE:", "CMAKE_C_FLAGS_RELEASE:", "CMAKE_C_COMPILER:")
    return {line.split(":")[0]: line.split("=", 1)[1] for line in cache if line.startswith(wanted)}


def facts(postgres_version):
    """What a reader needs to compare these figures with others."""
    jar = next(Path(kafka_jars()).glob("kafka_2*.jar"))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "cpu_model": _field("/proc/cpuinfo", "model name"),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "load_average_before": os.getloadavg()[0],
        "commit": _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "build": _build_flags(),
        "kafka": jar.stem.split("-", 1)[1],
        "postgres": postgres_version,
        "haproxy": _first_line("haproxy", "-v"),
        "wrk": _first_line("wrk", "-v"),
    }


def anonymous_bytes(pid):
    """Anonymous resident memory: mapped files, such as the index, are the page cache's."""
    return int(_field(f"/proc/{pid}/smaps_rollup", "Anonymous").split()[0]) * 1024


class MemoryMeter:
    """The most anonymous memory that a process had, looked at ten times a second, also one that
    starts meanwhile.

        with MemoryMeter(process) as meter:
            …
        meter.peak_bytes
    """

    INTERVAL_S = 0.1

    def __init__(self, process):
        self.peak_bytes = 0
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._ended.wait(self.INTERVAL_S):
            try:
                self.peak_bytes = max(self.peak_bytes, anonymous_bytes(self._process.pid))
            except (OSError, IndexError):
                pass  # not started yet, or gone

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *failure):
        self._ended.set()
        self._thread.join()


def _ticks(stat_path, with_waited_children=False):
    """utime + stime, of those whom it has waited for, too."""
    fields = Path(stat_path).read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15 if with_waited_children else 13])


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _tree_ticks(pid):
    ticks = _ticks(f"/proc/{pid}/stat", True)
    for child in _children(pid):
        try:
            ticks += _ticks(f"/proc/{child}/stat")
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks


def _busy_ticks():
    """Of all processors: user, nice, system, irq and softirq; and apart what the host took away."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _waiting, irq, softirq, stolen = fields
    return user + nice + system + irq + softirq, stolen


def _thread_ticks(pid):
    ticks = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (thread / "comm").read_text().strip()
            ticks[f"{name}/{thread.name}"] = _ticks(thread / "stat")
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks


class CpuMeter:
    """Share of one processor that each process took between start and stop, that of the load, of
    whatever else runs here, and of what the host gave to other machines meanwhile: figures taken
    beside much of either mean little.

        with CpuMeter({"kafka": process, …}) as meter:
            …
        meter.shares["kafka"]
    """

    def __init__(self, processes):
        self.processes = {name: each for name, each in processes.items() if each.alive}
        self.shares = {}
        self.threads = {}

    def _sample(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        trees = {name: _tree_ticks(each.pid) / TICKS_PER_S
                 for name, each in self.processes.items()}
        threads = {name: _thread_ticks(each.pid) for name, each in self.processes.items()}
        known = {**trees, "load": used.ru_utime + used.ru_stime}
        busy, stolen = _busy_ticks()
        known["others"] = busy / TICKS_PER_S - sum(known.values())
        known["host"] = stolen / TICKS_PER_S
        return time.monotonic(), known, threads

    def __enter__(self):
        self._began = self._sample()
        return self

    def __exit__(self, *failure):
        began, used, threads = self._began
        ended, used_now, threads_now = self._sample()
        seconds = max(ended - began, 1e-3)
        self.shares = {name: round((used_now[name] - used[name]) / seconds, 3)
                       for name in used_now}
        self.threads = {name: self._busiest(threads[name], threads_now[name], seconds)
                        for name in threads_now}

    @staticmethod
    def _busiest(before, after, seconds):
        shares = {name: round((ticks - before.get(name, 0)) / TICKS_PER_S / seconds, 3)
                  for name, ticks in after.items()}
        return dict(sorted(shares.items(), key=lambda item: -item[1])[:4])

    def line(self):
        """kafka 55 %, command-svc 90 % (busiest thread 40 %), …"""
        parts = []
        for name, share in sorted(self.shares.items(), key=lambda item: -item[1]):
            busiest = max(self.threads.get(name, {}).values(), default=0)
            inner = f" (one thread {busiest:.0%})" if name.endswith("svc") and busiest else ""
            parts.append(f"{name} {share:.0%}{inner}")
        return ", ".join(parts)
