"""A client of the HTTP API: bearer tokens made here, independently of the services, and keys."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import requests


def _part(bytes_or_object):
    if not isinstance(bytes_or_object, bytes):
        bytes_or_object = json.dumps(bytes_or_object, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(bytes_or_object).rstrip(b"=").decode()


def sign_token(secret, subject, roles, lifetime_s=3600, issuer="sijang", algorithm="HS256",
               **claims):
    """A JWT; other algorithms and claims are for tests of what must be refused."""
    body = {"sub": subject, "iss": issuer, "exp": int(time.time()) + lifetime_s,
            "roles": list(roles), **claims}
    signed = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(body)}"
    return f"{signed}.{_part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


class Client:
    """One caller. Answers are requests.Response objects; nothing is raised for 4xx and 5xx."""

    def __init__(self, url, token=None, timeout_s=20):
        self.url = url
        self.timeout_s = timeout_s
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self):
        self._session.close()

    def __del__(self):
        self.close()

    def request(self, method, path, body=None, key=None, headers=None):
        headers = dict(headers or {})
        if key:
            headers["Idempotency-Key"] = key
        return self._session.request(method, self.url + path, json=body, headers=headers,
                                     timeout=self.timeout_s)

    def get(self, path, after=None, wait_s=5, headers=None):
        """With `after`, the answer to a change: waits until the view has applied that change."""
        headers = dict(headers or {})
        if after is not None:
            headers["Sijang-Wait-For"] = after.headers["Sijang-Position"]
            headers["Prefer"] = f"wait={wait_s}"
        return self.request("GET", path, headers=headers)

    def post(self, path, body=None, key=None, headers=None):
        """Draws an Idempotency-Key when none is given."""
        return self.request("POST", path, body, key or str(uuid.uuid4()), headers)

    def put(self, path, body=None, key=None, headers=None):
        return self.request("PUT", path, body, key, headers)

    def patch(self, path, body=None, key=None, headers=None):
        return self.request("PATCH", path, body, key, headers)

    def delete(self, path, key=None, headers=None):
        return self.request("DELETE", path, key=key, headers=headers)
