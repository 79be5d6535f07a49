"""What is known put together: who follows the log, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hub.assembly.grounds import Ports, events_partitions
from hub.core.feed import Feed
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.core.terms import Agreements
from hub.core.worker import Worker
from hub.delivery.journal import Journal
from hub.fanout.routes import kept_routes
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.views.accesses import Accesses
from hub.views.chain import Chains
from hub.views.events import Events
from hub.views.follow import Follower, known_up_to_us
from hub.views.in_feeds import InFeeds
from hub.views.objects import Objects
from hub.views.owned import consignors, nobody_else
from hub.views.sight import Sights
from hub.web.accesses import AccessAPI
from hub.web.edge import Handler
from hub.web.gate import Gate
from hub.web.viewing import ViewsAPI
from schemas.headers import EventHeader


def make_follower(
    settings: Settings, ports: Ports, clock: Clock, observer: Observer, *, snapshot: Callable[[], Snapshot]
) -> Follower:
    return Follower(
        log=ports.log,
        index=ports.index,
        views=ports.views,
        accesses=ports.accesses,
        others=consignors(snapshot) if settings.views.concerned_parties == "consignor" else nobody_else,
        clock=clock,
        observer=observer,
        settings=settings.views,
        partitions=events_partitions(settings),
    )


def access_api(
    settings: Settings,
    ports: Ports,
    gate: Gate,
    *,
    snapshot: Callable[[], Snapshot],
    agreements: Callable[[], Agreements],
    clock: Clock,
    entropy: Entropy,
) -> AccessAPI:
    secret = ports.keys.secret("cursor:accesses")
    accesses = Accesses(ports.accesses, log=ports.log, snapshot=snapshot, secret=secret, clock=clock, entropy=entropy)
    routes = kept_routes(snapshot, agreements)

    def candidates(header: EventHeader) -> Iterator[Feed]:
        return (ruling.feed for _, ruling in routes().candidates(header))

    in_feeds = InFeeds(ports.log, snapshot=snapshot, candidates=candidates)
    return AccessAPI(
        gate=gate,
        accesses=accesses,
        chains=Chains(accesses, in_feeds=in_feeds, index=ports.index),
        index=ports.index,
        snapshot=snapshot,
        settings=settings.views,
    )


def views_api(
    settings: Settings,
    ports: Ports,
    follower: Follower,
    sights: Sights,
    journal: Journal,
    gate: Gate,
    judged: Handler,
    *,
    worker: Worker,
    clock: Clock,
    entropy: Entropy,
) -> ViewsAPI:
    """`judged` answers for one identity."""

    async def known() -> int | None:
        if worker.leads:
            return follower.known_up_to_us()
        return await known_up_to_us(ports.views, log=ports.log, clock=clock, partitions=events_partitions(settings))

    secret = ports.keys.secret("cursor:views")
    return ViewsAPI(
        gate=gate,
        judged=judged,
        sights=sights,
        journal=journal,
        events=Events(ports.views, secret=secret, entropy=entropy, settings=settings.views),
        objects=Objects(ports.views, settings=settings.views),
        known_up_to_us=known,
        clock=clock,
        settings=settings.views,
    )
