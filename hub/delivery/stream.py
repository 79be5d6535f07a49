"""Streams: the same pages as pull, one after the other, for as long as the reader may have them.

What lies ready is one group; nothing is held back to make a larger one. The web layer owns the socket: it sends the
groups, cuts a reader who leaves too much unread, and knows when a key or partner stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from hub.core.errors import Refusal
from hub.core.feed import Feed
from hub.delivery.pull import Pull
from hub.trust.cursor import Cursor

GROUP_RECORDS_MAX = 200


class Group(Struct, frozen=True):
    """Records in order, and the cursor to resume from behind them. No records: a sign of life."""

    records: list[bytes]
    cursor: str


class Streams:
    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._open: Counter[tuple[str, str]] = Counter()

    @property
    def count(self) -> int:
        return self._open.total()

    @asynccontextmanager
    async def open(
        self, partner: str, name: str, sealed: str | None, stop: Callable[[], bool]
    ) -> AsyncIterator[AsyncIterator[Group] | Refusal]:
        """Groups from the cursor on, until `stop` says so, the feed ends or its recipient is suspended.

        Where retention overtakes a reader they end with `Trimmed`: it is told when it opens the stream again.

        `stop` is asked at every group, at every heartbeat and whenever the bell rings. Refuses as `Pull.page` does, and
        with `TOO_MANY_REQUESTS` where this reader has as many streams of this feed as it may have.
        """
        begun = await self._pull.begin(partner, name, sealed)
        reader = (partner, name)
        if not isinstance(begun, Refusal):
            begun = await self._pull.gap(*begun) or begun
        if not isinstance(begun, Refusal) and self._open[reader] >= self._pull.settings.streams_per_reader_max:
            begun = Refusal("TOO_MANY_REQUESTS", f"at most {self._open[reader]} streams of a feed")
        if isinstance(begun, Refusal):
            yield begun
            return
        feed, cursor = begun
        self._open[reader] += 1
        try:
            yield self._groups(feed, cursor, stop)
        finally:
            self._open[reader] -= 1
            self._open += Counter()  # Drops what has come to zero.

    async def _groups(self, feed: Feed, cursor: Cursor, stop: Callable[[], bool]) -> AsyncIterator[Group]:
        heartbeat = self._pull.settings.stream_heartbeat_seconds
        while not stop() and self._pull.is_open(feed):
            taken, cursor = await self._pull.turn(feed, cursor, limit=GROUP_RECORDS_MAX, wait=heartbeat)
            if not stop() and self._pull.is_open(feed):
                self._pull.delivered(feed, taken, "sse")
                yield Group(list(taken.records), self._pull.seal(cursor))
