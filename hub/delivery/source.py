"""What one recipient is given, record after record: a lane of a feed, or its notices. Who streams and who brings to an
endpoint know nothing else of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

from hub.core.errors import Refusal
from hub.core.feed import Feed, Way, lane_of, stream_named
from hub.delivery.journal import Reader, given
from hub.delivery.merge import Admit, Stamped, Taken
from hub.delivery.pull import Pull
from hub.trust.cursor import Cursor


class Source(Protocol):
    @property
    def word(self) -> str:
        """What a stream calls one of its records."""

    @property
    def name(self) -> str:
        """As cursors, counters and letters name it: `feed`, `feed/urgent`, `hub.notices`."""

    @property
    def stream(self) -> str: ...

    @property
    def recipient(self) -> str: ...

    def first(self) -> Cursor:
        """The earliest record, nothing seen yet."""

    def is_open(self) -> bool:
        """Whether its recipient may be given anything of it now."""

    def admits(self) -> Admit:
        """Whether a record is this recipient's, and may be given to him as of now."""

    async def gap(self, cursor: Cursor) -> Refusal | None:
        """`CURSOR_EXPIRED` where retention let go of records behind the cursor. Raises `StorageUnavailable`."""

    async def turn(self, cursor: Cursor, *, limit: int, wait: float) -> tuple[Taken, Cursor]:
        """What comes next, and the cursor behind it. Raises `StorageUnavailable`, and `Trimmed` as `take` does."""

    async def note(self, stamps: Sequence[Stamped], readers: Iterable[Reader], way: Way) -> None:
        """Write down, before they leave, what is given to whom. Raises `HubError`: then nothing leaves."""

    async def delivered(self, taken: Taken, way: Way) -> None:
        """They were handed over; by webhook, the receiver took them. Raises `HubError`: then they come again."""


def still_stands(source: Source, stamps: Iterable[Stamped]) -> bool:
    """Whether all of it may still be given."""
    return source.is_open() and all(map(source.admits(), stamps))


Begun = tuple[Source, Cursor] | Refusal
"""What is read, and from where on."""


class FeedSource:
    """A lane of a feed (`name`, `name/urgent`)."""

    word = "record"

    def __init__(self, pull: Pull, feed: Feed, name: str) -> None:
        self.name = name
        self._pull = pull
        self._feed = feed

    @property
    def stream(self) -> str:
        return stream_named(self.name)

    @property
    def recipient(self) -> str:
        return self._feed.recipient

    def first(self) -> Cursor:
        return self._pull.first(self._feed, self.name)

    def is_open(self) -> bool:
        return self._pull.is_open(self._feed)

    def admits(self) -> Admit:
        return self._pull.standing()

    async def gap(self, cursor: Cursor) -> Refusal | None:
        return await self._pull.gap(self._feed, cursor)

    async def turn(self, cursor: Cursor, *, limit: int, wait: float) -> tuple[Taken, Cursor]:
        return await self._pull.turn(self._feed, cursor, limit=limit, wait=wait)

    async def note(self, stamps: Sequence[Stamped], readers: Iterable[Reader], way: Way) -> None:
        lane = lane_of(self.name)[1]
        entries = (given(self._feed, stamps, reader, way=way.value, lane=lane) for reader in readers)
        await self._pull.journal.add(chain.from_iterable(entries))

    async def delivered(self, taken: Taken, way: Way) -> None:
        self._pull.delivered(self._feed, taken, way.value)


async def begin_feed(pull: Pull, partner: str, name: str, sealed: str | None) -> Begun:
    """A feed's lane as `Pull.begin` finds it, and refuses it."""
    begun = await pull.begin(partner, name, sealed)
    return begun if isinstance(begun, Refusal) else (FeedSource(pull, begun[0], name), begun[1])
