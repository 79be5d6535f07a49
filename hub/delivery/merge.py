"""All partitions of a stream as one: read in turn with fair shares, waited for together, seen by the reader rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from hub.core.errors import Trimmed
from hub.core.record import StoredRecord
from hub.ports.event_log import EventLog, LogReader
from hub.ports.system import Clock
from hub.trust.cursor import Place
from schemas.headers import FeedHeader, NoticeHeader, unpack

Stamped = FeedHeader | NoticeHeader
Admit = Callable[[Stamped], bool]
"""Whether a record may be shown to this reader now."""

LOOKED_AT_FACTOR = 16
"""A page ends when it has looked at this many times its records: where few are for this reader it may be empty."""


class Taken(Struct, frozen=True):
    """Records for a reader, and where it stands behind them."""

    records: Sequence[bytes]
    places: tuple[Place, ...]
    oldest_us: int | None
    """When the hub received the oldest of them, where the stamps say so."""


class Bound(Struct, frozen=True):
    records: int
    bytes: int
    seconds: float
    """How long to wait for the first record."""


class Bell:
    """Rung when the registry has changed: whoever waits for records comes back and looks whether it still may."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def ring(self) -> None:
        self.rung.set()
        self.rung = asyncio.Event()


class Merge:
    """Used by one task at a time."""

    def __init__(self, handles: Sequence[LogReader], clock: Clock, bell: Bell) -> None:
        self._handles = handles
        self._clock = clock
        self._bell = bell
        self._turn = 0

    async def take(self, places: Sequence[Place], admit: Admit, bound: Bound) -> Taken:
        """The next records that are above their marks and admitted; none when the time is up or the bell rings."""
        places = list(places)
        until = self._clock.monotonic() + bound.seconds
        kept: list[StoredRecord] = []
        received: list[int] = []
        looked_at = 0
        while not kept and looked_at < bound.records * LOOKED_AT_FACTOR:
            found = await self._read_in_turn(places, bound)
            if not found:
                left = until - self._clock.monotonic()
                if left <= 0 or not (found := await self._wait(places, bound, left)):
                    break
            for partition, records in found:
                looked_at += len(records)
                places[partition] = _sift(places[partition], records, admit, kept, received)
        return Taken([record.value for record in kept], tuple(places), min(received, default=None))

    async def _read_in_turn(self, places: Sequence[Place], bound: Bound) -> list[tuple[int, Sequence[StoredRecord]]]:
        """One read a partition, beginning with another each time; what one leaves of its share the next ones get."""
        count = len(self._handles)
        self._turn = (self._turn + 1) % count
        found = []
        records_left, bytes_left = bound.records, bound.bytes
        for position in range(count):
            partition = (self._turn + position) % count
            shares = count - position
            if records_left <= 0 or bytes_left <= 0:
                break
            records = await self._read(
                places[partition], records_max=-(-records_left // shares), bytes_max=-(-bytes_left // shares)
            )
            if records:
                found.append((partition, records))
                records_left -= len(records)
                bytes_left -= sum(len(record.value) for record in records)
        return found

    async def _wait(
        self, places: Sequence[Place], bound: Bound, seconds: float
    ) -> list[tuple[int, Sequence[StoredRecord]]]:
        """Wait on all partitions; what the first to answer gives. Empty when the time is up."""
        share = -(-bound.records // len(self._handles)), -(-bound.bytes // len(self._handles))
        try:
            async with asyncio.TaskGroup() as group:
                reads = [
                    group.create_task(self._read(place, records_max=share[0], bytes_max=share[1], wait_seconds=seconds))
                    for place in places
                ]
                bell = group.create_task(self._bell.rung.wait())
                await asyncio.wait([*reads, bell], return_when=asyncio.FIRST_COMPLETED)
                done = [(partition, read.result()) for partition, read in enumerate(reads) if read.done()]
                for task in (*reads, bell):
                    task.cancel()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [(partition, records) for partition, records in done if records]

    async def _read(
        self, place: Place, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        """From the place on, or from the earliest record kept where that is later."""
        handle, partition = self._handles[place.partition], place.partition
        offset = place.offset
        while True:
            try:
                return await handle.read(
                    partition, offset, records_max=records_max, bytes_max=bytes_max, wait_seconds=wait_seconds
                )
            except Trimmed as trimmed:
                offset = trimmed.start


@asynccontextmanager
async def merged(log: EventLog, stream: str, partitions: int, clock: Clock, bell: Bell) -> AsyncIterator[Merge]:
    """All partitions of a stream, with a handle each, so that they can be waited for together."""
    async with AsyncExitStack() as stack:
        yield Merge([await stack.enter_async_context(log.reader(stream)) for _ in range(partitions)], clock, bell)


def _sift(
    place: Place, records: Sequence[StoredRecord], admit: Admit, kept: list[StoredRecord], received: list[int]
) -> Place:
    """Apply the reader rule: drop what is not above the mark; the mark also moves over what is not admitted."""
    mark = place.mark
    for record in records:
        stamp = unpack(record.header)
        if not isinstance(stamp, FeedHeader | NoticeHeader) or stamp.offset <= mark:
            continue
        mark = stamp.offset
        if admit(stamp):
            kept.append(record)
            if isinstance(stamp, FeedHeader):
                received.append(stamp.received_us)
    return Place(place.partition, mark, records[-1].offset + 1)
