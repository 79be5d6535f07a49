"""Webhooks put together: what the couriers read, how they sign, and whom they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.assembly.reading import make_notices, make_pull
from hub.core.endpoint import Endpoint, EndpointState
from hub.core.errors import HubError, Refusal
from hub.core.proposal import Authority
from hub.delivery.again import Again
from hub.delivery.cursors import Cursors
from hub.delivery.dead import into_quarantine
from hub.delivery.failures import Failures
from hub.delivery.letter import Letters
from hub.delivery.means import Means
from hub.delivery.pull import Pull
from hub.delivery.push import Push
from hub.drivers.http.poster import HttpPoster

if TYPE_CHECKING:
    from hub.assembly.hub import Hub

ACTOR = "delivery"


async def push_for(hub: Hub, holder: str) -> None:
    """Deliver webhooks until cancelled. Raises `HubError` where the settings cannot be kept."""
    cursors, pull = make_pull(hub)
    try:
        opened = HttpPoster(hub.settings.webhooks, hub.clock)
    except (ValueError, OSError) as error:
        raise HubError(f"[webhooks]: {error}") from error
    async with opened as poster:
        means = _means(hub, pull, cursors, holder, poster)
        hub.push, hub.again = Push(means), Again(means)
        push = hub.push
        hub.live.on_change(lambda _: push.look())
        await push.run()


def _means(hub: Hub, pull: Pull, cursors: Cursors, holder: str, poster: HttpPoster) -> Means:
    stale_seconds = hub.settings.intake.registry_seconds_max

    async def report(seen: Endpoint, state: EndpointState, since: int) -> None:
        known = {"seen": seen.state.value, "verification": seen.verification}
        request = {"id": seen.id, "state": state.value, "since": since, **known}
        outcome = await hub.registrar.perform("endpoint.report", request, actor=ACTOR, authority=Authority.HUB)
        if isinstance(outcome, Refusal):
            raise HubError(f"endpoint.report: {outcome.code}")

    failures = Failures(hub.ports.positions, hub.clock, holder)
    return Means(
        pull=pull,
        notices=make_notices(hub, cursors),
        letters=Letters(poster, hub.ports.keys.secret, hub.clock, failures.note),
        log=hub.ports.log,
        positions=hub.ports.positions,
        cursors=cursors,
        snapshot=hub.snapshot,
        confirmed=lambda: hub.live.confirmed_within(stale_seconds),
        report=report,
        bury=into_quarantine(hub.ports.log, hub.observer),
        clock=hub.clock,
        entropy=hub.entropy,
        observer=hub.observer,
        settings=hub.settings.webhooks,
        partitions=hub.events.partitions,
        holder=holder,
    )
