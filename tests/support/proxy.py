"""A TCP proxy between two processes, to cut their network: by closing, or by silence."""

import selectors
import socket
import struct
import threading

from support.ports import free_port

PIECE = 65536


class Proxy:
    """`with Proxy(port) as proxy:` passes connections to `proxy.port` on to that port, until
    `cut()` or `silence()`, and again after `heal()`."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = free_port()
        self._listener = None
        self._peers = {}  # socket -> its other side
        self._silent = False
        self._closed = False
        self._orders = []
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._listen()
        self._thread.start()
        return self

    def cut(self):
        """As a firewall that resets: connections break, new ones are refused."""
        self._order(self._cut)

    def silence(self):
        """As a lost network: connections stay, nothing arrives any more."""
        self._order(self._fall_silent)

    def heal(self):
        self._order(self._heal)

    def stop(self):
        self._order(self._close)
        self._thread.join(10)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()

    def _order(self, order):
        done = threading.Event()
        with self._lock:
            self._orders.append((order, done))
        self._wake_in.send(b"x")
        assert done.wait(10), "the proxy hangs"

    def _listen(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _run(self):
        while not self._closed:
            for key, _ in self._selector.select():
                if key.fileobj is self._wake_out:
                    self._obey()
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._peers:
                    self._pass_on(key.fileobj)

    def _obey(self):
        self._wake_out.recv(PIECE)
        with self._lock:
            orders, self._orders = self._orders, []
        for order, done in orders:
            order()
            done.set()

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            target = socket.create_connection(("127.0.0.1", self.target_port), timeout=2)
        except OSError:
            self._reset(client)
            return
        for one, other in ((client, target), (target, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            if not self._silent:
                self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, source):
        target = self._peers[source]
        try:
            piece = source.recv(PIECE)
            if piece:
                target.sendall(piece)
                return
        except OSError:
            pass
        self._drop(source)

    def _drop(self, one):
        for end in (one, self._peers.pop(one)):
            self._peers.pop(end, None)
            if not self._silent:
                self._selector.unregister(end)
            self._reset(end)

    @staticmethod
    def _reset(end):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    def _cut(self):
        while self._peers:
            self._drop(next(iter(self._peers)))
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _fall_silent(self):
        if not self._silent:
            for end in self._peers:
                self._selector.unregister(end)
        self._silent = True

    def _heal(self):
        if self._silent:
            for end in self._peers:
                self._selector.register(end, selectors.EVENT_READ)
        self._silent = False
        if self._listener is None:
            self._listen()

    def _close(self):
        self._cut()
        self._closed = True
