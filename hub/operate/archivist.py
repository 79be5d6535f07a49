"""The role `archive`: keeps what agreements ask for beyond the log's time, before the log lets go of it.

Theory of operation. Each partition is gone through in whole batches below the judge's mark, from where its index says
that all was looked at. What is the first of its identity, and is covered by an agreement whose `archive_days` go beyond
the log's own time, goes into a segment beside the seals of its batch. A segment is written once there is enough for
one, or the oldest of it has waited a quarter of the log's time. The log's own purge waits for it (`safe_before_us`);
Kafka's retention is only told so at the next purge, so that it begins early and an alarm tells when it lags behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hub.core.agreement import Agreement, AgreementState
from hub.core.errors import HubError, LeaseLost
from hub.core.event import Event
from hub.core.record import EVENTS, Position, StoredRecord
from hub.core.registry import Snapshot
from hub.core.retention import DAY_SECONDS, oldest_archived
from hub.operate.log_pages import pages
from hub.operate.segments import Segments, lease_of
from hub.operate.stretch import STRETCH_RECORDS_MAX, Stretch, joined, opened
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.positions import Lease, Positions
from hub.ports.system import Clock
from hub.trust.segment import Index, Indexed
from schemas.headers import EventHeader, SealHeader

WAIT_SHARE = 0.25
LAG_ALARM_SHARE = 0.8
"""What has waited for this part of the log's time is close to being lost."""
LEASE_SECONDS = 60.0
_US = 1_000_000
_KEEP = (AgreementState.ACTIVE, AgreementState.SUSPENDED)
"""A suspended one shows nothing, and may go on."""


