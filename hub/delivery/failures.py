"""What went wrong last with each endpoint: kept apart from what it is to be sent, so that whoever asks reads little."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec.structs import replace

from hub.core.endpoint import Endpoint, EndpointState, Failure
from hub.core.errors import HubError
from hub.delivery.means import lease_name
from hub.delivery.outbox import failing_since_us
from hub.ports.positions import Positions
from hub.ports.system import Clock
from hub.ports.webhooks import Reply

KEPT_SECONDS = 60
"""The same reason is written down no more often."""
LEASE_SECONDS = 10.0


class Failures:
    """By this process, called `holder`."""

    def __init__(self, positions: Positions, clock: Clock, holder: str) -> None:
        self._positions = positions
        self._clock = clock
        self._holder = holder
        self._noted: dict[str, Failure] = {}

    async def note(self, endpoint: Endpoint, reply: Reply) -> None:
        """Keep it, where it can be: what is said of a failure must not become one."""
        now = self._clock.now_us() // 1_000_000
        failure = Failure(endpoint.verification, now, reply.why or f"answered {reply.status}", reply.detail)
        before = self._noted.get(endpoint.id)
        is_known = before is not None and replace(failure, at=before.at) == before
        if before is not None and is_known and now < before.at + KEPT_SECONDS:
            return
        with suppress(HubError):
            lease = await self._positions.acquire(_name(endpoint.id), self._holder, LEASE_SECONDS)
            if lease is not None:
                await self._positions.keep(lease, msgspec.msgpack.encode(failure))
                await self._positions.release(lease)
                self._noted[endpoint.id] = failure


async def last_failure(positions: Positions, endpoint: str) -> Failure | None:
    """None: none was seen, or it is not known. Raises what storage raises."""
    content = await positions.kept(_name(endpoint))
    return None if content is None else msgspec.msgpack.decode(content, type=Failure)


async def told_failure(positions: Positions, endpoint: Endpoint) -> Failure | None:
    """The last one, and whether it is over: what became of attempts is kept up to a second late. Raises as
    `last_failure` does."""
    failure = await last_failure(positions, endpoint.id)
    if failure is None or endpoint.state is not EndpointState.ACTIVE:
        return failure
    kept = await positions.kept(lease_name(endpoint.id))
    return replace(failure, over=kept is None or failing_since_us(kept) == 0)


def _name(endpoint: str) -> str:
    return f"webhook-failure/{endpoint}"
