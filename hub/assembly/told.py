"""What an operator is told of a running hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import to_builtins

from hub.core.dead_letter import LetterState
from hub.core.endpoint import FINAL, EndpointState
from hub.core.feed import lane_name, lanes_of, stream_of
from hub.core.record import EVENTS
from hub.delivery.failures import last_failure
from hub.drivers.system.listen import url_of
from hub.operate.views import plain
from hub.trust.statement import utc_text

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


async def status_of(hub: Hub, feed: str = "") -> Mapping[str, object]:
    """What `customs-hub status` shows; how far feeds are behind as of the last look, and `feed` as of now."""
    lacking = await hub.lacking()
    if not lacking and (known := hub.snapshot().feeds.get(feed)) is not None and not known.ended:
        await hub.lags.of(known)
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
        "feeds": to_builtins([each for each in hub.lags.told() if _is_open(hub, each.feed)]),
        "dead_letters": [] if lacking else await _waiting(hub),
        "endpoints": [] if lacking else await _endpoints(hub),
        "partitions": [] if {"storage", "log"} & lacking.keys() else await _partitions(hub),
    }


def _is_open(hub: Hub, name: str) -> bool:
    feed = hub.snapshot().feeds.get(name)
    return feed is not None and not feed.ended


async def _waiting(hub: Hub) -> list[Mapping[str, object]]:
    """The dead letters that nobody settled yet, by cause and partner."""
    return [
        {"cause": each.cause, "partner": each.partner, "count": each.count, "oldest": utc_text(each.oldest_us)}
        for each in await hub.ports.dead_letters.groups()
        if each.state is LetterState.WAITING
    ]


async def _endpoints(hub: Hub) -> list[Mapping[str, object]]:
    """Those that are brought something, and those that would be: with what keeps them from it."""
    snapshot, told = hub.snapshot(), {}
    if hub.push is not None:
        told = {each["endpoint"]: each for each in await hub.push.told()}
    rows: list[Mapping[str, object]] = []
    for endpoint in snapshot.endpoints:
        row = told.get(endpoint.id, {})
        if endpoint.state in FINAL or not (endpoint.recipient or _is_open(hub, endpoint.feed)):
            continue
        is_well = endpoint.state is EndpointState.ACTIVE and not row.get("failing_since")
        failure = None if is_well else await last_failure(hub.ports.positions, endpoint.id)
        rows.append(
            {
                "endpoint": endpoint.id,
                "feed": endpoint.feed,
                "state": endpoint.state.value,
                "messages": 0,
                "records_behind": None,
                "seconds_behind": None,
                "failing_since": None,
                **row,
                "last_failure": plain(failure),
            }
        )
    return rows


async def _partitions(hub: Hub) -> list[Mapping[str, object]]:
    log, index, positions = hub.ports.log, hub.ports.index, hub.ports.positions
    partitions: list[Mapping[str, object]] = []
    for number in range(hub.events.partitions):
        bounds = await log.bounds(EVENTS, number)
        judged = await index.mark(log.generation, number)
        behind = {}
        for feed in hub.snapshot().feeds:
            for lane in lanes_of(hub.snapshot().feeds.versions(feed.name)) if not feed.ended else ():
                position = await positions.load(stream_of(feed.name, lane), log.generation, number)
                behind[lane_name(feed.name, lane)] = bounds.end - (position.source_offset if position else bounds.start)
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
