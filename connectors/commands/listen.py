"""`customs-connect listen`: try a receiver of webhooks out on one's own machine, with a hub that cannot reach it."""

from __future__ import annotations

import asyncio
import sys
import time
from base64 import b64encode
from contextlib import aclosing
from os import urandom
from typing import Any, Literal

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclopts import App

from connectors.backoff import Backoff
from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.risk.reader import SCOPE, Reader
from connectors.webhook import VERIFICATION, Keys, signed_headers, verification_answer, verify

app = App(name="customs-connect listen", help="Bring a feed to a receiver of webhooks on this machine, signed.")

MEDIA_TYPES = {"batch": "application/cloudevents-batch+json", "single": "application/cloudevents+json"}
ANSWER_SECONDS_MAX = 20.0
CHALLENGE_BYTES = 24


@app.default
def listen(
    feed: str,
    /,
    *,
    forward_to: str,
    hub: HubOptions,
    mode: Literal["batch", "single"] = "batch",
    secret: str = "",
    batch: int = 100,
    from_start: bool = False,
    count: int | None = None,
    json: JSON = False,
) -> int:
    """Pull a feed and post it to a URL as a hub would: verification first, Standard Webhooks' signatures, retries.

    Nothing is acknowledged, and the hub needs no way to this machine.

    Parameters
    ----------
    feed
        The feed's name.
    forward_to
        The receiver, such as http://localhost:3000/hooks.
    secret
        The whsec_ secret to sign with; without, one is made and shown.
    batch
        The most records of one message.
    from_start
        Begin with the earliest record that the hub keeps.
    count
        Stop after so many records (at the end of their message).
    """
    forwarder = Forwarder(forward_to, secret or f"whsec_{b64encode(urandom(32)).decode()}", mode, as_json=json)
    print(f"secret  {forwarder.secret}\npublic  {forwarder.public}", file=sys.stderr, flush=True)
    size = batch if mode == "batch" else 1
    return asyncio.run(_listen(feed, hub, forwarder, size=size, from_start=from_start, count=count))


async def _listen(
    feed: str, hub: HubOptions, forwarder: Forwarder, *, size: int, from_start: bool, count: int | None
) -> int:
    async with forwarder, hub.session(SCOPE) as session:
        if why := await forwarder.verified():
            print(f"{why}: a hub would send nothing there", file=sys.stderr)
            return 1
        forwarded = 0
        reader = Reader(session, feed, from_start=from_start)
        async with aclosing(reader.pull()) as groups:
            async for group in groups:
                for begin in range(0, len(group.records), size):
                    records = group.records[begin : begin + size]
                    await forwarder.forward(feed, records)
                    forwarded += len(records)
                    if count is not None and forwarded >= count:
                        return 0
    return 0


class Forwarder:
    """Posts messages to one receiver, each until it is taken."""

    def __init__(self, url: str, secret: str, mode: str, *, as_json: bool, backoff: Backoff | None = None) -> None:
        """Raises `ConnectorError` for what is no secret."""
        self.secret = secret
        self._keys = Keys(secret)
        self._private = Ed25519PrivateKey.generate()
        self.public = f"whpk_{b64encode(self._private.public_key().public_bytes_raw()).decode()}"
        self._url, self._mode, self._as_json = url, mode, as_json
        self._attempts = (backoff or Backoff()).begin()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Forwarder:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def verified(self) -> str:
        """Ask the receiver whether it has the secret; why not, or empty: so it is."""
        challenge = b64encode(urandom(CHALLENGE_BYTES)).decode()
        asked = {"type": VERIFICATION, "data": {"endpoint": "listen", "challenge": challenge}}
        body = orjson.dumps(asked)
        status, answer = await self._post(body, "application/json", {})
        if not 200 <= status < 300:
            return f"the verification was answered {status or 'with nothing'}"
        expected = verification_answer(body, self._keys)
        try:
            same = expected is not None and orjson.loads(answer) == orjson.loads(expected)
        except orjson.JSONDecodeError:
            same = False
        return "" if same else "the verification was not answered with the secret"

    async def forward(self, feed: str, records: tuple[dict[str, Any], ...]) -> None:
        """Until the receiver takes them: the same message, with a signature of its time."""
        body = orjson.dumps(records if self._mode == "batch" else records[0])
        while True:
            status, _ = await self._post(body, MEDIA_TYPES[self._mode], {"hub-feed": feed, "hub-endpoint": "listen"})
            self._say(records, status)
            if 200 <= status < 300:
                self._attempts.succeeded()
                return
            await self._attempts.pause()

    async def _post(self, body: bytes, media_type: str, more: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; 0 where there was no answer."""
        if self._session is None:
            raise ConnectorError("the forwarder is not open")
        now = int(time.time())
        headers = signed_headers(self._keys.secrets[0], self._private, body, now=now)
        verify(headers, body, Keys(self.secret, self.public), now=now)  # As the receiver does it.
        given = {"Content-Type": media_type, **headers, **more}
        try:
            async with self._session.post(self._url, data=body, headers=given, allow_redirects=False) as response:
                return response.status, await response.content.read(16_384)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0, b""

    def _say(self, records: tuple[dict[str, Any], ...], status: int) -> None:
        ids = [record.get("id") for record in records]
        if self._as_json:
            print_json({"status": status, "ids": ids})
            return
        types = ", ".join(dict.fromkeys(str(record.get("type")) for record in records))
        print(f"{status or 'no answer'}  {len(records)} of {types}  {ids[0]}", flush=True)
