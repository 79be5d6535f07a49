"""Filters of feeds: what is refused with its reason, and which changes take a second person."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from hub.operate.registrar import ACTS

FEED = {"name": "seals", "recipient": "risk", "purpose": "security-risk-assessment", "types": ["customs.seal.*"]}
SOME = ["/data/seal", "/data/finding", "/data/subjects", "/hubwarnings"]


@pytest.fixture
async def world(desk: Any) -> Any:
    await desk.enrol("zephyr")
    await desk.enrol("risk", "authority")
    await desk.agree("a1", fields=SOME)
    return desk


async def refused(world: Any, text: str, **more: Any) -> list[tuple[str, str, str]]:
    outcome = await world.registrar.perform("feed.add", {**FEED, **more, "filter": text}, actor="ada")
    return [
        (fault.code.removeprefix("ACT_FILTER_"), fault.place.removeprefix("/filter, column "), fault.found)
        for fault in outcome.faults
    ]


async def test_a_filter_of_which_no_proof_comes_to_an_end_is_taken_as_one_that_something_may_pass(world: Any) -> None:
    pairs = [f"(/data/finding = BROKEN or subject starts {number})" for number in range(32)]

    await world.do("feed.add", **FEED, filter=f"not ({' and '.join(pairs)})")


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("plaice = NLRTM", [("MALFORMED", "1", "plaice")]),
        ("/data/harbour = NLRTM", [("FIELD_UNKNOWN", "1", "/data/harbour")]),
        ("not /data/finding/deeper exists", [("FIELD_UNKNOWN", "5", "/data/finding/deeper")]),
        ("hs = 0101", [("FIELD_UNKNOWN", "1", "hs")]),
        ("mode = SEA", [("VALUE_IMPOSSIBLE", "1", "SEA")]),
        ("/data/found_by exists", [("FIELD_WITHHELD", "1", "/data/found_by")]),
        ("partner = zephyr", [("FIELD_WITHHELD", "1", "partner")]),
        ("tier = aeo", [("FIELD_WITHHELD", "1", "tier")]),
        ("/id = e-1", [("FIELD_WITHHELD", "1", "/id")]),
        ("/data/finding = broken", [("VALUE_IMPOSSIBLE", "1", "broken")]),
        ("/data/finding != broken", [("VALUE_IMPOSSIBLE", "1", "broken")]),
        ("/data/finding in (BROKEN, gone)", [("VALUE_IMPOSSIBLE", "1", "gone")]),
        ("/data/finding = 7", [("VALUE_IMPOSSIBLE", "1", "7")]),
        ("/data/finding > 7", [("VALUE_IMPOSSIBLE", "1", "7")]),
        ("time_kind = PLANNED", [("VALUE_IMPOSSIBLE", "1", "PLANNED")]),
        ("type = customs.container.gate_in", [("VALUE_IMPOSSIBLE", "1", "customs.container.gate_in")]),
        ("warnings = CHECK_DIGIT", [("VALUE_IMPOSSIBLE", "1", "CHECK_DIGIT")]),
        (
            "/data/finding = gone or tier = aeo and harbour exists",
            [("MALFORMED", "40", "harbour")],
        ),
        ("/data/finding = gone or tier = aeo", [("VALUE_IMPOSSIBLE", "1", "gone"), ("FIELD_WITHHELD", "25", "tier")]),
    ],
)  # fmt: skip
async def test_a_condition_that_nothing_can_meet_is_refused_with_its_place_and_reason(
    world: Any, text: str, faults: list[tuple[str, str, str]]
) -> None:
    assert await refused(world, text) == faults


@pytest.mark.parametrize(
    "text",
    [
        "/data/finding = BROKEN and /data/finding = MISSING",
        "/data/finding = BROKEN and not /data/finding = BROKEN",
        "type = customs.seal.applied and /data/finding exists",
        "type starts customs.seal.b and type = customs.seal.applied",
    ],
)
async def test_conditions_that_no_event_can_meet_together_are_refused(world: Any, text: str) -> None:
    assert [code for code, _, _ in await refused(world, text)] == ["EMPTY"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/data/finding = BROKEN",
        "time_kind in (ACTUAL, PLANNED)",
        "type = customs.seal.applied or /data/finding exists",
        "subject = iso6346:MSKU1234565 or subject starts MSKU",
        "not warnings = CHECK_DIGIT_WRONG and /data/seal/number starts A",
        "partner = p-AAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_a_filter_that_some_event_can_pass_is_taken(world: Any, text: str) -> None:
    done = await world.do("feed.add", **FEED, filter=text)

    assert world.live.snapshot.feeds.get("seals").filter == text
    assert done.changed


async def test_what_one_agreement_shows_may_be_asked_for_though_another_withholds_it(world: Any) -> None:
    await world.agree("a2", fields=["/publisher", "/hubtier"])

    assert (await world.do("feed.add", **FEED, filter="partner = zephyr or tier = aeo")).changed


async def test_a_type_that_no_agreement_covers_gives_a_filter_no_fields(world: Any) -> None:
    faults = await refused(world, "/data/empty = true", types=["customs.seal.*", "customs.container.gate_in"])

    assert faults == [("FIELD_UNKNOWN", "1", "/data/empty")]


async def test_a_change_is_the_next_version_and_leaves_the_rest_as_it_is(world: Any) -> None:
    await world.do("feed.add", **FEED, filter="/data/finding = BROKEN", urgent=["customs.seal.broken"])
    world.clock.seconds = 60

    done = await world.do("feed.change", name="seals", filter="/data/finding = MISSING")

    [(_, first), (begins, second)] = world.live.snapshot.feeds.versions("seals")
    assert (first.filter, second.filter) == ("/data/finding = BROKEN", "/data/finding = MISSING")
    assert (begins, second.version, second.since) == (done.revision, 2, first.since + 60)
    assert (second.types, second.urgent, second.start) == (first.types, first.urgent, first.start)


async def test_a_change_to_what_is_so_already_changes_nothing(world: Any) -> None:
    await world.do("feed.add", **FEED, filter="/data/finding = BROKEN")

    assert (await world.do("feed.change", name="seals", filter=" /data/finding = BROKEN ")).changed == ()


async def test_a_feed_that_has_ended_or_is_not_there_is_not_changed(world: Any) -> None:
    await world.do("feed.add", **FEED)
    await world.do("feed.end", name="seals")

    assert await world.refused("feed.change", name="seals", filter="tier = x") == {
        "/name": "ACT_VALUE_INVALID",
        "/filter, column 1": "ACT_FILTER_VALUE_IMPOSSIBLE",
    }
    assert await world.refused("feed.change", name="other") == {"/name": "ACT_NOT_REGISTERED"}


@pytest.mark.parametrize(
    ("changed", "starts"),
    [
        ({"filter": "/data/finding = BROKEN and /data/seal/number starts A"}, False),
        ({"filter": "/data/finding = BROKEN", "types": ["customs.seal.broken"]}, False),
        ({"urgent": ["customs.seal.broken"]}, False),
        ({"ways": ["pull"]}, False),
        ({"filter": ""}, True),
        ({"filter": "/data/finding in (BROKEN, MISSING)"}, True),
        ({"types": ["*"]}, True),
        ({"ways": ["pull", "sse", "kafka"]}, True),
    ],
    ids=str,
)
async def test_a_change_that_may_let_more_through_takes_two_people(
    world: Any, changed: dict[str, Any], starts: bool
) -> None:
    await world.do("feed.add", **FEED, filter="/data/finding = BROKEN")
    before = world.live.snapshot.feeds.get("seals")
    await world.do("feed.change", name="seals", **changed)
    after = world.live.snapshot.feeds.get("seals")

    asked = ACTS["feed.change"].starts

    assert asked is not None
    assert asked(before, after) == starts


async def test_that_a_feed_is_no_longer_read_from_kafka_takes_two_people(world: Any) -> None:
    await world.do("feed.add", **FEED, ways=["pull", "kafka"])
    before = world.live.snapshot.feeds.get("seals")
    await world.do("feed.change", name="seals", ways=["pull"])
    asked = ACTS["feed.change"].starts

    assert asked is not None
    assert asked(before, world.live.snapshot.feeds.get("seals"))


async def test_what_is_to_be_proved_of_a_filter_is_proved_beside_the_loop(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr("hub.operate.feeds.check_filter", lambda *_: threads.append(threading.get_ident()))

    await world.do("feed.add", **FEED, filter="/data/finding = BROKEN")
    await world.do("feed.change", name="seals", filter="/data/finding = MISSING")
    await world.registrar.looks.view("feed.draft", {"name": "seals", "filter": "/data/finding exists"})

    assert len(threads) == 3
    assert threading.get_ident() not in threads
