"""One of the built services, or the gateway: a process that answers HTTP on its own port."""

import requests

from support.paths import ROOT, binary
from support.ports import free_port
from support.process import Process
from support.waiting import wait_until


class Service(Process):
    """`port_variable` is the environment variable that tells the binary its port."""

    gateway = None  # the one in front, which must have noticed, too, that this one is ready
    backend = None  # its name there …
    server = 1  # … and number

    def __init__(self, name, folder, env, port_variable, log_name=None):
        self.port = free_port()
        super().__init__(log_name or name, [binary(name)], folder,
                         {**env, port_variable: self.port})

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def get(self, path, timeout_s=10):
        return requests.get(self.url + path, timeout=timeout_s)

    def ready(self):
        try:
            return self.get("/ready", 5).status_code == 200
        except requests.RequestException:
            return False

    def wait_ready(self, timeout_s=30):
        def answers():
            self.check_alive()
            return self.ready()
        try:
            wait_until(answers, timeout_s, f"{self.name} is ready")
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self.log_tail()}") from None
        if self.gateway is not None and self.gateway.alive:
            self.gateway.wait_passes(self.backend, server=self.server)
        return self

    def start(self, timeout_s=30, wait=True):
        super().start()
        return self.wait_ready(timeout_s) if wait else self

    def restart(self, timeout_s=30):
        self.stop()
        return self.start(timeout_s)

    def metric(self, name):
        """The value of the first line of that metric; labels belong to the name."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)


class Gateway(Service):
    """HAProxy with the configuration everybody uses."""

    CONFIG = ROOT / "compose/haproxy/haproxy.cfg"

    def __init__(self, folder, command_ports, query_port, config=CONFIG, projector_port=None):
        self.port = free_port()
        operators = {"SIJANG_PROJECTOR_SERVER": f"127.0.0.1:{projector_port}"}
        Process.__init__(self, "gateway", ["haproxy", "-db", "-f", config], folder, {
            "SIJANG_GATEWAY_BIND": f"127.0.0.1:{self.port}",
            "SIJANG_QUERY_SERVER": f"127.0.0.1:{query_port}",
            **{f"SIJANG_COMMAND_SERVER{f'_{number}' if number > 1 else ''}": f"127.0.0.1:{port}"
               for number, port in enumerate(command_ports, 1)},
            **(operators if projector_port else {}),
        })

    def up(self, name, server, backend=None):
        """Whether requests are passed on to a server: `command` or `query`, 1, 2, …"""
        line = (f'haproxy_server_status{{proxy="{backend or name}",server="{name}{server}",'
                f'state="UP"}} 1')
        return line in self.get("/metrics").text

    def wait_passes(self, backend, timeout_s=10, server=1):
        """Until it has noticed that the server is ready."""
        wait_until(lambda: self.up(backend, server), timeout_s, f"{backend}{server} is reached")
