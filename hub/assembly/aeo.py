"""What the hub itself does about AEO authorisations: watching their feeds, and saying how they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from hub.assembly.grounds import Ports
from hub.core.errors import Overloaded, Refusal, StaleRegistry
from hub.core.evidence import Item, Mode, Principal
from hub.core.partner import Partner, System
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.intake.decode import decode
from hub.intake.pipeline import Pipeline
from hub.operate.feed_watch import FeedWatch
from hub.operate.follow import LiveRegistry
from hub.operate.registrar import Registrar
from hub.operate.status_events import StatusEvents
from hub.ports.observer import Observer
from hub.ports.system import Clock

SYSTEM = "hub"
"""What its own events are submitted by: a system without credentials, `<partner>.hub`."""
WRITES = ("events:write",)


def make_feed_watch(live: LiveRegistry, registrar: Registrar, clock: Clock, observer: Observer) -> FeedWatch:
    watch = FeedWatch(lambda: live.snapshot, clock=clock, observer=observer)
    registrar.on_refusal(watch.refused)
    live.on_change(watch.changed)
    return watch


def make_status_events(
    settings: Settings,
    ports: Ports,
    pipeline: Pipeline,
    *,
    snapshot: Callable[[], Snapshot],
    holder: str,
    clock: Clock,
    observer: Observer,
) -> StatusEvents:
    async def publish(partner: Partner, events: Sequence[Mapping[str, Any]]) -> Sequence[Item]:
        """As a batch of the partner's would be taken, without a token and beside its quota."""
        system = System(f"{partner.id}.{SYSTEM}", partner.id, WRITES)
        principal = Principal(partner, system, "", frozenset(WRITES), 0)
        admitted = pipeline.admit(principal, mode=Mode.BATCHED, atomic=False)
        if isinstance(admitted, Refusal):
            raise StaleRegistry() if admitted.code == "REGISTRY_STALE" else Overloaded(admitted.code)
        decoded = decode(admitted, orjson.dumps(events), {}, bounds=settings.intake)
        if isinstance(decoded, Refusal):
            raise Overloaded(f"{len(events)} events at once: {decoded.code}")
        judged = [pipeline.judging.native(admitted, index, each) for index, each in enumerate(decoded)]
        return (await pipeline.accept(admitted, judged)).items

    return StatusEvents(
        publish,
        publisher=settings.hub_partner,
        snapshot=snapshot,
        positions=ports.positions,
        generation=ports.log.generation,
        holder=holder,
        clock=clock,
        observer=observer,
    )
