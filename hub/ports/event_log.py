"""The log: streams of partitions of records, the only place where intake and fan-out meet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hub.core.errors import Unknown
from hub.core.record import Bounds, LogRecord, StoredRecord, Stream


class LogReader(Protocol):
    """One reader's handle on one stream. Used by one task at a time; cheap where reads are sequential."""

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        """Return records from `offset` on, in offset order, without gaps.

        MUST return at least one record if there is one at `offset`, however large; otherwise at most `records_max`
        records and about `bytes_max` bytes of values.
        MUST return only records whose append is acknowledged or would survive as if it were.
        MUST wait up to `wait_seconds` for the first record if there is none yet, then return an empty sequence.
        MUST raise `Trimmed` if `offset` is below what is kept, and `StorageUnavailable` if the ground does not answer.
        """

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        """Return every record of the append that stored the record at `offset`, or the nearest superset of it.

        MUST include all records that were handed to the same `append`; callers find the batch by its seal.
        Raises as `read` does.
        """


class ReadableLog(Protocol):
    """What reading a log takes, also where another process writes it."""

    def reader(self, stream: str) -> AbstractAsyncContextManager[LogReader]:
        """A reader's handle; released on exit. Entry raises `StreamMissing`, and `StorageUnavailable` if the ground is
        away."""

    async def bounds(self, stream: str, partition: int) -> Bounds:
        """The first offset kept and the next one to be written. Raises `StorageUnavailable`."""


class EventLog(ReadableLog, Protocol):
    """Durable, partitioned, append-only streams."""

    @property
    def generation(self) -> int:
        """The generation of positions made now; changes only with promotion, restore, ground or partition count."""

    async def declare(self, stream: Stream) -> None:
        """Make the stream, or check that it is there as described. Is idempotent.

        MUST refuse (raise `HubError`) a partition count that differs from the existing one.
        """

    async def drop(self, stream: str) -> None:
        """Remove the stream and its records. MUST do nothing if there is none."""

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        """Store records and return the offset of the first; the others follow without gaps, in the order given.

        MUST store all of them or none, together, in one batch.
        MUST NOT return an offset before the records survive the loss of any one machine, or of power (the ground says
        which).
        MUST answer `Unknown` when it cannot tell; the records may then appear later, once or not at all.
        MUST raise `StorageFull` or `StorageUnavailable` only when certainly nothing was and will be stored.
        MUST keep order within a partition between appends of which the second began after the first had returned;
        promises nothing across partitions. Is not idempotent.
        The records together are at most `append_bytes_max`; the caller checks.
        """

    @property
    def append_bytes_max(self) -> int:
        """The most bytes (keys, headers and values) that one append takes."""

    async def purge(self, stream: str, before_us: int) -> int:
        """Let go of whole batches in which every record was stored before `before_us`; return how many records went.

        MUST keep offsets: nothing is renumbered. A ground that purges by itself (Kafka's retention) is told, where it
        does otherwise, to keep for so long from now on, and returns 0. Raises `StreamMissing`.
        """
