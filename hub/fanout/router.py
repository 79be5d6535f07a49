"""Who runs what: a lease for each partition; under it the judge, the pass over what it judged, and the streams' runs.

Every lane of a feed is a stream, and has a run unless the feed is standing still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from hub.core.errors import HubError, LeaseLost
from hub.core.record import EVENTS, Stream
from hub.core.registry import Snapshot
from hub.core.settings import FanoutSettings
from hub.core.terms import kept_agreements
from hub.fanout.feed import FeedRun
from hub.fanout.judge import Judge
from hub.fanout.means import LogCutShort, Means, Tenure, persist
from hub.fanout.routes import kept_routes
from hub.fanout.sections import Sections
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.positions import FeedPosition, Positions
from hub.ports.system import Clock, end_if_cancelled
from hub.trust.feed_seal import FeedSealer

FEEDS_POLL_SECONDS = 0.2
"""How often it is looked whether a feed has appeared: with the registry's poll, within a second."""
MEASURE_SECONDS = 5.0
PLACES_SECONDS, PLACES_TURNS = 1.0, 10
"""How often the places of streams are stored; of those that only moved with the log, every so many times."""


class Fanout:
    """Judge and router of every partition whose lease this process gets."""

    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        positions: Positions,
        snapshot: Callable[[], Snapshot],
        confirmed: Callable[[], bool],
        secret: Callable[[str], bytes],
        sealer: FeedSealer,
        clock: Clock,
        observer: Observer,
        settings: FanoutSettings,
        events: Stream,
        feed_retention_seconds: int,
        holder: str,
    ) -> None:
        """`secret` gives a 32-byte secret for a use (`pseudonym:<feed>`). `events` is `hub.events` as declared.

        `holder` names this process among those that want the leases. A name that is the same after a restart takes its
        leases back at once, and may be given only where no two processes can run at the same time.
        """
        self._holder = holder
        self._means = Means(
            log=log,
            index=index,
            positions=positions,
            snapshot=snapshot,
            confirmed=confirmed,
            routes=kept_routes(snapshot, kept_agreements(snapshot)),
            secret=secret,
            sealer=sealer,
            clock=clock,
            observer=observer,
            settings=settings,
            events=events,
            feed_retention_seconds=feed_retention_seconds,
        )

    async def run(self) -> None:
        """Run until cancelled. `hub.events`, `hub.notices` and `hub.quarantine` are declared before."""
        async with asyncio.TaskGroup() as group:
            for partition in range(self._means.events.partitions):
                group.create_task(self._hold(partition), name=f"fanout.{partition}")

    async def _hold(self, partition: int) -> None:
        """Take the partition's lease whenever it is to be had, and work under it; after `LogCutShort` never again."""
        while await asyncio.create_task(self._turn(partition)):
            end_if_cancelled()
            await self._means.clock.sleep(self._means.settings.lease_seconds / 3)

    async def _turn(self, partition: int) -> bool:
        """Whether there may be another. A task of its own: in Python 3.11 one whose group failed stays as cancelled."""
        means = self._means
        may_go_on = True
        if (tenure := await self._tenure(partition)) is not None:
            try:
                end_if_cancelled()
                await PartitionRun(means, tenure, partition).run()
            except* LeaseLost:
                means.observer.event("fanout.lease_lost", partition=partition)
            except* LogCutShort as group:
                may_go_on = False
                means.alarm("log_cut_short", partition=partition, found=str(group.exceptions[0]))
            finally:
                await self._give_back(tenure)
        return may_go_on

    async def _tenure(self, partition: int) -> Tenure | None:
        means = self._means
        try:
            lease = await means.positions.acquire(f"fanout/{partition}", self._holder, means.settings.lease_seconds)
        except HubError as error:
            means.observer.event("fanout.lease_unreachable", partition=partition, error=type(error).__name__)
            return None
        return Tenure(lease, means) if lease is not None else None

    async def _give_back(self, tenure: Tenure) -> None:
        try:
            await self._means.positions.release(tenure.lease)
        except HubError as error:  # It runs out by itself.
            self._means.observer.event("fanout.lease_kept", error=type(error).__name__)


class PartitionRun:
    """Everything that is done for one partition under one lease; ends as a whole."""

    def __init__(self, means: Means, tenure: Tenure, partition: int) -> None:
        self._means = means
        self._tenure = tenure
        self._sections = Sections(means, partition)
        self._runs: dict[str, FeedRun] = {}
        """By stream."""

    async def run(self) -> None:
        sections = self._sections
        judge = Judge(self._means, self._tenure, sections)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tenure.keep())
            for name, work in (
                ("judge", judge.run),
                ("sections", sections.run),
                ("feeds", partial(self._tend_feeds, group)),
                ("places", self._store_places),
                ("measure", self._measure),
            ):
                group.create_task(persist(work, self._means, name, partition=sections.partition))

    async def _tend_feeds(self, group: asyncio.TaskGroup) -> None:
        """Start a run for every stream that has none and may go on; one that may not any more ends by itself."""
        while True:
            end_if_cancelled()
            routes = self._means.routes()
            self._sections.let_go(routes)
            for stream in sorted(routes.streams.keys() - self._runs.keys()):
                run = FeedRun(self._means, self._tenure, self._sections, *routes.streams[stream])
                self._runs[stream] = run
                group.create_task(self._tend(run))
            await self._means.clock.sleep(FEEDS_POLL_SECONDS)

    async def _tend(self, run: FeedRun) -> None:
        try:
            await persist(run.run, self._means, "feed", feed=run.label, partition=self._sections.partition)
        finally:
            del self._runs[run.stream]

    async def _store_places(self) -> None:
        """Positions are hints: they are stored together, those of streams that were passed by more seldom still."""
        means, lease, partition = self._means, self._tenure, self._sections.partition
        stored: dict[str, FeedPosition] = {}
        passed, turn = -1, 0
        while True:
            end_if_cancelled()
            await means.clock.sleep(PLACES_SECONDS)
            places = {stream: place for stream, run in self._runs.items() if (place := run.place) is not None}
            turn = (turn + 1) % PLACES_TURNS
            all_of_them = turn == 0 or passed == self._sections.passed
            passed = self._sections.passed
            due = {
                stream: place
                for stream, place in places.items()
                if place != (last := stored.get(stream))
                and (all_of_them or last is None or place.feed_offset != last.feed_offset)
            }
            if due:
                await means.positions.store_all(lease.lease, means.log.generation, partition, due)
                stored |= due

    async def _measure(self) -> None:
        means, sections = self._means, self._sections
        partition = str(sections.partition)
        while True:
            end_if_cancelled()
            bounds = await means.log.bounds(EVENTS, sections.partition)
            means.observer.gauge("judge_lag_records", bounds.end - sections.mark, partition=partition)
            for run in self._runs.values():
                if (place := run.place) is not None:
                    lag = bounds.end - place.source_offset
                    means.observer.gauge("feed_lag_records", lag, feed=run.label, partition=partition)
            await means.clock.sleep(MEASURE_SECONDS)
