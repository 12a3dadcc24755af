"""The whole system in a temporary folder: broker, database, three services and the gateway."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.broker import Broker, Cluster
from support.client import Client, sign_token
from support.paths import ROOT, binary
from support.postgres import Postgres
from support.service import Gateway, Service

SECRET = "a secret for tests, forty characters long"
PARTITIONS = 8


def make_folder():
    """A temporary folder that the user postgres can pass through, too."""
    folder = Path(tempfile.mkdtemp(prefix="sijang-test-"))
    folder.chmod(0o711)
    return folder


class Market:
    """Attributes are the processes; any may be killed, stopped, paused and started again. `command`
    is the first of `commands`."""

    def __init__(self, settings=None, quick_broker=True, processes=1, brokers=1,
                 partitions=PARTITIONS, sockets=False):
        self.partitions = partitions
        self.folder = make_folder()
        self.broker = (Cluster if brokers == 3 else Broker)(self.folder / "kafka",
                                                            quick=quick_broker)
        self.postgres = Postgres(self.folder / "postgres")
        self.settings = {
            "SIJANG_KAFKA_BROKERS": self.broker.address,
            "SIJANG_DATABASE": self.postgres.conninfo("sijang"),
            "SIJANG_TOKEN_SECRET": SECRET,
            "SIJANG_TOKEN_ISSUER": "sijang",
            "SIJANG_ADDRESS": "127.0.0.1",
            "SIJANG_PARTITIONS": partitions,
            "SIJANG_REPLICATION": brokers,
            **(settings or {}),
        }
        self.commands = [self.command_service(f"index{number}" if number > 1 else "index")
                         for number in range(1, processes + 1)]
        self.command = self.commands[0]
        self.projector = Service("projector", self.folder, self.settings, "SIJANG_PROJECTOR_PORT")
        self.query = Service("query-svc", self.folder, self.settings, "SIJANG_QUERY_PORT")
        self.gateway = Gateway(self.folder, [each.port for each in self.commands], self.query.port)
        if sockets:
            self._listen_on_sockets()
        for number, command in enumerate(self.commands, 1):
            command.gateway, command.backend, command.server = self.gateway, "command", number
        self.query.gateway, self.query.backend = self.gateway, "query"
        self._started = [self.broker, self.postgres, *self.commands, self.projector, self.query,
                         self.gateway]

    def _listen_on_sockets(self):
        """The gateway reaches the services as ./sijang up has it."""
        for number, command in enumerate(self.commands, 1):
            command.env["SIJANG_COMMAND_SOCKET"] = path = self.folder / f"{command.name}.socket"
            suffix = f"_{number}" if number > 1 else ""
            self.gateway.env[f"SIJANG_COMMAND_SERVER{suffix}"] = f"unix@{path}"
        self.query.env["SIJANG_QUERY_SOCKET"] = path = self.folder / "query-svc.socket"
        self.gateway.env["SIJANG_QUERY_SERVER"] = f"unix@{path}"

    def command_service(self, index_name):
        """A command-svc of this market with an index of its own, not started yet."""
        env = {**self.settings, "SIJANG_INDEX_PATH": self.folder / index_name}
        return Service("command-svc", self.folder, env, "SIJANG_COMMAND_PORT",
                       f"command-svc-{index_name}")

    def add(self, process):
        """Stopped with the market."""
        self._started.append(process)
        return process

    def start(self):
        try:
            self.broker.start()
            self.postgres.start()
            self.postgres.create_database("sijang")
            self.ctl("topics", "create")
            self.ctl("migrate")
            services = [*self.commands, self.projector, self.query]
            for service in services:
                service.start(wait=False)
            for service in services:
                service.wait_ready()
            self.gateway.start()
            for number in range(1, len(self.commands) + 1):
                self.gateway.wait_passes("command", server=number)
        except BaseException:
            self.stop(check=False)
            raise
        return self

    def stop(self, check=True):
        """All processes, the last one first. A service that ended badly fails the test."""
        failures = []
        for process in reversed(self._started):
            ended = process.stop()
            if isinstance(process, Service) and process is not self.gateway:
                if ended not in (0, None, -9):
                    failures.append(f"{process.name} ended with {ended}:\n{process.log_tail(60)}")
        if failures and check:
            raise AssertionError("\n".join(failures))
        if not os.environ.get("SIJANG_KEEP") and not failures:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *words, check=True):
        """Runs sijangctl with the market's settings; its completed process, output as text."""
        env = {**os.environ, **{key: str(value) for key, value in self.settings.items()}}
        done = subprocess.run([binary("sijangctl"), *words], env=env, text=True, cwd=ROOT,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"sijangctl {' '.join(words)} ended with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def token(self, subject, *roles, **claims):
        return sign_token(SECRET, subject, roles, **claims)

    def client(self, subject=None, *roles, at=None):
        """A caller with these roles, through the gateway unless `at` says otherwise."""
        token = self.token(subject, *roles) if subject else None
        return Client((at or self.gateway).url, token)

    def query_rows(self, sql, arguments=None):
        return self.postgres.query(sql, arguments, "sijang")

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *rest):
        self.stop(check=failure is None)
