"""A stretch of one partition of the log, read once and decoded once, for all feeds that pass it on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from hub.core.event import Event
from hub.core.record import StoredRecord
from schemas.headers import EventHeader, SealHeader, unpack


class Section(Struct, frozen=True):
    """What was judged of a partition from `start` up to `end` (exclusive): its first occurrences, in order."""

    start: int
    end: int
    events: Sequence[Event]
    revision: int
    """The highest registry revision stamped in it."""
    bytes: int
    """Of its values, for bounding what is kept in memory."""

    def after(self, offset: int) -> Section:
        """The part from `offset` on."""
        if offset <= self.start:
            return self
        rest = [event for event in self.events if event.offset >= offset]
        return Section(offset, self.end, rest, self.revision, self.bytes)


def section_of(start: int, end: int, firsts: Sequence[Event]) -> Section:
    return Section(
        start,
        end,
        firsts,
        max((event.header.revision for event in firsts), default=0),
        sum(len(event.record.value) for event in firsts),
    )


def open_records(records: Sequence[StoredRecord]) -> tuple[list[Event], list[StoredRecord]]:
    """The events among the records of `hub.events`, seals left out; and the records that cannot be read."""
    events: list[Event] = []
    unreadable: list[StoredRecord] = []
    for record in records:
        try:
            header = unpack(record.header)
        except msgspec.DecodeError:
            unreadable.append(record)
            continue
        if isinstance(header, EventHeader):
            events.append(Event(header, record))
        elif not isinstance(header, SealHeader):
            unreadable.append(record)
    return events, unreadable
