"""The README's story, word for word, against the market that its first command starts."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from support.market import make_folder
from support.paths import ROOT

PORTS = {"gateway": 8080, "command-svc": 8081, "query-svc": 8082, "projector": 8083, "kafka": 9092}


def taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(script, folder, timeout_s):
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout_s)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def clone():
    """A copy of the tree as it stands, without what was built or run in it; the jars are lent."""
    busy = [name for name, port in PORTS.items() if taken(port)]
    if busy:
        pytest.skip(f"the README's own ports are in use: {', '.join(busy)}")
    folder = make_folder() / "sijang"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", "var", ".git"))
    jars = ROOT / "var/kafka"
    if jars.exists():
        os.makedirs(folder / "var")
        shutil.copytree(jars, folder / "var/kafka", ignore=lambda path, names: [
            name for name in names if name not in ("libs",) and path == str(jars)])
    yield folder
    subprocess.run([folder / "sijang", "down"], cwd=folder, check=False, stdin=subprocess.DEVNULL)
    shutil.rmtree(folder.parent, ignore_errors=True)


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(900)
def test_the_first_command_and_the_story(clone):
    commands, story = blocks((ROOT / "README.md").read_text())
    up = commands.splitlines()[0]
    assert up.startswith("./sijang up")
    shown = run(up, clone, 600)
    assert "http://127.0.0.1:8080" in shown
    told = run(story, clone, 60)
    assert "HTTP/1.1 201" in told
    assert '"title":"Café latte"' in told
    assert '"code":"stock_short"' in told
    assert '"price":5000' in told
    again = run("time -p " + up, clone, 60)
    assert float(re.search(r"^real ([0-9.]+)", again, re.MULTILINE)[1]) < 2
    assert all(name in run("./sijang status", clone, 30) for name in PORTS)
    run("./sijang down", clone, 60)
    assert not [name for name, port in PORTS.items() if taken(port)]
