"""The audit trail is checked by nothing but itself: whoever changes a word of it is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from hub.core.operator import Effect
from hub.core.proposal import Authority
from hub.operate.registrar import ACTS
from hub.operate.trail import Trail
from hub.operate.words import STOPS, WORDS
from tests.unit.operate.office import Office, key_pair, public_pem

Events = list[dict[str, Any]]


@pytest.fixture
async def events(desk: Any) -> Events:
    """Set up, then: 5 a tier changed by two, 6 a stop by one, 8 a start by two, 9 a stop by the machine's user."""
    await desk.enrol("zephyr")
    office = await Office(desk).open()
    await office.both("partner.tier", "ann", "olga", id="zephyr", tier="aeo")
    await office.ask("olga", "partner.suspend", id="zephyr", reason="seal broken")
    await office.both("partner.resume", "ann", "olga", id="zephyr")
    await desk.registrar.perform("partner.suspend", {"id": "zephyr"}, actor="root")
    return [orjson.loads(event) for event in await desk.registry.audit(0, 100)]


def faults(events: Events) -> list[str]:
    trail = Trail()
    return [fault for event in events for fault in trail.take(event)]


def of(events: Events, act: str) -> dict[str, Any]:
    return next(event for event in events if event["act"] == act)


def test_a_whole_trail_holds(events: Events) -> None:
    trail = Trail()

    assert [fault for event in events for fault in trail.take(event)] == []
    assert (trail.revision, trail.signed) == (len(events), 9)
    assert trail.first is not None


def test_a_missing_event_leaves_a_gap(events: Events) -> None:
    del events[5]

    assert faults(events)[0] == "revision 7: follows revision 5"


def olga(events: Events) -> dict[str, Any]:
    found: dict[str, Any] = next(e for e in events if e["changes"][0]["id"] == "olga")["changes"][0]["object"]
    return found


def signed_stop(events: Events) -> dict[str, Any]:
    return next(event for event in events if event["act"] == "partner.suspend" and event["authority"] == "signed")


def mallory(events: Events, **more: Any) -> dict[str, Any]:
    """A new operator, on nobody's signature."""
    key = key_pair()
    forged = olga(events) | {"id": "mallory", "keys": [{"id": "k", "algorithm": "EdDSA", "jwk": key.jwk}]}
    change = {"kind": "operator", "id": "mallory", "object": forged, "since": 0, "before": None}
    revision = len(events) + 1
    return {"format": 2, "revision": revision, "based_on": revision - 1, "time_us": events[-1]["time_us"],
            "actor": "hub", "act": "operator.add", "reason": "", "changes": [change]} | more  # fmt: skip


