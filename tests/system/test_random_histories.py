"""Random histories, random batches, crashes and rebalances: the rows are what a plain fold of the
log gives. Each world is drawn from a seed; SIJANG_TEST_SEED=N plays that one again."""

import os
import random

import pytest

from support.views_room import PARTITIONS, VIEWS, snatch, total, wait_while_moving
from support.writer import Writer

PROJECTORS_MAX = 3


class World:
    """Drawn step by step: what is written, and what befalls whom."""

    def __init__(self, room, seed):
        self.room, self.chance = room, random.Random(seed)
        room.writer = Writer(room.broker, PARTITIONS, seed)
        room.writer.claim_all()
        self.running, self.stalled = [], []

    def settings(self):
        return {
            "SIJANG_PROJECTOR_BATCH_EVENTS": self.chance.choice([1, 3, 20, 100, 5000]),
            "SIJANG_PROJECTOR_BATCH_BYTES": self.chance.choice([65536, 8388608]),
            "SIJANG_PROJECTOR_CACHE_BYTES": self.chance.choice([65536, 8388608]),
            "SIJANG_PROJECTOR_FETCH_BYTES": self.chance.choice([65536, 2097152]),
            "SIJANG_PROJECTOR_PACE_MS": self.chance.choice([0, 10, 50]),
            "SIJANG_PROJECTOR_APART_RECORDS": self.chance.choice([10, 200, 10000]),
            "SIJANG_PROJECTOR_SILENCE_MS": self.chance.choice([1000, 2000]),
        }

    def start(self):
        if len(self.running) + len(self.stalled) < PROJECTORS_MAX:
            self.running.append(self.room.projector(**self.settings()).start(wait=False))

    def take(self, those):
        return those.pop(self.chance.randrange(len(those))) if those else None

    def kill(self):
        projector = self.take(self.running)
        if projector:
            projector.kill()

    def stop(self):
        projector = self.take(self.running)
        if projector:
            projector.wait_for_log("projector_started")
            assert projector.stop() == 0

    def stall(self):
        projector = self.take(self.running)
        if projector:
            projector.pause()
            self.stalled.append(projector)

    def wake(self):
        projector = self.take(self.stalled)
        if projector:
            projector.resume()
            self.running.append(projector)

    def cut_off(self):
        self.room.postgres.end_sessions()

    def raise_generations(self):
        """Only who is stalled alone keeps the locks of an open transaction: others cut it off."""
        if self.stalled and not self.running:
            return
        self.room.query_rows("UPDATE projector.position SET generation = generation + 1"
                             " WHERE partition = %s", (self.chance.randrange(PARTITIONS),))

    def rebalance(self):
        snatch(self.room)

    def wait(self):
        goal = self.chance.randrange(sum(self.room.ends().values()) + 1)
        if self.running and not self.stalled:
            wait_while_moving(self.room, lambda: total(self.room) >= goal,
                              f"{goal} records are stored")

    def play(self, steps):
        mishaps = [self.start, self.start, self.kill, self.stop, self.stall, self.wake, self.wake,
                   self.cut_off, self.raise_generations, self.rebalance, self.wait, self.wait]
        self.start()
        for _ in range(steps):
            self.room.writer.work(self.chance.randrange(1, 150))
            self.chance.choice(mishaps)()
        while self.stalled:
            self.wake()
        if not self.running:
            self.start()


def play(room, seed, steps):
    print(f"SIJANG_TEST_SEED={seed}")
    try:
        World(room, seed).play(steps)
        ends = room.ends()
        wait_while_moving(room, lambda: all(room.positions(view) == ends for view in VIEWS),
                          f"the views stand at {ends}")
        room.check()
    except Exception:
        for table in ("share", "member", "position"):
            print(table, room.query_rows(f"SELECT * FROM projector.{table}"))
        for projector in room.projectors:
            print(projector.name, projector.exit_code, projector.env)
            print(projector.log_tail())
        raise
    assert room.query_rows("SELECT count(*) FROM projector.parked") == [(0,)]
    for projector in room.projectors:
        assert not projector.log_contains("view_halted")


def seeds(ordinary):
    given = os.environ.get("SIJANG_TEST_SEED")
    return [int(given)] if given else ordinary


@pytest.mark.parametrize("seed", seeds([1, 2]))
def test_rows_are_the_fold_of_any_history(room, seed):
    play(room, seed, 15)


@pytest.mark.long
@pytest.mark.parametrize("number", range(20))
def test_rows_are_the_fold_of_many_histories(room, number):
    """Other worlds each time: the seed is in the output of the one that fails."""
    play(room, seeds([random.SystemRandom().randrange(1 << 32)])[0], 60)
