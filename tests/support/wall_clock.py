"""The wall clock of one process, which a test sets: wall_shift.c, preloaded."""

import mmap
import struct

from support.paths import build_folder

HOUR_S = 3600


class WallClock:
    """`env` is for the process, before its start."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self._shift = mmap.mmap(file.fileno(), 8)
        self.env = {
            "LD_PRELOAD": build_folder() / "tests/support/libwall_shift.so",
            "WALL_SHIFT_FILE": path,
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }

    def set(self, ahead_s):
        """From now on it is so far ahead of the machine's; negative: behind."""
        self._shift[:] = struct.pack("=q", int(ahead_s * 1_000_000))
