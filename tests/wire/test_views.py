"""What is known, over HTTP: each caller is answered from what it sees, and no question finds anything else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.wire.conftest import MakeWorld
from tests.world import RISK, Answer, Caller, HubWorld, event

BOX, OTHER = {"scheme": "iso6346", "value": "MSKU1234565"}, {"scheme": "iso6346", "value": "CSQU3054383"}
UCR, BILL = {"scheme": "ucr", "value": "4GB123456789000-SHIP42"}, {"scheme": "bill_of_lading", "value": "MAEU587423158"}
SEAL_BROKEN = "customs.seal.broken"


def gate_in(id_: str, box: dict[str, str] = BOX, **data: Any) -> dict[str, Any]:
    return event(id_, subjects=[box], **data)


def retraction(id_: str, of: str, **data: Any) -> dict[str, Any]:
    source = event("x")["source"]
    retracts = {"source": source, "id": of}
    subject = {"scheme": "event", "value": f"{source} {of}"}
    more = {"place": None, "empty": None, "reason": {"text": "Wrong box."}} | data
    return event(id_, type="customs.event.retracted", subjects=[subject], retracts=retracts, **more)


async def push(caller: Caller, *events: dict[str, Any]) -> None:
    for each in events:
        answer = await caller.post(each)
        assert answer.status == 201, answer
    await all_known(caller.world)


async def all_known(world: HubWorld) -> None:
    """Wait until what is known has reached the end of the log."""
    hub = world.hub
    while True:
        (row,) = (await hub.status())["partitions"]  # type: ignore[misc,attr-defined]
        if row["known"] == row["end"]:
            return
        await asyncio.sleep(0.005)


async def found(caller: Caller, **query: str | int) -> list[str]:
    """The ids of all events that a question finds, page by page."""
    ids: list[str] = []
    while True:
        answer = await caller.get("/v1/events", **query)
        assert answer.status == 200, answer
        ids += [item["event"]["id"] for item in answer.json["items"]]
        if answer.json["next"] is None:
            return ids
        query["cursor"] = answer.json["next"]


async def told(caller: Caller, scheme: str = "iso6346", value: str = BOX["value"], **query: str) -> dict[str, Any]:
    answer = await caller.get(f"/v1/objects/{scheme}/{quote(value, safe='')}", **query)
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


# A publisher and its own events


async def test_a_company_finds_its_own_pushes_whole_and_no_others(delta: Caller) -> None:
    echo = await delta.world.company("echo")
    sent = gate_in("a", remarks="mine")
    await push(delta, sent)
    await push(echo, gate_in("b"))

    (item,) = (await delta.get("/v1/events")).json["items"]

    assert item["status"] == "CURRENT"
    assert {name: item["event"][name] for name in sent} == sent
    assert item["event"]["publisher"] == "delta"
    assert await found(echo) == ["b"]
    assert (
        await found(echo, publisher="delta") == await found(echo, object="iso6346:MSKU1234565", publisher="delta") == []
    )
    assert [each["id"] for each in (await told(echo))["events"]] == ["b"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["e", "c", "c", "b", "a"]),
        ({"order": "oldest"}, ["a", "b", "c", "c", "e"]),
        ({"publisher": "delta", "limit": 2}, ["e", "c", "c", "b", "a"]),
        ({"object": "iso6346:CSQU3054383"}, ["b"]),
        ({"object": f"ucr:{UCR['value']}"}, ["c", "c"]),
        ({"type": "customs.event.retracted"}, ["e"]),
        ({"type": "customs.event"}, []),
        ({"status": "SUPERSEDED"}, ["c"]),
        ({"status": "RETRACTED"}, ["b"]),
        ({"status": "CURRENT"}, ["e", "c", "a"]),
        ({"status": "CORRECTED"}, []),
        ({"from": "2026-11-01T00:00:00+01:00", "to": "2026-11-02T00:00:00+01:00", "time": "occurred"}, ["a"]),
        ({"from": "2999-01-01T00:00:00Z"}, []),
        ({"to": "1999-01-01T00:00:00Z"}, []),
        ({"tied": "true"}, ["c", "c", "a"]),
        ({"tied": "false"}, ["b"]),
        ({"tied": "false", "object": "iso6346:MSKU1234565"}, []),
    ],
    ids=str,
)
async def test_events_are_found_by_every_condition(delta: Caller, query: dict[str, Any], ids: list[str]) -> None:
    old = gate_in("a", occurred_at="2026-11-01T12:00:00+01:00")
    later = gate_in("c", references=[UCR], updated_at=event()["time"])
    await push(delta, old, gate_in("b", OTHER), gate_in("c", references=[UCR]), later, retraction("e", "b"))

    assert await found(delta, **query) == ids


@pytest.mark.parametrize(
    "query",
    [
        "state=CURRENT",
        "type=a&type=b",
        "status=current",
        "tied=yes",
        "order=up",
        "time=now",
        "from=yesterday",
        "to=2026-11-22T10:00:00",
        "object=MSKU1234565",
        "object=:x",
        "publisher=",
        f"type={'x' * 601}",
        "limit=0",
        "limit=x",
        "limit=1234567",
        "purpose=duty-risk",
    ],
)
async def test_a_question_that_cannot_be_is_refused_with_what_it_takes(delta: Caller, query: str) -> None:
    answer = await delta.ask("GET", f"/v1/events?{query}")

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.json["detail"]


@pytest.mark.parametrize("path", ["country/NL", "box/MSKU1234565", "iso6346/MSKU1234565?cursor=x", "uri/a?purpose=x"])
async def test_an_object_that_cannot_be_is_refused(delta: Caller, path: str) -> None:
    assert (await delta.ask("GET", f"/v1/objects/{path}")).code == "BAD_REQUEST"


@pytest.mark.parametrize("value", ["%00", "a%0Ab", "%7F", "A" * 601])
async def test_what_no_object_can_be_called_is_not_found(delta: Caller, value: str) -> None:
    answer = await delta.ask("GET", f"/v1/objects/iso6346/{value}")

    assert (answer.status, answer.code) == (404, "NOT_FOUND")


async def test_a_cursor_is_good_for_the_same_caller_and_question_only(delta: Caller) -> None:
    echo = await delta.world.company("echo")
    await push(delta, gate_in("a"), gate_in("b"))
    cursor = (await delta.get("/v1/events", limit=1)).json["next"]

    answers = [
        await delta.get("/v1/events", limit=1, cursor=cursor, order="oldest"),
        await delta.get("/v1/events", limit=1, cursor=cursor[:-1]),
        await delta.get("/v1/events", limit=1, cursor="x"),
        await echo.get("/v1/events", limit=1, cursor=cursor),
    ]

    assert [answer.code for answer in answers] == ["CURSOR_INVALID"] * 4
    assert [i["event"]["id"] for i in (await delta.get("/v1/events", limit=5, cursor=cursor)).json["items"]] == ["a"]


async def test_the_judgement_of_an_identity_is_still_asked_for_by_source_and_id(delta: Caller) -> None:
    await push(delta, gate_in("a"))

    assert await delta.judged("a") == ["FIRST"]


async def test_answers_say_up_to_when_everything_is_known(delta: Caller) -> None:
    await push(delta, gate_in("a"))

    (item,) = (answer := (await delta.get("/v1/events")).json)["items"]
    view = await told(delta)

    assert item["event"]["receivedtime"] <= answer["known_up_to"] <= view["known_up_to"]


# Objects


async def test_what_is_known_of_a_container_is_told_from_its_events(delta: Caller) -> None:
    seal = {"empty": None, "finding": "MISSING", "found_by": {"name": "Delta"}}
    await push(
        delta,
        gate_in("g", references=[UCR, BILL], seals=[{"number": "NL0012345", "source": "CAR"}], occurred_at=at(1)),
        gate_in("s", occurred_at=at(2), seal={"number": "NL0012345"}, **seal) | {"type": SEAL_BROKEN},
        gate_in("x", OTHER),
    )

    view = await told(delta)

    assert (view["kind"], view["complete"]) == ("container", True)
    assert {(each["scheme"], each["kind"]) for each in view["identifiers"]} == {
        ("ucr", "consignment"),
        ("bill_of_lading", "consignment"),
    }
    assert [(each["type"], each["event"]["id"]) for each in view["milestones"]] == [
        ("customs.container.gate_in", "g"),
        (SEAL_BROKEN, "s"),
    ]
    assert (view["place"]["unlocode"], view["place"]["event"]["id"]) == ("NLRTM", "s")
    (broken,) = view["seals"]
    assert (broken["number"], broken["source"], broken["on"], broken["broken"]) == ("NL0012345", "CAR", False, True)
    assert [(each["id"], each["status"]) for each in view["events"]] == [("s", "CURRENT"), ("g", "CURRENT")]


async def test_an_estimate_never_counts_over_the_fact_whenever_it_comes(delta: Caller) -> None:
    fact = gate_in("fact", occurred_at=at(1))
    late = gate_in("late estimate", occurred_at=at(3), time_kind="ESTIMATED")

    await push(delta, gate_in("estimate", occurred_at=at(2), time_kind="ESTIMATED"), fact, late)

    (milestone,) = (await told(delta))["milestones"]
    assert (milestone["event"]["id"], milestone["time_kind"]) == ("fact", "ACTUAL")


async def test_what_was_taken_back_or_replaced_counts_no_more_but_is_still_told(delta: Caller) -> None:
    updated = event()["time"]
    await push(
        delta,
        gate_in("a", place={"unlocode": "DEHAM"}, references=[UCR]),
        gate_in("b", place={"unlocode": "FRLEH"}),
        gate_in("b", place={"unlocode": "NLRTM"}, updated_at=updated),
    )
    before = await told(delta)
    await push(delta, retraction("taking back", "a"))
    after = await told(delta)

    assert {each["place"]["unlocode"] for each in before["milestones"]} == {"DEHAM", "NLRTM"}
    assert len(before["identifiers"]) == 1
    assert [each["place"]["unlocode"] for each in after["milestones"]] == ["NLRTM"]
    assert after["identifiers"] == []
    assert [each["status"] for each in after["events"]] == ["CURRENT", "SUPERSEDED", "RETRACTED"]


async def test_a_late_version_about_another_box_takes_the_event_from_the_first(delta: Caller) -> None:
    await push(delta, gate_in("a"), gate_in("a", OTHER, updated_at=event()["time"]))

    assert ((await told(delta))["milestones"], len((await told(delta, value=OTHER["value"]))["milestones"])) == ([], 1)


async def test_events_are_bound_to_a_consignment_by_another_that_names_both(delta: Caller) -> None:
    await push(delta, gate_in("early"))
    untied = await found(delta, tied="false")
    await push(delta, gate_in("binding", place={"unlocode": "DEHAM"}, references=[UCR]))
    await push(delta, gate_in("other box", OTHER), gate_in("other consignment", references=[BILL]))

    view = await told(delta, "ucr", UCR["value"])

    assert untied == ["early"]
    assert await found(delta, tied="false") == ["other box"]
    assert {each["id"]: each["object"] for each in view["events"]} == {
        "binding": f"ucr:{UCR['value']}",
        "early": "iso6346:MSKU1234565",
    }
    assert [each["value"] for each in view["identifiers"]] == ["MSKU1234565"]


async def test_nothing_known_is_an_answer_and_values_may_hold_anything(delta: Caller) -> None:
    await delta.world.reader("seer", types=["customs.goods.observed"], feed=False)
    link = "https://id.gs1.org/01/09506000134352/21/2017"
    goods = {"place": {"unlocode": "NLRTM"}, "empty": None}
    await push(
        delta, event("g", type="customs.goods.observed", subjects=[{"scheme": "digital_link", "value": link}], **goods)
    )

    assert [each["id"] for each in (await told(delta, "digital_link", link))["events"]] == ["g"]
    urn = "urn:epc:id:sgtin:9506000.013435.2017"
    assert [each["id"] for each in (await told(delta, "uri", urn))["events"]] == ["g"]
    assert await found(delta, object=f"uri:{urn}") == ["g"]
    absent = await told(delta, "document", "a/b?c=d#e %")
    assert (absent["value"], absent["events"], absent["place"], absent["complete"]) == ("a/b?c=d#e %", [], None, True)


async def test_what_is_shared_by_name_only_is_seen_under_no_other_agreement(world: HubWorld) -> None:
    wide = await world.reader("wide", types=["*", "customs.goods.*"])
    named = await world.reader("named", types=["customs.goods.observed"])
    delta = await world.company()
    await push(delta, event("g", type="customs.goods.observed", empty=None))

    assert (await found(named), await found(wide), await found(delta)) == (["g"], [], ["g"])


def at(hours: int) -> str:
    """So many hours after a moment of the day before yesterday."""
    base = datetime.now(UTC) - timedelta(days=2)
    return (base + timedelta(hours=hours)).isoformat(timespec="seconds")


# Recipients


CUT = ["/data/place", "/data/references"]
"""Neither publisher, source and id nor the subjects."""


@pytest.fixture
async def given(world: HubWorld) -> tuple[Caller, Caller]:
    """A publisher, and an authority that is given a cut of everything."""
    watch = await world.reader(fields=CUT, feed=False)
    return await world.company(), watch


async def test_a_recipient_sees_what_a_feed_for_the_purpose_would_show(given: tuple[Caller, Caller]) -> None:
    delta, watch = given
    await push(delta, gate_in("gate-0001", remarks="hidden", references=[UCR]))

    (item,) = (await watch.get("/v1/events")).json["items"]

    shown = item["event"]
    assert set(shown["data"]) == {"occurred_at", "time_kind", "place", "references"}
    for name, hidden in (("id", "gate-0001"), ("publisher", "delta"), ("source", event()["source"])):
        assert shown[name].startswith("p-")
        assert hidden not in shown[name]
    assert shown["id"] == (await watch.get("/v1/events")).json["items"][0]["event"]["id"]
    view = await told(watch, "ucr", UCR["value"])
    assert (view["place"]["unlocode"], view["place"]["event"]["id"]) == ("NLRTM", shown["id"])


async def test_what_is_hidden_is_found_by_no_question(given: tuple[Caller, Caller]) -> None:
    delta, watch = given
    await push(delta, gate_in("a", references=[UCR]), gate_in("b"))
    publisher = (await watch.get("/v1/events")).json["items"][0]["event"]["publisher"]

    def alike(one: Answer, other: Answer) -> bool:
        documents = [{**answer.json, "known_up_to": "", "value": ""} for answer in (one, other)]
        return documents[0] == documents[1]

    hidden, absent = "iso6346:MSKU1234565", "iso6346:CSQU3054383"
    assert alike(await watch.get("/v1/events", object=hidden), await watch.get("/v1/events", object=absent))
    for value in ("MSKU1234565", "CSQU3054383"):
        assert (await told(watch, value=value))["events"] == []
    assert alike(
        await watch.get(f"/v1/objects/iso6346/{BOX['value']}"), await watch.get(f"/v1/objects/iso6346/{OTHER['value']}")
    )
    assert await found(watch, publisher="delta") == await found(watch, publisher="nobody") == []
    assert len(await found(watch, publisher=publisher)) == 2
    assert len(await found(watch, object=f"ucr:{UCR['value']}")) == 1
    view = await told(watch, "ucr", UCR["value"])
    assert view["identifiers"] == []
    assert len(view["events"]) == 1


@pytest.mark.parametrize("fields", [CUT, ["/publisher"]])
async def test_who_is_registered_is_told_by_no_question_for_a_publisher(
    make_world: MakeWorld, fields: list[str]
) -> None:
    async with make_world(views={"looked_at_max": 3}) as world:
        watch = await world.reader(fields=fields, feed=False)
        delta, _ = await world.company("delta"), await world.company("quiet")
        await push(delta, *[gate_in(f"d{number}") for number in range(8)])

        answers = [(await watch.get("/v1/events", publisher=name)).json for name in ("quiet", "nobody")]
        assert [(answer["items"], answer["next"]) for answer in answers] == [([], None)] * 2
        if fields == CUT:
            answer = (await watch.get("/v1/events", publisher="delta")).json
            assert (answer["items"], answer["next"]) == ([], None)


async def test_a_publisher_that_is_shown_to_nobody_is_answered_as_one_that_is_not_there(make_world: MakeWorld) -> None:
    async with make_world(views={"looked_at_max": 3}) as world:
        await world.reader("all", feed=False)
        delta, _ = await world.company("delta"), await world.company("echo")
        watch = await world.reader(provider={"partner": "echo"}, feed=False)
        await push(delta, *[gate_in(f"d{number}") for number in range(8)])

        answers = [(await watch.get("/v1/events", publisher=name)).json for name in ("delta", "nobody")]

    assert [(answer["items"], answer["next"]) for answer in answers] == [([], None)] * 2


async def test_how_much_others_said_of_an_object_is_not_told_to_who_sees_its_own_alone(make_world: MakeWorld) -> None:
    async with make_world(views={"looked_at_max": 3}) as world:
        await world.reader("all", feed=False)
        delta, echo = await world.company("delta"), await world.company("echo")
        await push(echo, *[gate_in(f"e{number}") for number in range(8)])

        listed = (await delta.get("/v1/events", object=f"iso6346:{BOX['value']}")).json
        told_of = await told(delta)

    assert (listed["items"], listed["next"]) == ([], None)
    assert (told_of["events"], told_of["complete"]) == ([], True)


async def test_a_tie_that_the_caller_does_not_see_ties_nothing(world: HubWorld) -> None:
    blind = await world.reader("blind", fields=["/id", "/data/subjects"], feed=False)
    delta = await world.company()
    await push(delta, gate_in("a", references=[UCR]), gate_in("b"))

    assert await found(delta, tied="false") == []
    assert await found(blind, tied="false") == ["b", "a"]
    assert (await told(blind))["identifiers"] == []


async def test_a_taking_back_that_the_caller_does_not_see_changes_nothing(world: HubWorld) -> None:
    seen = await world.reader("seen", fields=["*"], feed=False)
    blind = await world.reader("blind", fields=["/id", "/data/subjects"], types=["customs.container.*"], feed=False)
    delta = await world.company()
    await push(delta, gate_in("a"), retraction("r", "a"))

    assert (await found(seen, status="RETRACTED"), await found(blind, status="RETRACTED")) == (["a"], [])
    assert await found(blind, status="CURRENT") == ["a"]
    assert [(await told(caller))["milestones"] == [] for caller in (seen, blind)] == [True, False]


async def test_an_agreement_for_some_shows_nothing_of_the_others(world: HubWorld) -> None:
    await world.reader("all", feed=False)
    delta, echo = await world.company("delta"), await world.company("echo")
    watch = await world.reader(provider={"partner": "delta"}, types=["customs.container.*"], feed=False)
    await push(delta, gate_in("a"), retraction("r", "z"))
    await push(echo, gate_in("b"))

    assert await found(watch) == ["a"]
    assert [each["id"] for each in (await told(watch))["events"]] == ["a"]


async def test_what_is_true_now_takes_away_at_once(given: tuple[Caller, Caller]) -> None:
    delta, watch = given
    await push(delta, gate_in("a"))
    assert len(await found(watch)) == 1

    await delta.world.act("agreement.end", id="watch-all")

    assert await found(watch) == []


async def test_what_came_before_an_agreement_is_shown_with_a_feed_that_goes_back_and_not_without(
    world: HubWorld,
) -> None:
    await world.reader("first", feed=False)
    delta = await world.company()
    await push(delta, gate_in("a"))
    watch = await world.reader("watch", feed=False, valid_from="2026-01-01")
    assert await found(watch) == []

    await world.act("feed.add", name="watch", recipient="watch", purpose=RISK)

    assert await found(watch) == ["a"]


async def test_of_several_purposes_one_is_to_be_named(given: tuple[Caller, Caller]) -> None:
    delta, watch = given
    everything: dict[str, Any] = {"provider": {"all": True}, "types": ["*"], "fields": ["*"]}
    await delta.world.act("agreement.add", id="more", recipient="watch", purpose="duty-risk", **everything)
    await push(delta, gate_in("a"))

    refused = await watch.get("/v1/events")

    assert refused.code == "BAD_REQUEST"
    assert {RISK, "duty-risk"} <= set(refused.json["detail"].replace(",", "").split())
    assert await found(watch, purpose="duty-risk") == ["a"]
    assert await found(watch, purpose=RISK) != ["a"]
    assert (await watch.get("/v1/events", purpose="statistics")).code == "BAD_REQUEST"
    assert (await told(watch, purpose="duty-risk"))["milestones"] != []


async def test_scopes_say_whose_events_are_seen(world: HubWorld) -> None:
    watch = await world.reader(feed=False)
    delta = await world.company(scopes=("events:write", "feeds:read"))
    await push(delta, gate_in("a"))

    assert await found(delta) == []
    assert await found(watch) == ["a"]
    assert (await delta.get("/v1/events", source="x", id="a")).code == "SCOPE_MISSING"


async def test_a_suspended_partner_is_told_nothing(given: tuple[Caller, Caller]) -> None:
    delta, watch = given
    await delta.world.act("partner.suspend", id="watch")

    assert (await watch.get("/v1/events")).code == "PARTNER_SUSPENDED"
    assert (await watch.get("/v1/objects/iso6346/MSKU1234565")).code == "PARTNER_SUSPENDED"


async def test_where_few_are_for_the_caller_a_page_ends_early_and_leads_on(make_world: MakeWorld) -> None:
    async with make_world(views={"looked_at_max": 3}) as world:
        await world.reader("all", feed=False)
        delta, echo = await world.company("delta"), await world.company("echo")
        watch = await world.reader(provider={"partner": "delta"}, feed=False)
        await push(delta, gate_in("a"))
        await push(echo, *[gate_in(f"e{number}") for number in range(8)])

        page = (await watch.get("/v1/events")).json

        assert (page["items"], page["next"] is None) == ([], False)
        assert await found(watch) == ["a"]


@pytest.mark.parametrize("written", ["csqu3054383", "CSQU305438-3", "CSQU 305438 3"])
async def test_a_mistyped_identifier_is_not_answered_as_one_of_which_nothing_is_known(
    delta: Caller, written: str
) -> None:
    answers = [
        await delta.get(f"/v1/objects/iso6346/{quote(written)}"),
        await delta.get("/v1/events", object=f"iso6346:{written}"),
    ]

    for answer in answers:
        (wrong,) = answer.json["faults"]
        assert (answer.status, answer.json["code"], wrong["code"]) == (400, "BAD_REQUEST", "IDENTIFIER_MALFORMED")
        assert "CSQU3054383" in wrong["expected"]


async def test_an_identifier_whose_check_digit_is_wrong_is_looked_for_and_doubted(delta: Caller) -> None:
    doubted, right = [await delta.get(f"/v1/objects/iso6346/{box}") for box in ("MSKU1234566", "MSKU1234565")]

    assert [each["code"] for each in doubted.json["faults"]] == ["CHECK_DIGIT_WRONG"]
    assert "faults" not in right.json
