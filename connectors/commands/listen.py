"""`customs-connect listen`: try a receiver of webhooks out on one's own machine, with a hub that cannot reach it."""

from __future__ import annotations

import asyncio
import sys
import time
from base64 import b64encode
from contextlib import aclosing
from functools import partial
from os import urandom
from typing import Annotated, Any, Literal

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclopts import App, Parameter
from cyclopts.validators import Number

from connectors.backoff import Backoff
from connectors.commands.read import PAGE
from connectors.commands.shared import JSON, HubOptions, print_json, say, say_waiting
from connectors.errors import ConnectorError
from connectors.risk.notice_reader import NOTICES, NoticeReader
from connectors.risk.notice_reader import SCOPE as NOTICES_SCOPE
from connectors.risk.reader import SCOPE, Reader
from connectors.webhook import VERIFICATION, Keys, signed_headers, verification_answer, verify

app = App(name="customs-connect listen")

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
    batch: Annotated[int, Parameter(validator=Number(gte=1, lte=PAGE))] = 100,
    from_start: Annotated[bool, Parameter(negative=())] = False,
    count: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    json: JSON = False,
) -> int:
    """Pull a feed and post it to a URL as a hub would: verification first, Standard Webhooks' signatures, retries.

    Nothing is posted before the receiver has answered the verification, by the secret that is shown: until then it is
    asked again. Nothing is acknowledged, and the hub needs no way to this machine.

    Parameters
    ----------
    feed
        The feed's name; or hub.notices: what customs tells you, from the earliest that the hub keeps.
    forward_to
        The receiver, such as http://localhost:3000/hooks.
    secret
        The whsec_ secret to sign with; without, one is made and shown: start the receiver with it while this waits.
    batch
        The most records of one message.
    from_start
        Begin with the earliest record that the hub keeps.
    count
        Stop after so many records.
    json
        Print one JSON object for each message.
    """
    forwarder = Forwarder(forward_to, secret or f"whsec_{b64encode(urandom(32)).decode()}", mode, as_json=json)
    print(f"secret  {forwarder.secret}\npublic  {forwarder.public}", file=sys.stderr, flush=True)
    size = batch if mode == "batch" else 1
    return asyncio.run(_listen(feed, hub, forwarder, size=size, from_start=from_start, count=count))


async def _listen(
    feed: str, hub: HubOptions, forwarder: Forwarder, *, size: int, from_start: bool, count: int | None
) -> int:
    of_notices = feed == NOTICES
    async with forwarder, hub.session(NOTICES_SCOPE if of_notices else SCOPE) as session:
        await forwarder.until_verified()
        left = sys.maxsize if count is None else count
        said: dict[str, Any] = {"on_waiting": partial(say_waiting, hub.hub), "limit": min(left, PAGE)}
        reader = NoticeReader(session, **said) if of_notices else Reader(session, feed, from_start=from_start, **said)
        async with aclosing(reader.pull()) as groups:
            async for group in groups:
                wanted = group.records[:left]
                for begin in range(0, len(wanted), size):
                    await forwarder.forward(feed, wanted[begin : begin + size])
                left -= len(wanted)
                if left <= 0:
                    return 0
                reader.limit = min(left, PAGE)
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

    async def until_verified(self) -> None:
        """Ask until the receiver proves that it has the secret; why it has not is said once."""
        told = ""
        while why := await self.verified():
            if why != told:
                say(f"{why}; a hub sends nothing there before. Asking again (Ctrl-C ends)")
            told = why
            await self._attempts.pause()
        self._attempts.succeeded()

    async def verified(self) -> str:
        """Ask the receiver whether it has the secret; why not, or empty: so it is."""
        challenge = b64encode(urandom(CHALLENGE_BYTES)).decode()
        asked = {"type": VERIFICATION, "data": {"endpoint": "listen", "challenge": challenge}}
        body = orjson.dumps(asked)
        status, answer = await self._post(body, "application/json", {})
        if not status:
            return f"{self._url} does not answer: {answer.decode()}"
        if not 200 <= status < 300:
            return f"the verification was answered {status}"
        expected = verification_answer(body, self._keys)
        try:
            same = expected is not None and orjson.loads(answer) == orjson.loads(expected)
        except orjson.JSONDecodeError:
            same = False
        return "" if same else "the verification was not answered with the secret"

    async def forward(self, feed: str, records: tuple[dict[str, Any], ...]) -> None:
        """Until the receiver takes them: the same message, with a signature of its time."""
        body = orjson.dumps(records if self._mode == "batch" else records[0])
        media_type = "application/json" if feed == NOTICES else MEDIA_TYPES[self._mode]
        while True:
            status, answer = await self._post(body, media_type, {"hub-feed": feed, "hub-endpoint": "listen"})
            self._say(records, status, answer)
            if 200 <= status < 300:
                self._attempts.succeeded()
                return
            await self._attempts.pause()

    async def _post(self, body: bytes, media_type: str, more: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; 0 and why where there was no answer."""
        if self._session is None:
            raise ConnectorError("the forwarder is not open")
        now = int(time.time())
        headers = signed_headers(self._keys.secrets[0], self._private, body, now=now)
        verify(headers, body, Keys(self.secret, self.public), now=now)  # As the receiver does it.
        given = {"Content-Type": media_type, **headers, **more}
        try:
            async with self._session.post(self._url, data=body, headers=given, allow_redirects=False) as response:
                return response.status, await response.content.read(16_384)
        except TimeoutError:
            return 0, f"nothing within {ANSWER_SECONDS_MAX:.0f} s".encode()
        except (aiohttp.ClientError, OSError) as e:
            return 0, (_reason(e) or type(e).__name__).encode()

    def _say(self, records: tuple[dict[str, Any], ...], status: int, answer: bytes) -> None:
        ids = [record.get("notice", record.get("id")) for record in records]
        if self._as_json:
            print_json({"status": status, "ids": ids})
            return
        types = ", ".join(dict.fromkeys(str(record.get("type", record.get("code"))) for record in records))
        print(f"{status or f'no answer: {answer.decode()}'}  {len(records)} of {types}  {ids[0]}", flush=True)


def _reason(error: Exception) -> str:
    """As a person would say it: aiohttp words a refused connection by its addresses."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    refused = isinstance(cause, ConnectionRefusedError)
    return "connection refused, nothing listens there" if refused else str(error)
