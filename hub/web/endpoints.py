"""A recipient's own endpoints over HTTP: where its feeds and notices are brought, how that goes, by which keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from hub.core.endpoint import Endpoint, Failure, notices_of
from hub.core.feed import lane_name
from hub.core.registry import Snapshot
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.web.edge import Handler, answer, only
from hub.web.gate import Gate


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
        principal = self._gate.enter(request, "feeds:read", "receipts:read")
        only(request, set())
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        feeds = [feed.name for feed in snapshot.feeds_of(principal.partner.id)]
        brought = feeds if "feeds:read" in principal.scopes else []
        brought += [notices_of(principal.partner.id)] if "receipts:read" in principal.scopes else []
        endpoints = [each for name in brought for each in snapshot.endpoints.of(name)]
        own = [shown(each, now, await self._failure(each.id)) for each in endpoints]
        return answer({"items": own, "next": None})


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
