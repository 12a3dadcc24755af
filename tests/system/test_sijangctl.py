"""sijangctl by itself: tokens, topics, migrations, and its exit codes."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from support.paths import ROOT, binary

SECRET = "a secret for tests, forty characters long"
TOPIC = "sijang.catalog.events.v1"
OWNERS_TOPIC = "sijang.owners.v1"


def ctl(*words, **settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIJANG_")}
    env = {**kept, **{f"SIJANG_{name.upper()}": str(value) for name, value in settings.items()}}
    return subprocess.run([binary("sijangctl"), *map(str, words)], env=env, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=120)


def claims_of(token):
    head, body, signature = token.strip().split(".")
    mac = hmac.new(SECRET.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(mac).rstrip(b"=").decode() == signature
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def sign(*words):
    done = ctl("token", *words, token_secret=SECRET)
    assert done.returncode == 0, done.stderr
    return claims_of(done.stdout)


def test_a_name_is_the_same_subject_every_time():
    first, second = sign("alice", "--role", "seller"), sign("alice", "--role", "admin")
    assert first["sub"] == second["sub"] != sign("bob", "--role", "seller")["sub"]
    assert uuid.UUID(first["sub"]).version == 5


def test_a_uuid_is_the_subject_itself():
    account = uuid.uuid4()
    assert sign(str(account).upper(), "--role", "customer")["sub"] == str(account)


def test_a_token_says_its_roles_and_its_end():
    claims = sign("alice", "--role", "seller", "--role", "admin", "--hours", "3")
    assert claims["roles"] == ["seller", "admin"]
    assert claims["iss"] == "sijang"
    assert abs(claims["exp"] - time.time() - 3 * 3600) < 60


@pytest.mark.parametrize("words", [
    (), ("alice",), ("--role", "seller"), ("alice", "--role", "king"), ("alice", "--role"),
    ("alice", "--role", "seller", "--hours", "0"), ("alice", "bob", "--role", "seller"),
    ("alice", "--role", "seller", "--what"),
])
def test_a_wrong_wish_for_a_token_is_misuse(words):
    done = ctl("token", *words, token_secret=SECRET)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sijangctl token: ")


def test_a_short_secret_is_misuse_and_never_shown():
    done = ctl("token", "alice", "--role", "seller", token_secret="short-secret")
    assert done.returncode == 2
    assert "SIJANG_TOKEN_SECRET" in done.stderr and "short-secret" not in done.stderr


@pytest.mark.parametrize("words", [
    ("token",), ("topics", "create"), ("migrate",), ("tail",), ("history",), ("verify", "log"), (),
    ("topics",), ("seek",), ("copy",), ("diff",), ("produce-test",), ("completion",),
])
def test_every_command_explains_itself(words):
    done = ctl(*words, "--help")
    assert done.returncode == 0
    assert "Exit codes: 0 done, 1 failed, 2" in done.stdout
    assert not words or "Example: " in done.stdout


@pytest.mark.parametrize("words", [(), ("what",), ("verify",), ("topics", "what")])
def test_an_unknown_command_is_misuse(words):
    assert ctl(*words).returncode == 2


@pytest.mark.parametrize("words, said", [
    (("what",), "there is no command what, try --help"),
    (("verify",), "it goes on with one of: log views"),
    (("views", "what"), "what is too much, try --help"),
    (("lag", "--what"), "--what is unknown or lacks its value, try --help"),
])
def test_misuse_names_the_word_that_is_wrong(words, said):
    done = ctl(*words, database="host=nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_who_cannot_be_reached_is_named_with_a_stable_code():
    done = ctl("topics", kafka_brokers="127.0.0.1:1")
    assert done.returncode == 1
    assert "asking 127.0.0.1:1" in done.stderr and "(log_unavailable)" in done.stderr
    done = ctl("views", database="host=127.0.0.1 port=1")
    assert done.returncode == 1
    assert "port 1 failed" in done.stderr and "(database_unavailable)" in done.stderr


def test_topics_are_created_once_and_compared_afterwards(broker):
    words = ("topics", "create", "--flush-every-append")
    given = {"kafka_brokers": broker.address, "partitions": 3}
    for _ in range(2):
        done = ctl(*words, **given)
        assert done.returncode == 0, done.stderr
        assert f"{TOPIC}: 3 partitions" in done.stdout
    admin = AdminClient({"bootstrap.servers": broker.address})
    assert len(admin.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions) == 3
    resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["message.timestamp.type"].value == "LogAppendTime"
    assert config["retention.ms"].value == "-1"
    assert config["flush.messages"].value == "1"
    owners = ConfigResource(ConfigResource.Type.TOPIC, OWNERS_TOPIC)
    assert admin.describe_configs([owners])[owners].result(10)["cleanup.policy"].value == "compact"
    assert len(admin.list_topics(OWNERS_TOPIC, timeout=10).topics[OWNERS_TOPIC].partitions) == 1

    done = ctl("topics", "create", "--partitions", 4, kafka_brokers=broker.address)
    assert done.returncode == 1
    assert "3" in done.stderr and "4" in done.stderr


@pytest.fixture
def database(postgres):
    """A database of its own; migrate(folder) and rows(sql) work on it."""
    name = f"ctl_{uuid.uuid4().hex}"
    postgres.query(f"CREATE DATABASE {name}")

    class Database:
        @staticmethod
        def migrate(folder):
            return ctl("migrate", folder, database=postgres.conninfo(name))

        @staticmethod
        def rows(sql):
            return postgres.query(sql, database=name)

    return Database


def write(folder, **files):
    for name, sql in files.items():
        (folder / f"{name.lstrip('_')}.sql").write_text(sql)


def test_migrations_are_applied_once_in_order(database, folder):
    write(folder, _0002_second="INSERT INTO steps VALUES (2)",
          _0001_first="CREATE TABLE steps (n int);\nINSERT INTO steps VALUES (1); -- the first")
    (folder / "notes.txt").write_text("not SQL")
    done = database.migrate(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("applied 0001_first.sql\napplied 0002_second.sql\n"
                           "2 applied, 0 were already\n")
    write(folder, _0003_third="INSERT INTO steps VALUES (3);")
    assert database.migrate(folder).stdout.endswith("1 applied, 2 were already\n")
    assert database.rows("SELECT n FROM steps ORDER BY n") == [(1,), (2,), (3,)]
    noted = database.rows("SELECT number, name, sha256, applied_at IS NOT NULL"
                          " FROM sijang_migrations ORDER BY number")
    third = hashlib.sha256(b"INSERT INTO steps VALUES (3);").hexdigest()
    assert noted[2] == (3, "0003_third.sql", third, True)


def test_a_failing_migration_leaves_nothing_behind(database, folder):
    write(folder, _0001_good="CREATE TABLE good (n int)",
          _0002_bad="CREATE TABLE half (n int); SELECT 1 / 0;",
          _0003_after="CREATE TABLE after (n int)")
    done = database.migrate(folder)
    assert done.returncode == 1
    assert "0002_bad.sql" in done.stderr and "division by zero" in done.stderr
    assert database.rows("SELECT number FROM sijang_migrations") == [(1,)]
    assert database.rows("SELECT to_regclass('half'), to_regclass('after')") == [(None, None)]


def test_a_changed_migration_is_refused_before_anything_is_applied(database, folder):
    write(folder, _0001_first="CREATE TABLE first (n int)")
    assert database.migrate(folder).returncode == 0
    write(folder, _0001_first="CREATE TABLE first (n bigint)",
          _0002_second="CREATE TABLE second ()")
    done = database.migrate(folder)
    assert done.returncode == 1
    assert "0001_first.sql has changed" in done.stderr
    assert database.rows("SELECT to_regclass('second')") == [(None,)]


def test_a_migration_that_comes_too_late_is_refused(database, folder):
    write(folder, _0002_second="SELECT 1")
    assert database.migrate(folder).returncode == 0
    write(folder, _0001_first="CREATE TABLE first ()")
    done = database.migrate(folder)
    assert done.returncode == 1
    assert "0001_first.sql comes too late" in done.stderr


@pytest.mark.parametrize("names", [("1_short",), ("abcd_word",), ("0001first",), ("0000_zero",),
                                   ("0001_a", "0001_b")])
def test_a_badly_named_file_stops_all(database, folder, names):
    write(folder, _0009_good="CREATE TABLE good ()")
    for name in names:
        (folder / f"{name}.sql").write_text("SELECT 1")
    done = database.migrate(folder)
    assert done.returncode == 1
    assert database.rows("SELECT to_regclass('good')") == [(None,)]


def test_a_missing_folder_is_said(database, folder):
    done = database.migrate(folder / "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def test_many_migrators_at_once_apply_each_file_once(database, folder):
    write(folder, _0001_first="CREATE TABLE steps (n int); SELECT pg_sleep(0.3)",
          **{f"_{n:04}_step": f"INSERT INTO steps VALUES ({n})" for n in range(2, 12)})
    with ThreadPoolExecutor(6) as pool:
        for done in pool.map(lambda _: database.migrate(folder), range(6)):
            assert done.returncode == 0, done.stderr
    assert database.rows("SELECT n FROM steps ORDER BY n") == [(n,) for n in range(2, 12)]


def test_the_projects_own_migrations_apply(database):
    done = database.migrate(ROOT / "migrations")
    assert done.returncode == 0, done.stderr
    assert database.migrate(ROOT / "migrations").stdout.startswith("0 applied")


def test_a_wrong_database_never_shows_its_password(postgres):
    done = ctl("migrate", ROOT / "migrations",
               database="host=127.0.0.1 port=1 password=hush-hush dbname=x")
    assert done.returncode == 1
    assert "hush-hush" not in done.stdout + done.stderr
