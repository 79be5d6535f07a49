"""Leases with epochs, positions of outputs, and what readers have acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Lease(Struct, frozen=True):
    """The right to write for `name` (a partition of an output) until `expires_us`, as epoch `epoch`."""

    name: str
    holder: str
    epoch: int
    expires_us: int


class FeedPosition(Struct, frozen=True):
    """How far one partition of a feed has come: a hint, whose truth is the highest stamp in the feed's tail."""

    source_offset: int
    """The next offset of the source partition to look at."""
    feed_offset: int
    """The end of the feed partition when this was stored: the tail to re-read starts here."""


class Positions(Protocol):
    """MUST keep its promises over a SIGKILL; what follows from the log may be lost with power, and is derived again."""

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        """Take the lease if it is free, expired, or already the holder's; None if another holds it.

        MUST raise the epoch by one each time it is taken.
        """

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Extend it. MUST raise `LeaseLost` if its epoch is not current, also after it expired and was taken."""

    async def release(self, lease: Lease) -> None:
        """Give it back. MUST do nothing if its epoch is not current."""

    async def load(self, output: str, generation: int, partition: int) -> FeedPosition | None:
        """The stored position of an output on a partition of the source."""

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        """Store it. MUST raise `LeaseLost`, and write nothing, if the lease's epoch is not current in the transaction.

        MUST NOT move a position's `source_offset` backwards.
        """

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        """Store the positions of many outputs on one partition of the source in one transaction, each as `store` does.

        MUST raise `LeaseLost`, and write none of them, if the lease's epoch is not current in the transaction.
        """

    async def acknowledge(self, reader: str, feed: str, cursor: bytes, *, was: bytes | None) -> bool:
        """Remember what a reader has acknowledged: the plain content of its cursor (`schemas/formats/cursor.md`).

        MUST write nothing, and return False, where something else than `was` is remembered: another worker was first.
        """

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        """What the reader acknowledged last."""

    async def keep(self, lease: Lease, content: bytes) -> None:
        """Remember what the lease's holder has to know when it goes on, under the lease's name.

        MUST raise `LeaseLost`, and write nothing, if the lease's epoch is not current in the transaction.
        """

    async def kept(self, name: str) -> bytes | None:
        """What was kept last under the lease of this name, whoever held it."""
