"""The load tools measure what they say: a server with known faults has to show up as just those."""

import json
import socketserver
import subprocess
import threading

import pytest

from support.paths import build_folder


class Peer(socketserver.ThreadingTCPServer):
    """Answers each request as `reply(number, head)` says: bytes, or None for never."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.reply = reply
        self.heads = []
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            first, head = self._read_head()
            if not first:
                return
            self.rfile.read(int(head.get("Content-Length", 0)))
            self.server.heads.append({"": first, **head})
            reply = self.server.reply(len(self.server.heads), head)
            if reply is None:
                self.rfile.read()
                return
            self.wfile.write(reply)
            if reply == b"":
                return

    def _read_head(self):
        first, head = self.rfile.readline().decode(), {}
        while (line := self.rfile.readline().decode().rstrip()):
            name, value = line.split(": ", 1)
            head[name] = value
        return first, head


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def peer():
    running = []

    def start(reply):
        running.append(Peer(reply))
        return running[-1]
    yield start
    for each in running:
        each.shutdown()
        each.server_close()


def open_loop(peer, **options):
    command = [build_folder() / "tests" / "bench" / "open_loop", "--address", peer.address,
               "--path", "/things/{n}", "--warm-up", "0"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def stalls_once(seconds):
    """Answers at once, but holds everything up for a while at the hundredth request."""
    lock = threading.Lock()

    def reply(number, _):
        with lock:
            if number == 100:
                threading.Event().wait(seconds)  # the fault itself
        return OK
    return reply


def test_a_stall_delays_all_that_was_due_meanwhile(peer):
    figures = open_loop(peer(stalls_once(1)), rate=200, seconds=2, connections=4)
    assert figures["answered"] == pytest.approx(400, abs=2)
    assert figures["p90_us"] > 500_000  # half of all were due within that second
    assert figures["max_us"] > 950_000


def test_a_closed_loop_hides_the_same_stall(peer):
    figures = open_loop(peer(stalls_once(1)), seconds=2)
    assert figures["p99_us"] < 500_000 < figures["max_us"]


def test_the_rate_is_kept_whatever_the_answers_take(peer):
    figures = open_loop(peer(lambda *_: OK), rate=500, seconds=2, connections=8)
    assert figures["rate"] == pytest.approx(500, rel=0.05)
    assert figures["unanswered"] == 0


def test_what_is_due_in_the_last_moment_is_asked_as_well(peer):
    figures = open_loop(peer(lambda *_: OK), rate=3, seconds=1)  # a nanosecond before the end
    assert (figures["answered"], figures["unanswered"]) == (4, 0)
    assert figures["max_us"] < 1_000_000


def test_every_request_has_a_key_and_a_path_of_its_own(peer):
    running = peer(lambda *_: OK)
    open_loop(running, rate=200, seconds=1, connections=4, method="POST", key="run",
              body='{"n":{n}}', token="secret")
    keys = [head["Idempotency-Key"] for head in running.heads]
    assert len(keys) == len(set(keys)) > 190
    assert {head["Authorization"] for head in running.heads} == {"Bearer secret"}
    assert "POST /things/7 HTTP/1.1\r\n" in {head[""] for head in running.heads}


def test_refusals_are_counted_apart(peer):
    figures = open_loop(peer(lambda number, _: REFUSED if number % 2 else OK), rate=100, seconds=1)
    assert figures["status"]["2xx"] == pytest.approx(50, abs=1)
    assert figures["status"]["4xx"] == pytest.approx(50, abs=1)


def test_what_is_never_answered_counts_as_slow(peer):
    figures = open_loop(peer(lambda *_: None), rate=50, seconds=1, connections=2)
    assert (figures["answered"], figures["unanswered"]) == (0, 50)
    assert figures["p50_us"] > 5_000_000


def test_a_broken_connection_is_counted_and_replaced(peer):
    figures = open_loop(peer(lambda number, _: b"" if number == 10 else OK), rate=100, seconds=1)
    assert figures["broken"] == 1
    assert figures["answered"] == pytest.approx(99, abs=1)


def write_read(peer, ids, read_version):
    """Writes are answered with version 5, reads with the given one."""
    body = '{"version":%d}'
    written = body % 5
    read = body % read_version
    head = "HTTP/1.1 200 OK\r\nSijang-Position: catalog/1@7~x\r\nContent-Length: %d\r\n\r\n%s"

    def reply(_, request):
        text = read if "Sijang-Wait-For" in request else written
        return (head % (len(text), text)).encode()
    running = peer(reply)
    done = subprocess.run(
        [build_folder() / "tests" / "bench" / "write_read", "--write", running.address,
         "--read", running.address, "--write-path", "/things/{id}", "--read-path", "/things/{id}",
         "--ids", ids, "--body", "{}", "--key", "run", "--rate", "50", "--seconds", "1"],
        capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout), running


def test_a_read_waits_for_the_position_of_its_write(peer, folder):
    (folder / "ids").write_text("a\nb\n")
    figures, running = write_read(peer, folder / "ids", 5)
    waited = [head.get("Sijang-Wait-For") for head in running.heads]
    assert waited == [None, "catalog/1@7~x"] * (len(waited) // 2)
    assert (figures["writes"], figures["stale"]) == (len(waited) // 2, 0)
    assert 0 < figures["writes"] <= 50  # a machine that stands still leaves the last ones out


def test_a_read_without_ones_own_write_is_stale(peer, folder):
    (folder / "ids").write_text("a\n")
    figures, running = write_read(peer, folder / "ids", 4)
    assert figures["stale"] == figures["writes"] == len(running.heads) // 2 > 0
