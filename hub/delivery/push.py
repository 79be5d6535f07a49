"""Webhooks: one courier for each endpoint that is to be sent anything; none of them waits for another."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain, repeat

from hub.core.endpoint import TRIED, Endpoint, EndpointState
from hub.core.errors import HubError, LeaseLost
from hub.delivery.courier import LEASE_SECONDS, LOOK_SECONDS, STORAGE_SECONDS, Shift
from hub.delivery.means import Bell, Means, alarmed, lease_name, opened, standing
from hub.delivery.outbox import LADDER_SECONDS, Outbox
from hub.ports.positions import Lease
from hub.ports.system import end_if_cancelled
from hub.ports.webhooks import GONE, Reply
from hub.trust.webhook import CHALLENGE_BYTES

LAG_SECONDS = 10.0
"""How often lags are measured."""
_TENDED = TRIED | {EndpointState.UNVERIFIED}


class Push:
    """The delivery of webhooks by this process. `run` owns its tasks."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._bell = Bell()
        self._couriers: dict[str, asyncio.Task[None]] = {}
        self._outboxes: dict[str, Outbox] = {}

    def look(self) -> None:
        """The registry has changed."""
        self._bell.ring()

    async def run(self) -> None:
        """Tend every endpoint that the registry names, until cancelled."""
        measured = 0.0
        async with asyncio.TaskGroup() as group:
            while True:
                end_if_cancelled()
                bell = self._bell.next
                for endpoint in self._means.snapshot().endpoints:
                    courier = self._couriers.get(endpoint.id)
                    if endpoint.state in _TENDED and (courier is None or courier.done()):
                        self._couriers[endpoint.id] = group.create_task(self._tend(endpoint.id))
                if self._means.clock.monotonic() - measured >= LAG_SECONDS:
                    measured = self._means.clock.monotonic()
                    await self._measure()
                await self._until(bell)

    async def _until(self, bell: asyncio.Event) -> None:
        """Until the registry has changed, or it is time to look in any case."""
        with suppress(TimeoutError):
            async with self._means.clock.deadline(LAG_SECONDS):
                await bell.wait()

    async def _tend(self, name: str) -> None:
        """Until the endpoint is to be sent nothing any more, whatever fails meanwhile."""
        means = self._means
        while (endpoint := means.snapshot().endpoints.get(name)) is not None and endpoint.state in _TENDED:
            end_if_cancelled()
            try:
                await self._serve(name)
            except LeaseLost as lost:
                means.observer.event("endpoint.lease_lost", endpoint=name, error=str(lost))
            except HubError as error:
                means.observer.event("endpoint.waits", endpoint=name, error=str(error))
            except Exception as error:  # noqa: BLE001  A supervisor: a fault here must not stop the hub.
                alarmed(means.observer, name, error)
            else:
                await means.clock.sleep(LOOK_SECONDS)
                continue
            await means.clock.sleep(STORAGE_SECONDS)

    async def _serve(self, name: str) -> None:
        """For as long as this process holds the lease. Raises `LeaseLost` and what storage raises."""
        means, bell = self._means, self._bell.next
        stands = standing(name, means, _TENDED)
        lease = stands and await means.positions.acquire(lease_name(name), means.holder, LEASE_SECONDS)
        if stands is None or lease is None:
            await self._until(bell)
            return
        try:
            if stands[0].state is EndpointState.UNVERIFIED:
                await self._verify(stands[0], lease)
            else:
                outbox = self._outboxes[name] = await opened(*stands, means)
                await Shift(*stands, lease, outbox, means, self._bell).work()
        finally:
            self._outboxes.pop(name, None)
            await means.positions.release(lease)

    async def _verify(self, endpoint: Endpoint, lease: Lease) -> None:
        """Ask until it answers, at growing distance, while it may be asked and not anew. Raises what storage raises."""
        means, renew_at = self._means, 0.0
        for step in chain((0,), LADDER_SECONDS, repeat(LADDER_SECONDS[-1])):
            until = means.clock.monotonic() + step
            while self._is_asked(endpoint) and (not means.confirmed() or means.clock.monotonic() < until):
                if means.clock.monotonic() >= renew_at:
                    lease = await means.positions.renew(lease, LEASE_SECONDS)
                    renew_at = means.clock.monotonic() + LEASE_SECONDS / 3
                await means.clock.sleep(LOOK_SECONDS)
            if not self._is_asked(endpoint):
                return
            lease = await means.positions.renew(lease, LEASE_SECONDS)
            reply = await self._asked(endpoint)
            if not reply.taken:
                means.observer.event("endpoint.unverified", endpoint=endpoint.id, why=reply.told)
            elif await self._report(endpoint, EndpointState.ACTIVE):
                return
            if reply.status == GONE and await self._report(endpoint, EndpointState.GONE):
                return

    async def _report(self, endpoint: Endpoint, state: EndpointState) -> bool:
        """Whether the registry says so now; if not, it is asked again in its time."""
        try:
            await self._means.report(endpoint, state, self._means.now())
        except HubError as error:
            self._means.observer.event("endpoint.unreported", endpoint=endpoint.id, state=state, error=str(error))
            return False
        return True

    def _is_asked(self, endpoint: Endpoint) -> bool:
        """It is what it was, and may be sent something."""
        stands = standing(endpoint.id, self._means, _TENDED)
        return stands is not None and stands[0] == endpoint

    async def _asked(self, endpoint: Endpoint) -> Reply:
        means = self._means
        challenge = b64encode(means.entropy.bytes(CHALLENGE_BYTES)).decode()
        try:
            reply = await means.letters.verify(endpoint, challenge)
        except Exception as error:  # noqa: BLE001  As of any attempt.
            alarmed(means.observer, endpoint.id, error)
            reply = Reply(0, "a fault of the hub")
        outcome = "verified" if reply.taken else "unverified"
        means.observer.count("webhook_attempts", endpoint=endpoint.id, outcome=outcome)
        return reply

    async def _measure(self) -> None:
        for each in await self.told():
            name = str(each["endpoint"])
            self._means.observer.gauge("endpoint_lag_records", float(str(each["records_behind"])), endpoint=name)
            self._means.observer.gauge("endpoint_lag_seconds", float(str(each["seconds_behind"])), endpoint=name)

    async def told(self) -> Sequence[Mapping[str, object]]:
        """How every endpoint does that is delivered to here: for `customs-hub status`."""
        told = []
        for name, outbox in list(self._outboxes.items()):
            if (stands := standing(name, self._means)) is None:
                continue
            endpoint, source = stands
            oldest_us = min((each.oldest_us for each in outbox.messages.values()), default=None)
            since = outbox.failing_since_us // 1_000_000
            told.append(
                {
                    "endpoint": name,
                    "feed": endpoint.feed,
                    "state": endpoint.state.value,
                    "messages": len(outbox.messages),
                    "records_behind": await self._behind(source.stream, outbox),
                    "seconds_behind": 0.0 if oldest_us is None else self._means.now() - oldest_us / 1e6,
                    "failing_since": since or None,
                }
            )
        return told

    async def _behind(self, stream: str, outbox: Outbox) -> int:
        """Records that were not looked at, and those of messages; of what a message holds back it is not known."""
        try:
            ends = [(await self._means.log.bounds(stream, place.partition)).end for place in outbox.places]
        except HubError:
            ends = []
        ahead = sum(max(0, end - place.offset) for end, place in zip(ends, outbox.places, strict=False))
        return ahead + sum(len(message.offsets) for message in outbox.messages.values())
