"""The role `views`: follows `hub.events` below the judge's mark and keeps what came first.

Theory of operation. Each partition is followed on its own, from the mark that lies with what is known: both move in one
transaction, so after any end it goes on where it stood and nothing is known twice. Nobody waits for it. Under load it
lags rather than slow down intake and fan-out: while these are at work, it works for a share of its time, in short
turns. What the log let go of before it was followed is counted and alarmed, and passed over; where the log ends below
the mark it is another log, and everything is forgotten and followed anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec import DecodeError

from hub.core.errors import HubError, Trimmed, place_of
from hub.core.record import EVENTS, Position, StoredRecord
from hub.core.settings import ViewsSettings
from hub.ports.access_journal import AccessJournal
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.system import Clock, end_if_cancelled
from hub.ports.views import KnownEvent, Mark, Views
from hub.views.known import known_event
from hub.views.owned import Concerned, owned_by
from schemas.headers import EventHeader, unpack
from schemas.identity import identity_key

RETRY_SECONDS = 0.25
JUDGED_POLL_SECONDS = 0.02
"""How often it is asked whether the judge has passed what is there: the judge takes a few milliseconds."""
KNOWN_POLL_SECONDS = 0.02
KNOWN_SECONDS_MAX = 2.0
"""How long a question waits for what the log has taken and nobody knows yet."""
MEASURE_SECONDS = 5.0
_TURN_RECORDS = 50
"""A turn of the loop stays near a millisecond."""


Read = tuple[Position, StoredRecord, EventHeader]


class LogReplaced(HubError):
    """What is known came from a log that went further."""


class Follower:
    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        views: Views,
        accesses: AccessJournal,
        others: Concerned,
        clock: Clock,
        observer: Observer,
        settings: ViewsSettings,
        partitions: int,
    ) -> None:
        self._log = log
        self._index = index
        self._views = views
        self._accesses = accesses
        self._others = others
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._partitions = partitions
        self._offsets: dict[int, int] = {}
        self._complete_us: dict[int, int] = {}
        """By partition: everything that the log took before then is known."""

    def known_up_to_us(self) -> int | None:
        """Everything that the log took before then is known, and later things may be; None: nothing is said yet."""
        return min(self._complete_us.values()) if len(self._complete_us) == self._partitions else None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._measure())
                    for partition in range(self._partitions):
                        group.create_task(self._persist(partition))
            except* LogReplaced:
                self._observer.event("views.rebuilt")
                await self._views.reset()

    async def _persist(self, partition: int) -> None:
        """Follow one partition, again after every failure that another try may mend. Raises `LogReplaced`."""
        while True:
            try:
                await self._follow(partition)
            except LogReplaced:
                raise
            except HubError as error:
                self._observer.event("views.interrupted", partition=partition, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  A supervisor: one partition must not stop the others.
                self._alarm("views_failed", partition=partition, error=place_of(error))
            await self._clock.sleep(RETRY_SECONDS)

    async def _follow(self, partition: int) -> None:
        mark, judged = await self._start(partition), -1
        async with self._log.reader(EVENTS) as reader:
            while True:
                end_if_cancelled()
                self._offsets[partition] = offset = mark.position.offset
                before, judged = judged, await self._index.mark(self._log.generation, partition)
                try:
                    if offset < judged:
                        began = self._clock.monotonic()
                        mark = await self._go_on(reader, mark, judged)
                        if judged != before:  # The hub is at work; else there is nobody to make room for.
                            await self._rest(self._clock.monotonic() - began)
                    else:
                        await self._wait(reader, mark.position)
                except Trimmed as trimmed:
                    mark = self._pass_over(mark, trimmed.start)

    async def _start(self, partition: int) -> Mark:
        """Where it stood; the start of the log where nothing was followed yet. Raises `LogReplaced`."""
        generation = self._log.generation
        bounds = await self._log.bounds(EVENTS, partition)
        mark = await self._views.mark(generation, partition)
        if mark is None:
            return Mark(Position(generation, partition, bounds.start), 0)
        if mark.position.offset > bounds.end:
            raise LogReplaced(f"followed up to {mark.position.offset}, the log ends at {bounds.end}")
        return mark

    def _pass_over(self, mark: Mark, start: int) -> Mark:
        """The log let go of what was not followed yet."""
        generation, partition, offset = mark.position.generation, mark.position.partition, mark.position.offset
        self._alarm("views_behind_retention", partition=partition, records=start - offset)
        self._observer.count("views_passed_over", start - offset)
        return Mark(Position(generation, partition, start), mark.time_us)

    async def _go_on(self, reader: LogReader, mark: Mark, judged: int) -> Mark:
        """One batch. Raises as `LogReader.read` does, and `StorageUnavailable`."""
        position, settings = mark.position, self._settings
        records = await reader.read(
            position.partition,
            position.offset,
            records_max=min(settings.batch_records_max, judged - position.offset),
            bytes_max=settings.batch_bytes_max,
        )
        if not records:
            return mark
        events = await self._firsts(position, records)
        end = Position(position.generation, position.partition, position.offset + len(records))
        moved = Mark(end, records[-1].time_us)
        await self._accesses.attribute(owned_by(events, self._others))
        await self._views.apply(events, moved)
        self._complete_us[position.partition] = moved.time_us
        self._observer.count("views_events", len(events))
        return moved

    async def _rest(self, busy: float) -> None:
        """After so many seconds of work: events that come one by one share the cost of a batch."""
        settings = self._settings
        await self._clock.sleep(max(settings.pace_seconds, busy * (1 / settings.busy_share_max - 1)))

    async def _firsts(self, start: Position, records: Sequence[StoredRecord]) -> list[KnownEvent]:
        """The events among the records that are the first of their identity: the index names their own position."""
        events: list[Read] = []
        for record in records:
            with suppress(DecodeError):  # The judge has told of it, and set it aside.
                header = unpack(record.header)
                if isinstance(header, EventHeader):
                    events.append((Position(start.generation, start.partition, record.offset), record, header))
        identities = [identity_key(h.publisher, h.source, h.id, h.version) for _, _, h in events]
        firsts: list[KnownEvent] = []
        for number, (event, first) in enumerate(zip(events, await self._index.look_up(identities), strict=True)):
            if first is not None and first.position == event[0] and (known := self._known(*event)) is not None:
                firsts.append(known)
            if number % _TURN_RECORDS == _TURN_RECORDS - 1:
                await self._clock.sleep(0)
        return firsts

    def _known(self, position: Position, record: StoredRecord, header: EventHeader) -> KnownEvent | None:
        try:
            return known_event(position, record, header)
        except Exception as error:  # noqa: BLE001  Whatever is wrong with one record, the partition goes on.
            self._alarm("record_not_known", partition=position.partition, offset=record.offset, error=place_of(error))
            return None

    async def _wait(self, reader: LogReader, position: Position) -> None:
        """Until something comes, and was judged."""
        asked_us = self._clock.now_us()
        found = await reader.read(position.partition, position.offset, records_max=1, bytes_max=1)
        if found:
            await self._clock.sleep(JUDGED_POLL_SECONDS)
            return
        self._complete_us[position.partition] = asked_us
        await reader.read(
            position.partition,
            position.offset,
            records_max=1,
            bytes_max=1,
            wait_seconds=self._settings.wait_seconds,
        )

    async def _measure(self) -> None:
        """Tell how far behind the log it is, while the log answers."""
        while True:
            for partition, offset in list(self._offsets.items()):  # Others may be begun meanwhile.
                try:
                    bounds = await self._log.bounds(EVENTS, partition)
                except HubError:
                    break
                self._observer.gauge("views_lag_records", bounds.end - offset, partition=str(partition))
            await self._clock.sleep(MEASURE_SECONDS)

    def _alarm(self, name: str, **facts: str | int | float) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)


async def known_up_to_us(views: Views, *, log: EventLog, clock: Clock, partitions: int) -> int | None:
    """What `Follower.known_up_to_us` says, for a worker that has none: as the store tells."""
    found = await asyncio.gather(*(_known_of(views, log, clock, partition) for partition in range(partitions)))
    return None if None in found else min(time_us for time_us in found if time_us is not None)


async def _known_of(views: Views, log: EventLog, clock: Clock, partition: int) -> int | None:
    asked_us = clock.now_us()
    bounds, mark = await log.bounds(EVENTS, partition), await views.mark(log.generation, partition)
    if bounds.end == bounds.start or (mark is not None and mark.position.offset >= bounds.end):
        return asked_us
    return mark.time_us or None if mark is not None else None


async def until_known(views: Views, *, log: EventLog, clock: Clock, partitions: Iterable[int]) -> None:
    """Wait, for a while, until what the log holds now is known: beyond, what is known is answered from."""
    ends = clock.monotonic() + KNOWN_SECONDS_MAX
    for partition in partitions:
        bounds = await log.bounds(EVENTS, partition)
        while bounds.start < bounds.end and clock.monotonic() < ends:
            mark = await views.mark(log.generation, partition)
            if mark is not None and mark.position.offset >= bounds.end:
                break
            await clock.sleep(KNOWN_POLL_SECONDS)
