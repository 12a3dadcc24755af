"""Commands from several clients at once, retried with the same key until the answer is definite,
and a record of what was promised, to be held against the log."""

import random
import threading
import uuid

import requests

from support.client import Client

DEFINITE = {200, 201, 400, 401, 403, 404, 409, 412, 422}


class Promise:
    """One command and its definite answer; `status` stays None if there never was one."""

    def __init__(self, kind, key, product_id=None):
        self.kind = kind
        self.key = key
        self.product_id = product_id
        self.status = None
        self.version = None


class Writer(threading.Thread):
    """One client. Lists products, adjusts and reserves, with values that name their command."""

    def __init__(self, url, token, seed, stop):
        super().__init__(daemon=True)
        self.client = Client(url, token, timeout_s=10)
        self.random = random.Random(seed)
        self.stop_asked = stop
        self.promises = []
        self.products = []
        self.failures = []  # answers that are allowed to nobody
        self.retries = 0

    def run(self):
        while not self.stop_asked.is_set():
            self.one()

    def one(self):
        key = str(uuid.uuid4())
        if len(self.products) < 3 or self.random.random() < 0.1:
            self.list_product(key)
        elif self.random.random() < 0.5:
            product = self.random.choice(self.products)
            self.send("adjust", key, product, f"/v1/products/{product}/stock-adjustments",
                      {"delta": self.random.randint(-3, 5) or 1, "reason": key})
        else:
            product = self.random.choice(self.products)
            self.send("reserve", key, product, f"/v1/products/{product}/reservations",
                      {"reservation_id": key, "quantity": self.random.randint(1, 3)})

    def list_product(self, key):
        promise = self.send("list", key, None, "/v1/products",
                            {"title": key, "price": 100, "stock": self.random.randint(0, 20)})
        if promise.status == 201:
            self.products.append(promise.product_id)

    def send(self, kind, key, product_id, path, body):
        """Until definite, or until the run ends: a client that gives up learns nothing."""
        promise = Promise(kind, key, product_id)
        self.promises.append(promise)
        while True:
            answer = self.attempt(path, body, key)
            if answer is not None and answer.status_code in DEFINITE:
                break
            self.retries += 1
            if self.stop_asked.wait(0.02):
                return promise
        promise.status = answer.status_code
        if answer.status_code in (200, 201):
            promise.version = answer.json()["version"]
            if kind == "list":
                promise.product_id = answer.json()["id"]
        return promise

    def attempt(self, path, body, key):
        try:
            answer = self.client.post(path, body, key)
        except requests.RequestException:
            return None
        if answer.status_code not in DEFINITE | {502, 503, 504}:
            self.failures.append((path, answer.status_code, answer.text))
        return answer


class Load:
    """`with Load(market) as load:` runs writers meanwhile; `load.check(ledger)` afterwards."""

    def __init__(self, market, writers=8, at=None, seed=1):
        self._stop = threading.Event()
        url = (at or market.gateway).url
        self.writers = [
            Writer(url, market.token(f"seller-{number}", "seller"), seed * 1000 + number,
                   self._stop)
            for number in range(writers)
        ]

    def __enter__(self):
        for writer in self.writers:
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
    def accepted(self):
        return sum(1 for promise in self.promises if promise.version is not None)

    def check(self, ledger):
        """Every 2xx is in the log exactly once, at its version; no definite refusal is in it."""
        assert not [failure for writer in self.writers for failure in writer.failures]
        named = {}
        for event in ledger.events:
            name = (event.body.get("title") if event.type == "ProductListed" else
                    event.body.get("reason") if event.type == "StockAdjusted" else
                    event.body.get("reservation_id") if event.type == "StockReserved" else None)
            if name is not None and name != "listed":
                named.setdefault(name, []).append(event)
        for promise in self.promises:
            found = named.get(promise.key, [])
            if promise.version is not None:
                times = f"{promise.kind} {promise.key} is in the log {len(found)} times"
                assert len(found) == 1, times
                assert found[0].subject == promise.product_id
                if promise.kind != "list":
                    assert found[0].version == promise.version
            elif promise.status is not None:
                assert not found, f"refused with {promise.status}, and in the log: {found}"
            else:
                assert len(found) <= 1, f"unanswered {promise.key} is doubled"
