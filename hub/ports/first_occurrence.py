"""The first-occurrence index: identity → where it was first seen. A function of the log; only the judge writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.core.record import Position
from hub.ports.positions import Lease


class Occurrence(Struct, frozen=True, gc=False):
    """One event as it lies in the log."""

    identity: bytes
    """16 bytes (`schemas/formats/identity.md`)."""
    digest: bytes
    """The canonical digest, 32 bytes."""
    position: Position
    time_us: int
    """When the log took it (append time)."""


class FirstOccurrence(Protocol):
    """Who came first. A record is first exactly if the index names its own position."""

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        """The first occurrence of each identity, in the order asked, or None where the index remembers none.

        MUST be one read a call, whatever the count. Raises `StorageUnavailable`.
        """

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        """Enter occurrences in log order; return, for each, the first occurrence of its identity.

        MUST keep what is there: an entry is never replaced by a later one, and judging again changes nothing.
        MUST read the verdicts in a statement after the one that inserts.
        MUST remember occurrences that are not the first as repeats of it.
        MUST raise `LeaseLost`, and write nothing, if the lease's epoch is not current in the same transaction.
        """

    async def set_mark(self, lease: Lease, position: Position) -> None:
        """Everything of this partition below `position.offset` is judged, and its quarantine and notices are written.

        MUST raise `LeaseLost`, and write nothing, if the lease's epoch is not current in the same transaction.
        MUST NOT move a mark backwards.
        """

    async def mark(self, generation: int, partition: int) -> int:
        """The offset below which the partition is judged; 0 before the first mark."""

    async def occurrences(self, identity: bytes) -> Sequence[Occurrence]:
        """All remembered occurrences of an identity, the first one first, repeats in order of time then position."""

    async def purge(self, *, before_us: int) -> int:
        """Drop whole time slices whose every entry was appended before `before_us`; return how many slices went.

        MUST drop whole slices only. The caller passes a time for which the log holds none of the slices' records and
        the judge has passed their end by the memory time.
        """
