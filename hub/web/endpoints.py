"""A recipient's own endpoints over HTTP: where its feeds and notices are brought, how that goes, by which keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from hub.core.endpoint import Endpoint, EndpointState, Failure, notices_of
from hub.core.evidence import Principal
from hub.core.feed import lane_name
from hub.core.registry import Snapshot
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.web.edge import Handler, answer, only
from hub.web.gate import Gate

SCOPES = ("feeds:read", "receipts:read")


class EndpointsAPI:
    def __init__(
        self,
        gate: Gate,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        failure: Callable[[str], Awaitable[Failure | None]],
    ) -> None:
        """`failure`: what went wrong with an endpoint last. Raises `HubError`."""
        self._gate = gate
        self._snapshot = snapshot
        self._clock = clock
        self._failure = failure

    def handlers(self) -> Mapping[str, Handler]:
        return {"list_endpoints": self.list}

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, *SCOPES)
        only(request, set())
        asked = [each.id for each in self._own(principal) if each.state is not EndpointState.ENDED]
        failures = {name: await self._failure(name) for name in asked}
        principal = self._gate.enter(request, *SCOPES)  # Storage may have taken seconds: who asks is looked at again.
        now = self._clock.now_us() // 1_000_000
        own = [shown(each, now, failures.get(each.id)) for each in self._own(principal)]
        return answer({"items": own, "next": None})

    def _own(self, principal: Principal) -> Sequence[Endpoint]:
        """Those of its feeds, and of its notices, as far as its scopes let it read these."""
        snapshot, partner = self._snapshot(), principal.partner.id
        brought = [feed.name for feed in snapshot.feeds_of(partner)] if "feeds:read" in principal.scopes else []
        brought += [notices_of(partner)] if "receipts:read" in principal.scopes else []
        return [each for name in brought for each in snapshot.endpoints.of(name)]


def shown(endpoint: Endpoint, now: int, failure: Failure | None) -> Mapping[str, object]:
    told = {} if failure is None else {"last_failure": {"time": utc_text(failure.at * 1_000_000), "why": failure.why}}
    return {
        "endpoint": endpoint.id,
        "feed": lane_name(endpoint.feed, endpoint.lane),
        "url": endpoint.url,
        "mode": endpoint.mode.value,
        "ordered": endpoint.ordered,
        "state": endpoint.state.value,
        "since": utc_text(endpoint.since * 1_000_000),
        "keys": [key.public for key in endpoint.live_keys(now)],
        **told,
    }
