"""./sijang itself, with a folder of its own for everything it starts, and ports nobody else has."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from support.market import make_folder
from support.paths import ROOT
from support.ports import free_port
from support.waiting import wait_until

NAMES = ("kafka", "postgres", "command-svc", "projector", "query-svc", "gateway")
OPTIONS = ("gateway", "command", "command-2", "command-3", "command-4", "query", "projector",
           "kafka", "kafka-controller", "postgres")


class Entry:
    """Runs verbs; the ports are given once, up remembers them."""

    def __init__(self):
        self.folder = make_folder()
        self.var = self.folder / "var"
        self.ports = {name: free_port() for name in OPTIONS}
        self.options = [word for name, port in self.ports.items()
                        for word in (f"--port-{name}", str(port))]

    def run(self, *words, check=True):
        done = subprocess.run([ROOT / "sijang", *words], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
                              env={**os.environ, "SIJANG_VAR": str(self.var)})
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    def pid(self, name):
        return int((self.var / "run" / f"{name}.pid").read_text().split()[0])

    def products(self):
        url = f"http://127.0.0.1:{self.ports['gateway']}/v1/products?limit=100"
        return {item["id"] for item in requests.get(url, timeout=10).json()["items"]}


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def entry():
    entry = Entry()
    try:
        entry.run("up", *entry.options)
        yield entry
    finally:
        entry.run("wipe", "--yes", check=False)
        subprocess.run(["rm", "-rf", entry.folder], check=False)


@pytest.mark.timeout(700)
def test_a_second_up_changes_nothing_and_takes_no_time(entry):
    before = {name: entry.pid(name) for name in NAMES}
    shown = entry.products()
    assert len(shown) == 8
    began = time.monotonic()
    entry.run("up")
    assert time.monotonic() - began < 2
    assert {name: entry.pid(name) for name in NAMES} == before
    entry.run("demo")
    assert entry.products() == shown


def test_status_says_what_is_ready(entry):
    shown = entry.run("status").stdout
    for name in NAMES:
        line = next(line for line in shown.splitlines() if line.startswith(name + " "))
        assert f" {entry.pid(name)} " in line and " ready " in line


def test_ctl_is_sijangctl_on_this_market(entry):
    assert "product_list" in entry.run("ctl", "views").stdout
    assert "sijang.catalog.events.v1" in entry.run("ctl", "topics").stdout
    assert '{"items":[]}' in entry.run("ctl", "parked", "list").stdout
    assert entry.run("ctl", "what", check=False).returncode == 2


def test_more_command_processes_share_the_work(entry):
    """Behind the gateway, known to status and logs; one is enough again when that is said."""
    kept = {name: entry.pid(name) for name in NAMES if name != "gateway"}
    entry.run("up", "--command-processes", "2")
    assert {name: entry.pid(name) for name in kept} == kept
    shown = entry.run("status").stdout
    line = f"command-svc-2 {entry.pid('command-svc-2'):>8} {entry.ports['command-2']:>6} ready"
    assert line in shown
    assert '"started"' in entry.run("logs", "command-svc-2").stdout
    passes = 'haproxy_server_status{proxy="command",server="command2",state="UP"} 1'
    metrics = f"http://127.0.0.1:{entry.ports['gateway']}/metrics"
    wait_until(lambda: passes in requests.get(metrics, timeout=10).text, 10, "command2 is reached")

    def shares():
        urls = [f"http://127.0.0.1:{entry.ports[port]}/ready" for port in ("command", "command-2")]
        return [requests.get(url, timeout=10).json()["serving"] for url in urls]
    wait_until(lambda: shares() == [4, 4], 20, "each serves half of the partitions")
    refused = entry.run("up", "--command-processes", "5", check=False)
    assert refused.returncode == 1 and "1 to 4" in refused.stdout
    second = entry.pid("command-svc-2")
    entry.run("up", "--command-processes", "1")
    assert gone(second) and not (entry.var / "run/command-svc-2.pid").exists()
    assert "command-svc-2" not in entry.run("status").stdout


def test_what_was_killed_comes_back_with_its_data(entry):
    shown = entry.products()
    for name in NAMES:
        os.kill(entry.pid(name), signal.SIGKILL)
    for name in NAMES:
        wait_until(lambda name=name: gone(entry.pid(name)), 10, f"{name} is gone")
    assert entry.run("status", check=False).returncode == 1
    entry.run("up")
    wait_until(lambda: entry.products() == shown, 10, "the products are there again")


def test_a_pid_of_before_a_reboot_is_nobody_of_ours(entry):
    """Its pid belongs to somebody else now: down must not touch that one."""
    path = entry.var / "run" / "projector.pid"
    kept = path.read_text()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:
        born, fingerprint = kept.split()[1], kept.split()[3]
        path.write_text(f"{stranger.pid} {born} another-boot {fingerprint}\n")
        entry.run("down")
        assert stranger.poll() is None
        stranger.stdin.close()
    path.write_text(kept)
    entry.run("down")
    entry.run("up")


def test_a_taken_port_is_named_with_who_has_it(entry):
    entry.run("down")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", entry.ports["query"]))
        other.listen()
        refused = entry.run("up", check=False)
    assert refused.returncode == 1
    assert f"port {entry.ports['query']} of query-svc is taken" in refused.stdout
    assert f"pid {os.getpid()} " in refused.stdout
    assert "--port-query" in refused.stdout
    entry.run("up")


def test_down_leaves_nothing_running(entry):
    pids = [entry.pid(name) for name in NAMES]
    entry.run("down")
    assert all(gone(pid) for pid in pids)
    assert not list((entry.var / "run").glob("*.pid"))
    entry.run("up")


@pytest.mark.parametrize("words", [("up", "--port-nothing", "1"), ("up", "--port-query"),
                                   ("sell",), ("logs", "nobody"), ("wipe",)])
def test_a_wrong_word_is_refused_and_explained(entry, words):
    refused = entry.run(*words, check=False)
    assert refused.returncode != 0
    assert refused.stdout.strip()


def test_wipe_leaves_no_index_behind(entry):
    """One of an older log would be refused at the next start; also those of more processes."""
    (entry.var / "index-2").mkdir(exist_ok=True)
    entry.run("wipe", "--yes")
    assert not list(entry.var.glob("index*"))
