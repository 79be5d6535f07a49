"""Records of a feed that are needed again: those of a message, and those that a message held back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from hub.core.access import run_list, runs_of
from hub.core.endpoint import Endpoint
from hub.core.errors import Trimmed
from hub.core.record import StoredRecord
from hub.delivery.merge import is_above
from hub.delivery.outbox import Found, Message
from hub.delivery.source import Source
from hub.ports.event_log import EventLog, LogReader
from schemas.headers import FeedHeader, NoticeHeader, unpack

PAGE_RECORDS_MAX = 200
PAGE_BYTES_MAX = 4_194_304
SEARCH_PAGES_MAX = 20
"""Of one search; where more has to be looked at another one goes on."""

Stamped = tuple[FeedHeader | NoticeHeader, bytes]


class _Object(Struct, frozen=True):
    scheme: str = ""
    value: str = ""


class _Named(Struct):
    source: str = ""
    publisher: str = ""
    object: _Object = _Object()


_named = msgspec.json.Decoder(_Named)


def source_of(value: bytes) -> str:
    """By which a recipient's records are ordered: publisher and source as they are shown, or a notice's object."""
    try:
        named = _named.decode(value)
    except msgspec.DecodeError:
        return "?"  # Nobody can tell: such records keep their order among each other.
    about = named.source or f"{named.object.scheme}:{named.object.value}"
    return f"{named.publisher}\x1f{about}"


class Searched(Struct, frozen=True):
    found: Sequence[Found]
    up_to: int
    """What was looked at; what was found and does not fit lies before it."""


class Shelf:
    def __init__(self, log: EventLog, source: Source) -> None:
        self._log = log
        self._source = source
        self._stream = source.stream

    async def of(self, message: Message) -> dict[int, Stamped]:
        """What the log still has of a message, by offset. Raises `StorageUnavailable`."""
        taken: dict[int, Stamped] = {}
        async with self._log.reader(self._stream) as reader:
            for first, count in run_list(runs_of(message.offsets)):
                offset = first
                while offset < first + count:
                    page = await _page(reader, message.partition, offset, first + count - offset)
                    if not page or page[0].offset >= first + count:
                        break
                    inside = [record for record in page if record.offset < first + count]
                    for record in inside:
                        if isinstance(stamp := unpack(record.header), FeedHeader | NoticeHeader):
                            taken[record.offset] = stamp, record.value
                    offset = inside[-1].offset + 1
        return taken

    async def search(self, message: Message, end: int, endpoint: Endpoint) -> Searched:
        """The first records of the message's source from `behind` on, before `end`. Raises `StorageUnavailable`."""
        found: list[Found] = []
        offset, mark, size, admits = message.behind, message.marks[0], 0, self._source.admits()
        async with self._log.reader(self._stream) as reader:
            for _ in range(SEARCH_PAGES_MAX):
                page = await _page(reader, message.partition, offset, end - offset) if offset < end else ()
                if not page:
                    return Searched(found, end)
                for record in page:
                    if record.offset >= end:
                        return Searched(found, end)
                    if len(found) > endpoint.batch_records or size > endpoint.batch_bytes:
                        return Searched(found, record.offset)
                    stamp = unpack(record.header)
                    if not (isinstance(stamp, FeedHeader | NoticeHeader) and is_above(stamp, mark) and admits(stamp)):
                        continue
                    one = found_in(stamp, record.offset, record.value, mark=mark, taken_us=record.time_us, ordered=True)
                    if one.source == message.source:
                        found.append(one)
                        mark, size = one.source_offset, size + one.size
                offset = page[-1].offset + 1
        return Searched(found, offset)


def found_in(
    stamp: FeedHeader | NoticeHeader, offset: int, value: bytes, *, mark: int, taken_us: int, ordered: bool
) -> Found:
    """`mark`: of the reader rule, before it; what is about no record leaves it as it is. `taken_us`: by the log."""
    time_us = stamp.received_us if isinstance(stamp, FeedHeader) else taken_us
    source = source_of(value) if ordered else ""
    return Found(stamp.partition, offset, max(mark, stamp.offset), time_us, source, len(value))


async def _page(reader: LogReader, partition: int, offset: int, count: int) -> Sequence[StoredRecord]:
    """From the offset on, or from the earliest that is kept."""
    while True:
        try:
            limit = min(count, PAGE_RECORDS_MAX)
            return await reader.read(partition, offset, records_max=limit, bytes_max=PAGE_BYTES_MAX)
        except Trimmed as trimmed:
            offset = trimmed.start
