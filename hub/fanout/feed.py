"""One partition of one feed: from what was judged to what its recipient reads.

Theory of operation. The feed takes the sections of its source partition in order, one batch in flight. Its stored
position is a hint; the truth is the highest stamp in the feed's tail since the stored feed offset. So every run begins
by reading that tail, and every outcome but a clean acknowledgement ends the run: the next one reads the tail again and
goes on behind what landed (rule 5 of the core protocol). A batch that lands late, or comes from a process that has lost
the lease without knowing, repeats stamps that the feed already has: readers drop them, and there is never a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.core.errors import Trimmed, place_of
from hub.core.event import Event
from hub.core.filter import matcher
from hub.core.record import EVENTS, QUARANTINE, LogRecord, Position, Stream
from hub.fanout.means import POLL_SECONDS, LogCutShort, Means, Tenure, append_all, bytes_of
from hub.fanout.route import Route, route_of
from hub.fanout.section import Section
from hub.fanout.sections import Sections
from hub.ports.positions import FeedPosition
from hub.trust.project import Projection, compile_projection
from schemas.headers import FeedHeader, pack, unpack

TAIL_RECORDS_MAX = 1_000
TAIL_BYTES_MAX = 1_048_576
PROJECTIONS_KEPT_MAX = 256


class FeedRun:
    def __init__(self, means: Means, tenure: Tenure, sections: Sections, name: str) -> None:
        self.position = 0
        """The next offset of the source partition."""
        self._means = means
        self._tenure = tenure
        self._sections = sections
        self._partition = sections.partition
        self._name = name
        self._stream = f"hub.feed.{name}"
        self._secret = means.secret(f"pseudonym:{name}")
        self._route: Route | None = None
        self._revision = -1
        self._matches: Callable[[Mapping[str, Any]], bool] | None = None
        self._projections: dict[tuple[str, ...], Projection] = {}

    async def run(self) -> None:
        """Pass on until the feed ends or stands still. Raises what another run may mend, `LeaseLost`, `LogCutShort`."""
        log, kept = self._means.log, self._means.feed_retention_seconds
        if self._present_route() is None:
            return  # Its stream may be gone by now, and must not be made again.
        await log.declare(Stream(self._stream, self._means.events.partitions, kept))
        self.position, self._end = await self._stand()
        async with log.reader(EVENTS) as reader:
            while self._present_route() is not None:
                section = await self._sections.at(self.position, reader)
                if (route := await self._route_for(section)) is not None:
                    await self._pass_on(section, route)

    async def _stand(self) -> tuple[int, int]:
        """Where the feed stands in its source, and the offset in the feed from which its tail is to be read."""
        log = self._means.log
        stored = await self._means.positions.load(self._stream, log.generation, self._partition)
        source, tail = (stored.source_offset, stored.feed_offset) if stored is not None else (0, 0)
        bounds = await log.bounds(EVENTS, self._partition)
        position = max(source, await self._highest_stamp(tail) + 1)
        if position > bounds.end:
            raise LogCutShort(f"feed {self._name} stands at {position}, the log ends at {bounds.end}")
        if stored is not None and position < bounds.start:
            self._means.alarm("feed_behind_retention", feed=self._name, records=bounds.start - position)
        return max(position, bounds.start), tail

    async def _highest_stamp(self, offset: int) -> int:
        """The highest source offset stamped in the feed from `offset` on; -1 if there is none. Not the last one."""
        highest, generation = -1, self._means.log.generation
        async with self._means.log.reader(self._stream) as reader:
            while True:
                try:
                    records = await reader.read(
                        self._partition, offset, records_max=TAIL_RECORDS_MAX, bytes_max=TAIL_BYTES_MAX
                    )
                except Trimmed as trimmed:
                    offset = trimmed.start
                    continue
                if not records:
                    return highest
                offset += len(records)
                for record in records:
                    stamp = unpack(record.header)
                    if isinstance(stamp, FeedHeader) and stamp.generation == generation:
                        highest = max(highest, stamp.offset)

    def _present_route(self) -> Route | None:
        """The route under the present snapshot; made anew when the registry has moved on."""
        snapshot = self._means.snapshot()
        if snapshot.revision != self._revision:
            before = self._route.feed if self._route is not None else None
            self._route = route_of(snapshot, self._means.agreements(), self._name)
            self._revision = snapshot.revision
            if self._route is not None and self._route.feed != before:
                self._matches = matcher(self._route.feed) if self._route.feed.where else None
        return self._route

    async def _route_for(self, section: Section) -> Route | None:
        """The route once it may decide: registry confirmed, and no record stamped by a revision not yet seen here."""
        while not self._means.confirmed() or self._means.snapshot().revision < section.revision:
            await self._means.clock.sleep(POLL_SECONDS)
        return self._present_route()

    async def _pass_on(self, section: Section, route: Route) -> None:
        records: list[LogRecord] = []
        aside: list[LogRecord] = []
        for event in section.events:
            try:
                if (record := self._shown(event, route)) is not None:
                    self._check_size(record)
                    records.append(record)
            except Exception as error:  # noqa: BLE001  Whatever is wrong with one record, the partition goes on.
                self._means.alarm("record_not_projected", feed=self._name, offset=event.offset, error=place_of(error))
                self._means.observer.count("quarantined", cause="INTERNAL")
                place = Position(self._means.log.generation, self._partition, event.offset)
                aside.append(self._means.quarantined(event.header.publisher, "INTERNAL", place, event.record))
        await append_all(self._means, self._tenure, QUARANTINE, self._partition, aside)
        if records:
            self._end = await append_all(self._means, self._tenure, self._stream, self._partition, records)
            self._means.observer.count("feed_records", len(records), feed=self._name)
        await self._means.positions.store(
            self._tenure.lease,
            self._stream,
            self._means.log.generation,
            self._partition,
            FeedPosition(section.end, self._end),
        )
        self.position = section.end

    def _check_size(self, record: LogRecord) -> None:
        """Raises `ValueError` for a record that no append takes: tried for ever, it would hold up all behind it."""
        if bytes_of(record) > self._means.log.append_bytes_max:
            raise ValueError("the record is larger than an append takes")

    def _shown(self, event: Event, route: Route) -> LogRecord | None:
        header = event.header
        grant = route.decide(header, event)
        if grant is None or not (self._matches is None or self._matches(event.json)):
            return None
        key, value = self._projection(grant.fields)(event)
        stamp = FeedHeader(
            self._means.log.generation,
            self._partition,
            event.offset,
            route.feed.version,
            route.revision(header),
            header.received_us,
            grant.agreements,
        )
        return LogRecord(key, pack(stamp), value)

    def _projection(self, fields: tuple[str, ...]) -> Projection:
        projection = self._projections.get(fields)
        if projection is None:
            if len(self._projections) >= PROJECTIONS_KEPT_MAX:
                self._projections.clear()
            projection = self._projections[fields] = compile_projection(fields, self._secret)
        return projection