TAMPERED: dict[str, Callable[[Events], object]] = {
    "what became": lambda e: of(e, "partner.tier")["changes"][0]["object"].update(tier="small"),
    "what was": lambda e: of(e, "partner.tier")["changes"][0]["before"].update(tier="small"),
    "since when": lambda e: of(e, "partner.tier")["changes"][0].update(since=2),
    "another object": lambda e: of(e, "partner.tier")["changes"][0].update(id="other"),
    "a change left out": lambda e: of(e, "partner.resume")["changes"].pop(0),
    "another act": lambda e: of(e, "partner.tier").update(act="partner.set"),
    "the statement": lambda e: of(e, "partner.tier").update(statement=of(e, "partner.resume")["statement"]),
    "other signatures": lambda e: of(e, "partner.tier").update(signatures=of(e, "partner.resume")["signatures"]),
    "one signature twice": lambda e: of(e, "partner.tier").update(
        signatures=of(e, "partner.tier")["signatures"][:1] * 2
    ),
    "one signature alone": lambda e: of(e, "partner.tier").update(
        signatures=of(e, "partner.tier")["signatures"][:1], actor="ann"
    ),
    "other names": lambda e: of(e, "partner.tier").update(actor="ann, ben"),
    "no signatures": lambda e: of(e, "partner.tier").update(authority="setup"),
    "nobody's word": lambda e: of(e, "partner.tier").update(authority="somebody"),
    "the machine's user": lambda e: of(e, "partner.resume").update(authority="local"),
    "no event at all": lambda e: e.__setitem__(4, {}),
    "a foreign key": lambda e: of(e, "operator.add")["changes"][0]["object"]["keys"][0].update(jwk=key_pair().jwk),
    "a signer who was stopped": lambda e: olga(e).update(state="suspended"),
    "a signer whose time was over": lambda e: olga(e).update(until=1),
    "a signer in another role": lambda e: olga(e).update(roles=["agreement-officer", "viewer"]),
    "a signer's key that was out of use": lambda e: olga(e)["keys"][0].update(not_after=1),
    "more than was signed for": lambda e: of(e, "partner.tier")["changes"].append(mallory(e)["changes"][0]),
    "no second look": lambda e: signed_stop(e)["changes"].pop(),
    "a second look that was had": lambda e: signed_stop(e)["changes"][-1]["object"].update(done_by="ben", note="x"),
    "a proposal that was not made": lambda e: of(e, "proposal.make").update(
        act="partner.vet", authority="setup", statement="", signatures=[]
    ),
    "the proposal": lambda e: of(e, "proposal.make")["changes"][0]["object"].update(statement="{}"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_trail_does_not_hold(events: Events, what: str) -> None:
    TAMPERED[what](events)

    assert faults(events) != []


async def test_a_rotated_key_is_no_ones_before_it_was_registered(desk: Any) -> None:
    office = await Office(desk).open()
    new = key_pair()
    await office.both("operator.rotate", "ann", "ben", id="olga", key=public_pem(new))
    events = [orjson.loads(event) for event in await desk.registry.audit(0, 100)]
    rotated = of(events, "operator.rotate")

    rotated["signatures"][0] = new.sign_act(rotated["statement"].encode())

    assert any("is not signed by ann" in fault for fault in faults(events))


def test_events_of_version_1_are_read(events: Events) -> None:
    old = {name: value for name, value in events[0].items() if name != "authority"} | {"format": 1}
    for change in old["changes"]:
        del change["since"], change["before"]

    assert faults([old, *events[1:]]) == []


async def test_whoever_looks_at_what_is_confidential_is_in_the_trail(desk: Any) -> None:
    await desk.enrol("zephyr")
    granted = {"number": "NLAEOF1", "type": "F", "issuer": "NL", "valid_from": "2025-01-01"}
    await desk.do("partner.aeo", id="zephyr", **granted)
    await Office(desk).open()
    asked = {"number": "NLAEOF1"}

    await desk.registrar.looks.view("aeo.reasons", asked, operator="olga")
    await desk.registrar.looks.view("aeo.reasons", asked, user="root")
    await desk.registrar.looks.view("aeo.reasons", asked, operator="nobody")

    events = [orjson.loads(event) for event in await desk.registry.audit(0, 100)]
    looks = [event for event in events if event["act"] == "aeo.reasons"]
    assert [(look["actor"], look["authority"], look["changes"]) for look in looks] == [
        ("olga", "token", []),
        ("root", "local", []),
    ]
    assert orjson.loads(looks[0]["reason"]) == asked
    assert faults(events) == []


@pytest.mark.parametrize("act", ["operator.add", "operator.first", "key.leaked", "aeo.tell", "enrolment.step", "x"])
@pytest.mark.parametrize("authority", [each for each in Authority if each is not Authority.SIGNED])
def test_no_word_but_operators_registers_an_operator(events: Events, authority: str, act: str) -> None:
    assert faults([*events, mallory(events, authority=authority, act=act, actor="ann")]) != []


@pytest.mark.parametrize("authority", ["hub", "partner", "issuer", "local", "token"])
def test_an_act_that_there_is_not_is_believed_on_no_word(events: Events, authority: str) -> None:
    change = of(events, "partner.add")["changes"][0] | {"id": "crony", "object": {"id": "crony"}}

    assert faults([*events, mallory(events, authority=authority, act="partner.crown", changes=[change])]) != []


def test_the_user_of_the_machine_alone_makes_nothing_of_an_object_but_what_a_stop_does(events: Events) -> None:
    stop = events[-1]
    assert (stop["act"], stop["authority"], faults(events)) == ("partner.suspend", "local", [])

    stop["changes"][0]["object"].update(tier="small")

    assert "may not" in faults(events)[0]


def test_every_stop_and_every_word_beside_operators_has_a_row() -> None:
    assert set(STOPS) == {name for name, act in ACTS.items() if act.effect is Effect.STOPS}
    beside = {act for word, rows in WORDS.items() if word != Authority.LOCAL for act in rows}
    unsigned = {name for name, act in ACTS.items() if not act.roles or act.proves_itself}
    assert unsigned <= beside
    assert beside <= {*ACTS, "proposal.stale"}