class Archivist:
    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        positions: Positions,
        segments: Segments,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        partitions: int,
        retention_seconds: int,
        interval_seconds: float,
        holder: str,
    ) -> None:
        self._log = log
        self._index = index
        self._positions = positions
        self._segments = segments
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._partitions = partitions
        self._retention_seconds = retention_seconds
        self._interval_seconds = interval_seconds
        self._holder = holder

    async def run(self) -> None:
        """Look every `interval_seconds` until cancelled."""
        while True:
            await self.archive()
            await self._clock.sleep(self._interval_seconds)

    async def archive(self) -> None:
        """Keep what is wanted, and let go of what is not any more. What cannot be done now is tried the next time."""
        for partition in range(self._partitions):
            try:
                lease = await self._positions.acquire(lease_of(partition), self._holder, LEASE_SECONDS)
                if lease is not None:
                    await self._archive(partition, lease)
                    await self._positions.release(lease)
            except LeaseLost:
                continue  # Somebody else is at it.
            except HubError as error:
                self._observer.event("archive_failed", partition=partition, error=str(error))

    async def safe_before_us(self) -> int | None:
        """The log may let go of what it took before then; None: of everything. Raises `StorageUnavailable`."""
        if not self._wanting():
            return None
        times = [await self._oldest_us(partition) for partition in range(self._partitions)]
        return min((time_us for time_us in times if time_us is not None), default=None)

    async def _oldest_us(self, partition: int) -> int | None:
        """Of what was not looked at yet, in the log; tells where that is close to being lost."""
        index, bounds = await self._segments.index(partition), await self._log.bounds(EVENTS, partition)
        offset = self._begins(index, bounds.start)
        async with self._log.reader(EVENTS) as reader:
            oldest = await _record_at(reader, partition, offset) if offset < bounds.end else None
        if oldest is None:
            return None
        waited = self._clock.now_us() - oldest.time_us
        if waited > self._share_us(LAG_ALARM_SHARE):
            self._alarm("archive_lag", partition=partition, seconds=waited // _US)
        return oldest.time_us

    async def _archive(self, partition: int, lease: Lease) -> None:
        wanting = self._wanting()
        index = await self._purged(partition, await self._segments.index(partition), wanting, lease)
        if not wanting:
            return
        bounds = await self._log.bounds(EVENTS, partition)
        offset = self._begins(index, bounds.start)
        if index.looked_at is not None and (lost := offset - index.looked_at[1]) > 0:
            self._alarm("archive_behind_retention", partition=partition, records=lost)
        mark = await self._index.mark(self._log.generation, partition)
        while (stretch := await self._gathered(partition, offset, mark, wanting)) is not None:
            entry = await self._put(partition, stretch, lease)
            lease = await self._positions.renew(lease, LEASE_SECONDS)
            offset = stretch.end
            looked_at = (self._log.generation, offset)
            index = Index(looked_at=looked_at, entries=joined(index.entries, entry))
            await self._segments.put_index(partition, index, lease)
            await self._segments.let_go_of_others(entry)
            self._observer.count("archived", len(stretch.events))

    def _begins(self, index: Index, start: int) -> int:
        """Where the next stretch begins: offsets of another generation tell nothing."""
        if index.looked_at is None or index.looked_at[0] != self._log.generation:
            return start
        return max(start, index.looked_at[1])

    def _wanting(self) -> Sequence[Agreement]:
        """The agreements that ask for more time than the log has, and may still show anything."""
        now = self._now()
        return [
            each
            for each in self._snapshot().agreements
            if each.state in _KEEP
            and (each.valid_to is None or now < each.valid_to)
            and each.archive_days * DAY_SECONDS > self._retention_seconds
        ]

    async def _gathered(self, partition: int, offset: int, mark: int, wanting: Sequence[Agreement]) -> Stretch | None:
        """The next stretch of whole batches below `mark`; None where it is too early for one."""
        stretch = Stretch(offset, offset)
        async with self._log.reader(EVENTS) as reader:
            if mark - offset < STRETCH_RECORDS_MAX and not await self._is_due(reader, partition, offset, mark):
                return None
            async for page in pages(reader, partition, offset, mark):
                await self._take(stretch, page, partition, wanting)
                if stretch.is_full:
                    break
        return stretch if stretch.end > stretch.first else None

    async def _is_due(self, reader: LogReader, partition: int, offset: int, mark: int) -> bool:
        oldest = await _record_at(reader, partition, offset) if offset < mark else None
        return oldest is not None and self._clock.now_us() - oldest.time_us > self._share_us(WAIT_SHARE)

    def _share_us(self, share: float) -> float:
        """Of the time that the log keeps events."""
        return self._retention_seconds * share * _US

    async def _take(
        self, stretch: Stretch, page: Sequence[StoredRecord], partition: int, wanting: Sequence[Agreement]
    ) -> None:
        headers = [(record, opened(record)) for record in page]
        events = [Event(header, record) for record, header in headers if isinstance(header, EventHeader)]
        firsts = await self._firsts(partition, events)
        for record, header in headers:
            if isinstance(header, SealHeader):
                stretch.close(record, header)
                if stretch.is_full:
                    return
            elif (event := firsts.get(record.offset)) is not None:
                stretch.want(event, wanting)

    async def _firsts(self, partition: int, events: Sequence[Event]) -> Mapping[int, Event]:
        """Those that are the first of their identity, by offset."""
        found = await self._index.look_up([event.identity for event in events])
        generation = self._log.generation
        return {
            event.offset: event
            for event, first in zip(events, found, strict=True)
            if first is not None and first.position == Position(generation, partition, event.offset)
        }

    async def _put(self, partition: int, stretch: Stretch, lease: Lease) -> Indexed:
        generation = self._log.generation
        if not stretch.events:
            return stretch.empty(generation)
        return await self._segments.put(
            stretch.segment(generation, partition),
            lease,
            oldest_us=stretch.oldest_us,
            newest_us=stretch.newest_us,
            agreements=sorted(stretch.agreements),
        )

    async def _purged(self, partition: int, index: Index, wanting: Sequence[Agreement], lease: Lease) -> Index:
        """The index without what nobody asks for any more, which is gone then."""
        now = self._now()
        oldest = {each.id: oldest_archived(each, now) * _US for each in wanting}
        kept: list[Indexed] = []
        await self._positions.renew(lease, LEASE_SECONDS)
        for entry in index.entries:
            asking = entry.agreements if entry.name else tuple(oldest)
            if any(name in oldest and entry.newest_us >= oldest[name] for name in asking):
                kept.append(entry)
            else:
                await self._segments.let_go(entry)
        left = Index(looked_at=index.looked_at if wanting else None, entries=tuple(kept))
        if left != index:
            await self._segments.put_index(partition, left, lease)
            self._observer.count("archive_purged", len(index.entries) - len(kept))
        return left

    def _now(self) -> int:
        return self._clock.now_us() // _US

    def _alarm(self, name: str, **facts: str | int) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)


async def _record_at(reader: LogReader, partition: int, offset: int) -> StoredRecord | None:
    found = await reader.read(partition, offset, records_max=1, bytes_max=1)
    return found[0] if found else None
