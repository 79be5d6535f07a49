"""Quotas on the wire: what is over is refused whole and at once, and every answer says what is left."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from hub.core.quota import Quota, QuotaSettings
from hub.web.routes import BATCHED
from tests.wire.conftest import MakeWorld
from tests.world import Caller, HubWorld, event

TIGHT = Quota(
    events_per_second=1,
    bytes_per_second=1_000,
    requests_per_second=1,
    burst_seconds=20,
    requests_in_flight_max=2,
    streams_max=1,
)
ITEM = r'"(events|bytes|requests)"'


def tight(**changed: Any) -> dict[str, Any]:
    """The quota of `small`, with batches of at most ten."""
    return {"quotas": {"small": replace(TIGHT, **changed)}, "intake": {"batch_events_max": 10}}


async def small(world: HubWorld) -> Caller:
    await world.reader(feed=False)
    return await world.company("delta", tier="small")


async def stored(world: HubWorld) -> int:
    status: Any = await world.hub.status()
    return sum(partition["end"] for partition in status["partitions"])


async def test_a_batch_over_the_quota_is_refused_whole_and_passes_when_it_is_told_to_come_back(
    make_world: MakeWorld,
) -> None:
    async with make_world(**tight(requests_per_second=100, bytes_per_second=100_000)) as world:
        delta = await small(world)
        first = [await delta.post([event() for _ in range(10)], BATCHED) for _ in range(2)]
        before = await stored(world)

        refused = await delta.post([event() for _ in range(10)], BATCHED)

        assert [answer.status for answer in first] == [200, 200]
        assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")
        assert (refused.json["detail"], refused.headers["Retry-After"]) == ("events: 1 a second", "10")
        assert await stored(world) == before
        assert (await delta.post(event())).status in (201, 429)


async def test_every_answer_of_a_known_sender_says_what_is_left_and_when_all_is_there_again(
    make_world: MakeWorld,
) -> None:
    async with make_world(**tight()) as world:
        delta = await small(world)

        posted = await delta.post(event())
        asked = await delta.get("/v1/notices")

        policy, left = posted.headers["RateLimit-Policy"], posted.headers["RateLimit"]
        assert policy == (
            '"events";q=20;w=20;qu="events", "bytes";q=10485760;w=10486;qu="content-bytes", "requests";q=20;w=20'
        )
        assert re.fullmatch(rf"{ITEM};r=\d+;t=\d+(, {ITEM};r=\d+;t=\d+)*", left)
        assert left.startswith('"events";r=19;t=1, ')
        assert asked.headers["RateLimit-Policy"] == '"requests";q=20;w=20'


async def test_what_is_declared_beyond_the_quota_is_refused_before_it_is_sent(make_world: MakeWorld) -> None:
    async with make_world(**tight(), http={"body_bytes_max": 4_000}, documents=SMALL_DOCUMENTS) as world:
        delta = await small(world)
        wire = await world.wire()
        await delta.post(event())
        for size in (4_000,) * 5:
            await wire.send(delta.head(Content_Length=str(size), Expect="100-continue") + b"\r\n")
            answer = await wire.answer(bodiless=True)
            if answer.status != 100:
                break
            await wire.close()
            wire = await world.wire()

        assert answer.status == 429
        assert "RateLimit" in answer.headers


SMALL_DOCUMENTS = {"body_bytes_max": 4_000, "table_bytes_max": 4_000, "interchange_bytes_max": 4_000}


async def test_streams_are_counted_and_their_places_given_back(make_world: MakeWorld) -> None:
    authority = replace(TIGHT, requests_per_second=100)
    async with make_world(quotas={"authority": authority}) as world:
        watch = await world.reader()
        poll = await world.wire()
        await poll.send(watch.head("GET", "/v1/feeds/watch/records?wait=30", Content_Type="") + b"\r\n")
        await watch.get("/v1/feeds")

        refused = await watch.get("/v1/feeds/watch/records")
        delta = await world.company()
        await delta.post(event("a"))
        await poll.answer()

        assert (refused.code, refused.json["detail"]) == ("TOO_MANY_REQUESTS", "at most 1 streams at a time")
        assert (await watch.get("/v1/feeds/watch/records")).status == 200


async def test_what_an_operator_sets_apart_counts_from_then_on(make_world: MakeWorld) -> None:
    async with make_world(**tight(requests_per_second=100)) as world:
        delta = await small(world)
        await world.act("partner.quota", id="delta", events_per_second=2)
        twice = await delta.post(event())
        await world.act("partner.catch-up", id="*", hours=1)

        thrice = await delta.post(event())
        status: Any = await world.hub.status()

        assert '"events";q=40;w=20' in twice.headers["RateLimit-Policy"]
        assert '"events";q=120;w=20' in thrice.headers["RateLimit-Policy"]
        assert status["quotas"]["catch_up_until"] > 0


async def test_status_names_who_is_over_its_quota_and_metrics_name_nobody(make_world: MakeWorld) -> None:
    async with make_world(**tight(requests_per_second=100, burst_seconds=1)) as world:
        delta = await small(world)
        await delta.post([event() for _ in range(10)], BATCHED)
        await delta.post([event() for _ in range(10)], BATCHED)

        status: Any = await world.hub.status()
        counted = world.hub.observer.exposition().decode()

        assert [each["partner"] for each in status["quotas"]["at_quota"]] == ["delta"]
        assert 'customs_hub_quota_refused_total{reason="events"} 1.0' in counted
        assert "delta" not in counted


async def test_who_keeps_failing_is_not_looked_at_and_a_known_token_from_the_same_address_is(
    make_world: MakeWorld,
) -> None:
    async with make_world(quotas={"failures_per_second": 1}) as world:
        watch = await world.reader()
        await watch.get("/v1/feeds")
        forged = watch.head("GET", "/v1/feeds", Authorization="Bearer a.b.c") + b"\r\n"
        known = watch.head("GET", "/v1/feeds") + b"\r\n"
        grant = watch.head("POST", "/oauth/token", Authorization="", Content_Length="0") + b"\r\n"

        asked = [forged, forged, forged, known, grant]
        answers = [await (await (await world.wire()).send(each)).answer() for each in asked]

        assert [answer.status for answer in answers] == [401, 401, 429, 200, 429]
        assert {answer.code for answer in answers if answer.status == 429} == {"TOO_MANY_REQUESTS"}


def test_the_quotas_that_are_built_in_are_wider_for_those_who_are_trusted_more() -> None:
    built_in = QuotaSettings()

    tiers = [built_in.sandbox, built_in.small, built_in.trusted, built_in.aeo]
    for lesser, greater in pairwise(tiers):
        for limit in Quota.__struct_fields__:
            assert getattr(lesser, limit) <= getattr(greater, limit)
