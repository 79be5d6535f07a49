"""A recipient's own endpoints over HTTP: where its feeds are brought, how that goes, and by which keys it is signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from hub.core.endpoint import Endpoint
from hub.core.feed import lane_name
from hub.core.registry import Snapshot
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.web.edge import Handler, answer, only
from hub.web.gate import Gate


class EndpointsAPI:
    def __init__(self, gate: Gate, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._gate = gate
        self._snapshot = snapshot
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {"list_endpoints": self.list}

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        only(request, set())
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        feeds = snapshot.feeds_of(principal.partner.id)
        own = [shown(each, now) for feed in feeds for each in snapshot.endpoints.of(feed.name)]
        return answer({"items": own, "next": None})


def shown(endpoint: Endpoint, now: int) -> Mapping[str, object]:
    return {
        "endpoint": endpoint.id,
        "feed": lane_name(endpoint.feed, endpoint.lane),
        "url": endpoint.url,
        "mode": endpoint.mode.value,
        "ordered": endpoint.ordered,
        "state": endpoint.state.value,
        "since": utc_text(endpoint.since * 1_000_000),
        "keys": [key.public for key in endpoint.live_keys(now)],
    }
