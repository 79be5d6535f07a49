"""One stream of one feed in one partition: from what was judged to what its recipient reads.

Theory of operation. A stream takes the sections of its source partition in order, one batch in flight. Its stored
position is a hint; the truth is the highest stamp in its tail since the stored feed offset. So every run begins by
reading that tail, and every outcome but a clean acknowledgement ends the run: the next one reads the tail again and
goes on behind what landed (rule 5 of the core protocol). A batch that lands late, or comes from a process that has lost
the lease without knowing, repeats stamps that the stream already has: readers drop them, and there is never a gap.
A run that has caught up waits until a section has something for it (`sections.py`). Its position is stored by the
router, now and then, together with those of others.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.core.errors import Trimmed, place_of
from hub.core.event import Event
from hub.core.feed import Lane, lane_name, lane_of, stream_of
from hub.core.record import EVENTS, QUARANTINE, LogRecord, Position, Stream
from hub.core.retention import kept_seconds
from hub.fanout.means import LogCutShort, Means, Tenure, append_all, append_each, batches, bytes_of
from hub.fanout.route import Ruling
from hub.fanout.section import Parcel
from hub.fanout.sections import Sections
from hub.fanout.show import Showing
from hub.ports.positions import FeedPosition
from hub.trust.feed_seal import LEAF_BYTES, OVERHEAD_BYTES
from hub.trust.withheld import is_cut
from schemas.headers import FeedHeader, pack, unpack

TAIL_RECORDS_MAX = 1_000
TAIL_BYTES_MAX = 1_048_576


class FeedRun:
    def __init__(self, means: Means, tenure: Tenure, sections: Sections, name: str, lane: Lane) -> None:
        self.stream = stream_of(name, lane)
        self.label = lane_name(name, lane)
        self._means = means
        self._tenure = tenure
        self._sections = sections
        self._partition = sections.partition
        self._showing = Showing(means.secret(f"pseudonym:{name}"), means.sealer.hub)
        self._position: int | None = None
        """The next offset of the source partition, once that is known."""
        self._end = 0

    @property
    def place(self) -> FeedPosition | None:
        """What may be stored as its position; None before it is known."""
        if self._position is None:
            return None
        return FeedPosition(self._sections.place(self.stream, self._position), self._end)

    async def run(self) -> None:
        """Pass on until the feed ends or stands still. Raises what another run may mend, `LeaseLost`, `LogCutShort`."""
        log, most = self._means.log, self._means.feed_retention_seconds
        if not self._goes_on():
            return  # Its stream may be gone by now, and must not be made again.
        async with self._sections.beginning:
            kept = kept_seconds(lane_of(self.label)[0], self._means.snapshot(), most)
            await log.declare(Stream(self.stream, self._means.events.partitions, kept))
            position, self._end = await self._stand()
        await self._sections.begun()
        while self._goes_on():
            if not self._sections.are_kept(position):
                position = await self._catch_up(position)
            else:
                position = await self._follow(position)

    def _goes_on(self) -> bool:
        return self.stream in self._means.routes().streams

    async def _catch_up(self, position: int) -> int:
        """Read by itself until it stands among the sections in memory; return where."""
        async with self._means.log.reader(EVENTS) as reader:
            while self._goes_on() and not self._sections.are_kept(position):
                section = await self._sections.at(position, reader)
                routes = await self._means.may_decide(section.revision)
                if self.stream not in routes.streams:
                    break
                position = await self._pass_on(section.parcels(routes, self.stream, position), section.end)
        return position

    async def _follow(self, position: int) -> int:
        """Pass on what is in memory, wait where there is nothing; return where it fell behind, or may not go on."""
        means, sections = self._means, self._sections
        while True:
            routes = await means.may_decide(0)
            if self.stream not in routes.streams or not sections.are_kept(position):
                return position  # Nobody else has run since that was asked, until the next await.
            parcels, end = sections.take(routes, self.stream, position)
            if end > position:
                position = await self._pass_on(parcels, end)
            else:
                position = self._at(max(position, await sections.wait(self.stream)))

    def _at(self, position: int) -> int:
        self._position = position
        return position

    async def _stand(self) -> tuple[int, int]:
        """Where the feed stands in its source, and the offset in the feed from which its tail is to be read."""
        log = self._means.log
        stored = await self._means.positions.load(self.stream, log.generation, self._partition)
        source, tail = (stored.source_offset, stored.feed_offset) if stored is not None else (0, 0)
        bounds = await log.bounds(EVENTS, self._partition)
        position = max(source, await self._highest_stamp(tail) + 1)
        if position > bounds.end:
            raise LogCutShort(f"{self.stream} stands at {position}, the log ends at {bounds.end}")
        if stored is not None and position < bounds.start:
            self._means.alarm("feed_behind_retention", feed=self.label, records=bounds.start - position)
        return self._at(max(position, bounds.start)), tail

    async def _highest_stamp(self, offset: int) -> int:
        """The highest source offset stamped in the feed from `offset` on; -1 if there is none. Not the last one."""
        highest, generation = -1, self._means.log.generation
        async with self._means.log.reader(self.stream) as reader:
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

    async def _pass_on(self, parcels: Sequence[Parcel], end: int) -> int:
        """Append what is shown of them; everything below `end` is done then."""
        records: list[LogRecord] = []
        aside: list[LogRecord] = []
        for event, ruling in parcels:
            try:
                if (record := self._shown(event, ruling)) is not None:
                    self._check_size(record)
                    records.append(record)
            except Exception as error:  # noqa: BLE001  Whatever is wrong with one record, the partition goes on.
                why = place_of(error)
                self._means.alarm("record_not_projected", feed=self.label, offset=event.offset, error=why)
                self._means.observer.count("quarantined", cause="INTERNAL")
                place = Position(self._means.log.generation, self._partition, event.offset)
                publisher = event.header.publisher
                aside.append(
                    self._means.quarantined(publisher, "INTERNAL", place, event.record, feed=self.label, error=why)
                )
        if aside:
            await append_all(self._means, self._tenure, QUARANTINE, self._partition, aside)
        if records:
            await self._append(records)
            oldest_us = min(event.header.received_us for event, _ in parcels)
            self._means.observer.observe("published_seconds", (self._means.clock.now_us() - oldest_us) / 1e6)
        return self._at(end)

    async def _append(self, records: Sequence[LogRecord]) -> None:
        """Each batch with its seal, where it needs one: both land or neither does."""
        means = self._means
        cuts = batches(records, means.log.append_bytes_max - OVERHEAD_BYTES, _bytes_sealed)
        ready = (means.sealer.sealed(self.label, batch) for batch in cuts)
        self._end = await append_each(means, self._tenure, self.stream, self._partition, ready)
        self._means.observer.count("feed_records", len(records), feed=self.label)

    def _check_size(self, record: LogRecord) -> None:
        """Raises `ValueError` for a record that no append takes: tried for ever, it would hold up all behind it."""
        overhead = OVERHEAD_BYTES if is_cut(record.value) else 0
        if _bytes_sealed(record) + overhead > self._means.log.append_bytes_max:
            raise ValueError("the record is larger than an append takes")

    def _shown(self, event: Event, ruling: Ruling) -> LogRecord | None:
        header, shown = event.header, self._showing.show(ruling, event)
        if shown is None:
            return None
        stamp = FeedHeader(
            self._means.log.generation,
            self._partition,
            event.offset,
            ruling.feed.version,
            ruling.revision(header),
            header.received_us,
            shown.grant.agreements,
        )
        return LogRecord(shown.key, pack(stamp), shown.value)


def _bytes_sealed(record: LogRecord) -> int:
    """What it takes of an append, with its leaf in the seal where it has one."""
    return bytes_of(record) + (LEAF_BYTES if is_cut(record.value) else 0)
