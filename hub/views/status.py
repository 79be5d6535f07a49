"""What became of an event: judged, and how; or not judged yet, and up to when everything was. Never "unknown"."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from hub.core.errors import Trimmed
from hub.core.record import EVENTS, Position, StoredRecord, partition_of
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence, Occurrence
from schemas.headers import EventHeader, unpack
from schemas.identity import identity_key


class Judgement(StrEnum):
    FIRST = "FIRST"
    REPEAT = "REPEAT"
    CONFLICT = "CONFLICT"


class Judged(Struct, frozen=True):
    """One occurrence of an identity."""

    judgement: Judgement
    received_us: int
    """When the hub took it; when its log did, where the log no longer keeps the record."""
    submitted_by: str = ""
    """The system that sent it; empty where the log no longer keeps the record."""


class EventStatus(Struct, frozen=True):
    """The occurrences of an identity, first first; none yet: not judged, with everything judged up to a moment."""

    occurrences: Sequence[Judged]
    judged_up_to_us: int | None
    """When the log took the last record that was judged in this source's partition; None: nothing was judged yet."""
    judged: bool = False
    more: bool = False
    """There are others behind the part that was asked for."""


class Statuses:
    def __init__(self, *, log: EventLog, index: FirstOccurrence, partitions: int) -> None:
        self._log = log
        self._index = index
        self._partitions = partitions

    async def of(
        self,
        publisher: str,
        source: str,
        event_id: str,
        version: str | None = None,
        *,
        sender: str | None = None,
        part: slice = slice(None),
    ) -> EventStatus:
        """The status of one identity, with this part of its occurrences; `version` is the UTC instant of `updated_at`.
        With `sender`, of what this partner sent alone, as if there were nothing else.

        Raises `StorageUnavailable`.
        """
        # The mark is read first: what is judged meanwhile is found, so that "up to" is never said of too much.
        partition = partition_of(publisher, source, self._partitions)
        mark = await self._index.mark(self._log.generation, partition)
        found = await self._index.occurrences(identity_key(publisher, source, event_id, version))
        async with self._log.reader(EVENTS) as reader:
            last = await record_at(reader, Position(self._log.generation, partition, mark - 1)) if mark else None
            judged = [await _judged(reader, occurrence, found[0]) for occurrence in found[part]]
        known = bool(found)
        if sender is not None:
            judged = [each for each in judged if each.submitted_by.partition(".")[0] == sender]
            known = bool(judged)
        more = part.stop is not None and part.stop < len(found)
        return EventStatus(judged, last.time_us if last is not None else None, known, more)


async def record_at(reader: LogReader, position: Position) -> StoredRecord | None:
    """The record of `hub.events` at a position; None where the log no longer keeps it."""
    try:
        records = await reader.read(position.partition, position.offset, records_max=1, bytes_max=1)
    except Trimmed:
        return None
    return records[0] if records else None


async def _judged(reader: LogReader, occurrence: Occurrence, first: Occurrence) -> Judged:
    judgement = Judgement.FIRST
    if occurrence.position != first.position:
        judgement = Judgement.REPEAT if occurrence.digest == first.digest else Judgement.CONFLICT
    record = await record_at(reader, occurrence.position)
    header = unpack(record.header) if record is not None else None
    if not isinstance(header, EventHeader):
        return Judged(judgement, occurrence.time_us)
    return Judged(judgement, header.received_us, header.submitted_by)
