"""The test objects themselves: what they promise to the tests made of them."""

import psycopg2
import pytest

from support.broker import Broker
from support.postgres import Postgres


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
