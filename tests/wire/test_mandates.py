"""An agent reports for its principal: whose events they are, what a mandate allows, and when it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from connectors.keys import generate
from connectors.partner import mandates
from connectors.signing import signature_headers
from connectors.verify import verify
from hub.core.errors import Refusal
from hub.core.evidence import Principal as Sender
from hub.intake.documents import in_chunks
from hub.intake.results import items_of
from hub.ports.jobs import JobKind
from tests.edifact import interchange, message
from tests.mandates import JSON, Principal, drafted, principal, signed_by
from tests.wire.conftest import MakeWorld, without_look_ups
from tests.wire.test_copies import AEO, PDF, at
from tests.wire.test_copies import post as post_copy
from tests.wire.test_epcis import CONTEXT, document, ended, epcis, send
from tests.wire.test_interchanges import EDIFACT, PATH, ZONED
from tests.wire.test_own_credentials import proof_for, rotate
from tests.world import SOURCE, Caller, HubWorld, event

BATCH = "application/cloudevents-batch+json"
SHEET = b"""type,id,empty,container,occurred_at,time_kind,unlocode
customs.container.gate_in,t1,no,MSKU1234565,2026-11-22T09:00:00Z,ACTUAL,NLRTM
"""


@pytest.fixture
async def delta(world: HubWorld) -> Principal:
    """A terminal whose keys sign mandates; an authority is given everything, in a feed."""
    await world.reader("watch")
    return await principal(world)


@pytest.fixture
async def broker(world: HubWorld) -> Caller:
    return await world.company("broker", roles=["broker"])


async def granted(delta: Principal, agent: str = "broker", **more: Any) -> None:
    assert (await delta.grant(agent, **more)).status == 201


async def test_what_an_agent_sends_is_its_principals_and_names_both(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)
    sent = event("a")

    answer = await broker.post(sent, Hub_On_Behalf_Of="delta")

    assert answer.status == 201, answer
    assert (answer.json["publisher"], answer.json["submitted_by"]) == ("delta", "broker.sys")
    verdict = verify(answer.body, orjson.dumps(sent), await world.keys())
    assert verdict.valid
    assert (verdict.statement["publisher"], verdict.statement["submitted_by"]) == ("delta", "broker.sys")


async def test_it_comes_through_the_feed_as_its_principals_with_the_facts_of_the_principal(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)
    watch = await world.company("reading", scopes=("feeds:read", "receipts:read"), roles=["authority"])
    terms = {"provider": {"partner": "delta"}, "types": ["*"], "fields": ["*"], "purpose": "admissibility"}
    await world.act("agreement.add", id="more", recipient="reading", **terms)
    await world.act("feed.add", name="reading", recipient="reading", purpose="admissibility")

    assert (await broker.post(event("a"), Hub_On_Behalf_Of="delta")).status == 201
    assert (await broker.post(event("b", type="customs.declaration.lodged"))).status in (403, 422)

    [record] = await watch.records("reading", 1)
    assert (record["id"], record["publisher"]) == ("a", "delta")


async def test_without_a_mandate_the_answer_says_what_to_ask_for(delta: Principal, broker: Caller) -> None:
    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert (answer.status, answer.code) == (403, "MANDATE_MISSING")
    assert "broker" in answer.json["detail"]
    assert "delta" in answer.json["detail"]


async def test_a_partner_that_is_not_there_is_answered_as_one_that_gave_no_mandate(
    delta: Principal, broker: Caller
) -> None:
    there, nowhere = [await broker.post(event(), Hub_On_Behalf_Of=name) for name in ("delta", "ghost")]

    assert there.body.replace(b"delta", b"ghost") == nowhere.body


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"types": ["customs.seal.*"]}, "MANDATE_MISSING"),
        ({"types": ["customs.container.*"]}, None),
        ({"sources": ["urn:other"]}, "MANDATE_MISSING"),
        ({"sources": ["urn:other", SOURCE]}, None),
        ({"subjects": ["imo"]}, "MANDATE_MISSING"),
        ({"subjects": ["iso6346"]}, None),
        ({"valid_from": 4_000_000_000, "valid_to": 4_000_000_100}, "MANDATE_MISSING"),
    ],
)
async def test_a_mandate_allows_what_it_names_and_nothing_else(
    delta: Principal, broker: Caller, limit: dict[str, Any], expected: str | None
) -> None:
    await granted(delta, **limit)

    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert answer.json.get("code") == expected, answer


async def test_two_mandates_do_not_add_up_to_a_third(delta: Principal, broker: Caller) -> None:
    await granted(delta, id="m1", types=["customs.seal.*"], sources=[SOURCE])
    await granted(delta, id="m2", types=["customs.container.*"], sources=["urn:other"])

    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert answer.code == "MANDATE_MISSING"


async def test_ids_of_one_principal_stay_apart_from_those_of_another_and_of_the_agent(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    echo = await principal(world, "echo")
    await granted(delta)
    await granted(echo)
    own = await world.company("own")
    same = event("same")

    first = await broker.post(same, Hub_On_Behalf_Of="delta")
    other = await broker.post(event("same", empty=True), Hub_On_Behalf_Of="echo")
    again = await delta.caller.post(same)
    mine = await own.post(event("same"))

    assert [each.json["verdict"] for each in (first, other, again, mine)] == [
        "ACCEPTED",
        "ACCEPTED",
        "DUPLICATE",
        "ACCEPTED",
    ]


async def test_an_agents_own_events_stay_its_own(world: HubWorld, delta: Principal) -> None:
    agent = await world.company("agent")
    await granted(delta, "agent")
    sent = event("own")

    own = await agent.post(sent)
    for_delta = await agent.post(sent, Hub_On_Behalf_Of="delta")
    itself = await agent.post(sent, Hub_On_Behalf_Of="agent")

    assert [own.json["verdict"], for_delta.json["verdict"], itself.json["verdict"]] == [
        "ACCEPTED",
        "ACCEPTED",
        "DUPLICATE",
    ]
    assert "submitted_by" not in own.json["receipt"]["statement"]
    assert own.json["receipt"]["statement"]["publisher"] == "agent"


@pytest.mark.parametrize("who", ["delta", "broker"])
async def test_the_suspension_of_either_stops_it(world: HubWorld, delta: Principal, broker: Caller, who: str) -> None:
    await granted(delta)
    await world.act("partner.suspend", id=who)

    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert answer.code == "PARTNER_SUSPENDED"


async def test_a_withdrawn_mandate_stops_the_next_event(delta: Principal, broker: Caller) -> None:
    await granted(delta)
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).status == 201

    withdrawn = await delta.withdraw()

    assert (withdrawn.status, withdrawn.json["state"]) == (200, "withdrawn")
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).code == "MANDATE_MISSING"


async def test_an_officer_stops_a_mandate_alone(world: HubWorld, delta: Principal, broker: Caller) -> None:
    await granted(delta)

    await world.act("mandate.stop", id="delta/m1")

    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).code == "MANDATE_MISSING"


async def test_one_that_rests_on_another_lets_a_third_act_and_ends_with_it(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    middle = await principal(world, "middle", roles=["forwarder"])
    await granted(delta, "middle", sub_delegation=True, sources=[SOURCE])
    rests = {"id": "inner", "under": "delta/m1", "sources": [SOURCE]}
    bounds = (await delta.caller.get("/v1/mandates")).json["items"][0]
    dates = {"valid_from": bounds["valid_from"], "valid_to": bounds["valid_to"]}

    assert (await middle.grant("broker", **rests, **dates)).status == 201
    before = await broker.post(event(), Hub_On_Behalf_Of="delta")
    await delta.withdraw()
    after = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert (before.status, before.json["receipt"]["statement"]["publisher"]) == (201, "delta")
    assert after.code == "MANDATE_MISSING"


async def test_the_suspension_of_a_partner_in_between_stops_it_too(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    middle = await principal(world, "middle", roles=["forwarder"])
    dates = {name: delta.drafted("middle")["mandate"][name] for name in ("valid_from", "valid_to")}
    await granted(delta, "middle", sub_delegation=True, **dates)
    assert (await middle.grant("broker", under="delta/m1", **dates)).status == 201
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).status == 201

    await world.act("partner.suspend", id="middle")
    stopped = await broker.post(event(), Hub_On_Behalf_Of="delta")
    await world.act("partner.resume", id="middle")

    assert stopped.code == "MANDATE_MISSING"
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).status == 201


TOO_WIDE: list[dict[str, Any]] = [
    {"types": ["*"]},
    {"sources": ["urn:other"]},
    {"valid_to": 4_000_000_000},
    {"agent": "delta"},
    {"under": "delta/none"},
]


@pytest.mark.parametrize("wider", TOO_WIDE)
async def test_an_inner_mandate_allows_no_more_than_the_outer(
    world: HubWorld, delta: Principal, broker: Caller, wider: dict[str, Any]
) -> None:
    middle = await principal(world, "middle", roles=["forwarder"])
    outer = {"types": ["customs.container.*"], "sources": [SOURCE], "sub_delegation": True}
    await granted(delta, "middle", **outer)
    bounds = (await delta.caller.get("/v1/mandates")).json["items"][0]
    inner = {
        "types": ["customs.container.gate_in"],
        "sources": [SOURCE],
        "under": "delta/m1",
        "valid_from": bounds["valid_from"],
        "valid_to": bounds["valid_to"],
    } | wider

    answer = await middle.grant(inner.pop("agent", "broker"), id="inner", **inner)

    assert (answer.status, answer.code) == (422, "ACT_REFUSED")


async def test_what_must_not_be_delegated_is_not(world: HubWorld, delta: Principal, broker: Caller) -> None:
    middle = await principal(world, "middle", roles=["forwarder"])
    now = delta.drafted("middle")["mandate"]
    dates = {"valid_from": now["valid_from"], "valid_to": now["valid_to"]}
    await granted(delta, "middle", **dates)

    answer = await middle.grant("broker", id="inner", under="delta/m1", **dates)

    assert answer.code == "ACT_REFUSED"


def _forged(delta: Principal) -> mandates.Signed:
    return signed_by(delta.drafted("broker"), (delta.keys[0], generate("EdDSA")))


def _altered(delta: Principal) -> mandates.Signed:
    signed = signed_by(delta.drafted("broker"), delta.keys)
    return signed | {"mandate": signed["mandate"] | {"types": ["customs.seal.*"]}}


def _same_key_twice(delta: Principal) -> mandates.Signed:
    signed = signed_by(delta.drafted("broker"), delta.keys[:1])
    return signed | {"signatures": signed["signatures"] * 2}


REFUSED: dict[str, Callable[[Principal], mandates.Signed]] = {
    "forged": _forged,
    "altered": _altered,
    "same key twice": _same_key_twice,
    "one signature": lambda delta: signed_by(delta.drafted("broker"), delta.keys[:1]),
    "no signature": lambda delta: delta.drafted("broker"),
    "another hub": lambda delta: signed_by(delta.drafted("broker", hub="elsewhere"), delta.keys),
    "another's": lambda delta: signed_by(delta.drafted("broker", principal="broker"), delta.keys),
    "ended": lambda delta: signed_by(delta.drafted("broker", valid_from=1, valid_to=2), delta.keys),
    "itself": lambda delta: signed_by(delta.drafted("delta"), delta.keys),
    "nobody": lambda delta: signed_by(delta.drafted("ghost"), delta.keys),
    "no type": lambda delta: signed_by(delta.drafted("broker", types=["customs.none.such"]), delta.keys),
    "no scheme": lambda delta: signed_by(delta.drafted("broker", subjects=["none"]), delta.keys),
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED.keys())
async def test_a_mandate_that_is_not_the_principals_word_is_refused(
    delta: Principal, broker: Caller, made: Callable[[Principal], mandates.Signed]
) -> None:
    answer = await delta.post(made(delta))

    assert (answer.status, answer.code) == (422, "ACT_REFUSED")
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).code == "MANDATE_MISSING"


async def test_a_withdrawal_takes_two_systems_as_well(delta: Principal, broker: Caller) -> None:
    await granted(delta)

    answer = await delta.withdraw(keys=delta.keys[:1])

    assert answer.code == "ACT_REFUSED"
    assert (await broker.post(event(), Hub_On_Behalf_Of="delta")).status == 201


async def test_a_revoked_key_signs_no_more(world: HubWorld, delta: Principal, broker: Caller) -> None:
    await world.act("key.revoke", key=delta.keys[1].id)

    assert (await delta.grant("broker")).code == "ACT_REFUSED"


async def test_two_keys_of_one_system_are_one_signature_and_an_officer_has_to_sign(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    small, second = await principal(world, "small", keys=1), generate("EdDSA")
    for name, caller in (("small", small.caller), ("delta", delta.caller)):
        key = second if name == "small" else generate("EdDSA")
        await world.act("key.add", partner=name, system="sys", key=key.public_pem().decode())
        signed = signed_by(drafted(caller, "broker"), (caller.key, key))
        answer = await caller.ask("POST", "/v1/mandates", data=orjson.dumps(signed), headers=JSON)
        assert (answer.status, answer.json.get("state")) == ((202, "signed") if name == "small" else (422, None))
    assert (await broker.post(event(), Hub_On_Behalf_Of="small")).code == "MANDATE_MISSING"


async def test_a_key_that_was_rotated_out_signs_no_more(world: HubWorld, broker: Caller) -> None:
    small, new = await principal(world, "small", keys=1), generate("EdDSA")
    waiting = await small.grant("broker")
    await rotate(small.caller, proof_for(small.caller, new))

    by_old = await small.grant("broker", "m2")
    by_both = await small.post(signed_by(small.drafted("broker", "m3"), (small.caller.key, new)))
    by_new = await small.post(signed_by(small.drafted("broker", "m4"), (new,)))
    countersigned = await world.hub.registrar.perform("mandate.countersign", {"id": "small/m1"}, actor="ada")

    assert [each.status for each in (waiting, by_old, by_both, by_new)] == [202, 422, 422, 202]
    assert isinstance(countersigned, Refusal)


async def test_a_principal_with_one_system_needs_an_officer(world: HubWorld, broker: Caller) -> None:
    await world.reader("watch", feed=False)
    small = await principal(world, "small", keys=1, tier="small")

    waiting = await small.grant("broker")
    before = await broker.post(event(), Hub_On_Behalf_Of="small")
    await world.act("mandate.countersign", id="small/m1")
    after = await broker.post(event(), Hub_On_Behalf_Of="small")

    assert (waiting.status, waiting.json["state"]) == (202, "signed")
    assert (before.code, after.status) == ("MANDATE_MISSING", 201)


async def test_a_mandate_granted_again_is_the_same_and_its_name_is_never_used_for_another(
    delta: Principal, broker: Caller
) -> None:
    signed = signed_by(delta.drafted("broker"), delta.keys)

    first, again = await delta.post(signed), await delta.post(signed)
    other = await delta.grant("broker", types=["customs.seal.*"])
    await delta.withdraw()

    assert (first.status, again.status, other.code) == (201, 200, "ACT_REFUSED")
    assert (await delta.post(signed)).code == "ACT_REFUSED"


async def test_a_principal_that_brings_too_many_in_an_hour_is_told_to_wait_and_others_are_not(
    make_world: MakeWorld,
) -> None:
    async with make_world(mandates={"acts_per_hour_max": 2}) as world:
        await world.reader("watch", feed=False)
        delta, echo = await principal(world), await principal(world, "echo")
        await world.company("broker", roles=["broker"])

        statuses = [(await delta.grant("broker", f"m{number}")).status for number in range(2)]
        refused, other = await delta.withdraw(), await echo.grant("broker")

    assert statuses == [201, 201]
    assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(refused.headers["Retry-After"]) <= 1_801
    assert other.status == 201


async def test_a_mandate_is_seen_by_those_whom_it_is_between_and_by_nobody_else(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    stranger = await principal(world, "stranger")
    await granted(delta)

    seen = [(await each.get("/v1/mandates")).json["items"] for each in (delta.caller, broker, stranger.caller)]

    assert [[each["id"] for each in items] for items in seen] == [["delta/m1"], ["delta/m1"], []]
    assert (await stranger.withdraw()).code == "NOT_FOUND"


async def test_only_a_system_that_may_sign_brings_a_mandate(world: HubWorld, delta: Principal, broker: Caller) -> None:
    signed = signed_by(delta.drafted("broker"), delta.keys)

    answer = await broker.ask(
        "POST", "/v1/mandates", data=orjson.dumps(signed), headers={"Content-Type": "application/json"}
    )

    assert answer.code == "SCOPE_MISSING"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/notices"), ("GET", "/v1/receipts"), ("GET", "/v1/events"), ("POST", "/v1/mandates")],
)
async def test_the_header_is_refused_where_nothing_is_brought(
    world: HubWorld, delta: Principal, method: str, path: str
) -> None:
    answer = await delta.caller.ask(method, path, headers={"Hub-On-Behalf-Of": "broker"})

    assert answer.code == "BAD_REQUEST"


@pytest.mark.parametrize("named", ["Delta", "delta,echo", "", "x" * 33])
async def test_a_name_that_is_none_is_refused(delta: Principal, broker: Caller, named: str) -> None:
    assert (await broker.post(event(), Hub_On_Behalf_Of=named)).code == "BAD_REQUEST"


@pytest.mark.parametrize("others", [("delta", "broker"), ("broker", "delta"), ("broker", "broker"), ("delta", "delta")])
async def test_whoever_names_a_partner_twice_is_refused_even_if_it_is_the_sender(
    world: HubWorld, delta: Principal, broker: Caller, others: tuple[str, str]
) -> None:
    await granted(delta)
    bearer = [("Authorization", f"Bearer {broker.token}"), ("Content-Type", "application/cloudevents+json")]
    named = [("Hub-On-Behalf-Of", each) for each in others]
    asked = f"{world.hub.url}/v1/receipts?source=a&id=b&" + "&".join(f"on_behalf_of={each}" for each in others)

    async with world.http.post(
        f"{world.hub.url}/v1/events", data=orjson.dumps(event()), headers=bearer + named
    ) as sent:
        told = (sent.status, (await sent.json(content_type=None))["code"])
    async with world.http.get(asked, headers=bearer[:1]) as read:
        assert told == (read.status, (await read.json(content_type=None))["code"]) == (400, "BAD_REQUEST")


async def test_the_agent_sees_receipts_of_what_it_reported_and_of_nothing_else(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)
    await broker.post(event("by-agent"), Hub_On_Behalf_Of="delta")
    await delta.caller.post(event("by-delta"))
    await delta.caller.judged("by-agent")
    await delta.caller.judged("by-delta")
    asked = {"source": SOURCE, "on_behalf_of": "delta"}

    own = (await broker.get("/v1/receipts", id="by-agent", **asked)).json["items"]
    others = (await broker.get("/v1/receipts", id="by-delta", **asked)).json["items"]
    status = [(await broker.get("/v1/events", id=each, **asked)).json for each in ("by-agent", "by-delta")]

    assert [each["statement"]["id"] for each in own] == ["by-agent"]
    assert others == []
    assert [len(each["items"]) for each in status] == [1, 0]
    assert [each["judged"] for each in status] == [True, False]


async def test_whoever_sent_nothing_for_a_partner_sees_nothing_of_it(world: HubWorld, delta: Principal) -> None:
    stranger = await world.company("stranger")
    await delta.caller.post(event("by-delta"))
    await delta.caller.judged("by-delta")
    asked = {"source": SOURCE, "id": "by-delta", "on_behalf_of": "delta"}

    assert (await stranger.get("/v1/receipts", **asked)).json["items"] == []
    assert (await stranger.get("/v1/events", **asked)).json["items"] == []


async def test_the_principal_sees_who_reported_what(delta: Principal, broker: Caller) -> None:
    await granted(delta)
    await broker.post(event("by-agent"), Hub_On_Behalf_Of="delta")
    await delta.caller.post(event("by-delta"))
    await delta.caller.judged("by-delta")

    [judged] = (await delta.caller.get("/v1/events", source=SOURCE, id="by-agent")).json["items"]
    while len(items := (await delta.caller.get("/v1/events")).json["items"]) < 2:
        await asyncio.sleep(0.01)

    assert judged["submitted_by"] == "broker.sys"
    assert {each["event"]["id"]: each["submitted_by"] for each in items} == {
        "by-agent": "broker.sys",
        "by-delta": "delta.sys",
    }


async def test_a_table_for_a_principal_is_judged_for_it_and_seen_by_both(
    delta: Principal, broker: Caller, world: HubWorld
) -> None:
    await granted(delta)
    headers = {"Content-Type": "text/csv", "Hub-On-Behalf-Of": "delta"}

    answer = await broker.ask("POST", "/v1/tables", data=SHEET, headers=headers)

    place = answer.headers["Location"]
    assert answer.json["counts"] == {"ACCEPTED": 1}
    assert (answer.json["publisher"], answer.json["submitted_by"]) == ("delta", "broker.sys")
    assert place.endswith("?on_behalf_of=delta")
    assert (await broker.ask("GET", place)).status == 200
    assert (await broker.ask("GET", place.partition("?")[0])).code == "NOT_FOUND"
    assert (await delta.caller.ask("GET", place.partition("?")[0])).json["submitted_by"] == "broker.sys"
    stranger = await world.company("stranger")
    assert (await stranger.ask("GET", place)).code == "NOT_FOUND"


async def test_edifact_for_a_principal_is_judged_for_it_and_seen_by_both(delta: Principal, broker: Caller) -> None:
    await granted(delta)
    sent, headers = interchange(message("CODECO", *ZONED)), {"Content-Type": EDIFACT, "Hub-On-Behalf-Of": "delta"}

    answer = await broker.ask("POST", PATH, data=sent, headers=headers)

    place = answer.headers["Location"]
    assert answer.json["counts"] == {"ACCEPTED": 1}
    assert (answer.json["publisher"], answer.json["submitted_by"]) == ("delta", "broker.sys")
    assert (await broker.ask("GET", f"{place}&answer=contrl")).body.startswith(b"UNA")
    assert (await broker.ask("GET", place.partition("?")[0])).code == "NOT_FOUND"
    assert (await delta.caller.ask("GET", place.partition("?")[0])).json["submitted_by"] == "broker.sys"


async def test_a_table_that_waited_is_judged_by_the_mandates_of_then(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)
    await delta.withdraw()
    snapshot = world.hub.snapshot()
    partner, agent, system = (
        snapshot.partners.get("delta"),
        snapshot.partners.get("broker"),
        snapshot.systems.get("broker.sys"),
    )
    assert partner
    assert system
    waiting = Sender(partner, system, broker.key.id, frozenset(system.scopes), 1 << 40, agent)

    job = await world.hub.intake.jobs.take(waiting, JobKind.TABLE, "text/csv", {}, in_chunks(SHEET))
    assert not isinstance(job, Refusal)
    job = await world.hub.intake.jobs.settled(job, seconds=10)

    assert job.counts == {"REJECTED": 1}
    [results] = await world.hub.ports.jobs.results(job.id, start=0, limit=1)
    assert [item.refusal and item.refusal.code for item in items_of(results)] == ["MANDATE_MISSING"]


async def test_a_capture_for_a_principal_is_its_own_and_asked_for_by_its_sender(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)

    answer = await send(broker, "/epcis/capture", document(epcis()), Hub_On_Behalf_Of="delta")
    job = await ended(broker, answer.headers["Location"])

    assert (job["success"], job["publisher"], job["submitted_by"]) == (True, "delta", "broker.sys")
    assert (await ended(delta.caller, answer.headers["Location"].partition("?")[0]))["success"] is True
    assert (await broker.get("/epcis/capture")).json == []


async def test_a_single_epcis_event_says_where_its_receipt_is(delta: Principal, broker: Caller) -> None:
    await granted(delta)

    answer = await send(broker, "/epcis/events", {"@context": [CONTEXT], **epcis()}, Hub_On_Behalf_Of="delta")
    receipts = await broker.ask("GET", answer.headers["Link"].partition(">")[0].removeprefix("<"))

    assert answer.status == 201
    assert [each["statement"]["submitted_by"] for each in receipts.json["items"]] in ([], ["broker.sys"])


async def test_a_copy_for_a_principal_is_its_own_and_its_agent_withdraws_no_other(
    world: HubWorld, broker: Caller
) -> None:
    await world.reader(feed=False)
    delta = await principal(world, roles=["exporter"], tier="aeo")
    await world.act("partner.aeo", id="delta", number="NLAEOF1", **AEO)
    await granted(delta)

    handed = await post_copy(broker, PDF, "application/pdf", headers={"Hub-On-Behalf-Of": "delta"})
    others = PDF + b"\n"
    assert (await post_copy(delta.caller, others, "application/pdf", reference="own")).status == 201
    while (await delta.caller.ask("GET", at(others))).status != 200:
        await asyncio.sleep(0.01)
    headers = {"Content-Type": "application/json", "Hub-On-Behalf-Of": "delta"}
    reason = orjson.dumps({"reason": {"text": "x"}})

    assert (handed.status, handed.json["publisher"], handed.json["submitted_by"]) == (201, "delta", "broker.sys")
    assert (await broker.ask("GET", at(PDF))).code == "NOT_FOUND"
    assert (await delta.caller.ask("GET", at(PDF))).status == 200
    withdrawn = [
        await broker.ask("POST", at(each, "/withdraw"), data=reason, headers=headers) for each in (others, PDF)
    ]
    assert (withdrawn[0].code, withdrawn[1].status) == ("NOT_FOUND", 201)


async def test_a_dry_run_says_what_a_mandate_allows(delta: Principal, broker: Caller) -> None:
    await granted(delta, types=["customs.seal.*"])

    answer = await broker.ask(
        "POST",
        "/v1/validate",
        data=orjson.dumps(event()),
        headers={"Content-Type": "application/cloudevents+json", "Hub-On-Behalf-Of": "delta"},
    )

    assert (answer.code, answer.json["dry_run"], answer.json["submitted_by"]) == ("MANDATE_MISSING", True, "broker.sys")


async def test_a_conflict_found_later_is_told_to_principal_and_agent_and_to_nobody_else(make_world: MakeWorld) -> None:
    async with make_world(without_look_ups) as world:
        await world.reader("watch", feed=False)
        delta, broker = await principal(world), await world.company("broker", roles=["broker"])
        stranger = await world.company("stranger")
        await granted(delta)
        await delta.caller.post(event("a"))

        await broker.post(event("a", empty=True), Hub_On_Behalf_Of="delta")

        told = [(await each.get("/v1/notices", wait=30)).json["items"] for each in (delta.caller, broker)]
        assert [[(each["code"], each["submitted_by"]) for each in items] for items in told] == [
            [("CONFLICT", "broker.sys")]
        ] * 2
        assert (await stranger.get("/v1/notices")).json["items"] == []


async def test_a_signed_request_covers_whom_it_is_for(world: HubWorld, delta: Principal, broker: Caller) -> None:
    await granted(delta)
    body, url = orjson.dumps(event()), f"{world.hub.url}/v1/events"

    def signed(**more: Any) -> dict[str, str]:
        return signature_headers(broker.key, "POST", url, body, now=int(time.time()), **more)

    bound = await broker.post(body, Hub_On_Behalf_Of="delta", **signed(on_behalf_of="delta"))
    loose = await broker.post(body, Hub_On_Behalf_Of="delta", **signed())

    assert bound.status == 201
    assert loose.code == "REQUEST_SIGNATURE_INVALID"


async def test_both_quotas_are_charged(world: HubWorld, delta: Principal, broker: Caller) -> None:
    await granted(delta)
    await world.act("partner.quota", id="delta", requests_in_flight_max=1)
    quotas = world.hub.quotas

    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")

    assert answer.status == 201
    accounts = {name: account.taken[2] for name, account in quotas._accounts.items()}
    assert accounts["delta"] > 0
    assert accounts["broker"] > 0


async def test_what_is_left_to_the_principal_is_not_told_to_its_agent(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    await granted(delta)
    await world.act("partner.quota", id="delta", events_per_second=7)

    answer = await broker.post(event(), Hub_On_Behalf_Of="delta")
    own = await broker.post(event())

    assert answer.status == 201
    assert answer.headers["RateLimit-Policy"] == own.headers["RateLimit-Policy"]


async def test_a_stranger_cannot_spend_a_partners_quota(world: HubWorld, delta: Principal, broker: Caller) -> None:
    await broker.post([event() for _ in range(5)], BATCH, Hub_On_Behalf_Of="delta")

    assert "broker" in world.hub.quotas._accounts
    assert "delta" not in world.hub.quotas._accounts


async def test_why_tells_of_the_agent(world: HubWorld, delta: Principal, broker: Caller) -> None:
    asked = {"partner": "delta", "type": "customs.container.gate_in", "agent": "broker"}

    before: Any = await world.hub.registrar.looks.view("why", asked)
    await granted(delta)
    after: Any = await world.hub.registrar.looks.view("why", asked)

    assert (before["answer"], after["answer"]) == ("MANDATE_MISSING", "PERMITTED")
    assert any("delta/m1" in each["found"] for each in after["questions"])
