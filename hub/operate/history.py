"""`hub.events` from the oldest record that is kept anywhere: the log first, and before it the segments.

Where the log lets go of records while they are being read, the reader goes on in the segments and never notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from hub.core.errors import Trimmed
from hub.core.record import EVENTS, Position, StoredRecord
from hub.core.replay import Run, Track
from hub.operate.log_pages import first_since
from hub.operate.segments import Segments
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.history import Stretch

SLACK_US = 60_000_000
"""The log's clock and that of who accepted an event may differ by so much; the event's own is looked at after."""


class History:
    """A `hub.ports.history.History`."""

    def __init__(self, log: EventLog, segments: Segments, index: FirstOccurrence, *, partitions: int) -> None:
        self._log = log
        self._segments = segments
        self._index = index
        self._partitions = partitions

    async def judged(self) -> Sequence[Position]:
        """Of every partition, the place up to which all is judged."""
        generation = self._log.generation
        marks = [await self._index.mark(generation, partition) for partition in range(self._partitions)]
        return [Position(generation, partition, mark) for partition, mark in enumerate(marks)]

    async def between(self, from_us: int, to_us: int) -> Sequence[Track]:
        tracks: list[Track] = []
        async with self._log.reader(EVENTS) as reader:
            for place in await self.judged():
                index = await self._segments.index(place.partition)
                runs: dict[int, list[Run]] = {}
                for entry in index.entries:
                    if entry.newest_us >= from_us and entry.oldest_us < to_us:
                        runs.setdefault(entry.generation, []).append((entry.first, entry.end))
                if logged := await self._in_log(reader, place, from_us, to_us):
                    runs.setdefault(place.generation, []).append(logged)
                tracks += [
                    Track(generation, place.partition, ((min(each)[0], max(end for _, end in each)),))
                    for generation, each in sorted(runs.items())
                ]
        return tracks

    async def _in_log(self, reader: LogReader, judged: Position, from_us: int, to_us: int) -> Run | None:
        bounds = await self._log.bounds(EVENTS, judged.partition)
        end = min(bounds.end, judged.offset)
        first = await first_since(reader, judged.partition, bounds.start, end, from_us - SLACK_US)
        end = await first_since(reader, judged.partition, first, end, to_us + SLACK_US)
        return (first, end) if first < end else None

    async def read(self, place: Position, end: int, *, records_max: int, bytes_max: int) -> Stretch:
        if place.generation == self._log.generation:
            try:
                async with self._log.reader(EVENTS) as reader:
                    records = await reader.read(
                        place.partition, place.offset, records_max=records_max, bytes_max=bytes_max
                    )
                found = [record for record in records if record.offset < end]
                # The log is cut short where it has nothing before the end: nobody waits for that.
                return Stretch(found, found[-1].offset + 1 if found else end)
            except Trimmed as trimmed:
                end = min(end, max(trimmed.start, place.offset + 1))
        return await self._in_segments(place, end, records_max, bytes_max)

    async def _in_segments(self, place: Position, end: int, records_max: int, bytes_max: int) -> Stretch:
        """Nothing behind `end`: there the log has it."""
        entry = await self._segments.find(place)
        if entry is None or entry.first >= end:
            return Stretch((), end, archived=True, gap=True)
        if entry.first > place.offset:
            return Stretch((), entry.first, archived=True, gap=True)
        records = await self._segments.records(entry)
        left = [record for record in records if place.offset <= record.offset < end]
        taken = _bounded(left, records_max, bytes_max)
        # A row whose segment has gone stands for nothing any more.
        gap = bool(entry.name) and not records
        return Stretch(taken, taken[-1].offset + 1 if len(taken) < len(left) else min(entry.end, end), True, gap)


def _bounded(records: Sequence[StoredRecord], records_max: int, bytes_max: int) -> Sequence[StoredRecord]:
    taken: list[StoredRecord] = []
    for record in islice(records, records_max):
        bytes_max -= len(record.value)
        if taken and bytes_max < 0:
            break
        taken.append(record)
    return taken
