"""The access journal: who was given which events, written before the bytes leave, and kept longer than the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from hub.core.access import Access
from hub.core.record import Position


class Owned(Struct, frozen=True, gc=False):
    """Which events of one block of a partition are whose."""

    publisher: str
    received_us: int
    """Of the newest of them."""
    generation: int
    partition: int
    runs: bytes
    """As `Access.runs`; all in one block (`hub/core/access.py`)."""


class Entry(NamedTuple):
    """An entry of the journal; numbers rise in the order of writing and are never given twice."""

    number: int
    access: Access


class Block(NamedTuple):
    """A block of a partition; blocks are gone through from the largest to the smallest."""

    generation: int
    number: int
    partition: int


class Query(Struct, frozen=True, kw_only=True):
    """Which entries; every condition that is given must hold."""

    recipient: str | None = None
    feed: str | None = None
    credential: str | None = None
    time_us: tuple[int, int] | None = None
    """From (inclusive), until (exclusive)."""
    before: int | None = None
    """Only what has a smaller number."""


class AccessJournal(Protocol):
    """MUST keep its promises over a SIGKILL and the loss of power."""

    async def add(self, entries: Sequence[Access]) -> None:
        """Keep them, all or none, in pieces of one block each (`hub.core.access.pieces`).

        MUST be durable when it returns. Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`: then nothing may
        leave. Is not idempotent: what is added again is there twice.
        """

    async def attribute(self, owned: Sequence[Owned]) -> None:
        """Say whose events are whose. MUST be idempotent, and durable when it returns."""

    async def about(self, position: Position) -> Sequence[Entry]:
        """Every entry about one event, oldest first; of acknowledgements the first that reaches it, of each recipient,
        feed and lane that was given the event. MUST be one read a call.
        """

    async def entries(self, query: Query, *, limit: int) -> Sequence[Entry]:
        """The newest entries that it means, newest first, acknowledgements too."""

    async def blocks_of(
        self, publisher: str, *, below: Block | None, limit: int
    ) -> Sequence[tuple[Block, Sequence[bytes]]]:
        """The blocks in which the publisher has events, and the runs of these; from the largest block on."""

    async def in_block(self, block: Block, *, before: int | None, limit: int) -> Sequence[Entry]:
        """The newest entries about events of a block, newest first; acknowledgements are about none."""

    async def purge(self, before_us: int) -> int:
        """Forget the entries from before then, and whose events were whose where no entry tells of their block any
        more; return how many entries.
        """
