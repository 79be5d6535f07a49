"""Replays put together: what reads the past, and what keeps it beyond the log's time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.core.record import Position
from hub.core.replay import nothing_erased
from hub.delivery.cursors import Cursors
from hub.delivery.pace import Pace
from hub.delivery.replay import Replaying
from hub.delivery.replay_start import Starting
from hub.delivery.replays import Replays
from hub.fanout.past import Past
from hub.operate.archivist import Archivist
from hub.operate.history import History
from hub.operate.segments import Segments
from hub.operate.vault import Vault
from hub.trust.replay_cursor import ReplayCursors
from hub.web.replays import ReplaysAPI

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def replays_api(hub: Hub, cursors: Cursors) -> ReplaysAPI:
    """`cursors`: of the feeds."""
    settings, ports = hub.settings.replay, hub.ports
    replays = make_replays(hub)
    history = History(ports.log, make_segments(hub), ports.index, partitions=hub.events.partitions)
    past = Past(
        index=ports.index,
        snapshot=hub.snapshot,
        secret=ports.keys.secret,
        hub=hub.settings.hub_name,
        erased=nothing_erased,
        clock=hub.clock,
        observer=hub.observer,
    )
    starting = Starting(
        replays,
        history=history,
        log=ports.log,
        cursors=cursors,
        failed=_nothing_failed,
        journal=hub.journal,
        snapshot=hub.snapshot,
        clock=hub.clock,
        settings=settings,
    )
    replaying = Replaying(
        replays,
        history=history,
        past=past,
        journal=hub.journal,
        cursors=ReplayCursors(ports.keys.secret("cursor:replay"), hub.entropy.bytes),
        pace=Pace(settings.bytes_per_second_max, hub.clock),
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        settings=settings,
    )
    return ReplaysAPI(
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        starting=starting,
        replaying=replaying,
        replays=replays,
        settings=settings,
    )


def make_replays(hub: Hub) -> Replays:
    most = hub.settings.replay.sessions_max
    return Replays(hub.ports.positions, clock=hub.clock, entropy=hub.entropy, sessions_max=most)


def make_segments(hub: Hub) -> Segments:
    blobs = Vault(hub.ports.segments, keys=hub.ports.keys, entropy=hub.entropy)
    return Segments(blobs, seal_keys=hub.ports.keys.seal_keys, observer=hub.observer)


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


async def _nothing_failed(_: str) -> Sequence[Position]:
    return ()
