"""One process that a test started: its log, its memory, and every way to end it."""

import os
import signal
import subprocess
from pathlib import Path

from support.waiting import wait_until


class Process:
    """Dies with the test run, also when that is killed. May be started again after an end."""

    STOP_SIGNAL = signal.SIGTERM

    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.env = dict(env or {})
        self.log_path = Path(folder) / f"{name}.log"
        self._popen = None

    def start(self):
        assert not self.alive, f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self._popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                env={**os.environ, **{key: str(value) for key, value in self.env.items()}},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        return self

    @property
    def pid(self):
        return self._popen.pid if self._popen else None

    @property
    def alive(self):
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self):
        return self._popen.poll() if self._popen else None

    def signal(self, number):
        if self.alive:
            os.kill(self.pid, number)

    def kill(self):
        """As a crash: no chance to clean up."""
        self.signal(signal.SIGKILL)
        self.wait()

    def pause(self):
        """As a stall: nothing runs, all connections stay open."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout_s=20):
        if self._popen:
            self._popen.wait(timeout_s)
        return self.exit_code

    def stop(self, timeout_s=20):
        """Asked to end, then made to. The exit code, None when it never ran."""
        if self.alive:
            self.resume()
            self.signal(self.STOP_SIGNAL)
            try:
                self.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.exit_code

    def check_alive(self):
        if not self.alive:
            raise RuntimeError(f"{self.name} ended with {self.exit_code}:\n{self.log_tail()}")

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_contains(self, text, since=0):
        return text in self.log_text()[since:]

    def wait_for_log(self, text, timeout_s=10, since=0):
        wait_until(lambda: self.log_contains(text, since), timeout_s,
                   f"{text!r} in the log of {self.name}")

    def memory_bytes(self, kind="RssAnon"):
        """Anonymous resident memory; mapped files are the page cache's."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(kind + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} has no {kind}")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()
