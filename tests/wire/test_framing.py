"""Requests as bytes: what is not HTTP, or not the HTTP that it says it is, ends in a problem and never in a wait."""

from __future__ import annotations

import orjson
import pytest

from tests.wire.conftest import MakeWorld
from tests.world import Caller, HubWorld, event

SECRET = b"Zm9yLXlvdXItZXllcy1vbmx5"


@pytest.mark.parametrize(
    "request_line",
    [
        b"NONSENSE " + SECRET,
        b"GET /health/live " + SECRET,
        b"GET  /health/live HTTP/1.1",
        b"BREW /v1/events HTTP/1.1",
        b"GET /health/live HTTP/9.9",
        b"G\x00T /health/live HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00" + SECRET,
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1",
        b"GET /health/live HTTP/1.1\r\nX-Secret " + SECRET,
        b"GET /health/live HTTP/1.1\r\n" + SECRET + b"\x00: x",
        b"GET /health/live HTTP/1.1\r\nX: " + b"b" * 40_000,
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: -1",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 0x10",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 10\r\nTransfer-Encoding: chunked",
        b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: gzip, chunked, x",
    ],
)
async def test_what_cannot_be_read_as_http_is_a_problem_without_an_echo(world: HubWorld, request_line: bytes) -> None:
    wire = await world.wire()

    await wire.send(request_line + b"\r\nX-After: 1\r\n\r\n0\r\n\r\n")
    answer = await wire.answer()

    assert answer.code == "BAD_REQUEST"
    assert SECRET not in answer.body


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"-5\r\nhello\r\n", b"ffffffffffffffffff\r\n"],
)
async def test_a_body_with_broken_chunks_is_a_bad_request(delta: Caller, chunks: bytes) -> None:
    wire = await delta.world.wire()

    await wire.send(delta.head(Transfer_Encoding="chunked") + b"\r\n", chunks)
    answer = await wire.answer()

    assert answer.code == "BAD_REQUEST"
    assert await wire.ended()


