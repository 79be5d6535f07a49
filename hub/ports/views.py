"""What is known of the events that came first: a copy of the log for questions. A function of the log, rebuildable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from hub.core.record import Position


class KnownEvent(Struct, frozen=True, gc=False):
    """One event, the first occurrence of its identity."""

    position: Position
    """Its stamp: where it lies in `hub.events`."""
    publisher: str
    type: str
    received_us: int
    occurred_us: int
    version: str
    """`updated_at` as a UTC instant without the final `Z`, so that it sorts as text; empty: none."""
    series: tuple[bytes, ...]
    """`schemas.identity.identity_key` without a version: its own, then that of each event that it takes back."""
    objects: tuple[str, ...]
    """`scheme:value` of everything that it names, each once (`hub/views/named.py`)."""
    consigned: bool
    """One of them identifies a consignment."""
    header: bytes
    """The packed `EventHeader` (`schemas/formats/header.md`), without attributes; opaque to every driver."""
    value: bytes
    """The canonical event, JSON; what came in binary mode is put together."""


class Mark(Struct, frozen=True, gc=False):
    """How far the log is followed."""

    position: Position
    """The next one to look at."""
    time_us: int
    """When the log took the last record before it; 0: there was none."""


class Place(NamedTuple):
    """An event's place in the order of all: when it was received, and which of those of one moment came to be known
    first. Unique, and never given twice while the event is kept.
    """

    received_us: int
    number: int


class Query(Struct, frozen=True, kw_only=True):
    """Which events; every condition that is given must hold. Spans of time: from (inclusive), until (exclusive)."""

    publisher: str | None = None
    object: str | None = None
    """`scheme:value`."""
    type: str | None = None
    received_us: tuple[int, int] | None = None
    occurred_us: tuple[int, int] | None = None
    consigned: bool | None = None
    newest_first: bool = True
    """In the order of places; else oldest first."""
    after: Place | None = None
    """Only what comes behind this place, in the order asked for."""


class Page(Struct, frozen=True):
    events: Sequence[KnownEvent]
    places: Sequence[Place]
    """Of the events, in the same order."""
    next: Place | None
    """Where to go on; None: nothing is left. A page may hold less than was asked for, also nothing, and yet go on."""
    looked_at: int
    """How many of those that it may look at were spent on it."""


class Views(Protocol):
    """MUST keep its promises over a SIGKILL; what is lost with power is read from the log again."""

    async def apply(self, events: Sequence[KnownEvent], mark: Mark) -> None:
        """Take in the events of one partition below the mark, in order of offset, and move the mark.

        MUST do both or neither. MUST pass over every event below the mark that is stored, so that applying again
        changes nothing; MUST NOT move a mark backwards.
        """

    async def mark(self, generation: int, partition: int) -> Mark | None:
        """How far the partition was followed; None before the first mark."""

    async def reset(self) -> None:
        """Forget everything, marks too: the log is followed from its start again."""

    async def purge(self, before_us: int) -> int:
        """Forget the events received before then; return how many. Marks stay."""

    async def events(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> Page:
        """At most `limit` events with about `bytes_max` bytes of values, at least one if there is one.

        MUST look at no more than `looked_at_max` for them, and say where to go on. Where a publisher is asked for, only
        its own events count: how many there are of others MUST NOT show.
        """

    async def about(
        self,
        objects: Sequence[str],
        *,
        each_max: int,
        bytes_max: int,
        publisher: str | None = None,
        consigned: bool = False,
    ) -> Sequence[KnownEvent]:
        """The newest events that name any of the objects, each event once, at most `each_max` for each object.

        Newest first, as far as about `bytes_max` bytes of values go. `publisher`: only its own; `consigned`: only those
        that name a consignment too. MUST be one read a call.
        """

    async def versions(self, series: Sequence[bytes], *, each_max: int, bytes_max: int) -> Sequence[KnownEvent]:
        """The newest versions of each series, and what takes them back; each event once, at most `each_max` a series.

        Bounded in bytes, and ordered, as `about`. MUST be one read a call.
        """

    async def newest(self, publisher: str, source: str, ids: Sequence[str]) -> Mapping[str, KnownEvent]:
        """The newest version of each id, where one is known: of equal versions the one that came last.

        MUST be one read a call, whatever the count.
        """
