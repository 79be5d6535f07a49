"""Notices as they come: a company's own over Server-Sent Events, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from connectors.risk.sse import EventParser, ServerSentEvent
from tests.wire.conftest import MakeWorld
from tests.wire.test_answering import engine, hold, send, sent, shown
from tests.world import RISK, Caller, HubWorld

STREAM = "/v1/notices/stream"


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await engine(world)


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()


class Stream:
    """What comes over one connection, event by event."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content, self._parser = content, EventParser()
        self._events: list[ServerSentEvent] = []
        self.id = ""
        """Of the last event that had one."""

    async def event(self) -> ServerSentEvent:
        while not self._events:
            chunk = await self._content.readany()
            assert chunk, "the stream ended"
            self._events.extend(self._parser.feed(chunk))
        event = self._events.pop(0)
        self.id = event.id or self.id
        return event

    async def notices(self, count: int) -> list[dict[str, Any]]:
        """The next ones, up to the end of their group."""
        found: list[dict[str, Any]] = []
        while len(found) < count or self._events:
            event = await self.event()
            if event.data:
                assert event.event == "notice"
                found.append(orjson.loads(event.data))
        return found

    async def end(self) -> None:
        """Return once the hub has ended it."""
        while await self._content.readany():
            pass


@asynccontextmanager
async def streaming(caller: Caller, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    given = {"Authorization": f"Bearer {caller.token}"} | {name.replace("_", "-"): v for name, v in headers.items()}
    async with caller.world.http.get(f"{caller.world.hub.url}{STREAM}{query}", headers=given) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        yield Stream(response.content)


async def held(watch: Caller, company: Caller, **more: Any) -> str:
    """A hold to a company; its id."""
    answer = await send(watch, hold(await shown(watch, company), **more))
    assert answer.status == 201
    return str(answer.json["items"][0]["notice"])


async def test_a_stream_brings_what_is_there_and_then_what_comes(watch: Caller, delta: Caller) -> None:
    there = await held(watch, delta)

    async with streaming(delta) as stream:
        first = await stream.notices(1)
        comes = await held(watch, delta)
        second = await stream.notices(1)

    assert [each["notice"] for each in (*first, *second)] == [there, comes]
    assert first == (await delta.get("/v1/notices", limit=1)).json["items"]


async def test_a_stream_goes_on_behind_the_last_id_that_its_reader_names(watch: Caller, delta: Caller) -> None:
    await held(watch, delta)
    async with streaming(delta) as stream:
        await stream.notices(1)
    missed = await held(watch, delta)

    async with streaming(delta, Last_Event_ID=stream.id) as again:
        [notice] = await again.notices(1)
    async with streaming(delta, f"?cursor={stream.id}") as asked:
        assert await asked.notices(1) == [notice]

    assert notice["notice"] == missed
    assert [each["notice"] for each in (await delta.get("/v1/notices", cursor=stream.id)).json["items"]] == [missed]


async def test_streams_of_two_companies_at_the_same_place_show_each_its_own(watch: Caller, delta: Caller) -> None:
    """Both wait at one place of one stream of the log, where what was found once is given to all who stand there."""
    echo = await watch.world.company("echo")
    async with streaming(delta) as ours, streaming(echo) as theirs, streaming(delta) as ours_again:
        mine = await held(watch, delta)
        found = [await ours.notices(1), await ours_again.notices(1)]
        others = await held(watch, echo)
        [foreign] = await theirs.notices(1)

    assert [[each["notice"] for each in one] for one in found] == [[mine], [mine]]
    assert foreign["notice"] == others


async def test_an_event_shown_on_a_stream_counts_as_read(watch: Caller, delta: Caller) -> None:
    await held(watch, delta)
    await sent(watch, lambda each: each["state"] == "written")

    async with streaming(delta) as stream:
        await stream.notices(1)

    assert (await sent(watch, lambda each: each["state"] == "read"))["read"]


@pytest.mark.parametrize("by", ["the key", "the partner"])
async def test_a_stream_ends_when_its_reader_may_no_longer_read(watch: Caller, delta: Caller, by: str) -> None:
    async with streaming(delta) as stream:
        await held(watch, delta)
        await stream.notices(1)

        if by == "the key":
            await delta.world.act("key.revoke", key=delta.key.id)
        else:
            await delta.world.act("partner.suspend", id="delta", reason="under suspicion")
        await stream.end()

    assert (await delta.get(STREAM)).code in ("UNAUTHENTICATED", "PARTNER_SUSPENDED")


async def test_a_cursor_of_a_feed_of_another_company_or_one_that_was_made_up_is_refused(
    watch: Caller, delta: Caller
) -> None:
    await held(watch, delta)
    own = (await watch.get("/v1/notices")).json["next"]
    of_feed = (await watch.get("/v1/feeds/watch/records")).json["next"]

    refused = [await watch.get(STREAM, cursor=of_feed)]
    refused += [await delta.get(STREAM, cursor=each) for each in (own, of_feed, "x", "earliest", "now", own[:-1])]

    assert [(each.status, each.code) for each in refused] == [(400, "CURSOR_INVALID")] * 7
    assert (await watch.get("/v1/feeds/watch/stream", cursor=own)).code == "CURSOR_INVALID"


@pytest.mark.parametrize("path", [STREAM, "/v1/notices"])
@pytest.mark.parametrize("query", ["partner=echo", "from=earliest", "lane=urgent", "cursor=x&cursor=y"])
async def test_what_nobody_can_ask_for_is_refused(delta: Caller, path: str, query: str) -> None:
    answer = await delta.ask("GET", f"{path}?{query}")

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("name", ["hub.notices", "hub.notices/urgent", "%2e%2e%2fnotices"])
async def test_no_feed_s_door_leads_to_notices(watch: Caller, delta: Caller, name: str) -> None:
    await held(watch, delta)

    for way in ("stream", "records"):
        assert (await watch.get(f"/v1/feeds/{name}/{way}")).code == "NOT_FOUND"


async def test_a_token_for_feeds_alone_streams_no_notices(world: HubWorld) -> None:
    reader = await world.company("reader", scopes=["feeds:read"], roles=["authority"])

    assert (await reader.get(STREAM)).code == "SCOPE_MISSING"


async def test_a_stream_shows_signs_of_life_that_lead_on(make_world: MakeWorld) -> None:
    async with make_world(delivery={"stream_heartbeat_seconds": 0.01}) as world:
        delta = await world.company()

        async with streaming(delta) as stream:
            event = await stream.event()

        assert (event.data, bool(event.id)) == (b"", True)
        assert (await delta.get("/v1/notices", cursor=event.id)).status == 200


async def test_a_company_has_as_many_streams_as_it_may_have_whatever_others_have(make_world: MakeWorld) -> None:
    async with make_world(delivery={"streams_per_reader_max": 1}) as world:
        delta, echo = await world.company(), await world.company("echo")

        async with streaming(delta), streaming(echo):
            refused = await delta.get(STREAM)

        assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")


async def test_an_engine_that_is_shown_a_company_s_events_hears_nothing_of_its_notices(
    watch: Caller, delta: Caller
) -> None:
    """Neither what it is told nor, on a stream that wakes for it, that it was told anything."""
    other = await engine(watch.world, "other")
    async with streaming(other) as stream:
        theirs = await held(watch, delta)
        async with streaming(delta) as own:
            assert [each["notice"] for each in await own.notices(1)] == [theirs]
        await watch.world.act("feed.add", name="spare", recipient="other", purpose=RISK)  # Wakes whoever waits.

        assert (await stream.event()).data == b""
