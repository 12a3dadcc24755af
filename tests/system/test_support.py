"""The test objects themselves: what they promise to the tests made of them."""

import socket
import socketserver
import threading
from types import SimpleNamespace

import psycopg2
import pytest

from support.broker import Broker
from support.checker import check
from support.load import Promise
from support.postgres import Postgres
from support.proxy import Proxy


def test_a_foreign_record_is_read_back_at_its_offset(broker):
    broker.create_topic("foreign", 2)
    assert broker.produce("foreign", 1, b"one") == 0
    assert broker.produce("foreign", 1, b"two", b"key", [("h", b"v")]) == 1
    found = broker.records("foreign", 1)
    assert [record.value() for record in found] == [b"one", b"two"]
    assert found[1].headers() == [("h", b"v")]
    assert broker.end_offset("foreign", 0) == 0


def test_a_mistyped_topic_is_not_created(broker):
    assert "mistyped" not in broker.topics()
    with pytest.raises(Exception):
        broker.produce("mistyped", 0, b"lost")
    assert "mistyped" not in broker.topics()


def test_a_killed_broker_comes_back_with_its_records(folder):
    with Broker(folder / "kafka") as broker:
        broker.start()
        broker.create_topic("kept")
        broker.produce("kept", 0, b"before")
        broker.kill()
        assert not broker.alive
        broker.start()
        broker.produce("kept", 0, b"after")
        assert [record.value() for record in broker.records("kept", 0)] == [b"before", b"after"]


def test_a_killed_database_comes_back_with_its_rows(folder):
    with Postgres(folder / "postgres") as postgres:
        postgres.start()
        postgres.query("CREATE TABLE kept (value int)")
        postgres.query("INSERT INTO kept VALUES (%s)", (7,))
        postgres.kill()
        with pytest.raises(psycopg2.OperationalError):
            postgres.query("SELECT 1")
        postgres.start()
        assert postgres.query("SELECT value FROM kept") == [(7,)]


def test_each_test_may_have_a_database_of_its_own(postgres):
    conninfo = postgres.create_database("own")
    assert "dbname=own" in conninfo
    assert postgres.query("SELECT current_database()", database="own") == [("own",)]


def event(kind, key, version, **body):
    name = {"ProductListed": "title", "StockAdjusted": "reason",
            "StockReserved": "reservation_id"}[kind]
    return SimpleNamespace(type=kind, subject="p", version=version, body={name: key, **body})


def promise(kind, key, asked_s, answered_s, **answer):
    made = Promise(kind, key, "p", answer.pop("quantity", 1))
    made.asked_s, made.answered_s = asked_s, answered_s
    made.status, made.version = answer.get("status", 201), answer.get("version")
    made.code, made.unsure = answer.get("code"), answer.get("unsure", False)
    return made


def ledger_of(*events):
    return SimpleNamespace(events=list(events), streams={"p": list(events)})


LISTED = event("ProductListed", "l", 1)
STOCKED = event("StockAdjusted", "a", 2, delta=2)
RESERVED = event("StockReserved", "r", 3, quantity=2)
TRUE = [promise("list", "l", 0, 1, version=1), promise("adjust", "a", 2, 3, version=2),
        promise("reserve", "r", 4, 5, version=3, quantity=2),
        promise("reserve", "no", 6, 7, status=409, code="stock_short")]


def test_a_true_record_passes_the_checker():
    check(TRUE, ledger_of(LISTED, STOCKED, RESERVED))


@pytest.mark.parametrize("promises, events", [
    (TRUE, [LISTED, STOCKED]),  # an acceptance is lost
    (TRUE, [LISTED, STOCKED, RESERVED, event("StockReserved", "r", 4, quantity=2)]),  # doubled
    (TRUE, [LISTED, STOCKED, RESERVED, event("StockReserved", "no", 4, quantity=1)]),  # refused
    ([TRUE[0], promise("adjust", "a", 2, 3, version=3)], [LISTED, STOCKED]),  # another version
    ([TRUE[0], promise("reserve", "r", 2, 3, version=3, quantity=2),
      promise("adjust", "a", 4, 5, version=2)], [LISTED, STOCKED, RESERVED]),  # order
    (TRUE[:2] + [promise("reserve", "no", 6, 7, status=409, code="stock_short")],
     [LISTED, STOCKED]),  # there were two left
])
def test_the_checker_catches(promises, events):
    with pytest.raises(AssertionError):
        check(promises, ledger_of(*events))


def test_the_checker_does_not_blame_who_may_be_right():
    """What was broken off may come to pass later; what overlaps may have been short meanwhile."""
    broken_off = promise("reserve", "r", 4, 5, status=409, code="x", unsure=True)
    check(TRUE[:2] + [broken_off], ledger_of(LISTED, STOCKED, RESERVED))
    early = promise("reserve", "no", 3.5, 4.5, status=409, code="stock_short")
    check(TRUE[:3] + [early], ledger_of(LISTED, STOCKED, RESERVED))


class Echo(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # it was reset, as meant

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while piece := self.request.recv(100):
                self.request.sendall(piece)


@pytest.fixture
def proxy():
    with Echo(("127.0.0.1", 0), Echo.Handler) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        with Proxy(echo.server_address[1]) as running:
            yield running
        echo.shutdown()


def connected(proxy):
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    connection.sendall(b"ping")
    assert connection.recv(10) == b"ping"
    return connection


def test_a_cut_network_resets_and_refuses(proxy):
    with connected(proxy) as connection:
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(10)
        with pytest.raises(ConnectionRefusedError):
            connected(proxy)
    proxy.heal()
    connected(proxy).close()


def test_a_silent_network_keeps_what_it_was_given(proxy):
    with connected(proxy) as connection:
        proxy.silence()
        connection.sendall(b"late")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(10) == b"late"
