"""The records of a partition that the log took from a moment on, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hub.core.errors import Trimmed
from hub.core.record import StoredRecord
from hub.ports.event_log import LogReader

PAGE_RECORDS, PAGE_BYTES = 2_000, 4_194_304


async def pages(reader: LogReader, partition: int, start: int, end: int) -> AsyncIterator[Sequence[StoredRecord]]:
    """The records from `start` to before `end`, as far as they are kept. Raises `StorageUnavailable`."""
    while start < end:
        try:
            page = await reader.read(partition, start, records_max=PAGE_RECORDS, bytes_max=PAGE_BYTES)
        except Trimmed as trimmed:
            start = trimmed.start
            continue
        if not page:
            return
        yield [record for record in page if record.offset < end]
        start = page[-1].offset + 1


async def first_since(reader: LogReader, partition: int, start: int, end: int, since_us: int) -> int:
    """The first offset that the log took at `since_us` or later: times of a partition do not run back."""
    while start < end:
        middle = (start + end) // 2
        try:
            page = await reader.read(partition, middle, records_max=1, bytes_max=1)
        except Trimmed as trimmed:
            start = trimmed.start
            continue
        if page and page[0].time_us < since_us:
            start = middle + 1
        else:
            end = middle
    return start
