"""Feeds told about: what their records look like, how far behind they are, and what a filter would bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from hub.core.access import Step, offsets_of
from hub.ports.access_journal import Query
from tests.world import GATE_IN, RISK, Answer, Caller, HubWorld, event, hub_world, settings_in

EMPTY, FULL = 12, 3


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    rooms = {"delivery": {"counts_per_hour_max": 3}, "kafka": {"recipients_scram": "kafka.example:9093"}}
    async with hub_world(settings_in(tmp_path, **rooms)) as world:
        yield world


SOME = ("/data/empty", "/data/subjects", "/source", "/publisher")


async def posted(world: HubWorld, *fields: str) -> Caller:
    """Twelve empty containers and three full ones, and whoever reads of them all but where they are."""
    watch = await world.reader(fields=fields or SOME)
    delta = await world.company()
    for number in range(EMPTY + FULL):
        assert (await delta.post(event(f"e-{number}", empty=number < EMPTY))).status == 201
    await watch.records("watch", EMPTY + FULL)
    return watch


async def count(caller: Caller, filter: str, feed: str = "watch", **more: Any) -> Answer:  # noqa: A002
    asked = {"filter": filter, **more}
    return await caller.ask("POST", f"/v1/feeds/{feed}/count", json=asked)


async def test_a_count_is_rounded_and_few_are_told_as_few(world: HubWorld) -> None:
    watch = await posted(world)

    many = (await count(watch, "/data/empty = true")).json
    few = (await count(watch, "not /data/empty = true")).json

    assert (many["count"], many["complete"], "fewer_than" in many) == (10, True, False)
    assert (few["count"], few["fewer_than"]) == (0, 10)
    assert many["since"] < many["until"]


@pytest.mark.parametrize("path", ["schema", "asyncapi", "lag", "count"])
async def test_what_would_change_no_answer_about_a_feed_is_refused(path: str, world: HubWorld) -> None:
    watch = await world.reader()

    refused = await watch.ask("POST" if path == "count" else "GET", f"/v1/feeds/watch/{path}?version=1")

    assert (refused.status, refused.code) == (400, "BAD_REQUEST")
    assert "version" in refused.json["detail"]


async def test_a_count_is_written_down_with_the_events_that_it_told_of(world: HubWorld) -> None:
    watch = await posted(world)

    await count(watch, "/data/empty = true")

    entries = await world.hub.ports.accesses.entries(Query(recipient="watch"), limit=100)
    counted = [entry.access for entry in entries if entry.access.step is Step.COUNTED]
    assert sum(len([*offsets_of(each.runs)]) for each in counted) == EMPTY
    assert {(each.way, each.reader, each.feed, each.agreements) for each in counted} == {
        ("count", "watch.sys", "watch", ("watch-all",))
    }


async def test_a_count_is_of_what_agreements_show_and_of_no_repeat(world: HubWorld) -> None:
    watch = await posted(world)
    other = await world.company("epsilon")
    await world.act("agreement.add", id="only", provider={"partner": "epsilon"}, types=["*"], recipient="watch",
                    purpose="statistics", fields=["*"])  # fmt: skip
    await world.act("feed.add", name="stats", recipient="watch", purpose="statistics")
    assert (await other.post(event("x"))).status == 201
    await watch.records("stats", 1)

    everything = (await count(watch, "type exists", feed="stats")).json

    assert everything["fewer_than"] == 10


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("place = NLRTM", "ACT_FILTER_FIELD_WITHHELD"),
        ("tier = aeo", "ACT_FILTER_FIELD_WITHHELD"),
        ("/data/nothing = 1", "ACT_FILTER_FIELD_UNKNOWN"),
        ("plaice", "ACT_FILTER_MALFORMED"),
    ],
)
async def test_a_count_of_what_the_recipient_may_not_see_is_refused(world: HubWorld, text: str, code: str) -> None:
    watch = await world.reader(fields=["/data/empty"])

    refused = await count(watch, text)

    assert (refused.status, refused.code) == (422, "ACT_REFUSED")
    assert next(fault["code"] for fault in refused.json["faults"]) == code


async def test_counts_are_bounded_by_the_hour(world: HubWorld) -> None:
    watch = await world.reader()

    answers = [await count(watch, "type exists") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 60


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"filter": 1}', b'{"filter": "", "feed": "x"}', b"{"])
async def test_a_count_without_a_filter_in_its_form_is_refused(world: HubWorld, body: bytes) -> None:
    watch = await world.reader()

    refused = await watch.ask("POST", "/v1/feeds/watch/count", data=body, headers={"Content-Type": "application/json"})

    assert (refused.status, refused.code) == (400, "BODY_MALFORMED")


async def test_a_feed_publishes_the_schema_of_its_records_in_versions(world: HubWorld) -> None:
    watch = await posted(world)

    first = (await watch.get("/v1/feeds/watch/schema")).json
    await world.act("feed.change", name="watch", filter="/data/empty = true", types=[GATE_IN])
    second = (await watch.get("/v1/feeds/watch/schema")).json
    await world.act("agreement.add", id="more", provider={"all": True}, types=["*"], recipient="watch", purpose=RISK,
                    fields=["/data/place"])  # fmt: skip
    third = (await watch.get("/v1/feeds/watch/schema")).json

    names = [each["$id"].removeprefix("urn:customs-hub:feed:watch:") for each in (first, second, third)]
    assert [name.partition(".")[0] for name in names] == ["1", "2", "2"]
    assert len(set(names)) == 3
    assert "unlocode" not in str(first)
    assert "unlocode" in str(third)
    passes = Draft202012Validator(first, validate_formats=True, offline=True)
    for record in await watch.records("watch", EMPTY + FULL):
        passes.validate(record)


async def test_a_feeds_asyncapi_document_names_its_lanes_and_holds_its_schema(world: HubWorld) -> None:
    watch = await world.reader(feed=False)
    await world.act("feed.add", name="watch", recipient="watch", purpose=RISK, urgent=["customs.seal.*"],
                    ways=["sse", "kafka"])  # fmt: skip

    document = (await watch.get("/v1/feeds/watch/asyncapi")).json

    assert {name: channel["address"] for name, channel in document["channels"].items()} == {
        "stream": "/v1/feeds/watch/stream",
        "streamUrgent": "/v1/feeds/watch/stream?lane=urgent",
        "topic": "hub.feed.watch",
        "topicUrgent": "hub.feed.watch.urgent",
    }
    payload = document["components"]["messages"]["record"]["payload"]
    assert payload["schema"] == (await watch.get("/v1/feeds/watch/schema")).json


@pytest.mark.parametrize("shown", ["*", "/id"])
async def test_lag_counts_the_events_that_were_not_acknowledged_until_they_are(world: HubWorld, shown: str) -> None:
    watch = await posted(world, shown)

    [behind] = (await watch.get("/v1/feeds/watch/lag")).json["items"]
    page = await watch.get("/v1/feeds/watch/records", wait=30)
    await watch.ask("POST", "/v1/feeds/watch/ack", json={"cursor": page.json["next"]})
    [done] = (await watch.get("/v1/feeds/watch/lag")).json["items"]

    assert (behind["feed"], behind["lane"], behind["quiet"]) == ("watch", "", False)
    assert behind["reading"]["events"] == EMPTY + FULL
    assert behind["reading"]["seconds"] >= 0
    assert (done["reading"]["events"], done["reading"]["seconds"]) == (0, None)


async def test_how_much_of_the_log_was_not_looked_at_yet_is_told_in_seconds_alone(world: HubWorld) -> None:
    watch = await posted(world, "*")

    [lag] = (await watch.get("/v1/feeds/watch/lag")).json["items"]

    assert lag["routing"].keys() == {"seconds"}


async def test_operators_are_told_of_lags_and_so_is_who_watches_metrics(world: HubWorld) -> None:
    watch = await posted(world, "*")
    await watch.get("/v1/feeds/watch/lag")

    status: Any = await world.hub.status()
    assert status["feeds"][0]["feed"] == "watch"
    assert b'customs_hub_feed_behind_events{feed="watch",stage="reading"} 15' in world.hub.observer.exposition()


async def test_who_asks_about_one_feed_is_told_how_far_it_is_behind_now(world: HubWorld) -> None:
    await posted(world, "*")

    status: Any = await world.hub.status("watch")

    assert [lag["reading"]["events"] for lag in status["feeds"]] == [EMPTY + FULL]


@pytest.mark.parametrize("route", ["schema", "asyncapi", "lag", "count"])
async def test_of_a_feed_of_others_nothing_is_told_and_one_that_has_ended_is_gone(world: HubWorld, route: str) -> None:
    watch, other = await world.reader(), await world.reader("other")

    async def ask(feed: str) -> Answer:
        method, more = ("POST", {"json": {"filter": ""}}) if route == "count" else ("GET", {})
        return await watch.ask(method, f"/v1/feeds/{feed}/{route}", **more)

    assert (await ask("other")).code == (await ask("unknown")).code == "NOT_FOUND"
    await world.act("feed.end", name="watch")
    assert (await ask("watch")).code == "FEED_GONE"
    assert other.partner == "other"
