"""Commands from several clients at once, retried with the same key until the answer is definite,
and a record of what was promised, to be held against the log."""

import random
import threading
import time
import uuid

import requests

from support.checker import check
from support.client import Client

DEFINITE = {200, 201, 400, 401, 403, 404, 409, 412, 422}
SHARED_SHARE = 0.3


class Promise:
    """One command and its definite answer; `status` stays None if there never was one."""

    def __init__(self, kind, key, product_id=None, quantity=None):
        self.kind = kind
        self.key = key
        self.product_id = product_id
        self.quantity = quantity
        self.asked_s = time.monotonic()
        self.answered_s = None
        self.status = None
        self.code = None
        self.version = None
        self.unsure = False  # an attempt was broken off: nobody knows whether it is on its way


class Trouble:
    """An attempt without a definite answer: `what` is a status, or an exception's name."""

    def __init__(self, what, detail):
        self.at_s = time.monotonic()
        self.what = what
        self.detail = detail

    def __repr__(self):
        return f"{self.what} {self.detail}"


class Writer(threading.Thread):
    """One client. Lists products, adjusts and reserves, with values that name their command."""

    def __init__(self, url, token, seed, stop):
        super().__init__(daemon=True)
        self.client = Client(url, token, timeout_s=15)
        self.random = random.Random(seed)
        self.stop_asked = stop
        self.promises = []
        self.products = []
        self.shared = []  # reserved by all writers, owned by the first
        self.failures = []  # answers that are allowed to nobody
        self.troubles = []

    def run(self):
        while not self.stop_asked.is_set():
            self.one()

    def one(self):
        key = str(uuid.uuid4())
        if self.shared and self.random.random() < SHARED_SHARE:
            self.reserve(key, self.random.choice(self.shared))
        elif len(self.products) < 3 or self.random.random() < 0.1:
            self.list_product(key)
        elif self.random.random() < 0.5:
            product = self.random.choice(self.products)
            self.send(Promise("adjust", key, product), f"/v1/products/{product}/stock-adjustments",
                      {"delta": self.random.randint(-3, 5) or 1, "reason": key})
        else:
            self.reserve(key, self.random.choice(self.products))

    def reserve(self, key, product):
        quantity = self.random.randint(1, 3)
        self.send(Promise("reserve", key, product, quantity),
                  f"/v1/products/{product}/reservations",
                  {"reservation_id": key, "quantity": quantity})

    def list_product(self, key):
        promise = self.send(Promise("list", key), "/v1/products",
                            {"title": key, "price": 100, "stock": self.random.randint(0, 20)})
        if promise.status == 201:
            self.products.append(promise.product_id)
        return promise

    def send(self, promise, path, body):
        """Until definite, or until the run ends: a client that gives up learns nothing."""
        self.promises.append(promise)
        while True:
            answer = self.attempt(promise, path, body)
            if answer is not None and answer.status_code in DEFINITE:
                break
            if self.stop_asked.wait(0.02):
                return promise
        promise.answered_s = time.monotonic()
        promise.status = answer.status_code
        if answer.status_code in (200, 201):
            promise.version = answer.json()["version"]
            if promise.kind == "list":
                promise.product_id = answer.json()["id"]
        else:
            promise.code = answer.json().get("code")
        return promise

    def attempt(self, promise, path, body):
        try:
            answer = self.client.post(path, body, promise.key)
        except requests.RequestException as failure:
            promise.unsure = True
            self.troubles.append(Trouble(type(failure).__name__, f"{path}: {failure}"))
            return None
        if answer.status_code in DEFINITE:
            return answer
        if answer.status_code in {502, 503, 504}:
            promise.unsure |= answer.status_code == 502
            self.troubles.append(Trouble(answer.status_code, answer.text[:200]))
        else:
            self.failures.append((path, answer.status_code, answer.text))
        return answer


class Load:
    """`with Load(market) as load:` runs writers meanwhile; `load.check(ledger)` afterwards."""

    def __init__(self, market, writers=8, at=None, seed=1, shared=0):
        self._stop = threading.Event()
        self._shared = shared
        url = (at or market.gateway).url
        self.writers = [
            Writer(url, market.token(f"seller-{number}", "seller", "service"),
                   seed * 1000 + number, self._stop)
            for number in range(writers)
        ]

    def __enter__(self):
        shared = [self.writers[0].list_product(str(uuid.uuid4())).product_id
                  for _ in range(self._shared)]
        for writer in self.writers:
            writer.shared = shared
            writer.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def stop(self):
        self._stop.set()
        for writer in self.writers:
            writer.join(30)
            assert not writer.is_alive(), "a writer never came back"

    @property
    def promises(self):
        return [promise for writer in self.writers for promise in list(writer.promises)]

    @property
    def troubles(self):
        """In the order of time."""
        troubles = [each for writer in self.writers for each in list(writer.troubles)]
        return sorted(troubles, key=lambda trouble: trouble.at_s)

    @property
    def accepted(self):
        return sum(1 for promise in self.promises if promise.version is not None)

    def answered_since(self, since_s):
        """Definite answers to what was asked since then."""
        return sum(1 for promise in self.promises
                   if promise.answered_s is not None and promise.asked_s >= since_s)

    def longest_pause_s(self):
        """Between two acceptances, whoever's."""
        times = sorted(promise.answered_s for promise in self.promises
                       if promise.version is not None)
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0)

    def check(self, ledger):
        """Held against the log: see support.checker."""
        assert not [failure for writer in self.writers for failure in writer.failures]
        check(self.promises, ledger)
