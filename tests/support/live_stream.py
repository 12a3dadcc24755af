"""A bare client of live answers (server-sent events)."""

import socket
from contextlib import contextmanager
from urllib.parse import urlsplit


class LiveStream:
    """Reads one event after the other."""

    def __init__(self, service, path, **headers):
        address = urlsplit(service.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=10)
        lines = [f"GET {path} HTTP/1.1", "Host: market",
                 *(f"{name}: {value}" for name, value in headers.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        self.rest = b""

    def _chunk(self):
        size = int(self.file.readline(), 16)
        bytes_ = self.file.read(size)
        self.file.readline()
        return bytes_

    def event(self):
        """The next one that is no comment, as a dict; None: the stream is over."""
        while True:
            while b"\n\n" not in self.rest:
                chunk = self._chunk()
                if not chunk:
                    return None
                self.rest += chunk
            text, _, self.rest = self.rest.partition(b"\n\n")
            lines = [line.partition(": ") for line in text.decode().split("\n")]
            event = {name: value for name, _, value in lines if name.strip(":")}
            if event:
                return event

    def close(self):
        self.file.close()
        self.socket.close()


@contextmanager
def live_stream(service, path, **headers):
    opened = LiveStream(service, path, **headers)
    try:
        yield opened
    finally:
        opened.close()
