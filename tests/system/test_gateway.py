"""The gateway's configuration: who gets which request, and what clients see when nobody does."""

import http.client
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from support.service import Gateway
from support.waiting import wait_until


class Backend(ThreadingHTTPServer):
    """Says its name and what it was asked; ready or not as told."""

    daemon_threads = True

    def __init__(self, name):
        self.name = name
        self.is_ready = True
        self.is_late = False
        self.breaks_off = False
        self.let_go = threading.Event()
        self.seen = []
        super().__init__(("127.0.0.1", 0), Answer)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_any(self):
        if self.path == "/ready":
            return self.answer(200 if self.server.is_ready else 503)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers["X-Request-ID"]))
        if self.server.breaks_off:
            self.close_connection = True
            return None
        if self.server.is_late:
            self.server.let_go.wait(20)
            self.close_connection = True
            return None
        return self.answer(200)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def answer(self, status):
        body = self.server.name.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *unused):
        pass


class Edge:
    """`operators`: with a projector for /v1/parked, as everybody has it but for tests."""

    def __init__(self, folder, config=Gateway.CONFIG, processes=1, operators=False):
        self.command = Backend("command")
        self.command2 = Backend("command2")
        self.query = Backend("query")
        self.projector = Backend("projector")
        self.gateway = Gateway(folder, [self.command.port, self.command2.port][:processes],
                               self.query.port, config,
                               self.projector.port if operators else None)
        self.gateway.start()

    def ask(self, method, path, **options):
        return requests.request(method, self.gateway.url + path, timeout=10, **options)

    def stop(self):
        self.gateway.stop()
        for backend in (self.command, self.command2, self.query, self.projector):
            backend.let_go.set()
            backend.shutdown()
            backend.server_close()


@pytest.fixture
def edge(folder):
    edge = Edge(folder)
    yield edge
    edge.stop()


@pytest.mark.parametrize("method, path, server", [
    ("GET", "/v1/products?term=a", "query"),
    ("HEAD", "/v1/products", "query"),
    ("GET", "/schemas/ids/1", "query"),
    ("GET", "/subjects", "query"),
    ("POST", "/subjects/x/versions", "query"),
    ("GET", "/v1/streams/catalog/Product/1", "command"),
    ("POST", "/v1/products", "command"),
    ("PUT", "/v1/products/1/price", "command"),
    ("PATCH", "/v1/products/1", "command"),
    ("DELETE", "/v1/products/1", "command"),
])
def test_questions_and_commands_part_here(edge, method, path, server):
    assert edge.ask(method, path).status_code == 200
    seen = {"command": edge.command.seen, "query": edge.query.seen}
    assert [(one[0], one[1]) for one in seen.pop(server)] == [(method, path)]
    assert seen.popitem()[1] == []


def test_what_is_parked_is_the_projectors_also_while_it_is_not_ready(folder):
    edge = Edge(folder, operators=True)
    try:
        wait_until(lambda: edge.gateway.up("projector", 1, "operators"), 10, "it is reached")
        for method, path in (("GET", "/v1/parked"), ("POST", "/v1/parked/v/retry"),
                             ("POST", "/v1/parked/v/k/discard"), ("GET", "/v1/parkedness")):
            assert edge.ask(method, path).status_code == 200
        paths = ["/v1/parked", "/v1/parked/v/retry", "/v1/parked/v/k/discard"]
        assert [one[1] for one in edge.projector.seen] == paths
        assert [one[1] for one in edge.query.seen] == ["/v1/parkedness"]
        edge.projector.is_ready = False  # because something is parked, or halted
        edge.query.is_ready = False
        wait_until(lambda: edge.ask("GET", "/ready").status_code == 503, 10, "it has noticed one")
        assert edge.ask("GET", "/v1/parked").text == "projector"
    finally:
        edge.stop()


def test_a_request_keeps_the_id_it_came_with(edge):
    edge.ask("GET", "/b", headers={"X-Request-ID": "mine"})
    assert [request_id for _, _, request_id in edge.query.seen] == ["mine"]


