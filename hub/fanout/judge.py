"""The judge: the first output of the log, and the only writer of the first-occurrence index.

It reads its partition from the log's start, feeds or no feeds. For each stretch: enter the occurrences under the
lease; write conflicts to quarantine and tell their publishers; only then move the mark. A crash between any two of
these makes it do the stretch again: the index answers as before, quarantine and notices are written once more under the
same stamps, and readers drop what they have seen (`schemas/formats/notice.md`).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from hub.core.event import Event
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, Position, StoredRecord
from hub.fanout.means import POLL_SECONDS, LogCutShort, Means, Tenure, append_all
from hub.fanout.section import open_records, section_of
from hub.fanout.sections import Sections
from hub.ports.first_occurrence import Occurrence
from hub.ports.system import end_if_cancelled
from hub.trust.statement import utc_text
from schemas.headers import NoticeHeader, pack

LAG_ALARM_SHARE = 0.8
"""A record that waited this part of the log's retention for its judgement is close to being lost unjudged."""
SMALL_BATCH_RECORDS = 64
"""Below this the fixed cost of a batch (three commits) outweighs that of its records."""

Conflict = tuple[Event, Occurrence]
"""An event, and the first occurrence of its identity, whose meaning is another."""


class Judge:
    def __init__(self, means: Means, tenure: Tenure, sections: Sections) -> None:
        self._means = means
        self._tenure = tenure
        self._sections = sections
        self._partition = sections.partition
        self._late = False

    async def run(self) -> None:
        """Judge until cancelled. Raises `LeaseLost`, `LogCutShort`, and what storage raises."""
        settings = self._means.settings
        async with self._means.log.reader(EVENTS) as reader:
            offset = await self._start()
            self._sections.begin(offset)
            while True:
                end_if_cancelled()
                records = await reader.read(
                    self._partition,
                    offset,
                    records_max=settings.batch_records_max,
                    bytes_max=settings.batch_bytes_max,
                    wait_seconds=settings.wait_seconds,
                )
                if records:
                    await self._judge(offset, records)
                    offset += len(records)
                if 0 < len(records) < SMALL_BATCH_RECORDS:
                    await self._means.clock.sleep(settings.pace_seconds)

    async def _start(self) -> int:
        """The stored mark, or the start of the log where that is higher: what lies between is gone unjudged."""
        log = self._means.log
        mark = await self._means.index.mark(log.generation, self._partition)
        bounds = await log.bounds(EVENTS, self._partition)
        if mark > bounds.end:
            raise LogCutShort(f"judged up to {mark}, the log ends at {bounds.end}")
        if mark < bounds.start:
            self._means.alarm("judge_behind_retention", partition=self._partition, records=bounds.start - mark)
        return max(mark, bounds.start)

    async def _judge(self, offset: int, records: Sequence[StoredRecord]) -> None:
        self._watch_lag(records[0])
        while not self._means.confirmed():
            await self._means.clock.sleep(POLL_SECONDS)
        events, unreadable = open_records(records)
        occurrences = [self._occurrence(event) for event in events]
        firsts = await self._means.index.judge(self._tenure.lease, occurrences)
        conflicts: list[Conflict] = []
        known: list[Event] = []
        for event, own, first in zip(events, occurrences, firsts, strict=True):
            if first.position == own.position:
                known.append(event)
            elif first.digest != own.digest:
                conflicts.append((event, first))
        await self._set_aside(conflicts, unreadable)
        end = offset + len(records)
        await self._means.index.set_mark(self._tenure.lease, self._position(end))
        self._sections.push(section_of(offset, end, known))
        self._count(len(known), len(events) - len(known) - len(conflicts), len(conflicts), len(unreadable))

    def _position(self, offset: int) -> Position:
        return Position(self._means.log.generation, self._partition, offset)

    def _occurrence(self, event: Event) -> Occurrence:
        header = event.header
        return Occurrence(event.identity, header.canonical_digest, self._position(event.offset), event.record.time_us)

    async def _set_aside(self, conflicts: Sequence[Conflict], unreadable: Sequence[StoredRecord]) -> None:
        aside = [
            self._means.quarantined(event.header.publisher, "CONFLICT", self._position(event.offset), event.record)
            for event, _ in conflicts
        ]
        aside += [
            self._means.quarantined("", "INTERNAL", self._position(record.offset), record) for record in unreadable
        ]
        for record in unreadable:
            self._means.alarm("record_unreadable", partition=self._partition, offset=record.offset)
        await append_all(self._means, self._tenure, QUARANTINE, self._partition, aside)
        notices = [self._notice(event, first) for event, first in conflicts]
        await append_all(self._means, self._tenure, NOTICES, self._partition, notices)

    def _notice(self, event: Event, first: Occurrence) -> LogRecord:
        header, place = event.header, self._position(event.offset)
        agent = "" if header.sender == header.publisher else header.sender
        notice = {
            "code": "CONFLICT",
            "source": header.source,
            "id": header.id,
            "received": utc_text(header.received_us),
            "first_received": utc_text(first.time_us),
        }
        if header.version is not None:
            notice["version"] = header.version
        if agent:
            notice |= {"publisher": header.publisher, "submitted_by": header.submitted_by}
        packed = pack(
            NoticeHeader(header.publisher, "CONFLICT", place.generation, place.partition, place.offset, "", agent)
        )
        return LogRecord(header.publisher.encode(), packed, orjson.dumps(notice))

    def _watch_lag(self, oldest: StoredRecord) -> None:
        """Raise the alarm once when the oldest record not yet judged comes near the end of its retention (rule 8)."""
        kept = self._means.events.retention_seconds
        waited = (self._means.clock.now_us() - oldest.time_us) / 1_000_000
        late = kept is not None and waited > kept * LAG_ALARM_SHARE
        if late and not self._late:
            self._means.alarm("judge_lag", partition=self._partition, seconds=int(waited))
        self._late = late

    def _count(self, first: int, repeats: int, conflicts: int, unreadable: int) -> None:
        observer = self._means.observer
        for verdict, amount in (("first", first), ("repeat", repeats), ("conflict", conflicts)):
            if amount:
                observer.count("judged", amount, verdict=verdict)
        for cause, amount in (("CONFLICT", conflicts), ("INTERNAL", unreadable)):
            if amount:
                observer.count("quarantined", amount, cause=cause)
