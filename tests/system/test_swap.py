"""Swapping a rebuilt view under load: alone on the machine, for it is a race."""

import threading

import psycopg2
import pytest

from support.views_room import Work
from support.waiting import wait_until
from test_rebuild import VIEW, behind, ctl, wait_until_follows, wait_until_same


class Reader(threading.Thread):
    """Reads rows and positions in one snapshot, over and over."""

    def __init__(self, room):
        super().__init__()
        self.room, self.stopping, self.failures, self.reads = room, False, [], 0

    def run(self):
        connection = psycopg2.connect(self.room.postgres.conninfo("sijang"))
        connection.autocommit = True
        seen = {}
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
                seen, self.reads = now, self.reads + 1
        connection.close()


@pytest.mark.long
def test_swaps_under_load_show_no_reader_a_gap_or_anything_older(room):
    room.writer.work(500)
    room.projector().start()
    reader = Reader(room)
    with Work(room.writer):
        ctl(room, "rebuild", VIEW)
        wait_until_follows(room)
        reader.start()
        for _ in range(6):
            before = reader.reads
            wait_until(lambda: behind(room) < 500, 60, "the new rows have nearly caught up")
            ctl(room, "swap", VIEW)
            wait_until(lambda: reader.reads > before + 50, 20, "it goes on reading")
    reader.stopping = True
    reader.join()
    assert reader.failures == []
    room.check()
    wait_until_same(room)
    assert "no row differs" in ctl(room, "verify", VIEW).stdout
