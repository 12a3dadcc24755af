"""Demo data: a coffee shop's menu and a few single tickets, created through the public HTTP API.

demo.py URL SIJANG: tokens come from `SIJANG token`. What a seller lists already is left alone, and
each request carries a fixed Idempotency-Key: running it again, or twice, changes nothing."""

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

COFFEE = "hanok-coffee"
TICKETS = "sori-tickets"

PRODUCTS = [
    # seller, title, description, price in won, stock, made to order
    (COFFEE, "Americano", "Hot or iced, two shots.", 4000, 0, True),
    (COFFEE, "Cafe latte", "With milk of the day.", 4500, 0, True),
    (COFFEE, "Dalgona latte", "Whipped, sweet, a little too much.", 5500, 0, True),
    (COFFEE, "Omija tea", "Five flavours, iced.", 5000, 0, True),
    (COFFEE, "Red bean scone", "Baked this morning.", 3800, 24, False),
    (COFFEE, "House blend, 200 g", "Roasted on Tuesday.", 14000, 40, False),
    (TICKETS, "Pansori at the river, seat A1", "One seat, Saturday at seven.", 25000, 1, False),
    (TICKETS, "Pansori at the river, seat A2", "One seat, Saturday at seven.", 25000, 1, False),
]


def subject(token):
    """The account a token speaks for."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]


class Market:
    def __init__(self, url, sijang):
        self.url = url
        self.sijang = sijang

    def token(self, name):
        done = subprocess.run([self.sijang, "token", name, "--role", "seller"], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def ask(self, path, token, body=None, key=None):
        request = urllib.request.Request(self.url + path, headers={
            "Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            sys.exit(f"demo: {request.get_method()} {path}: {refused.code} "
                     f"{refused.read().decode(errors='replace')}")

    def titles(self, token):
        """What the token's seller lists by now."""
        found, cursor = set(), None
        while True:
            query = {"seller": subject(token), **({"cursor": cursor} if cursor else {})}
            page = self.ask(f"/v1/products?{urllib.parse.urlencode(query)}", token)
            found |= {item["title"] for item in page["items"]}
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def load(market):
    created = 0
    for seller in (COFFEE, TICKETS):
        token = market.token(seller)
        there = market.titles(token)
        for owner, title, description, price, stock, made_to_order in PRODUCTS:
            if owner != seller or title in there:
                continue
            market.ask("/v1/products", token, {
                "title": title, "description": description, "price": price, "stock": stock,
                "made_to_order": made_to_order,
            }, key=f"demo-{title}")
            created += 1
    return created


if __name__ == "__main__":
    print(f"demo: {load(Market(sys.argv[1], sys.argv[2]))} products listed")
