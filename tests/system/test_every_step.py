"""A projector, a rebuild and a swap die between every two words they say to the database, and
right after each one: rows stay the fold of the log, and whoever comes next goes on."""

import os
import signal
import subprocess

import pytest

from support.paths import ROOT, binary, build_folder
from support.waiting import wait_until
from test_rebuild import VIEW, ctl, state, wait_until_follows, wait_until_same

MOMENTS = pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
LONG = pytest.param(1, marks=pytest.mark.long)
STEPS_MAX = 400


def last_word(room, number, heard):
    return {"LD_PRELOAD": build_folder() / "tests/support/liblast_word.so",
            "ASAN_OPTIONS": "verify_asan_link_order=0",
            "LAST_WORD_PORT": room.postgres.port, "LAST_WORD_NUMBER": number,
            **({"LAST_WORD_HEARD": 1} if heard else {})}


def lives(room, heard, stride):
    """Projectors that each die some words later than the one before."""
    for number in range(1, STEPS_MAX, stride):
        yield room.projector(SIJANG_PROJECTOR_BATCH_EVENTS=20,
                             **last_word(room, number, heard)).start(wait=False)


def ended_or(projector, achieved):
    """True: it is dead."""
    wait_until(lambda: not projector.alive or achieved(), 30, "it dies, or gets there", 0.01)
    if projector.alive:
        return False
    assert projector.exit_code == -signal.SIGKILL, projector.log_tail()
    return True


@MOMENTS
@pytest.mark.parametrize("stride", [5, LONG])
def test_a_batch_is_whole_or_not_there_whenever_its_projector_dies(room, heard, stride):
    room.writer.work(40)
    died = 0
    for projector in lives(room, heard, stride):
        room.writer.work(40)
        ends = room.ends()
        if not ended_or(projector, lambda: room.positions(VIEW) == ends):
            break
        died += 1
    assert died * stride > 10
    projector.kill()
    room.projector().start()
    room.check()


@MOMENTS
@pytest.mark.parametrize("stride", [12, LONG])
def test_a_rebuild_goes_on_whenever_its_projector_dies(room, heard, stride):
    room.writer.work(200)
    first = room.projector().start()
    room.check()
    ctl(room, "rebuild", VIEW)
    first.kill()
    died = 0
    for projector in lives(room, heard, stride):
        dead = ended_or(projector, lambda: state(room)["state"] == "following")
        projector.kill()
        heir = room.projector().start()
        wait_until_follows(room)
        wait_until_same(room)
        assert "no row differs" in ctl(room, "verify", VIEW).stdout
        heir.kill()
        if not dead:
            break
        died += 1
        ctl(room, "drop", VIEW)
        ctl(room, "rebuild", VIEW)
    assert died * stride > 20


@MOMENTS
def test_a_swap_happens_or_does_not_whenever_it_is_broken_off(room, heard):
    room.writer.work(200)
    room.projector().start()
    room.check()
    ctl(room, "rebuild", VIEW)
    wait_until_follows(room)
    for number in range(1, STEPS_MAX):
        wait_until_same(room)
        env = {**os.environ, "SIJANG_DATABASE": room.postgres.conninfo("sijang"),
               **{name: str(value) for name, value in last_word(room, number, heard).items()}}
        done = subprocess.run([binary("sijangctl"), "views", "swap", VIEW], env=env, cwd=ROOT,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        room.writer.work(20)
        room.check()
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert number > 2
