"""Feeds over HTTP: whose they are, cursors that can be trusted, long polls, and streams that delay nobody."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from hub.core.errors import StorageUnavailable
from hub.delivery.pull import Pull
from hub.web import reading
from hub.web.routes import BATCHED
from tests.wire.conftest import MakeWorld
from tests.world import RISK, Caller, HubWorld, event


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader()


@pytest.fixture
async def delta(world: HubWorld) -> Caller:
    return await world.company()


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


@asynccontextmanager
async def streaming(caller: Caller, **headers: str) -> AsyncIterator[aiohttp.StreamReader]:
    given = {"Authorization": f"Bearer {caller.token}"} | {name.replace("_", "-"): v for name, v in headers.items()}
    async with caller.world.http.get(f"{caller.world.hub.url}/v1/feeds/watch/stream", headers=given) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        assert response.headers["Server"] == "customs-hub"
        yield response.content


async def group(stream: aiohttp.StreamReader) -> tuple[list[str], str]:
    """The ids of the next group of records, and the cursor that ends it."""
    found, cursor = [], ""
    while not cursor:
        name, _, value = (await stream.readline()).decode().rstrip("\n").partition(": ")
        if name == "id":
            cursor = value
            name, _, value = (await stream.readline()).decode().rstrip("\n").partition(": ")
        if name == "data":
            found.append(orjson.loads(value)["id"])
    return found, cursor


async def test_a_reader_sees_its_own_feeds_alone(world: HubWorld, watch: Caller) -> None:
    other = await world.reader("other")

    assert [feed["name"] for feed in (await watch.get("/v1/feeds")).json["items"]] == ["watch"]
    for path in ("records", "stream"):
        foreign = await other.get(f"/v1/feeds/watch/{path}")
        unknown = await other.get(f"/v1/feeds/nothing/{path}")
        assert foreign.code == unknown.code == "NOT_FOUND"
        assert foreign.body == unknown.body
    acknowledged = await other.ask("POST", "/v1/feeds/watch/ack", json={"cursor": "x"})
    assert acknowledged.code == "NOT_FOUND"


async def test_a_page_waits_for_the_first_record(watch: Caller, delta: Caller) -> None:
    wire = await watch.world.wire()
    await wire.send(watch.head("GET", "/v1/feeds/watch/records?wait=30", Content_Type="") + b"\r\n")
    await watch.get("/v1/feeds")  # Asked later, answered sooner: the page waits.

    await delta.post(event("a"))

    assert ids((await wire.answer()).json["items"]) == ["a"]


async def test_reading_is_repeatable_and_a_cursor_leads_on(watch: Caller, delta: Caller) -> None:
    await delta.post([event("a"), event("b"), event("c")], BATCHED)
    await watch.records("watch", 3)

    first = await watch.get("/v1/feeds/watch/records", limit=2)
    again = await watch.get("/v1/feeds/watch/records", limit=2)
    rest = await watch.get("/v1/feeds/watch/records", cursor=first.json["next"])
    rest_again = await watch.get("/v1/feeds/watch/records", cursor=first.json["next"])

    assert ids(first.json["items"]) == ids(again.json["items"]) == ["a", "b"]
    assert ids(rest.json["items"]) == ids(rest_again.json["items"]) == ["c"]


async def test_an_acknowledged_place_is_where_a_reader_without_a_cursor_goes_on(watch: Caller, delta: Caller) -> None:
    await delta.post([event("a"), event("b")], BATCHED)
    await watch.records("watch", 2)
    first = await watch.get("/v1/feeds/watch/records", limit=1)
    both = await watch.get("/v1/feeds/watch/records", limit=2)

    for cursor in (both.json["next"], first.json["next"]):  # It never goes back.
        done = await watch.ask("POST", "/v1/feeds/watch/ack", json={"cursor": cursor})
        assert (done.status, done.body) == (204, b"")

    assert (await watch.get("/v1/feeds/watch/records")).json["items"] == []


async def test_from_earliest_begins_again_whatever_was_acknowledged(watch: Caller, delta: Caller) -> None:
    await delta.post([event("a"), event("b")], BATCHED)
    await watch.records("watch", 2)
    page = await watch.get("/v1/feeds/watch/records", limit=2)
    await watch.ask("POST", "/v1/feeds/watch/ack", json={"cursor": page.json["next"]})

    again = await watch.get("/v1/feeds/watch/records", **{"from": "earliest"})
    rest = await watch.get("/v1/feeds/watch/records")
    wrong = await watch.get("/v1/feeds/watch/records", **{"from": "yesterday"})

    assert (ids(again.json["items"]), rest.json["items"], wrong.code) == (["a", "b"], [], "BAD_REQUEST")


async def test_from_now_begins_behind_all_that_is_there(watch: Caller, delta: Caller) -> None:
    await delta.post([event("a"), event("b")], BATCHED)
    await watch.records("watch", 2)

    page = await watch.get("/v1/feeds/watch/records", **{"from": "now"})
    await delta.post(event("c"))
    rest = await watch.get("/v1/feeds/watch/records", cursor=page.json["next"], wait=30)

    assert (page.json["items"], ids(rest.json["items"])) == ([], ["c"])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'"x"', b"\xff", b'{"cursor": 1}', b'{"cursor": "x"}'])
async def test_an_acknowledgement_that_names_no_cursor_is_refused(watch: Caller, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await watch.ask("POST", "/v1/feeds/watch/ack", data=body, headers=headers)

    assert answer.status == 400
    assert answer.code in ("BODY_MALFORMED", "CURSOR_INVALID")


async def test_a_cursor_of_another_feed_or_reader_or_one_that_was_edited_is_invalid(watch: Caller) -> None:
    await watch.world.act("feed.add", name="second", recipient="watch", purpose=RISK)
    other = await watch.world.reader("other")
    foreign = (await other.get("/v1/feeds/other/records")).json["next"]
    second = (await watch.get("/v1/feeds/second/records")).json["next"]
    own = (await watch.get("/v1/feeds/watch/records")).json["next"]
    edited = own[:-1] + ("A" if own[-1] != "A" else "B")

    for cursor in (foreign, second, edited, own[:20], "x", "é"):
        answer = await watch.get("/v1/feeds/watch/records", cursor=cursor)
        assert (answer.status, answer.code) == (400, "CURSOR_INVALID")


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=1.5", "wait=x", "wait=9999999", "limit=١"])
async def test_a_page_is_asked_for_with_whole_numbers(watch: Caller, query: str) -> None:
    assert (await watch.ask("GET", f"/v1/feeds/watch/records?{query}")).code == "BAD_REQUEST"


async def test_an_expired_cursor_is_answered_with_a_fresh_one_that_keeps_its_mark(make_world: MakeWorld) -> None:
    async with make_world(delivery={"cursor_seconds": 1}) as world:
        watch, delta = await world.reader(), await world.company()
        await delta.post([event("a"), event("b")], BATCHED)
        await watch.records("watch", 2)
        cursor = (await watch.get("/v1/feeds/watch/records", limit=1)).json["next"]
        expired = await watch.get("/v1/feeds/watch/records", cursor=cursor)
        while expired.status == 200:
            expired = await watch.get("/v1/feeds/watch/records", cursor=cursor, wait=1)

        assert (expired.status, expired.code) == (410, "CURSOR_EXPIRED")
        fresh = await watch.get("/v1/feeds/watch/records", cursor=expired.json["cursor"])
        assert ids(fresh.json["items"]) == ["b"]


async def test_a_stream_brings_what_is_there_and_then_what_comes(watch: Caller, delta: Caller) -> None:
    await delta.post([event("a"), event("b")], BATCHED)
    await watch.records("watch", 2)

    async with streaming(watch) as stream:
        there = await group(stream)
        await delta.post(event("c"))
        comes = await group(stream)

    assert (there[0], comes[0]) == (["a", "b"], ["c"])


async def test_a_stream_goes_on_behind_the_last_event_that_its_reader_names(watch: Caller, delta: Caller) -> None:
    await delta.post(event("a"))
    async with streaming(watch) as stream:
        _, cursor = await group(stream)
    await delta.post(event("b"))

    async with streaming(watch, Last_Event_ID=cursor) as stream:
        assert (await group(stream))[0] == ["b"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_an_event_spread_over_lines_is_one_record_of_a_stream(watch: Caller, delta: Caller, end: bytes) -> None:
    sent = event("a")
    spread = orjson.dumps(sent, option=orjson.OPT_INDENT_2).replace(b"\n", end)

    async with streaming(watch) as stream:
        assert (await delta.post(spread)).status == 201
        await delta.post(event("b"))
        lines = [await stream.readline() for _ in range(4)]
        data = next(line for line in lines if line.startswith(b"data: "))
        assert orjson.loads(data.removeprefix(b"data: "))["data"] == sent["data"]
        assert (await group(stream))[0] == ["b"]


async def test_a_stream_shows_a_sign_of_life_with_a_cursor(make_world: MakeWorld) -> None:
    async with make_world(delivery={"stream_heartbeat_seconds": 0.01}) as world:
        watch = await world.reader()

        async with streaming(watch) as stream:
            found, cursor = await group(stream)

        assert found == []
        assert (await watch.get("/v1/feeds/watch/records", cursor=cursor)).status == 200


async def test_a_reader_has_as_many_streams_as_it_may_have(make_world: MakeWorld) -> None:
    async with make_world(delivery={"streams_per_reader_max": 1}) as world:
        watch, other = await world.reader(), await world.reader("other")

        async with streaming(watch):
            refused = await watch.get("/v1/feeds/watch/stream")
            async with world.http.get(
                f"{world.hub.url}/v1/feeds/other/stream", headers={"Authorization": f"Bearer {other.token}"}
            ) as response:
                assert response.status == 200

        assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")


async def test_one_reader_does_not_take_the_places_of_all_who_wait(make_world: MakeWorld) -> None:
    async with make_world(http={"requests_in_flight_max": 8}) as world:
        watch, other = await world.reader(), await world.reader("other")

        async with streaming(watch), streaming(watch):
            for path in ("/v1/feeds/watch/records", "/v1/feeds/watch/stream", "/v1/notices"):
                refused = await watch.get(path)
                assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")
            assert (await other.get("/v1/feeds/other/records")).status == 200
            assert (await watch.get("/v1/feeds")).status == 200


async def test_a_place_among_those_who_wait_is_given_back(make_world: MakeWorld) -> None:
    async with make_world(http={"requests_in_flight_max": 4}) as world:
        watch = await world.reader()

        answers = [await watch.get("/v1/feeds/watch/records", cursor="x") for _ in range(3)]

        assert [answer.code for answer in answers] == ["CURSOR_INVALID"] * 3
        assert (await watch.get("/v1/feeds/watch/records")).status == 200


async def test_a_stream_that_is_not_read_is_cut_and_delays_nobody(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STREAM_STALLED_SECONDS_MAX", 0.05)
    async with make_world(delivery={"stream_unsent_bytes_max": 4_096}) as world:
        watch, delta = await world.reader(), await world.company()
        lazy = lazy_stream(watch)

        async with streaming(watch) as stream:
            for number in range(60):
                assert (await delta.post(event(f"e{number}", remarks_of_the_day="x" * 200_000))).status == 201
                assert (await group(stream))[0] == [f"e{number}"]

        metrics = await operations(world, "/metrics")
        assert b'customs_hub_streams_cut_total{reason="slow"} 1.0' in metrics
        lazy.close()


def lazy_stream(caller: Caller) -> socket.socket:
    """A reader that asks for a stream and never looks at it."""
    url = urlsplit(caller.world.hub.url)
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    lazy.connect((url.hostname, url.port))
    lazy.sendall(caller.head("GET", "/v1/feeds/watch/stream", Content_Type="") + b"\r\n")
    return lazy


async def operations(world: HubWorld, path: str) -> bytes:
    status = await world.hub.status()
    async with world.http.get(f"{status['operations']}{path}") as response:
        return await response.read()


async def test_a_stream_whose_storage_goes_away_ends_without_a_second_answer_in_it(
    watch: Caller, delta: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("away")

    await delta.post(event("a"))
    async with streaming(watch) as stream:
        await group(stream)
        monkeypatch.setattr(Pull, "turn", away)
        await watch.world.act("partner.add", id="other", name="Other", country="NL", roles=["broker"])  # Wakes it.
        rest = await stream.read()

    assert b"HTTP/1.1" not in rest


async def test_monitoring_is_answered_on_its_own_port_and_partners_names_are_in_no_metric(
    watch: Caller, delta: Caller
) -> None:
    await delta.post(event("a"))
    await watch.records("watch", 1)

    metrics = await operations(watch.world, "/metrics")

    assert b'customs_hub_intake_items_total{type="customs.container.gate_in",verdict="ACCEPTED"} 1.0' in metrics
    assert b"delta" not in metrics
    assert orjson.loads(await operations(watch.world, "/health/ready")) == {"ready": True, "lacking": {}}
    assert orjson.loads(await operations(watch.world, "/health/live")) == {"live": True}
