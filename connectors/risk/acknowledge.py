"""Tell the hub how far the engine has come: signed with its system's key (`schemas/formats/ack.md`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import orjson

from connectors.keys import SigningKey
from connectors.session import KEY_HISTORY_PATH, HubRefused, HubSession, HubUnreachable, accepted
from schemas.canonical import canonical_bytes

FORMAT = "customs-hub-ack/1"
SIGNATURE_TYPE = "customs-hub-ack+jws"
Reached = str | Sequence[tuple[int, int, int]]
"""A cursor, or for who reads from Kafka itself [generation, partition, offset] of each partition."""


class Acknowledgements:
    """Those of one lane (`lane` empty, or `urgent`). An API key signs nothing: what it tells is unsigned."""

    def __init__(self, session: HubSession, feed: str, lane: str = "") -> None:
        self._session, self._feed, self._lane = session, feed, lane
        self._hub: str | None = None

    async def send(self, reached: Reached) -> None:
        """Everything up to there is worked off. Raises `HubRefused`, `HubUnreachable`; then nothing is lost: it only
        moves the place where a reader without a token begins, and says that the events were looked at."""
        body: dict[str, Any] = {"cursor" if isinstance(reached, str) else "marks": reached}
        if (key := self._session.signing_key) is not None:
            now = int(time.time())
            text = signed_text(await self._hub_name(), self._feed, self._lane, reached, now)
            body |= {"time": now, "signature": signature(text, key)}
        await accepted_post(self._session, f"/v1/feeds/{quote(self._feed, safe='')}/ack", body, self._lane)

    async def tell(self, reached: Reached) -> None:
        """As `send`, where it is no harm that the hub is away or full: the next one covers this one."""
        try:
            await self.send(reached)
        except HubUnreachable:
            return
        except HubRefused as e:
            if not e.retryable:
                raise

    async def _hub_name(self) -> str:
        if self._hub is None:
            self._hub = str(orjson.loads(await self._session.public(KEY_HISTORY_PATH))["hub"])
        return self._hub


async def accepted_post(session: HubSession, path: str, body: object, lane: str = "") -> None:
    """Post JSON where nothing is answered but that it was taken. Raises `HubRefused`, `HubUnreachable`."""
    headers, query = {"Content-Type": "application/json"}, {"lane": lane} if lane else {}
    accepted(await session.request("POST", path, body=orjson.dumps(body), headers=headers, query=query))


def signed_text(hub: str, feed: str, lane: str, reached: Reached, now: int) -> bytes:
    """What is signed; `now` in seconds since 1970."""
    what = {"cursor_sha256": sha256(reached.encode()).hexdigest()} if isinstance(reached, str) else {"marks": reached}
    return canonical_bytes({"format": FORMAT, "hub": hub, "feed": feed, "lane": lane, "time": now, **what})


def signature(text: bytes, key: SigningKey) -> str:
    """A JWS in compact form."""
    return key.jws(text, SIGNATURE_TYPE)
