"""After a restore: what does not fit together is told, and mended when asked to."""

import os
import subprocess

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from support.paths import binary
from support.views_room import PARTITIONS, VIEWS
from support.waiting import wait_until
from support.writer import TOPIC, TOPIC_SETTINGS

SAYS = "SELECT count(*) FROM projector.audit WHERE action = 'reset'"


def ctl(room, *words):
    env = {**os.environ, "SIJANG_DATABASE": room.postgres.conninfo("sijang"),
           "SIJANG_KAFKA_BROKERS": room.broker.address}
    done = subprocess.run([binary("sijangctl"), *words], env=env, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=90)
    return done.returncode, done.stdout + done.stderr


def replace_log(room, commits):
    """Kafka was restored from something else, or to an earlier moment."""
    room.broker.delete_topic(TOPIC)
    room.broker.create_topic(TOPIC, PARTITIONS, TOPIC_SETTINGS)
    for partition in room.writer.partitions:
        partition.products = []
    room.writer.claim_all()
    room.writer.work(commits)


def cut_log(room, lost):
    """Kafka was restored to an earlier moment: the same records, but for the last ones."""
    consumer = Consumer({"bootstrap.servers": room.broker.address, "group.id": "cut",
                         "enable.auto.commit": False})
    ends, kept = room.ends(), []
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in ends])
    while len(kept) < sum(ends.values()):
        kept += consumer.consume(1000, 1)
    consumer.close()
    room.broker.delete_topic(TOPIC)
    room.broker.create_topic(TOPIC, PARTITIONS, TOPIC_SETTINGS)
    producer = Producer({"bootstrap.servers": room.broker.address, "enable.idempotence": True})
    for record in kept:
        if record.offset() < ends[record.partition()] - lost:
            producer.produce(TOPIC, record.value(), record.key(), record.partition(),
                             headers=record.headers())
    assert producer.flush(30) == 0
    room.writer.claim_all()  # a commit that was cut in two is void now


def halts(projector, fault):
    try:
        views = projector.get("/ready").json()["views"].values()
    except requests.RequestException:  # it starts
        return False
    return all(view.get("halt", {}).get("error", {}).get("fault") == fault for view in views)


def refused(room, projector, fault):
    wait_until(lambda: halts(projector, fault), 40, f"both views say {fault} at /ready")
    wait_until(lambda: fault in ctl(room, "why", "product_list")[1], 20, "so does `why`")
    assert "sijangctl repair" in ctl(room, "why", "product_list")[1]


def mended(room, fault):
    code, said = ctl(room, "verify", "views")
    assert code == 1 and fault in said and "sijangctl repair" in said
    rows = room.query_rows("SELECT count(*) FROM product_list")
    code, said = ctl(room, "repair")
    assert code == 1 and "--yes" in said
    assert room.query_rows("SELECT count(*) FROM product_list") == rows
    assert room.query_rows(SAYS) == [(0,)]
    code, said = ctl(room, "repair", "--yes")
    assert code == 0, said
    assert room.query_rows(SAYS) == [(len(VIEWS),)]
    room.check()
    assert ctl(room, "verify", "views")[0] == 0


def told_and_mended(room, commits, damage, fault):
    room.writer.work(commits)
    projector = room.projector().start()
    room.check()
    assert projector.stop() == 0
    damage()
    projector.start(wait=False)
    refused(room, projector, fault)
    mended(room, fault)
    projector.wait_ready()


def test_another_log_is_told_and_views_begin_again(room):
    told_and_mended(room, 200, lambda: replace_log(room, 600), "log_replaced")


@pytest.mark.long
def test_a_log_that_ends_earlier_is_told_and_views_begin_again(room):
    """It takes ten seconds to be sure that a log is shorter, and not just a new leader's."""
    told_and_mended(room, 600, lambda: cut_log(room, 100), "log_truncated")


def test_what_retention_took_is_told_and_no_row_is_given_up_for_it(room):
    """Emptied, the view could not be made again: the log has lost its beginning."""
    room.writer.work(300)
    projector = room.projector().start()
    room.check()
    assert projector.stop() == 0
    stood, rows = room.ends(), room.query_rows("SELECT * FROM product_list ORDER BY 1")
    room.writer.work(300)
    room.broker.delete_records(TOPIC, {0: 1, 1: room.ends()[1]})
    projector.start(wait=False)
    code, said = ctl(room, "repair", "--yes")  # sure after ten seconds, as the projector is
    assert code == 1 and "log_truncated: there is no record" in said and "rows stay" in said, said
    assert room.query_rows(SAYS) == [(0,)]
    refused(room, projector, "log_truncated")
    reached = {**room.ends(), 1: stood[1]}
    wait_until(lambda: room.positions("product_list") == reached, 20, "the other partitions go on")
    kept = {row[0] for row in room.query_rows("SELECT * FROM product_list")}
    assert {row[0] for row in rows} <= kept


def test_tables_older_than_the_log_follow_it(room):
    """Postgres was restored to an earlier moment: positions and rows of one snapshot."""
    room.writer.work(200)
    projector = room.projector().start()
    room.check()
    assert projector.stop() == 0
    room.postgres.query("DROP DATABASE IF EXISTS earlier")
    room.postgres.query("CREATE DATABASE earlier TEMPLATE sijang")
    room.writer.work(200)
    projector.start()
    room.check()
    assert projector.stop() == 0
    room.postgres.query("DROP DATABASE sijang WITH (FORCE)")
    room.postgres.query("ALTER DATABASE earlier RENAME TO sijang")
    code, said = ctl(room, "verify", "views")
    assert code == 0 and "it follows" in said
    assert ctl(room, "repair", "--yes")[0] == 0
    assert room.query_rows(SAYS) == [(0,)]
    projector.start()
    room.check()
