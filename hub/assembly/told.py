"""What an operator is told of a running hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.core.record import EVENTS
from hub.drivers.system.listen import url_of

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


async def status_of(hub: Hub) -> Mapping[str, object]:
    """What `customs-hub status` shows."""
    lacking = await hub.lacking()
    return {
        "url": hub.url,
        "operations": url_of(hub.sockets.operations),
        "admin": hub.admin_url,
        "ground": hub.settings.log.ground,
        "lacking": lacking,
        "workers": await hub.siblings.states(),
        "revision": hub.snapshot().revision,
        "waiting_records": hub.acceptor.waiting_records,
        "quotas": hub.quotas.told(),
        "waiting_people": hub.second_look.told(),
        "aeo_feeds": hub.feed_watch.told(),
        "partitions": [] if {"storage", "log"} & lacking.keys() else await _partitions(hub),
    }


async def _partitions(hub: Hub) -> list[Mapping[str, object]]:
    log, index, positions = hub.ports.log, hub.ports.index, hub.ports.positions
    partitions: list[Mapping[str, object]] = []
    for number in range(hub.events.partitions):
        bounds = await log.bounds(EVENTS, number)
        judged = await index.mark(log.generation, number)
        behind = {}
        for feed in hub.snapshot().feeds:
            if not feed.ended:
                position = await positions.load(feed.stream, log.generation, number)
                behind[feed.name] = bounds.end - (position.source_offset if position else bounds.start)
        known = await hub.ports.views.mark(log.generation, number)
        partitions.append(
            {
                "partition": number,
                "end": bounds.end,
                "judged": judged,
                "known": known.position.offset if known is not None else bounds.start,
                "feeds_behind": behind,
            }
        )
    return partitions
