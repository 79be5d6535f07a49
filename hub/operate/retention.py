"""Letting go: each store keeps what its setting says and no longer.

The index follows the log (design §3, core protocol, rule 8): a slice goes only when the log holds none of its records,
and the memory time lies between them and what the judge has yet to pass; before that, its absence would make old events
new again. The memory time is the log's own retention.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from hub.core.errors import HubError, place_of
from hub.core.feed import Feed, lanes_of, stream_of
from hub.core.record import EVENTS, NOTICES, QUARANTINE
from hub.core.registry import Snapshot
from hub.core.retention import kept_seconds
from hub.core.settings import DocumentsSettings, LogSettings, QuarantineSettings
from hub.ports.access_journal import AccessJournal
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.dead_letters import DeadLetters
from hub.ports.dispatches import Dispatches
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.jobs import Jobs
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.ports.views import Views

DAY_US = 86_400_000_000
ARCHIVE_MARGIN_US = DAY_US
"""What waits to be archived is kept for so long beyond the next purge: Kafka lets go by what it was told last, also
while no hub runs."""


class Retention:
    """Purges every `purge_interval_seconds`; Kafka purges its streams by itself, and is told how long they are kept."""

    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        blobs: BlobStore,
        jobs: Jobs,
        views: Views,
        accesses: AccessJournal,
        dispatches: Dispatches,
        dead_letters: DeadLetters,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        settings: LogSettings,
        documents: DocumentsSettings,
        access_days: int,
        quarantine: QuarantineSettings,
        partitions: int,
        sweep: Callable[[], Awaitable[object]],
        archived_before_us: Callable[[], Awaitable[int | None]],
        is_over: Callable[[Feed], bool],
    ) -> None:
        """`sweep` brings to an end what earlier processes left of documents; `archived_before_us`: what came then or
        later waits to be archived, and is kept (None: nothing waits); `is_over`: whether a feed that has ended is
        needed no more."""
        self._log = log
        self._index = index
        self._blobs = blobs
        self._jobs = jobs
        self._views = views
        self._accesses = accesses
        self._dispatches = dispatches
        self._dead_letters = dead_letters
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._documents = documents
        self._access_days = access_days
        self._quarantine = quarantine
        self._partitions = partitions
        self._sweep = sweep
        self._archived_before_us = archived_before_us
        self._is_over = is_over

    async def run(self) -> None:
        """Purge until cancelled."""
        while True:
            await self._clock.sleep(self._settings.purge_interval_seconds)
            await self.purge()

    async def purge(self) -> None:
        """Let go of everything whose time is over. What cannot be purged now is tried again the next time."""
        now_us = self._clock.now_us()
        await self._try(EVENTS, self._purge_events)
        for stream, seconds in self._streams():
            await self._try(stream, partial(self._purge_stream, stream, seconds))
        for feed in self._snapshot().feeds:
            if feed.ended and self._is_over(feed):
                for stream in self._streams_of(feed):
                    await self._try(stream, partial(self._log.drop, stream))
        await self._try("index", self._purge_index)
        kept_us = now_us - self._settings.events_retention_seconds * 1_000_000
        await self._try("views", partial(self._views.purge, kept_us))
        told_us = now_us - self._access_days * DAY_US
        await self._try("accesses", partial(self._accesses.purge, told_us))
        await self._try("dispatches", partial(self._dispatches.purge, told_us))
        await self._try("dead_letters", partial(self._purge_letters, now_us))
        await self._try("jobs", partial(self._purge_jobs, now_us))
        await self._try("documents", self._sweep)
        await self._try("documents", partial(self._blobs.purge, kept_us))

    async def _try(self, store: str, work: Callable[[], Awaitable[object]]) -> None:
        """A supervisor: one store that is away, or not there yet, keeps no other from its purge."""
        try:
            await work()
        except HubError as e:
            self._observer.event("purge_failed", store=store, error=str(e))
        except Exception as e:  # noqa: BLE001
            self._observer.event("purge_failed", store=store, error=place_of(e))

    def _streams(self) -> Iterable[tuple[str, int]]:
        yield NOTICES, self._settings.notices_retention_seconds
        yield QUARANTINE, self._settings.quarantine_retention_seconds
        snapshot = self._snapshot()
        for feed in snapshot.feeds:
            if not feed.ended:
                kept = kept_seconds(feed.name, snapshot, self._settings.feed_retention_seconds)
                yield from ((stream, kept) for stream in self._streams_of(feed))

    def _streams_of(self, feed: Feed) -> Sequence[str]:
        return [stream_of(feed.name, lane) for lane in lanes_of(self._snapshot().feeds.versions(feed.name))]

    async def _purge_stream(self, stream: str, seconds: int) -> None:
        await self._log.purge(stream, self._clock.now_us() - seconds * 1_000_000)

    async def _purge_events(self) -> None:
        archived_us = await self._archived_before_us()
        before_us = self._clock.now_us() - self._settings.events_retention_seconds * 1_000_000
        if archived_us is not None:
            margin_us = ARCHIVE_MARGIN_US + int(self._settings.purge_interval_seconds * 1_000_000)
            before_us = min(before_us, archived_us - margin_us)
        await self._log.purge(EVENTS, before_us)

    async def _purge_letters(self, now_us: int) -> None:
        before_us = now_us - self._quarantine.settled_retention_seconds * 1_000_000
        await self._dead_letters.purge(before_us=before_us, kept_max=self._quarantine.letters_per_partner_max)

    async def _purge_jobs(self, now_us: int) -> None:
        """The documents of jobs go with them; what was accepted of one is kept beside it, as long as the log."""
        before_us = now_us - self._documents.jobs_retention_seconds * 1_000_000
        for job in await self._jobs.purge(before_us=before_us, kept_max=self._documents.jobs_kept_max):
            await self._blobs.delete(BlobKey(job.partner, job.id))

    async def _purge_index(self) -> None:
        times = [await self._over_us(partition) for partition in range(self._partitions)]
        if None not in times:
            await self._index.purge(before_us=min(time_us for time_us in times if time_us is not None))

    async def _over_us(self, partition: int) -> int | None:
        """The time before which nothing of the partition is needed any more: the log holds none of it, and what is not
        judged yet came later by the memory time at least. None where it cannot be told, or the log let go of what was
        not judged.
        """
        bounds = await self._log.bounds(EVENTS, partition)
        mark = await self._index.mark(self._log.generation, partition)
        if mark < bounds.start:
            return None
        async with self._log.reader(EVENTS) as reader:
            oldest_us = await self._time_us(reader, partition, bounds.start, bounds.end)
            judged_us = await self._time_us(reader, partition, mark, bounds.end)
        if oldest_us is None or judged_us is None:
            return None
        return min(oldest_us, judged_us - self._settings.events_retention_seconds * 1_000_000)

    async def _time_us(self, reader: LogReader, partition: int, offset: int, end: int) -> int | None:
        """When the log took the record at an offset: now, if it is to come; None where it is not to be had now."""
        if offset >= end:
            return self._clock.now_us()
        records = await reader.read(partition, offset, records_max=1, bytes_max=1)
        return records[0].time_us if records else None
