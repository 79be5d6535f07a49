"""A stretch of one partition of the log, read once and decoded once, for all feeds that pass it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from hub.core.event import Event
from hub.core.record import Position, StoredRecord
from hub.fanout.route import Ruling
from hub.fanout.routes import Routes
from hub.ports.first_occurrence import FirstOccurrence
from schemas.headers import EventHeader, SealHeader, unpack

Parcel = tuple[Event, Ruling]
"""An event that may have to be shown in a stream, and the version of its feed that decides."""


class Section(Struct):
    """What was judged of a partition from `start` up to `end` (exclusive): its first occurrences, in order."""

    start: int
    end: int
    events: Sequence[Event]
    revision: int
    """The highest registry revision stamped in it."""
    bytes: int
    """Of its values, for bounding what is kept in memory."""

    sorted: tuple[Routes, Mapping[str, Sequence[Parcel]]] | None = None
    """By stream, as these routes say: once for all feeds."""

    def parcels(self, routes: Routes, stream: str, offset: int) -> Sequence[Parcel]:
        """What a stream may have to show from `offset` on."""
        parcels = self.by_stream(routes).get(stream, ())
        return parcels if offset <= self.start else [each for each in parcels if each[0].offset >= offset]

    def by_stream(self, routes: Routes) -> Mapping[str, Sequence[Parcel]]:
        """All that any stream may have to show."""
        if self.sorted is None or self.sorted[0] is not routes:
            found: dict[str, list[Parcel]] = {}
            for event in self.events:
                for stream, ruling in routes.candidates(event.header):
                    found.setdefault(stream, []).append((event, ruling))
            self.sorted = routes, found
        return self.sorted[1]


def section_of(start: int, end: int, firsts: Sequence[Event]) -> Section:
    return Section(
        start,
        end,
        firsts,
        max((event.header.revision for event in firsts), default=0),
        sum(len(event.record.value) for event in firsts),
    )


async def firsts_of(index: FirstOccurrence, place: Position, events: Sequence[Event]) -> list[Event]:
    """Those of a partition's events that the judge found to be first; `place`: any of the partition.

    Raises `StorageUnavailable`. Below the judge's mark, what the index does not remember is a repeat (rule 8).
    """
    found = await index.look_up([event.identity for event in events]) if events else ()
    return [
        event
        for event, first in zip(events, found, strict=True)
        if first is not None and first.position == Position(place.generation, place.partition, event.offset)
    ]


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
