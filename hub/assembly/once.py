"""What one worker does for all: fan-out, what is known, retention, and what follows the registry."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from hub.assembly.aeo import make_status_events
from hub.assembly.audit import make_export
from hub.assembly.push import push_for
from hub.assembly.quarantine import make_letter_box, settling
from hub.assembly.reading import make_sealer
from hub.assembly.replays import make_archivist
from hub.core.access import Step
from hub.delivery.committed import Deliveries
from hub.delivery.counted import counting
from hub.delivery.published import Publications
from hub.delivery.walk import Walk
from hub.fanout.router import Fanout
from hub.intake.jobs import JobRunner
from hub.operate.agreement_watch import AgreementWatch
from hub.operate.archivist import Archivist
from hub.operate.direct_reading import DirectReading
from hub.operate.heralds import Heralds, Means
from hub.operate.retention import Retention
from hub.operate.settler import Settler
from hub.operate.status_events import StatusEvents
from hub.ports.feed_access import FeedAccess
from hub.trust.sealed_password import USE

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def once_for_all(hub: Hub, work: JobRunner) -> Iterator[Coroutine[Any, Any, None]]:
    """The tasks that one worker does for all; `work` is what finishes documents that were not answered at once."""
    yield _make_fanout(hub).run()
    yield _make_heralds(hub).run()
    publications = Publications(_make_walk(hub, Step.PUBLISHED), clock=hub.clock)
    yield publications.run()
    archivist = make_archivist(hub, _holder(hub))
    yield archivist.run()
    yield _make_retention(hub, archivist, publications).run()
    yield work.run()
    yield hub.follower.run()
    yield hub.second_look.run()
    yield make_letter_box(hub).run()
    yield Settler(settling(hub)).run()
    yield hub.feed_watch.run()
    yield hub.lags.run()
    yield _make_agreement_watch(hub).run()
    if hub.ports.feed_access is not None:
        yield _make_direct_reading(hub, hub.ports.feed_access).run()
        yield Deliveries(_make_walk(hub, Step.DELIVERED), groups=hub.groups, clock=hub.clock).run()
    yield push_for(hub, _holder(hub))
    if hub.settings.hub_partner:
        yield _make_status_events(hub).run()
    if hub.settings.audit.syslog:
        yield make_export(hub.settings, hub.live, hub.clock, hub.observer).run()


def _make_fanout(hub: Hub) -> Fanout:
    stale_seconds = hub.settings.intake.registry_seconds_max
    return Fanout(
        log=hub.ports.log,
        index=hub.ports.index,
        positions=hub.ports.positions,
        snapshot=hub.snapshot,
        confirmed=lambda: hub.live.confirmed_within(stale_seconds),
        secret=hub.ports.keys.secret,
        sealer=make_sealer(hub),
        clock=hub.clock,
        observer=hub.observer,
        settings=hub.settings.fanout,
        events=hub.events,
        feed_retention_seconds=hub.settings.log.feed_retention_seconds,
        holder=_holder(hub),
    )


def _make_walk(hub: Hub, step: Step) -> Walk:
    return Walk(
        step,
        log=hub.ports.log,
        positions=hub.ports.positions,
        journal=hub.journal,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        partitions=hub.events.partitions,
    )


def _make_heralds(hub: Hub) -> Heralds:
    intake = hub.settings.intake
    means = Means(
        log=hub.ports.log,
        positions=hub.ports.positions,
        dispatches=hub.ports.dispatches,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        partitions=hub.events.partitions,
        in_flight_seconds=intake.registry_seconds_max + intake.append_seconds_max,
        holder=_holder(hub),
    )
    return Heralds(means)


def _make_direct_reading(hub: Hub, access: FeedAccess) -> DirectReading:
    stale_seconds = hub.settings.intake.registry_seconds_max
    return DirectReading(
        access,
        snapshot=hub.snapshot,
        confirmed=lambda: hub.live.confirmed_within(stale_seconds),
        secret=hub.ports.keys.secret(USE),
        clock=hub.clock,
        observer=hub.observer,
    )


def _make_status_events(hub: Hub) -> StatusEvents:
    return make_status_events(
        hub.settings,
        hub.ports,
        hub.intake.pipeline,
        snapshot=hub.snapshot,
        holder=_holder(hub),
        clock=hub.clock,
        observer=hub.observer,
    )


def _make_agreement_watch(hub: Hub) -> AgreementWatch:
    return AgreementWatch(
        hub.registrar,
        snapshot=hub.snapshot,
        log=hub.ports.log,
        count=counting(hub.ports.log),
        positions=hub.ports.positions,
        partitions=hub.events.partitions,
        clock=hub.clock,
        observer=hub.observer,
    )


def _make_retention(hub: Hub, archivist: Archivist, publications: Publications) -> Retention:
    return Retention(
        log=hub.ports.log,
        index=hub.ports.index,
        blobs=hub.ports.blobs,
        jobs=hub.ports.jobs,
        views=hub.ports.views,
        accesses=hub.ports.accesses,
        dispatches=hub.ports.dispatches,
        dead_letters=hub.ports.dead_letters,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        settings=hub.settings.log,
        documents=hub.settings.documents,
        access_days=hub.settings.delivery.access_days,
        quarantine=hub.settings.quarantine,
        partitions=hub.events.partitions,
        sweep=hub.archived.sweep,
        archived_before_us=archivist.safe_before_us,
        is_over=publications.is_over,
    )


def _holder(hub: Hub) -> str:
    """The data directory's lock lets one hub run: after a restart a worker takes its own leases back at once."""
    return f"hub-{hub.worker.number}"
