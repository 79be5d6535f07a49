"""Agreements over HTTP: what covers a company, the signatures of both sides, and what flows meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from connectors.keys import SigningKey
from connectors.partner.agreements import read, sign, stripped
from tests.wire.conftest import MakeWorld
from tests.world import RISK, Answer, Caller, HubWorld, event

SENDS = ("events:write", "receipts:read", "agreements:sign")
READS = ("feeds:read", "receipts:read", "agreements:sign")
JSON = {"Content-Type": "application/json"}
TERMS: dict[str, Any] = {
    "id": "a1",
    "provider": {"partner": "delta"},
    "types": ["customs.container.*"],
    "recipient": "watch",
    "purpose": RISK,
    "fields": ["@identity", "@place"],
    "legal_basis": "Regulation 2447, article 12",
    "retention_days": 90,
    "onward": ["police"],
}


class Sides:
    def __init__(self, world: HubWorld, delta: Caller, watch: Caller) -> None:
        self.world, self.delta, self.watch = world, delta, watch

    async def propose(self, **more: Any) -> str:
        await self.world.act("agreement.propose", **(TERMS | more))
        return str(more.get("id", "a1"))

    async def sign(
        self, caller: Caller, name: str = "a1", *, key: SigningKey | None = None, text: str | None = None
    ) -> Answer:
        found = self.world.hub.snapshot().agreements.get(name)
        signature = sign(text or (found.text if found else "{}"), key or caller.key)
        return await self.post(caller, name, {"signature": signature})

    async def post(self, caller: Caller, name: str, body: object) -> Answer:
        return await caller.ask("POST", f"/v1/agreements/{name}/signatures", data=orjson.dumps(body), headers=JSON)


@pytest.fixture
async def sides(world: HubWorld) -> Sides:
    watch = await world.company("watch", scopes=READS, roles=["authority"], name="Dutch Customs")
    return Sides(world, await world.company(scopes=SENDS), watch)


async def test_events_flow_from_the_second_signature_on_until_the_end(sides: Sides) -> None:
    world, delta, watch = sides.world, sides.delta, sides.watch
    await sides.propose()
    assert (await delta.post(event("early"))).code == "NOT_PERMITTED"

    first = await sides.sign(delta)
    assert (first.status, first.json["state"], first.json["waits_for_you"]) == (202, "proposed", False)
    second = await sides.sign(watch)
    assert (second.status, second.json["state"], second.json["in_force"]) == (200, "active", True)
    await world.act("feed.add", name="risk", recipient="watch", purpose=RISK)
    assert (await delta.post(event("flows"))).status == 201
    assert [record["id"] for record in await watch.records("risk", 1)] == ["flows"]

    await world.act("agreement.suspend", id="a1")
    assert (await delta.post(event("meanwhile"))).code == "NOT_PERMITTED"
    assert (await watch.get("/v1/feeds/risk/records")).json["items"] == []
    await world.act("agreement.resume", id="a1")
    assert (await delta.post(event("again"))).status == 201
    assert [record["id"] for record in await watch.records("risk", 1)] == ["again"]

    await world.act("agreement.end", id="a1", reason="it served its time")
    assert (await delta.post(event("late"))).code == "NOT_PERMITTED"
    gone = await watch.get("/v1/feeds/risk/records")
    assert (gone.status, gone.code) == (410, "FEED_GONE")


async def test_what_was_acknowledged_is_noted_once_it_has_ended(sides: Sides) -> None:
    world, watch = sides.world, sides.watch
    await sides.propose(fields=["*"])
    await sides.sign(sides.delta)
    await sides.sign(watch)
    await world.act("feed.add", name="risk", recipient="watch", purpose=RISK)
    await sides.delta.post(event("a"))
    await watch.records("risk", 1)
    cursor = (await watch.get("/v1/feeds/risk/records", wait=30)).json["next"]
    await watch.ask("POST", "/v1/feeds/risk/ack", data=orjson.dumps({"cursor": cursor}), headers=JSON)

    await world.act("agreement.end", id="a1")

    while (ended := world.hub.snapshot().agreements.get("a1")) is None or ended.copies is None:
        await asyncio.sleep(0.01)
    [held] = ended.copies
    assert (held.feed, held.published, held.acknowledged) == ("risk", 1, 1)
    assert held.until > 0


async def test_a_company_reads_what_covers_it_in_its_own_language(sides: Sides) -> None:
    await sides.propose()
    await sides.world.act("agreement.add", **(TERMS | {"id": "class", "provider": {"role": "terminal"}}))
    await sides.world.act("agreement.propose", **(TERMS | {"id": "of-a-class", "provider": {"role": "terminal"}}))
    await sides.world.act("agreement.add", **(TERMS | {"id": "others", "provider": {"role": "broker"}}))

    english = (await sides.delta.get("/v1/agreements/mine")).json["items"]
    french = (await sides.delta.ask("GET", "/v1/agreements/mine", headers={"Accept-Language": "fr"})).json["items"]

    assert [(each["id"], each["state"], each["waits_for_you"]) for each in english] == [
        ("a1", "proposed", True),
        ("class", "active", False),
    ]
    assert "Dutch Customs receives events of these types: customs.container.*." in english[1]["says"]
    assert "It may keep them for 90 days." in english[1]["says"]
    assert "Dutch Customs reçoit des événements de ces types : customs.container.*." in french[1]["says"]
    assert "Il peut les conserver pendant 90 jours." in french[1]["says"]
    assert read(english[0]["text"], "a1")["onward"] == ["police"]


async def test_the_recipient_reads_what_it_is_to_sign(sides: Sides) -> None:
    await sides.propose(provider={"all": True})

    [item] = (await sides.watch.get("/v1/agreements/mine")).json["items"]

    assert (item["id"], item["waits_for_you"]) == ("a1", True)


async def test_agreements_come_a_page_at_a_time(sides: Sides) -> None:
    for name in ("a1", "a2", "a3"):
        await sides.propose(id=name)

    first = (await sides.delta.get("/v1/agreements/mine", limit=2)).json
    second = (await sides.delta.get("/v1/agreements/mine", limit=2, cursor=first["next"])).json

    assert [each["id"] for each in first["items"] + second["items"]] == ["a1", "a2", "a3"]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/v1/agreements/mine?since=1", "/v1/agreements/mine?cursor=x"])
async def test_what_is_not_asked_for_so_is_refused(sides: Sides, path: str) -> None:
    assert (await sides.delta.ask("GET", path)).code == "BAD_REQUEST"


async def test_a_signature_by_anothers_key_is_refused(sides: Sides) -> None:
    await sides.propose()

    refused = await sides.sign(sides.watch, key=sides.delta.key)

    assert (refused.status, refused.code) == (422, "ACT_REFUSED")
    assert [fault["code"] for fault in refused.json["faults"]] == ["ACT_SIGNATURE_REFUSED"]


async def test_a_signature_over_another_text_is_refused(sides: Sides) -> None:
    await sides.propose()
    await sides.propose(id="a2", fields=["*"])
    other = sides.world.hub.snapshot().agreements.get("a2")
    assert other is not None

    assert (await sides.sign(sides.delta, "a1", text=other.text)).code == "ACT_REFUSED"


async def test_a_system_without_the_scope_signs_nothing(sides: Sides) -> None:
    await sides.propose()
    other = await sides.world.company("echo", scopes=("events:write",))

    assert (await sides.sign(other)).code == "SCOPE_MISSING"


async def test_whoever_is_no_side_of_it_learns_nothing_of_an_agreement(sides: Sides) -> None:
    await sides.propose()
    other = await sides.world.company("echo", scopes=SENDS)

    theirs, nobodys = await sides.sign(other, "a1"), await sides.sign(other, "no-such")

    assert (theirs.status, theirs.code, theirs.body) == (404, "NOT_FOUND", nobodys.body)
    assert (await other.get("/v1/agreements/mine")).json["items"] == []


async def test_what_the_administration_does_alone_waits_for_no_signature(sides: Sides) -> None:
    await sides.world.act("agreement.add", **TERMS)

    assert (await sides.sign(sides.delta)).code == "NOT_FOUND"


@pytest.mark.parametrize("body", [{}, {"signature": 1}, {"signature": "a..b", "more": 1}, [], {"signatures": ["a..b"]}])
async def test_a_body_of_another_form_is_refused(sides: Sides, body: object) -> None:
    await sides.propose()

    assert (await sides.post(sides.delta, "a1", body)).code == "BODY_MALFORMED"


async def test_a_proposal_that_was_ended_takes_no_signature(sides: Sides) -> None:
    await sides.propose()
    await sides.world.act("agreement.end", id="a1")

    refused = await sides.sign(sides.delta)

    assert [fault["code"] for fault in refused.json["faults"]] == ["ACT_AGREEMENT_CLOSED"]


async def test_signatures_come_at_the_pace_that_mandates_come_at(make_world: MakeWorld) -> None:
    async with make_world(mandates={"acts_per_hour_max": 2}) as world:
        watch = await world.company("watch", scopes=READS, roles=["authority"])
        sides = Sides(world, await world.company(scopes=SENDS), watch)
        await sides.propose()

        answers = [await sides.post(sides.delta, "a1", {"signature": "a..b"}) for _ in range(3)]

    assert [answer.code for answer in answers] == ["ACT_REFUSED", "ACT_REFUSED", "TOO_MANY_REQUESTS"]


async def test_a_member_that_no_agreement_covers_is_warned_about_and_can_be_stripped(sides: Sides) -> None:
    await sides.world.act("agreement.add", **TERMS)
    sent = event("a", size_type="22G1", remarks="call Jan at the gate")

    answer = await sides.delta.post(sent)
    needed = (await sides.delta.get("/v1/agreements/mine")).json["needed"]
    again = await sides.delta.post(stripped(orjson.dumps(sent | {"id": "b"}), needed))

    assert answer.status == 201
    faults = {(fault["code"], fault["place"], fault["severity"]) for fault in answer.json["faults"]}
    assert faults == {
        ("FIELD_NOT_NEEDED", "/data/size_type", "WARNING"),
        ("FIELD_NOT_NEEDED", "/data/remarks", "WARNING"),
    }
    assert "call Jan" not in str(answer.json["faults"])
    assert (again.status, again.json.get("faults", [])) == (201, [])


async def test_where_everything_is_covered_nothing_is_warned_about(sides: Sides) -> None:
    await sides.world.act("agreement.add", **(TERMS | {"fields": ["*"]}))

    answer = await sides.delta.post(event("a", remarks="x"))

    assert answer.json.get("faults", []) == []
    needed = (await sides.delta.get("/v1/agreements/mine")).json["needed"]
    assert needed["customs.container.gate_in"] == ["*"]


async def test_the_advice_is_for_the_sender_and_is_not_kept_with_the_event(sides: Sides) -> None:
    await sides.world.act("agreement.add", **(TERMS | {"fields": ["@identity", "/hubwarnings"]}))
    await sides.world.act("feed.add", name="risk", recipient="watch", purpose=RISK)

    assert (await sides.delta.post(event("a", remarks="x"))).json["faults"]

    [record] = await sides.watch.records("risk", 1)
    assert "hubwarnings" not in record


async def test_an_agreement_with_conditions_takes_and_shows_the_events_that_say_so(sides: Sides) -> None:
    await sides.world.act("agreement.add", **(TERMS | {"conditions": {"places": ["NLRTM"]}}))
    await sides.world.act("feed.add", name="risk", recipient="watch", purpose=RISK)
    places = {"there": "NLRTM", "elsewhere": "NLAMS", "back": "NLRTM"}

    answers = [await sides.delta.post(event(name, place={"unlocode": place})) for name, place in places.items()]

    assert [answer.status for answer in answers] == [201, 403, 201]
    assert answers[1].code == "NOT_PERMITTED"
    assert [record["id"] for record in await sides.watch.records("risk", 2)] == ["there", "back"]


async def test_what_one_agreement_leaves_out_another_may_take_and_its_recipient_alone_sees(sides: Sides) -> None:
    other = await sides.world.reader("other")
    await sides.world.act("agreement.add", **(TERMS | {"conditions": {"places": ["NLRTM"]}}))
    await sides.world.act("feed.add", name="risk", recipient="watch", purpose=RISK)

    for name, place in (("elsewhere", "NLAMS"), ("there", "NLRTM")):
        assert (await sides.delta.post(event(name, place={"unlocode": place}))).status == 201

    assert [record["id"] for record in await sides.watch.records("risk", 1)] == ["there"]
    assert [record["id"] for record in await other.records("other", 2)] == ["elsewhere", "there"]


async def test_what_was_taken_under_conditions_can_be_taken_back(sides: Sides) -> None:
    terms = TERMS | {"types": ["*"], "conditions": {"places": ["NLRTM"]}}
    await sides.world.act("agreement.add", **terms)
    sent = event("a")
    assert (await sides.delta.post(sent)).status == 201
    named = {"retracts": {"source": sent["source"], "id": "a"}, "reason": {"text": "typing error"}}
    about = {"subjects": [{"scheme": "event", "value": "a"}], "place": None, "empty": None}

    answer = await sides.delta.post(event("b", type="customs.event.retracted", **named, **about))

    assert answer.status == 201, answer
