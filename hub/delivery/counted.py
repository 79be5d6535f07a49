"""How many events lie in a stretch of a feed: its records, without the seals that are records of it too.

Only a record's header tells the two apart, so what is to be counted has to be read. That is bounded: of what was not
read yet any record may be an event, and the number is told as the most that it can be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct

from hub.core.errors import Trimmed
from hub.ports.event_log import LogReader, ReadableLog
from schemas.headers import FeedSealHeader, unpack

PAGE_RECORDS, PAGE_BYTES = 1_000, 1_048_576
WHOLE_RECORDS_MAX = 100_000
"""So many records of a partition are read to say once how much it held."""


class Counted(Struct, frozen=True):
    events: int
    at_most: bool
    """There may be fewer: not every record was looked at."""


Count = Callable[[str, int, int], Awaitable[Counted]]
"""Of a stream's partition, the events below an offset, those that it let go of included."""


class Stretch:
    """Of one partition, as it is looked at again and again: each record is read once."""

    def __init__(self) -> None:
        self._read = range(0)
        self._seals: set[int] = set()

    async def read(self, log: ReadableLog, stream: str, partition: int, offsets: range, records_max: int) -> None:
        """Read on towards the end of `offsets`, and forget what lies before them. Raises `StorageUnavailable`."""
        is_known = self._read.start <= offsets.start <= self._read.stop
        self._seals = {seal for seal in self._seals if is_known and seal >= offsets.start}
        self._read = range(offsets.start, self._read.stop if is_known else offsets.start)
        end = min(offsets.stop, self._read.stop + records_max)
        if self._read.stop < end:
            async with log.reader(stream) as reader:
                with suppress(Trimmed):
                    while await self._page(reader, partition, end):
                        pass

    async def _page(self, reader: LogReader, partition: int, end: int) -> bool:
        """Whether there may be more."""
        offset = self._read.stop
        records_max = min(PAGE_RECORDS, end - offset)
        records = await reader.read(partition, offset, records_max=records_max, bytes_max=PAGE_BYTES)
        if not records:
            return False
        self._seals.update(each.offset for each in records if isinstance(unpack(each.header), FeedSealHeader))
        self._read = range(self._read.start, records[-1].offset + 1)
        return self._read.stop < end

    def counted(self, offsets: range) -> Counted:
        at_most = bool(offsets) and not (self._read.start <= offsets.start and offsets.stop <= self._read.stop)
        return Counted(len(offsets) - sum(seal in offsets for seal in self._seals), at_most)

    def first(self, offsets: range) -> int:
        """The first of them that is not known to be a seal; their end where there is none."""
        return next((offset for offset in offsets if offset not in self._seals), offsets.stop)


def counting(log: ReadableLog) -> Count:
    """For who asks once."""

    async def count(stream: str, partition: int, end: int) -> Counted:
        if end == 0:
            return Counted(0, at_most=False)
        start = (await log.bounds(stream, partition)).start
        stretch, kept = Stretch(), range(min(start, end), end)
        if kept:
            await stretch.read(log, stream, partition, kept, WHOLE_RECORDS_MAX)
        counted = stretch.counted(kept)
        return Counted(kept.start + counted.events, counted.at_most or kept.start > 0)

    return count
