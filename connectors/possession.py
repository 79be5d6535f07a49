"""Proofs of possession (DPoP, RFC 9449): the session's token is worth nothing to anybody who does not hold its key.

The hub gives nonces that are good at one of its workers, and a connection stays with one worker. So each connection is
a `Lane` that keeps the nonce it was given last; another is needed only where a connection is new, or a nonce old.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256

import aiohttp
import jwt

from connectors.keys import generate, public_jwk


class Possession:
    """A key that is made for one session, never written down, and shown at each of its requests."""

    def __init__(self) -> None:
        self._key = generate("ES256")
        self._header = {"typ": "dpop+jwt", "jwk": public_jwk(self._key)}

    def proof(self, method: str, url: str, *, nonce: str, token: str = "") -> str:
        """For one request (RFC 9449 §4.2): `url` without its query; `token` where there is one already."""
        claims: dict[str, object] = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
        return jwt.encode(claims, self._key.private, algorithm=self._key.algorithm, headers=self._header)


class Lane:
    """One connection to the hub, at most, and the nonce that is good on it."""

    def __init__(self, http: aiohttp.ClientSession, nonce: str) -> None:
        self.http = http
        self.nonce = nonce

    def note(self, response: aiohttp.ClientResponse) -> None:
        """Take up the nonce that an answer brings (RFC 9449 §8.2)."""
        self.nonce = response.headers.get("DPoP-Nonce", self.nonce)


class Lanes:
    """Connections of one session: as many as are asked for at once, each used again, the last one first."""

    def __init__(self, make: Callable[[], aiohttp.ClientSession]) -> None:
        self._make = make
        self._idle: list[Lane] = []
        self._all: list[Lane] = []

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Lane]:
        """A lane for one request at a time."""
        if self._idle:
            lane = self._idle.pop()
        else:
            # With one worker the nonce of another connection is good here too, and costs nothing to try.
            lane = Lane(self._make(), self._all[-1].nonce if self._all else "")
            self._all.append(lane)
        try:
            yield lane
        finally:
            self._idle.append(lane)

    async def close(self) -> None:
        for lane in self._all:
            await lane.http.close()


def asks_for_nonce(response: aiohttp.ClientResponse) -> bool:
    """Whether a resource found nothing wrong but the nonce (RFC 9449 §9)."""
    return response.status == 401 and "use_dpop_nonce" in response.headers.get("WWW-Authenticate", "")
