"""Receive webhooks in mode `thin`, which only say that there is something, and pull it.

    thin = ThinWebhooks(Keys("whsec_…", "whpk_…"), Reader(session, "gates", token=checkpoint.load("gates")))
    async with thin.listening(port=8080), aclosing(thin.groups()) as groups:
        ...

Groups, places and tokens are those of the reader. A message is answered at once: what it told of is behind the reader's
token until it is stored, and whoever begins anew pulls before it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiohttp import web

from connectors.risk.group import Group
from connectors.risk.notice_reader import NOTICES
from connectors.risk.reader import Reader
from connectors.risk.webhook import Receiver
from connectors.webhook import Keys

MOVED, NOTICES_MOVED = "customs-hub.feed.moved", "customs-hub.notices.moved"


class ThinWebhooks(Receiver):
    """A receiver for an endpoint in mode `thin`; `reader` is of the same lane of the same feed, or of notices."""

    def __init__(self, keys: Keys, reader: Reader) -> None:
        super().__init__(keys)
        self.place = reader.place
        self._reader = reader
        self._moved = asyncio.Event()

    async def take(self, message: str, sent: Any, request: web.Request) -> web.Response:
        if not isinstance(sent, dict) or sent.get("type") not in (MOVED, NOTICES_MOVED):
            return web.Response(status=415, text="Set the endpoint to the mode thin.")
        if (place := NOTICES if sent["type"] == NOTICES_MOVED else _place(sent.get("data"))) != self.place:
            return web.Response(status=422, text=f"This receiver reads {self.place}, and not {place}.")
        self._moved.set()
        return web.Response(status=204)

    async def groups(self) -> AsyncGenerator[Group, None]:
        """What there is, and what there is behind each message. Never ends by itself."""
        while True:
            self._moved.clear()
            async with aclosing(self._reader.rest()) as groups:
                async for group in groups:
                    yield group
            await self._moved.wait()

    async def done(self, group: Group) -> None:
        await self._reader.done(group)


def _place(moved: Any) -> str:
    """The lane that a message is about, as readers call it."""
    feed, lane = (moved.get("feed"), moved.get("lane")) if isinstance(moved, dict) else ("", "")
    return f"{feed}/{lane}" if lane == "urgent" else str(feed)
