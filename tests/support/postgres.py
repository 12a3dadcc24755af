"""A real PostgreSQL cluster in a temporary folder."""

import os
import pwd
import signal
import subprocess
from pathlib import Path

import psycopg2

from support.ports import free_port
from support.process import Process
from support.waiting import wait_until

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # a killed process loses nothing of what the kernel has
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
}


def _programs():
    """The newest installed PostgreSQL's folder of programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"),
                   key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed")
    return found[-1].parent


class Postgres(Process):
    STOP_SIGNAL = signal.SIGINT  # fast shutdown: open sessions are ended

    def __init__(self, folder, settings=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.data = self.folder / "data"
        self.settings = {**SETTINGS, "port": self.port, **(settings or {})}
        options = [word for name, value in self.settings.items()
                   for word in ("-c", f"{name}={value}")]
        command = [*self._user(), _programs() / "postgres", "-D", self.data, *options]
        super().__init__("postgres", command, self.folder)

    @staticmethod
    def _user():
        """PostgreSQL refuses root."""
        if os.getuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                "--pdeathsig", "KILL", "--"]

    def _make_cluster(self):
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run([*self._user(), _programs() / "initdb", "-D", self.data, "-U", "postgres",
                        "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/")

    def standby(self, folder):
        """A streaming replica of this one as it is now, not started yet."""
        copy = Postgres(folder, {"hot_standby": "on", "max_standby_streaming_delay": "-1"})
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(copy.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run([*self._user(), _programs() / "pg_basebackup", "-D", copy.data, "-R",
                        "-X", "stream", "-c", "fast", "-d", self.conninfo()], check=True, cwd="/")
        return copy

    def conninfo(self, database="postgres"):
        """For libpq, and for the services' SIJANG_DATABASE."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def replica(self, folder):
        """Another server that follows this one, once it is started."""
        settings = {name: value for name, value in self.settings.items() if name != "port"}
        standby = Postgres(folder, settings)
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(standby.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run([*self._user(), _programs() / "pg_basebackup", "-d", self.conninfo(), "-D",
                        standby.data, "-R", "-c", "fast", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        return standby

    def promote(self):
        """No replica any more."""
        assert self.query("SELECT pg_promote(true, 60)") == [(True,)]

    def configure(self, name, value):
        """Without a restart."""
        self.query(f"ALTER SYSTEM SET {name} = %s", (value,))
        self.query("SELECT pg_reload_conf()")

    def start(self, timeout_s=60):
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        super().start()
        self.wait_ready(timeout_s)
        return self

    def wait_ready(self, timeout_s=60):
        def answers():
            self.check_alive()
            try:
                return self.query("SELECT 1")
            except psycopg2.OperationalError:
                return False
        wait_until(answers, timeout_s, "PostgreSQL answers", 0.05)

    def kill(self):
        """The whole server at once, as a crash; the next start recovers from the log."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self.signal(signal.SIGKILL)
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.wait()
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 10,
                   "the server's children are gone")

    def restart(self):
        self.stop()
        return self.start()

    def query(self, sql, arguments=None, database="postgres"):
        """Rows as tuples; an empty list for statements without rows. Commits."""
        connection = psycopg2.connect(self.conninfo(database), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def create_database(self, name):
        """Its conninfo."""
        self.query(f'CREATE DATABASE "{name}"')
        return self.conninfo(name)

    def end_sessions(self):
        """As when a connection breaks: every other session is cut off."""
        self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
