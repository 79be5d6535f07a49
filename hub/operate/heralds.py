"""Telling partners what became of credentials: of events that came under one that leaked, and of one about to expire.

Both follow from the registry and the clock alone. The mark of leaks is a registry revision, one for each feed, since a
feed may stand still; that of expiries is a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from hub.core.credential import KeyState
from hub.core.errors import HubError, StorageUnavailable, place_of
from hub.core.feed import Feed, lanes_of, stream_of
from hub.core.leak import Leak
from hub.core.record import EVENTS
from hub.core.registry import Snapshot
from hub.operate.credentials import Credential, begin_of, credentials
from hub.operate.dispatch_herald import POLL_SECONDS as DISPATCHES_POLL_SECONDS
from hub.operate.dispatch_herald import DispatchHerald
from hub.operate.doubted_notices import CAUSES, DoubtHerald, leak_revisions
from hub.operate.endpoint_herald import POLL_SECONDS as ENDPOINTS_POLL_SECONDS
from hub.operate.endpoint_herald import EndpointHerald
from hub.operate.notices import Notice, NoticeDesk, notice_id
from hub.operate.suspects import Places, places_of, shown_in
from hub.ports.dispatches import Dispatches
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock
from hub.trust.statement import utc_text

LEAKS_POLL_SECONDS = 0.5
EXPIRIES_POLL_SECONDS = 60.0
EVENTS_PER_NOTICE = 100
DAY_SECONDS = 86_400
WARNING_DAYS = (30, 20, 10, 1)
EXPIRES = "KEY_EXPIRES"


class Means(Struct, frozen=True, kw_only=True):
    log: EventLog
    positions: Positions
    dispatches: Dispatches
    snapshot: Callable[[], Snapshot]
    clock: Clock
    observer: Observer
    partitions: int
    in_flight_seconds: float
    """After a revocation, how long an append may still end that was decided before it."""
    holder: str

    def now(self) -> int:
        return self.clock.now_us() // 1_000_000


class Heralds:
    def __init__(self, means: Means) -> None:
        desk = NoticeDesk(means.log, means.positions, holder=means.holder)
        self._means = means
        self._leaks, self._expiries = LeakHerald(means, desk), ExpiryHerald(means, desk)
        self._doubts = DoubtHerald(means, desk)
        self._endpoints = EndpointHerald(means, desk)
        self._dispatches = DispatchHerald(means, desk)

    async def run(self) -> None:
        """Tell until cancelled; what cannot be told now is told later."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep("leaks", self._leaks.look, LEAKS_POLL_SECONDS))
            group.create_task(self._keep("doubts", self._doubts.look, LEAKS_POLL_SECONDS))
            group.create_task(self._keep("expiries", self._expiries.look, EXPIRIES_POLL_SECONDS))
            group.create_task(self._keep("dispatches", self._dispatches.look, DISPATCHES_POLL_SECONDS))
            group.create_task(self._keep("endpoints", self._endpoints.look, ENDPOINTS_POLL_SECONDS))

    async def _keep(self, name: str, look: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await look()
            except HubError as error:
                self._means.observer.event("herald.interrupted", herald=name, error=place_of(error))
            except Exception as error:  # noqa: BLE001  A supervisor: a fault here must not stop the hub.
                self._means.observer.count("alarms", alarm="herald_failed")
                self._means.observer.event("alarm.herald_failed", herald=name, error=place_of(error))
            await self._means.clock.sleep(seconds)


class _Case(Struct):
    """What one revision says of leaks, and what was found for it: the same for every feed."""

    leaks: Sequence[Leak]
    ends: Sequence[int]
    """Of `hub.events`: a feed that has passed them has shown all of it that it ever will."""
    places: dict[str, Places]


class LeakHerald:
    def __init__(self, means: Means, desk: NoticeDesk) -> None:
        self._means = means
        self._desk = desk
        self._marks: dict[str, int] = {}
        self._cases: dict[int, _Case] = {}

    async def look(self) -> None:
        """Tell the recipient of every feed, revision after revision. Raises `HubError`: then it is tried again."""
        snapshot = self._means.snapshot()
        revisions = leak_revisions(snapshot)
        waiting = False
        for feed in list(snapshot.feeds) if revisions else ():
            if feed.name not in self._marks:
                self._marks[feed.name] = await self._desk.mark(_output(feed))
            for revision, leaks in revisions:
                if revision > self._marks[feed.name] and not await self._tell(feed, revision, leaks, snapshot):
                    waiting = True
                    break
        if not waiting:
            self._cases.clear()

    async def _tell(self, feed: Feed, revision: int, leaks: Sequence[Leak], snapshot: Snapshot) -> bool:
        """Whether the recipient was told all that this revision says."""
        told = leaks[0].told
        if self._means.now() < told + self._means.in_flight_seconds:
            return False
        case = await self._case(revision, leaks)
        if not feed.ended and not await self._has_passed(feed, case.ends):
            return False
        notices = [
            notice
            for leak in leaks
            for notice in _notices(feed, revision, leak, await self._shown(feed, case.places[leak.id], snapshot))
        ]
        if not await self._desk.write(_output(feed), notices, since=told, mark=revision):
            return False
        self._means.observer.count("notices_written", len(notices), cause=CAUSES[leaks[0].trust])
        self._marks[feed.name] = revision
        return True

    async def _case(self, revision: int, leaks: Sequence[Leak]) -> _Case:
        if revision not in self._cases:
            log = self._means.log
            ends = [(await log.bounds(EVENTS, partition)).end for partition in range(self._means.partitions)]
            places = {
                leak.id: await places_of(log, leak.id, leak.system, since=leak.since, ends=ends) for leak in leaks
            }
            self._cases[revision] = _Case(leaks, ends, places)
        return self._cases[revision]

    async def _has_passed(self, feed: Feed, ends: Sequence[int]) -> bool:
        means = self._means
        for lane in lanes_of(means.snapshot().feeds.versions(feed.name)):
            for partition, end in enumerate(ends):
                stands = await means.positions.load(stream_of(feed.name, lane), means.log.generation, partition)
                if end and (stands is None or stands.source_offset < end):
                    return False
        return True

    async def _shown(self, feed: Feed, places: Places, snapshot: Snapshot) -> list[dict[str, object]]:
        means = self._means
        if not places:
            return []
        try:
            return await shown_in(
                feed,
                places,
                log=means.log,
                generation=means.log.generation,
                snapshot=snapshot,
                positions=means.positions,
                now=means.now(),
            )
        except StorageUnavailable:
            raise
        except HubError:
            if not feed.ended:
                raise
            return []  # Its stream is gone, and with it what its recipient was shown.


class ExpiryHerald:
    def __init__(self, means: Means, desk: NoticeDesk) -> None:
        self._means = means
        self._desk = desk

    async def look(self) -> None:
        """Warn of every credential for which a day of warning has come since the last look. Raises `HubError`."""
        now, mark = self._means.now(), await self._desk.mark("notices/expiries")
        due = [
            notice
            for credential in credentials(self._means.snapshot())
            if (notice := _warning(credential, self._means.snapshot(), mark, now)) is not None
        ]
        if await self._desk.write("notices/expiries", due, since=mark or now, mark=now) and due:
            self._means.observer.count("notices_written", len(due), cause=EXPIRES)


def warning_days(credential: Credential, after: int, now: int) -> int | None:
    """The days left that are to be warned of, if one of the days of warning came in (after, now]: of several, the
    last."""
    if credential.state_at(now) is not KeyState.ACTIVE or credential.not_after is None:
        return None
    begins = begin_of(credential)
    come = (days for days in WARNING_DAYS if max(after, begins - 1) < credential.not_after - days * DAY_SECONDS <= now)
    return min(come, default=None)


def _warning(credential: Credential, snapshot: Snapshot, after: int, now: int) -> Notice | None:
    days, system = warning_days(credential, after, now), snapshot.systems.get(credential.system)
    if days is None or system is None or credential.not_after is None:
        return None
    members = {
        "time": utc_text(now * 1_000_000),
        "key": credential.id,
        "system": credential.system,
        "expires": utc_text(credential.not_after * 1_000_000),
        "days": days,
    }
    return Notice(
        notice_id(EXPIRES, credential.id, str(credential.not_after), str(days)), system.partner, EXPIRES, members
    )


def _notices(feed: Feed, revision: int, leak: Leak, events: Sequence[dict[str, object]]) -> list[Notice]:
    cause = CAUSES[leak.trust]
    common = {"feed": feed.name, "since": utc_text(leak.since * 1_000_000), "time": utc_text(leak.told * 1_000_000)}
    return [
        Notice(
            notice_id(cause, feed.name, leak.id, str(revision), str(begin)),
            feed.recipient,
            cause,
            {**common, "events": events[begin : begin + EVENTS_PER_NOTICE]},
        )
        for begin in range(0, len(events), EVENTS_PER_NOTICE)
    ]


def _output(feed: Feed) -> str:
    return f"notices/leaks/{feed.name}"
