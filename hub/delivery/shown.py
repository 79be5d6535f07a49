"""Which event a recipient means: found among the very records that its feed showed, never by turning a name back.

A record is looked for by the moment at which the hub received its event, then by what it says. The events of a
partition lie in a feed in the order of the log, so that those moments hardly ever run back: by no more than an append
may take.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson
from msgspec import DecodeError, Struct

from hub.core.errors import Trimmed
from hub.core.event import Event
from hub.core.feed import Feed, Lane, lanes_of, stream_of
from hub.core.record import EVENTS, Stream
from hub.core.registry import Snapshot
from hub.core.retention import kept_seconds
from hub.ports.event_log import EventLog, LogReader
from schemas.headers import EventHeader, FeedHeader, unpack

PAGE_RECORDS, PAGE_BYTES = 2_000, 4_194_304
TWO = 2
"""Records looked at for one header of a feed: a seal is never beside another one."""


class ShownRecord(Struct, frozen=True):
    stamp: FeedHeader
    body: Mapping[str, Any]
    """What the recipient was given (`schemas/formats/feed-record.md`)."""


Match = Callable[[FeedHeader, Mapping[str, Any]], bool]


class ShownRecords:
    """The records of feeds, looked at one by one."""

    def __init__(
        self,
        log: EventLog,
        *,
        snapshot: Callable[[], Snapshot],
        partitions: int,
        spread_seconds: float,
        feed_retention_seconds: int,
    ) -> None:
        """`spread_seconds`: by how much the moments of records of one partition may run back."""
        self._log = log
        self._snapshot = snapshot
        self._partitions = partitions
        self._spread_us = int(spread_seconds * 1_000_000)
        self._retention_seconds = feed_retention_seconds
        self._declared: set[str] = set()

    async def find(
        self, feed: Feed, received_us: int, match: Match, *, partition: int | None = None
    ) -> ShownRecord | None:
        """The record of an event received at that very moment that matches. Raises `StorageUnavailable`."""
        partitions = range(self._partitions) if partition is None else (partition,)
        for lane in lanes_of(self._snapshot().feeds.versions(feed.name)):
            stream = await self._stream(feed, lane)
            async with self._log.reader(stream) as reader:
                for number in partitions:
                    async for found in self._received_at(reader, stream, number, received_us):
                        if match(found.stamp, found.body):
                            return found
        return None

    async def _stream(self, feed: Feed, lane: Lane) -> str:
        """That of a feed may be asked for before fan-out has come to it."""
        stream = stream_of(feed.name, lane)
        if stream not in self._declared:
            kept = kept_seconds(feed.name, self._snapshot(), self._retention_seconds)
            await self._log.declare(Stream(stream, self._partitions, kept))
            self._declared.add(stream)
        return stream

    async def event(self, stamp: FeedHeader) -> Event | None:
        """The event itself; None: the log let go of it. Raises `StorageUnavailable`."""
        async with self._log.reader(EVENTS) as reader:
            try:
                records = await reader.read(stamp.partition, stamp.offset, records_max=1, bytes_max=1)
            except Trimmed:
                return None
        header = unpack(records[0].header) if records else None
        return Event(header, records[0]) if isinstance(header, EventHeader) else None

    async def _received_at(
        self, reader: LogReader, stream: str, partition: int, received_us: int
    ) -> AsyncIterator[ShownRecord]:
        bounds = await self._log.bounds(stream, partition)
        begin = await _first(reader, partition, bounds.start, bounds.end, received_us - self._spread_us)
        while begin < bounds.end:
            try:
                page = await reader.read(partition, begin, records_max=PAGE_RECORDS, bytes_max=PAGE_BYTES)
            except Trimmed as trimmed:
                begin = trimmed.start
                continue
            if not page:
                return
            for record in page:
                stamp = _stamp(record.header)
                if stamp is None or stamp.generation != self._log.generation:
                    continue
                if stamp.received_us > received_us + self._spread_us:
                    return
                if stamp.received_us == received_us:
                    yield ShownRecord(stamp, orjson.loads(record.value))
            begin = page[-1].offset + 1


async def _first(reader: LogReader, partition: int, start: int, end: int, since_us: int) -> int:
    """Before which there is no record of an event received at `since_us` or later."""
    while start < end:
        middle = (start + end) // 2
        try:
            page = await reader.read(partition, middle, records_max=TWO, bytes_max=PAGE_BYTES)
        except Trimmed as trimmed:
            start = trimmed.start
            continue
        stamp = next((found for record in page if (found := _stamp(record.header)) is not None), None)
        if stamp is not None and stamp.received_us < since_us:
            start = middle + 1
        else:
            end = middle
    return start


def _stamp(packed: bytes) -> FeedHeader | None:
    try:
        header = unpack(packed)
    except DecodeError:
        return None
    return header if isinstance(header, FeedHeader) else None
