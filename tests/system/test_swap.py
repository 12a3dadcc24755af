"""Swapping a rebuilt view under load: one transaction, and nobody who reads notices."""

import threading
import time

import psycopg2
import pytest

from support.views_room import Work
from support.waiting import wait_until
from test_rebuild import VIEW, ctl, wait_until_follows, wait_until_same

LOAD_PER_S = 1000


class Reader(threading.Thread):
    """Reads rows and positions in one snapshot, over and over."""

    def __init__(self, room):
        super().__init__()
        self.room, self.stopping, self.failures, self.reads = room, False, [], 0
        self.still_s_max = 0

    def run(self):
        connection = psycopg2.connect(self.room.postgres.conninfo("sijang"))
        connection.autocommit = True
        seen, moved = {}, time.monotonic()
        with connection.cursor() as cursor:
            while not self.stopping:
                try:
                    cursor.execute(
                        f"SELECT (SELECT count(*) FROM {VIEW}), array_agg(partition ORDER BY"
                        f" partition), array_agg(next_offset ORDER BY partition)"
                        f" FROM {VIEW}_position")
                    count, *positions = cursor.fetchone()
                except psycopg2.Error as failure:
                    self.failures.append(str(failure))
                    break
                now = {"rows": count, **dict(zip(*positions))}
                back = {key: (seen[key], now[key]) for key in seen if now[key] < seen[key]}
                if back:
                    self.failures.append(f"went back: {back}")
                if now != seen:
                    self.still_s_max = max(self.still_s_max, time.monotonic() - moved)
                    moved = time.monotonic()
                seen, self.reads = now, self.reads + 1
        connection.close()


def moved(room):
    return sum(room.positions(VIEW).values())


@pytest.mark.parametrize("swaps", [3, pytest.param(60, marks=pytest.mark.long)])
def test_swaps_under_load_show_no_reader_a_gap_or_anything_older(room, swaps):
    room.writer.work(500)
    projector = room.projector().start()
    reader = Reader(room)
    with Work(room.writer, LOAD_PER_S):
        ctl(room, "rebuild", VIEW)
        wait_until_follows(room)
        reader.start()
        try:
            for _ in range(swaps):
                before = moved(room)
                ctl(room, "swap", VIEW)
                wait_until(lambda: moved(room) > before + 500, 60, "the live view goes on")
        finally:
            reader.stopping = True
            reader.join()
    assert reader.failures == []
    print(f"the live view stood still for {reader.still_s_max * 1000:.0f} ms at most")
    assert reader.still_s_max < 10, "the live view stood still"
    assert not projector.log_contains("view_apart")
    room.check()
    wait_until_same(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout
