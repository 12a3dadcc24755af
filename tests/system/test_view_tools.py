"""sijangctl views, lag, why and parked: what an operator sees and does."""

import json
import os
import subprocess

from support.paths import binary
from support.views_room import PARTITIONS, VIEWS
from support.waiting import wait_until

SECRET = "a secret for tests, forty characters long"


def ctl(room, projector, *words, fails=False):
    env = {**os.environ, "SIJANG_DATABASE": room.postgres.conninfo("sijang"),
           "SIJANG_PROJECTOR_URL": projector.url, "SIJANG_TOKEN_SECRET": SECRET}
    done = subprocess.run([binary("sijangctl"), *words], env=env, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout


def objects(lines):
    return [json.loads(line) for line in lines.splitlines()]


def poisoned(room):
    product = room.writer.partitions[1].products[0]
    room.writer.append(1, product.id, product.version + 1,
                       [("PriceChanged", b"\x00\x00\x00\x03\xeb\xff")])
    room.writer.commit(product, [("ProductDelisted", {"reason": None})])
    room.writer.flush()
    return product


def test_an_operator_finds_out_and_helps(room):
    projector = room.projector(SIJANG_TOKEN_SECRET=SECRET).start()
    room.writer.work(100)
    room.wait_until_at(room.ends())
    nothing = "nothing keeps product_list from going on\n"
    wait_until(lambda: ctl(room, projector, "why", "product_list") == nothing, 10, "all is well")
    lines = ctl(room, projector, "views").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [[view, "r1"] for view in VIEWS]
    assert len(ctl(room, projector, "lag").splitlines()) == 1 + len(VIEWS) * PARTITIONS
    told = objects(ctl(room, projector, "views", "--json"))
    assert [(line["view"], line["revision"], line["live"]) for line in told] == [
        (view, 1, True) for view in VIEWS]
    told = objects(ctl(room, projector, "lag", "--json"))
    assert {(line["view"], line["partition"]) for line in told} == {
        (view, partition) for view in VIEWS for partition in range(PARTITIONS)}
    assert {line["lag_events"] for line in told} == {0}
    planned, = objects(ctl(room, projector, "views", "plan", "product_list", "--json"))
    assert planned["records"] == sum(room.ends().values()) and planned["rate"] == 0
    assert "a guess: none was measured" in ctl(room, projector, "views", "plan", "product_list")
    product = poisoned(room)
    room.wait_until_at(room.ends())
    for words in (("why", "product_list"), ("why", "product_list", product.id)):
        text = ctl(room, projector, *words)
        assert f"{product.id} waits for a person" in text
        assert "sijang.catalog.PriceChanged" in text and "1 events behind it" in text
        assert f"sijangctl parked retry product_list {product.id}" in text
    assert product.id in ctl(room, projector, "parked", "list", "product_list")
    assert '"blocked":true' in ctl(room, projector, "parked", "retry", "product_list")
    text = ctl(room, projector, "parked", "discard", "product_list", product.id,
               "--reason", "a 'broken' import", "--as", "ops-1")
    assert '"discarded":1' in text
    assert room.query_rows("SELECT reason, discarded_by FROM projector.discarded") == [
        ("a 'broken' import", "ops-1")]
    assert ctl(room, projector, "parked", "discard", "product_list", product.id, fails=True) == ""
    assert "not_parked" in ctl(room, projector, "parked", "retry", "product_detail", "x",
                               fails=True)


def test_a_halted_and_a_silent_partition_are_told(room):
    projector = room.projector().start()
    room.writer.work(100)
    product = room.writer.partitions[1].products[0]
    room.writer.append(1, product.id, product.version + 1,
                       [("ProductEnchanted", b"\x00\x00\x0f\xff\xff\x00")])
    room.writer.flush()
    wait_until(lambda: "catalog/1 is halted: schema_unknown" in ctl(room, projector, "why",
                                                                    "product_detail"),
               20, "the halt is told")
    projector.kill()
    room.query_rows("UPDATE projector.position SET updated_at = now() - interval '1 min'")
    text = ctl(room, projector, "why", "product_detail")
    assert "catalog/0: no projector has told of it for 6" in text
    assert "no projector tells" in ctl(room, projector, "views")
    ctl(room, projector, "why", "no_such_view", fails=True)
