"""Feeds told about: schema, AsyncAPI, lag, and the count of what another filter would bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from aiohttp import web
from msgspec import Struct, convert, to_builtins

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.feed import Feed
from hub.core.registry import Snapshot
from hub.delivery.lag import LaneLag
from hub.fanout.count import Asker, Counts, told
from hub.operate.looks import Looks
from hub.ports.system import Clock
from hub.trust.feed_schema import Schema, feed_schema
from hub.web.edge import JSON, BodyReader, Handler, answer, only
from hub.web.gate import Gate
from hub.web.hourly import Hourly
from hub.web.interface.asyncapi import feed_asyncapi
from hub.web.problems import Refused, granted
from schemas import guard

SCHEMA = "application/schema+json"
SCOPE = "feeds:read"
BODY_BYTES_MAX = 16_384
SCHEMAS_KEPT_MAX = 64


class Told(Struct, frozen=True, kw_only=True):
    """Where it is known."""

    looks: Looks
    counts: Counts
    lag: Callable[[Feed], Awaitable[Sequence[LaneLag]]]
    kinds: Mapping[str, Sequence[Schema]]
    """The sparse schemas of each type's versions."""
    url: str


class FeedsAPI:
    def __init__(
        self,
        sources: Told,
        *,
        gate: Gate,
        bodies: BodyReader,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        counts_per_hour_max: int,
    ) -> None:
        self._sources = sources
        self._gate = gate
        self._bodies = bodies
        self._snapshot = snapshot
        self._hourly = Hourly(counts_per_hour_max, "counts", clock=clock)
        self._schema = lru_cache(SCHEMAS_KEPT_MAX)(self._made)

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "get_feed_schema": self.schema,
            "get_feed_asyncapi": self.asyncapi,
            "get_feed_lag": self.lag,
            "count_feed": self.count,
        }

    async def schema(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        _, feed = self._own(request, names["feed"])
        schema = self._schema(feed.name, self._snapshot().revision)
        return web.Response(body=orjson.dumps(schema), headers={"Content-Type": SCHEMA})

    async def asyncapi(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        _, feed = self._own(request, names["feed"])
        schema = self._schema(feed.name, self._snapshot().revision)
        return answer(feed_asyncapi(feed, schema, self._sources.url))

    async def lag(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        _, feed = self._own(request, names["feed"])
        return answer({"items": [_for_its_recipient(each) for each in await self._sources.lag(feed)], "next": None})

    async def count(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """Of what this recipient may be shown for the feed's purpose, by the filter and types that it brings."""
        self._own(request, names["feed"])
        self._bodies.media_type(request, (JSON,))
        parsed = guard.parse(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX))
        principal, feed = self._own(request, names["feed"])  # The body may have taken seconds.
        if isinstance(parsed, list):
            raise Refused(Refusal("BODY_MALFORMED", faults=parsed))
        if (refusal := self._sources.counts.refusal(principal.partner.id)) is not None:
            raise Refused(refusal)
        self._hourly.step(principal.partner.id)
        tried = await self._tried(feed, parsed.value, principal)
        counted = granted(await self._sources.counts.count(tried, Asker(principal.system.id, principal.key_id)))
        self._own(request, names["feed"])
        return answer(told(counted))

    async def _tried(self, feed: Feed, asked: Mapping[str, Any], principal: Principal) -> Feed:
        """The feed as it would be. Raises `Refused`."""
        if not isinstance(asked.get("filter"), str) or asked.keys() - {"filter", "types"}:
            raise Refused(Refusal("BODY_MALFORMED", '{"filter": "…", "types": ["…"]}'))
        draft = {"name": feed.name, **asked}
        found = granted(await self._sources.looks.view("feed.draft", draft, user=principal.system.id))
        return convert(found["feed"], Feed)

    def _own(self, request: web.BaseRequest, name: str) -> tuple[Principal, Feed]:
        """Who asks, and their own feed. Raises `Refused`."""
        only(request, ())
        principal = self._gate.enter(request, SCOPE)
        feed = self._snapshot().feeds.get(name)
        if feed is None or feed.recipient != principal.partner.id:
            raise Refused(Refusal("NOT_FOUND", "`GET /v1/feeds` lists the feeds that you may read"))
        if feed.ended:
            raise Refused(Refusal("FEED_GONE"))
        return principal, feed

    def _made(self, name: str, _: int) -> Schema:
        """One for each revision of the registry."""
        return feed_schema(name, self._snapshot(), self._sources.kinds)


def _for_its_recipient(lag: LaneLag) -> dict[str, object]:
    """What of the log was not looked at yet is said in whole seconds alone: its number would tell what others send."""
    seconds = lag.routing.seconds
    return {**to_builtins(lag), "routing": {"seconds": None if seconds is None else max(1, round(seconds))}}
