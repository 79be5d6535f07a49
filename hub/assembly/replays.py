"""Replays put together: what reads the past, and what keeps it beyond the log's time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec import convert

from hub.assembly.reading import make_pull, make_sealer
from hub.core.errors import Refusal
from hub.core.operator import CLIENT_PREFIX
from hub.core.replay import nothing_erased
from hub.delivery.failed import failed_in
from hub.delivery.journal import Reader
from hub.delivery.pace import Pace
from hub.delivery.replay import Replaying
from hub.delivery.replay_start import Starting, Wanted
from hub.delivery.replays import Replays
from hub.fanout.past import Past
from hub.operate.archivist import Archivist
from hub.operate.history import History
from hub.operate.replays import EndReplay, StartReplay, tracks_named
from hub.operate.segments import Segments
from hub.operate.vault import Vault
from hub.trust.replay_cursor import ReplayCursors
from hub.web.replays import LANES, ReplaysAPI, replay_document
from schemas.identity import instant_us

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def replays_api(hub: Hub) -> ReplaysAPI:
    settings, ports = hub.settings.replay, hub.ports
    replays = make_replays(hub)
    past = Past(
        index=ports.index,
        snapshot=hub.snapshot,
        agreements=hub.agreements,
        secret=ports.keys.secret,
        hub=hub.settings.hub_name,
        erased=nothing_erased,
        clock=hub.clock,
        observer=hub.observer,
    )
    replaying = Replaying(
        replays,
        history=_make_history(hub),
        past=past,
        journal=hub.journal,
        cursors=ReplayCursors(ports.keys.secret("cursor:replay"), hub.entropy.bytes),
        pace=Pace(settings.bytes_per_second_max, hub.clock),
        sealer=make_sealer(hub),
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        settings=settings,
    )
    return ReplaysAPI(
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        starting=_make_starting(hub),
        replaying=replaying,
        replays=replays,
        settings=settings,
    )


def _make_starting(hub: Hub) -> Starting:
    return Starting(
        make_replays(hub),
        history=_make_history(hub),
        log=hub.ports.log,
        cursors=make_pull(hub)[0],
        failed=partial(failed_in, hub.ports.dead_letters),
        journal=hub.journal,
        snapshot=hub.snapshot,
        clock=hub.clock,
        settings=hub.settings.replay,
    )


def _make_history(hub: Hub) -> History:
    return History(hub.ports.log, make_segments(hub), hub.ports.index, partitions=hub.events.partitions)


async def replay_act(
    hub: Hub, name: str, asked: object, operator: str | None, user: str
) -> Mapping[str, object] | Refusal:
    """What an operator asks of replays, once it was noted who asked. Raises `HubError`."""
    seen = await hub.registrar.looks.view(name, asked, operator=operator, user=user)
    if isinstance(seen, Refusal):
        return seen
    replays = make_replays(hub)
    match name:
        case "replay.start":
            reader = Reader(CLIENT_PREFIX + (operator or user), "")
            request = convert(asked, StartReplay)
            begun = await _make_starting(hub).start(seen["recipient"], request.feed, _wanted(request), reader)
            return begun if isinstance(begun, Refusal) else replay_document(begun)
        case "replay.end":
            ending = convert(asked, EndReplay)
            return await replays.end(ending.recipient, ending.id) or {"id": ending.id, "state": "ended"}
    found = [each for recipient in seen["recipients"] for each in await replays.of(recipient)]
    return {"items": [{**replay_document(each), "recipient": each.recipient} for each in found]}


def _wanted(request: StartReplay) -> Wanted:
    return Wanted(
        from_us=instant_us(request.from_) if request.from_ else None,
        to_us=instant_us(request.to) if request.to else None,
        stamps=tracks_named(request.stamps) if request.stamps else None,
        failed=request.failed,
        known_us=instant_us(request.known_at) if request.known_at else None,
        lane=LANES[request.lane or None],
    )


def make_replays(hub: Hub) -> Replays:
    most = hub.settings.replay.sessions_max
    return Replays(hub.ports.positions, clock=hub.clock, entropy=hub.entropy, sessions_max=most)


def make_segments(hub: Hub) -> Segments:
    blobs = Vault(hub.ports.segments, keys=hub.ports.keys, entropy=hub.entropy)
    return Segments(blobs, positions=hub.ports.positions, seal_keys=hub.ports.keys.seal_keys, observer=hub.observer)


def make_archivist(hub: Hub, holder: str) -> Archivist:
    log = hub.settings.log
    return Archivist(
        log=hub.ports.log,
        index=hub.ports.index,
        positions=hub.ports.positions,
        segments=make_segments(hub),
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        partitions=hub.events.partitions,
        retention_seconds=log.events_retention_seconds,
        interval_seconds=log.purge_interval_seconds,
        holder=holder,
    )