async def test_a_chunked_body_is_taken_up_to_the_limit_and_cut_off_beyond_it(make_world: MakeWorld) -> None:
    async with make_world(http={"body_bytes_max": 2_000}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        head = delta.head(Transfer_Encoding="chunked") + b"\r\n"
        exact = orjson.dumps(event("a")).ljust(2_000)
        wire, longer, endless = await world.wire(), await world.wire(), await world.wire()

        await wire.send(head, b"7d0\r\n" + exact + b"\r\n0\r\n\r\n")
        await longer.send(head + b"7d1\r\n" + exact + b" \r\n0\r\n\r\n")
        await endless.send(head, *[b"400\r\n" + b" " * 1024 + b"\r\n"] * 2)

        assert (await wire.answer()).status == 201
        assert (await longer.answer()).code == "BODY_TOO_LARGE"
        refused = await endless.answer()
        assert refused.code == "BODY_TOO_LARGE"
        assert refused.headers["Connection"] == "close"


async def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused_unread(make_world: MakeWorld) -> None:
    async with make_world(http={"body_bytes_max": 2_000}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        wire = await world.wire()

        await wire.send(delta.head(Content_Length="2001") + b"\r\n")
        refused = await wire.answer()

        assert refused.code == "BODY_TOO_LARGE"
        assert (await delta.post(orjson.dumps(event("a")).ljust(2_000))).status == 201


async def test_a_body_that_ends_early_closes_the_connection_and_stores_nothing(delta: Caller) -> None:
    body = orjson.dumps(event("cut"))
    wire = await delta.world.wire()

    await wire.send(delta.head(Content_Length=str(len(body) + 1)) + b"\r\n" + body)
    await wire.close()

    assert (await delta.post(event("next"))).status == 201
    assert await delta.judged("next") == ["FIRST"]
    assert (await delta.get("/v1/events", source=event()["source"], id="cut")).json["items"] == []


async def test_a_slow_body_is_given_up(make_world: MakeWorld) -> None:
    async with make_world(http={"body_seconds_max": 0.02}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        wire = await world.wire()

        await wire.send(delta.head(Content_Length="100") + b"\r\n", b"{")
        answer = await wire.answer()

        assert answer.code == "BODY_TOO_SLOW"
        assert answer.headers["Connection"] == "close"


async def test_a_sender_that_asks_first_is_told_to_go_on_only_when_it_is_admitted(delta: Caller) -> None:
    body = orjson.dumps(event("a"))
    wire = await delta.world.wire()

    await wire.send(delta.head(Content_Length=str(len(body)), Expect="100-continue") + b"\r\n")
    asked = await wire.answer(bodiless=True)
    answer = await (await wire.send(body)).answer()

    assert (asked.status, answer.status) == (100, 201)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x"}, "UNAUTHENTICATED"),
        ({"Authorization": ""}, "UNAUTHENTICATED"),
        ({"Content_Length": "100000000"}, "BODY_TOO_LARGE"),
        ({"Content_Encoding": "gzip"}, "MEDIA_TYPE_UNSUPPORTED"),
        ({"Content_Type": "text/plain"}, "MEDIA_TYPE_UNSUPPORTED"),
        ({"Hub_Batch": "whole"}, "BAD_REQUEST"),
    ],
)
async def test_a_sender_that_asks_first_is_refused_without_being_told_to_go_on(
    delta: Caller, headers: dict[str, str], code: str
) -> None:
    wire = await delta.world.wire()

    await wire.send(delta.head(**({"Content_Length": "10", "Expect": "100-continue"} | headers)) + b"\r\n")
    answer = await wire.answer()

    assert answer.code == code


async def test_a_stranger_is_refused_before_the_body_comes_and_the_connection_ends(world: HubWorld) -> None:
    wire = await world.wire()

    await wire.send(b"POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
    answer = await wire.answer()

    assert answer.code == "UNAUTHENTICATED"
    assert answer.headers["Connection"] == "close"


async def test_requests_that_follow_each_other_without_waiting_are_answered_in_order(delta: Caller) -> None:
    wire = await delta.world.wire()
    bodies = [orjson.dumps(event(f"e{number}")) for number in range(5)]
    requests = [delta.head(Content_Length=str(len(body))) + b"\r\n" + body for body in bodies]

    await wire.send(b"".join(requests))
    answers = [await wire.answer() for _ in bodies]

    assert [answer.json["id"] for answer in answers] == ["e0", "e1", "e2", "e3", "e4"]


async def test_a_connection_serves_on_after_refusals_whose_bodies_were_read(delta: Caller) -> None:
    wire = await delta.world.wire()
    bodies = [b"{", b"[]", orjson.dumps(event("a"))]

    statuses = []
    for body in bodies:
        await wire.send(delta.head(Content_Length=str(len(body))) + b"\r\n" + body)
        statuses.append((await wire.answer()).status)

    assert statuses == [400, 400, 201]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/event", 404),
        ("GET", "/v1/events/", 404),
        ("GET", "/V1/events", 404),
        ("GET", "/v1//events", 404),
        ("GET", "/v1/feeds/../events", 404),
        ("GET", "/v1/feeds/%2e%2e%2fetc/records", 404),
        ("GET", "/v1/feeds/a%00b/records", 404),
        ("GET", "/%ff%fe", 404),
        ("GET", "/v1/feeds/" + "a" * 65 + "/records", 404),
        ("GET", "/admin/v1/partner/list", 404),
        ("GET", "/metrics", 404),
        ("DELETE", "/v1/events", 405),
        ("PUT", "/v1/events", 405),
        ("OPTIONS", "/v1/events", 405),
        ("HEAD", "/health/live", 405),
        ("TRACE", "/v1/events", 405),
        ("POST", "/v1/feeds", 405),
        ("OPTIONS", "*", 404),
        ("GET", "http://elsewhere/v1/nothing", 404),
    ],
)
async def test_what_is_not_a_route_is_404_and_what_is_not_its_method_405(
    world: HubWorld, method: str, path: str, status: int
) -> None:
    wire = await world.wire()

    await wire.send(f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    answer = await wire.answer(bodiless=method == "HEAD")

    assert answer.status == status
    assert method == "HEAD" or answer.code == ("NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED")
    assert ("Allow" in answer.headers) == (status == 405)


async def test_the_methods_that_a_route_takes_are_named(world: HubWorld) -> None:
    assert (await world.ask("DELETE", "/v1/events")).headers["Allow"] == "GET, POST"


async def test_a_full_hub_refuses_at_once_and_says_when_to_come_back(make_world: MakeWorld) -> None:
    async with make_world(http={"requests_in_flight_max": 1}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        wire = await world.wire()
        await wire.send(delta.head(Content_Length="10", Expect="100-continue") + b"\r\n")
        await wire.answer(bodiless=True)

        refused = await delta.post(event("a"), Accept_Language="fr")

        assert (refused.status, refused.code) == (503, "OVERLOADED")
        assert refused.json["title"].startswith("Le hub est satur")
        await wire.close()


async def test_readers_that_wait_take_no_place_of_a_sender_nor_senders_theirs(make_world: MakeWorld) -> None:
    async with make_world(http={"requests_in_flight_max": 1}) as world:
        watch, delta = await world.reader(), await world.company()
        poll = await world.wire()
        await poll.send(watch.head("GET", "/v1/feeds/watch/records?wait=30", Content_Type="") + b"\r\n")

        feeds = await watch.get("/v1/feeds")  # Asked later, answered sooner: the poll waits.
        second = await watch.get("/v1/feeds/watch/records")
        posted = await delta.post(event("a"))

        assert (feeds.status, second.code, posted.status) == (200, "OVERLOADED", 201)
        assert [record["id"] for record in (await poll.answer()).json["items"]] == ["a"]


async def test_bodies_that_would_not_fit_into_memory_together_are_refused(make_world: MakeWorld) -> None:
    async with make_world(http={"bytes_in_flight_max": 1_500}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        wire = await world.wire()
        await wire.send(delta.head(Content_Length="1000", Expect="100-continue") + b"\r\n")
        await wire.answer(bodiless=True)

        refused = await delta.post(orjson.dumps(event("a")).ljust(1_000))

        assert refused.code == "OVERLOADED"
        await wire.send(orjson.dumps(event("b")).ljust(1_000))
        assert (await wire.answer()).status == 201
        assert (await delta.post(orjson.dumps(event("a")).ljust(1_000))).status == 201