def test_ready_means_the_whole_way_is_open(edge):
    assert edge.ask("GET", "/ready").json() == {"ready": True}
    edge.command.is_ready = False
    wait_until(lambda: edge.ask("GET", "/ready").status_code == 503, 10, "the gateway has noticed")
    assert edge.ask("GET", "/v1/products").status_code == 200
    refused = edge.ask("POST", "/v1/products", json={})
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "unavailable"
    edge.gateway.wait_passes("query")
    edge.command.is_ready = True
    edge.gateway.wait_passes("command")
    wait_until(lambda: edge.ask("GET", "/ready").status_code == 200, 10, "it has noticed again")


@pytest.mark.parametrize("sent, status, code", [
    (b"GET /v1/products HTTP/1.1\r\n\r\n", 400, "malformed_request"),
    (b"POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 408,
     "request_timeout"),
], ids=["no_host", "half"])
def test_half_a_request_gets_a_problem_document(hasty_edge, sent, status, code):
    with socket.create_connection(("127.0.0.1", hasty_edge.gateway.port), timeout=20) as client:
        client.sendall(sent)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["code"]) == (status, code)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert hasty_edge.command.seen == hasty_edge.query.seen == []


@pytest.fixture
def hasty_edge(folder):
    """The same with less patience."""
    text, count = re.subn(r"timeout server \d+s", "timeout server 500ms",
                          Gateway.CONFIG.read_text())
    assert count == 2
    text, count = re.subn(r"timeout http-request \d+s", "timeout http-request 500ms", text)
    assert count == 1
    config = folder / "hasty.cfg"
    config.write_text(text)
    edge = Edge(folder, config)
    edge.command.is_late = edge.query.is_late = True
    yield edge
    edge.stop()


@pytest.mark.parametrize("method, path, code", [
    ("POST", "/v1/products", "outcome_unknown"),
    ("GET", "/v1/products", "timeout"),
    ("GET", "/v1/streams/catalog/Product/1", "timeout"),
])
def test_only_a_change_has_an_unknown_outcome(hasty_edge, method, path, code):
    late = hasty_edge.ask(method, path)
    assert late.headers["Content-Type"] == "application/problem+json"
    assert (late.status_code, late.json()["status"], late.json()["code"]) == (504, 504, code)


def test_the_gateway_counts_what_passes(edge):
    edge.ask("GET", "/v1/products")
    assert "haproxy_backend_http_responses_total" in edge.ask("GET", "/metrics").text


@pytest.fixture
def wide_edge(folder):
    """With two command-svc processes."""
    edge = Edge(folder, processes=2)
    for server in (1, 2):
        edge.gateway.wait_passes("command", server=server)
    yield edge
    edge.stop()


def test_commands_are_spread(wide_edge):
    for _ in range(10):
        assert wide_edge.ask("POST", "/v1/products").status_code == 200
    assert len(wide_edge.command.seen) == len(wide_edge.command2.seen) == 5


def test_a_command_with_a_key_goes_to_another_process_when_one_breaks_off(wide_edge):
    wide_edge.command.breaks_off = True
    for number in range(4):
        answer = wide_edge.ask("POST", f"/{number}", headers={"Idempotency-Key": "k"}, json={})
        assert (answer.status_code, answer.text) == (200, "command2")
    assert len(wide_edge.command.seen) >= 1


def test_a_command_without_a_key_is_never_sent_twice(wide_edge):
    wide_edge.command.breaks_off = wide_edge.command2.breaks_off = True
    assert wide_edge.ask("PUT", "/v1/products/1/price", json={}).status_code == 502
    assert len(wide_edge.command.seen) + len(wide_edge.command2.seen) == 1


def test_a_process_that_is_gone_fails_nobody(wide_edge):
    wide_edge.command.shutdown()
    wide_edge.command.server_close()
    for _ in range(20):
        assert wide_edge.ask("PUT", "/v1/products/1/price", json={}).status_code == 200
