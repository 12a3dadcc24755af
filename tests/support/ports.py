"""Ports nobody else gets: below the kernel's own range, locked among parallel test runs."""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 20000, 32000  # Linux hands out 32768 and up by itself
_locks = {}


def _lock(port):
    folder = os.path.join(tempfile.gettempdir(), f"sijang-ports-{os.getuid()}")
    os.makedirs(folder, exist_ok=True)
    handle = os.open(os.path.join(folder, str(port)), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port that stays this process's until it ends."""
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        if port in _locks:
            continue
        lock = _lock(port)
        if lock is None:
            continue
        if _is_free(port):
            _locks[port] = lock
            return port
        os.close(lock)
    raise RuntimeError("no free port found")
