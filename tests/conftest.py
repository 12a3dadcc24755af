"""Fixtures: servers for a whole run where tests only use them, fresh ones where they break them."""

import os
import resource
import shutil

import pytest

from support.broker import Broker
from support.market import Market, make_folder
from support.postgres import Postgres
from support.views_room import Room


def pytest_collection_modifyitems(items):
    if os.environ.get("SIJANG_TEST_LONG"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="runs with --long only"))


# A thousand connections are more than an ordinary user's soft limit allows.
_, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))


@pytest.fixture
def folder():
    """An empty folder, which the user postgres may enter, too."""
    path = make_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_folder():
    path = make_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def broker(shared_folder):
    """One for the whole run: use topics of your own."""
    with Broker(shared_folder / "kafka") as running:
        running.start()
        yield running


@pytest.fixture(scope="session")
def postgres(shared_folder):
    """One for the whole run: use a database of your own."""
    with Postgres(shared_folder / "postgres") as running:
        running.start()
        yield running


@pytest.fixture(scope="session")
def market():
    """The whole system, shared: tests use accounts of their own and break nothing."""
    with Market() as running:
        yield running


@pytest.fixture
def fresh_market():
    """The whole system for one test, which may kill whatever it likes."""
    with Market() as running:
        yield running


@pytest.fixture(scope="module")
def views_servers():
    folder = make_folder()
    room = Room(folder)
    try:
        yield room
    finally:
        room.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def room(views_servers):
    """Kafka and Postgres with nothing in them, for projectors."""
    try:
        yield views_servers.begin()
    finally:
        views_servers.end()
