"""Letting go: each store keeps what its setting says and no longer.

The index follows the log (design §3, core protocol, rule 8): a slice goes only when the log holds none of its records,
the judge has passed them all, and the memory time is over; before that, its absence would make old events new again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub.core.errors import HubError
from hub.core.record import EVENTS, NOTICES
from hub.core.registry import Snapshot
from hub.core.settings import LogSettings
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.system import Clock


class Retention:
    """Purges every `purge_interval_seconds`; Kafka purges its streams by itself, there only the index is left."""

    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        settings: LogSettings,
        partitions: int,
    ) -> None:
        self._log = log
        self._index = index
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._partitions = partitions

    async def run(self) -> None:
        """Purge until cancelled; a store that is away is tried again the next time."""
        while True:
            await self._clock.sleep(self._settings.purge_interval_seconds)
            try:
                await self.purge()
            except HubError as e:
                self._observer.event("purge_failed", error=str(e))

    async def purge(self) -> None:
        """Let go of everything whose time is over."""
        now_us = self._clock.now_us()
        for stream, seconds in self._streams():
            await self._log.purge(stream, now_us - seconds * 1_000_000)
        for feed in self._snapshot().feeds:
            if feed.ended:
                await self._log.drop(feed.stream)
        remembered_us = now_us - self._settings.events_retention_seconds * 1_000_000
        if (kept_us := await self._oldest_kept_us()) is not None:
            await self._index.purge(before_us=min(remembered_us, kept_us))

    def _streams(self) -> Iterable[tuple[str, int]]:
        yield EVENTS, self._settings.events_retention_seconds
        yield NOTICES, self._settings.notices_retention_seconds
        for feed in self._snapshot().feeds:
            if not feed.ended:
                yield feed.stream, self._settings.feed_retention_seconds

    async def _oldest_kept_us(self) -> int | None:
        """The time before which the log holds nothing; None while the judge has not passed what the log let go of."""
        oldest = self._clock.now_us()
        async with self._log.reader(EVENTS) as reader:
            for partition in range(self._partitions):
                bounds = await self._log.bounds(EVENTS, partition)
                if await self._index.mark(self._log.generation, partition) < bounds.start:
                    return None
                if bounds.start < bounds.end:
                    [first] = await reader.read(partition, bounds.start, records_max=1, bytes_max=1)
                    oldest = min(oldest, first.time_us)
        return oldest
