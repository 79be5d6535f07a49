"""What is worked with by those who deliver to endpoints: courier, verification, and who tries a letter again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from msgspec import Struct

from hub.core.endpoint import TRIED, Endpoint, EndpointState
from hub.core.errors import place_of
from hub.core.feed import Way, lane_name
from hub.core.registry import Snapshot
from hub.core.settings import WebhookSettings
from hub.delivery.cursors import Cursors
from hub.delivery.dead import Letter
from hub.delivery.letter import Letters
from hub.delivery.merge import Stamped
from hub.delivery.notices import Notices
from hub.delivery.outbox import Outbox
from hub.delivery.pull import Pull
from hub.delivery.source import FeedSource, Source
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock, Entropy


class Means(Struct, frozen=True, kw_only=True):
    pull: Pull
    notices: Notices
    letters: Letters
    log: EventLog
    positions: Positions
    cursors: Cursors
    snapshot: Callable[[], Snapshot]
    confirmed: Callable[[], bool]
    """Whether the registry's present state is known: otherwise nothing leaves."""
    report: Callable[[Endpoint, EndpointState, int], Awaitable[None]]
    """Say in the registry what became of an endpoint as it was seen, and since when (seconds since 1970); where it is
    another by now, nothing is said. Raises `HubError`."""
    bury: Callable[[Letter], Awaitable[None]]
    """Keep what was given up, where it is seen. Raises `HubError`: then it is tried again."""
    clock: Clock
    entropy: Entropy
    observer: Observer
    settings: WebhookSettings
    partitions: int
    holder: str

    def now(self) -> int:
        return self.clock.now_us() // 1_000_000


class Bell:
    """Rings when the registry has changed: whoever waits looks whether it still may."""

    def __init__(self) -> None:
        self.next = asyncio.Event()
        """Set when it rings: taken before one looks, nothing that comes meanwhile is missed."""

    def ring(self) -> None:
        self.next.set()
        self.next = asyncio.Event()


def alarmed(observer: Observer, endpoint: str, error: Exception) -> None:
    observer.count("alarms", alarm="courier_failed")
    observer.event("alarm.courier_failed", endpoint=endpoint, error=place_of(error))


def lease_name(endpoint: str) -> str:
    return f"webhook/{endpoint}"


def standing(name: str, means: Means, states: Collection[EndpointState] = TRIED) -> tuple[Endpoint, Source] | None:
    """The endpoint and what it is brought, if it is in one of the states, and its recipient may be given that now."""
    endpoint = means.snapshot().endpoints.get(name)
    if endpoint is None or endpoint.state not in states:
        return None
    source = _source(endpoint, means)
    return (endpoint, source) if source is not None and source.is_open() else None


def still_allows(name: str, stamps: Sequence[Stamped], means: Means) -> Callable[[], bool]:
    """The last look before bytes leave: whether the endpoint may be given all of it, as of the moment it is asked."""

    def stands() -> bool:
        found = standing(name, means)
        return found is not None and means.confirmed() and all(map(found[1].admits(), stamps))

    return stands


def _source(endpoint: Endpoint, means: Means) -> Source | None:
    if endpoint.recipient:
        return means.notices.of(endpoint.recipient)
    feed = means.snapshot().feeds.get(endpoint.feed)
    if feed is None or Way.WEBHOOK not in feed.ways:
        return None
    return FeedSource(means.pull, feed, lane_name(feed.name, endpoint.lane))


async def opened(endpoint: Endpoint, source: Source, means: Means) -> Outbox:
    """What was kept of an endpoint; where there is nothing, or of another log, the beginning of what it is brought."""
    generation = means.log.generation
    content = await means.positions.kept(lease_name(endpoint.id))
    kept = Outbox.decode(content, generation, means.partitions) if content is not None else None
    return kept if kept is not None else Outbox(generation, source.first().places)
