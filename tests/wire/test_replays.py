"""Replays over HTTP: begun, read, listed and ended by their recipient, and by nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub.core.record import EVENTS
from tests.brokers import administering, let_go
from tests.wire.conftest import ON_BOTH_GROUNDS, ON_KAFKA_TOO, MakeWorld
from tests.world import Answer, Caller, HubWorld, event

START = "/v1/feeds/watch/replays"
SHORT = {"events_retention_seconds": 1, "purge_interval_seconds": 0.05}
EVERYTHING = {"from": "1970-01-01T00:00:00Z"}


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    """Has read three events from its feed."""
    return await world.reader_of("a", "b", "c")


async def started(caller: Caller, **asked: Any) -> str:
    answer = await caller.ask("POST", START, json=asked or EVERYTHING)
    assert answer.status == 201, answer
    assert answer.headers["Location"] == f"/v1/replays/{answer.json['id']}/records"
    return str(answer.json["id"])


async def page(caller: Caller, replay: str, **query: str | int) -> Answer:
    return await caller.get(f"/v1/replays/{replay}/records", **query)


@ON_KAFKA_TOO
async def test_a_replay_gives_the_records_of_the_feed_again(watch: Caller) -> None:
    live = await watch.records("watch", 3)
    replay = await started(watch)

    first = (await page(watch, replay, limit=2)).json
    second = (await page(watch, replay, cursor=first["next"])).json

    assert first["items"] + second["items"] == live
    assert second["replay"] == {"id": replay, "complete": True, "gap": False}


async def test_replays_are_listed_until_they_are_ended(watch: Caller) -> None:
    one = await started(watch, **EVERYTHING, known_at="2100-01-01T00:00:00Z", lane="main")
    other = await started(watch)

    ended = await watch.ask("DELETE", f"/v1/replays/{other}")
    [left] = (await watch.get("/v1/replays")).json["items"]

    assert (ended.status, left["id"], left["feed"], left["asked"]) == (204, one, "watch", "time")
    assert (left["known_at"], left["lane"], left["by"]) == ("2100-01-01T00:00:00.000000Z", "main", "watch.sys")
    assert (await watch.ask("DELETE", f"/v1/replays/{other}")).code == "NOT_FOUND"
    assert (await page(watch, other)).code == "NOT_FOUND"


async def test_somebody_elses_replay_is_not_there(world: HubWorld, watch: Caller) -> None:
    replay, other = await started(watch), await world.reader("other")

    answers = [
        await page(other, replay),
        await other.ask("DELETE", f"/v1/replays/{replay}"),
        await other.ask("POST", START, json=EVERYTHING),
    ]

    assert [each.code for each in answers] == ["NOT_FOUND"] * 3
    assert (await other.get("/v1/replays")).json["items"] == []
    assert (await page(watch, replay)).status == 200


@ON_KAFKA_TOO
async def test_a_replay_begins_where_a_cursor_of_the_feed_stands(watch: Caller) -> None:
    behind = (await watch.get("/v1/feeds/watch/records", limit=1, **{"from": "earliest"})).json["next"]

    replay = await started(watch, cursor=behind)
    records = (await page(watch, replay)).json["items"]

    assert [each["id"] for each in records] == ["b", "c"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "BAD_REQUEST"),
        ({**EVERYTHING, "failed": True}, "BAD_REQUEST"),
        ({**EVERYTHING, "to": EVERYTHING["from"]}, "BAD_REQUEST"),
        ({**EVERYTHING, "until": "x"}, "BAD_REQUEST"),
        ({"failed": True, "until": "x"}, "BAD_REQUEST"),
        ({"failed": True, "to": "2100-01-01T00:00:00Z"}, "BAD_REQUEST"),
        ({"missing": "x", "until": "x"}, "BAD_REQUEST"),
        ({"from": "yesterday"}, "BAD_REQUEST"),
        ({"from": 1}, "BODY_MALFORMED"),
        ({"stamps": [[1, 0, 0, 5]]}, "BODY_MALFORMED"),
        ({"cursor": "x"}, "CURSOR_INVALID"),
        ({"missing": "x"}, "CURSOR_INVALID"),
        ({**EVERYTHING, "lane": "slow"}, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_replayed_is_refused(watch: Caller, body: dict[str, Any], code: str) -> None:
    assert (await watch.ask("POST", START, json=body)).code == code


async def test_a_cursor_of_the_feed_is_none_of_a_replay_and_unknown_parameters_are_refused(watch: Caller) -> None:
    live = (await watch.get("/v1/feeds/watch/records")).json["next"]
    replay = await started(watch)

    assert (await page(watch, replay, cursor=live)).code == "CURSOR_INVALID"
    assert (await page(watch, replay, lane="urgent")).code == "BAD_REQUEST"


async def test_a_recipient_has_a_bounded_number_of_replays(make_world: MakeWorld) -> None:
    async with make_world(replay={"sessions_max": 1}) as world:
        watch = await world.reader()
        await started(watch)

        assert (await watch.ask("POST", START, json=EVERYTHING)).code == "TOO_MANY_REQUESTS"


@ON_KAFKA_TOO
async def test_an_agreement_that_ends_stops_a_replay_with_its_feed(world: HubWorld, watch: Caller) -> None:
    replay = await started(watch)
    first = (await page(watch, replay, limit=1)).json["next"]
    await world.act("agreement.end", id="watch-all")

    answer = await page(watch, replay, cursor=first)

    assert answer.code == "FEED_GONE"


@ON_KAFKA_TOO
async def test_the_company_is_told_that_its_events_were_replayed(world: HubWorld) -> None:
    watch, company = await world.reader(), await world.company()
    assert (await company.post(event("a"))).status == 201
    await watch.records("watch", 1)
    await page(watch, await started(watch))

    replayed: list[dict[str, Any]] = []
    while not replayed:
        told = (await company.get("/v1/accesses")).json["items"]
        replayed = [each for each in told if each["step"] == "replayed"]

    assert [(each["recipient"], each["way"]) for each in replayed] == [("watch", "replay")]


async def test_a_replay_goes_on_after_the_hub_was_started_again(make_world: MakeWorld) -> None:
    async with make_world(ground="sqlite") as world:
        watch, company = await world.reader(), await world.company()
        for name in ("a", "b"):
            assert (await company.post(event(name))).status == 201
        await watch.records("watch", 2)
        replay = await started(watch)
        first = (await page(watch, replay, limit=1)).json
    async with make_world(ground="sqlite") as world:
        again = Caller(world, watch.id, watch.key)
        await again.sign_in()

        second = (await page(again, replay, cursor=first["next"])).json

    assert [each["id"] for each in second["items"]] == ["b"]


@ON_BOTH_GROUNDS
async def test_what_the_log_has_let_go_of_is_replayed_where_an_agreement_asked_to_keep_it(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    async with make_world(log=SHORT) as world:
        watch, company = await world.reader(archive_days=30), await world.company()
        assert (await company.post(event("a"))).status == 201
        live = await watch.records("watch", 1)
        while not list((tmp_path / "archive").rglob("index-0-*")):
            await asyncio.sleep(0.02)
        await until_let_go(world)

        replayed = (await page(watch, await started(watch))).json

    kept = [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
    assert replayed["items"] == live
    assert not replayed["replay"]["gap"]
    assert {path.name.rpartition("-")[0] for path in kept} == {"1-0-0", "index-0-000000000000"}
    assert not any(b"MSKU1234565" in path.read_bytes() for path in kept)


async def until_let_go(world: HubWorld) -> None:
    """Kafka's brokers look every few minutes: there the records are taken by hand."""
    if world.hub.settings.log.ground == "kafka":
        brokers = world.hub.settings.kafka
        async with administering(brokers.bootstrap) as admin:
            await let_go(admin, brokers.topic_prefix + EVENTS)
    while (await world.hub.ports.log.bounds(EVENTS, 0)).start == 0:
        await asyncio.sleep(0.02)
