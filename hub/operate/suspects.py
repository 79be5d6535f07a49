"""Which events came under a leaked credential, and what the recipients of a feed were shown of them.

The log itself is asked, so that nothing is missed that any index forgot. Events of before the hub wrote credentials
down name none: those of the same system count as suspect too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import DecodeError, Struct

from hub.core.feed import Feed, lane_name, lanes_of, stream_of
from hub.core.record import EVENTS, StoredRecord
from hub.core.registry import Snapshot
from hub.core.retention import may_leave
from hub.operate.log_pages import first_since, pages
from hub.ports.event_log import ReadableLog
from hub.ports.positions import Positions
from hub.trust.cursor import decode_plain
from schemas.headers import EventHeader, FeedHeader, unpack

Places = Mapping[int, set[int]]
"""Offsets in `hub.events`, by partition."""
_MEMBERS = ("source", "id", "publisher", "receivedtime")


class Suspect(Struct, frozen=True):
    partition: int
    record: StoredRecord
    header: EventHeader


async def sent_under(
    log: ReadableLog, credential: str, system: str, *, since: int, ends: Sequence[int]
) -> AsyncIterator[Suspect]:
    """What the log took under the credential from `since` (seconds since 1970) to before `ends` (by partition).

    Raises `StorageUnavailable`.
    """
    async with log.reader(EVENTS) as reader:
        for partition, end in enumerate(ends):
            start = (await log.bounds(EVENTS, partition)).start
            begin = await first_since(reader, partition, start, end, since * 1_000_000)
            async for page in pages(reader, partition, begin, end):
                for record in page:
                    header = _event_header(record)
                    if header is not None and header.submitted_by == system and header.credential in ("", credential):
                        yield Suspect(partition, record, header)


async def places_of(log: ReadableLog, credential: str, system: str, *, since: int, ends: Sequence[int]) -> Places:
    found: dict[int, set[int]] = {}
    async for suspect in sent_under(log, credential, system, since=since, ends=ends):
        found.setdefault(suspect.partition, set()).add(suspect.record.offset)
    return found


async def shown_in(
    feed: Feed, places: Places, *, log: ReadableLog, generation: int, snapshot: Snapshot, positions: Positions, now: int
) -> list[dict[str, Any]]:
    """These events as the feed shows them, each once: those that its recipient has acknowledged, or can still read."""
    shown: list[dict[str, Any]] = []
    for lane in lanes_of(snapshot.feeds.versions(feed.name)):
        kept = await positions.acknowledged(feed.recipient, lane_name(feed.name, lane))
        marks = {place.partition: place.mark for place in decode_plain(kept).places} if kept is not None else {}
        async for stamp, record in _stamped(log, stream_of(feed.name, lane), generation, places):
            known = stamp.offset <= marks.get(stamp.partition, -1)
            if known or may_leave(stamp, snapshot, now):
                shown.append(_named(record.value))
    return shown


async def _stamped(
    log: ReadableLog, stream: str, generation: int, places: Places
) -> AsyncIterator[tuple[FeedHeader, StoredRecord]]:
    """The records of a stream that came of these places, each once."""
    async with log.reader(stream) as reader:
        for partition, offsets in sorted(places.items()):
            left, bounds = set(offsets), await log.bounds(stream, partition)
            async for page in pages(reader, partition, bounds.start, bounds.end):
                for record in page:
                    stamp = unpack(record.header)
                    if isinstance(stamp, FeedHeader) and stamp.generation == generation and stamp.offset in left:
                        left.remove(stamp.offset)
                        yield stamp, record


def _event_header(record: StoredRecord) -> EventHeader | None:
    try:
        header = unpack(record.header)
    except DecodeError:
        return None  # The judge raises the alarm.
    return header if isinstance(header, EventHeader) else None


def _named(value: bytes) -> dict[str, Any]:
    """What names the event to this recipient: pseudonyms where it has pseudonyms."""
    event = orjson.loads(value)
    named = {("received" if name == "receivedtime" else name): event[name] for name in _MEMBERS if name in event}
    version = event.get("data", {}).get("updated_at")
    return named if version is None else {**named, "version": version}
