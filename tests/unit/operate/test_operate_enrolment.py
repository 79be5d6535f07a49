"""Inviting a system, bringing its key, approving it: what each act does, and when it does nothing at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hub.core.codes import digest_of, spoken
from hub.core.credential import KeyState
from hub.core.errors import Refusal
from hub.core.jwk import public_jwk
from hub.core.proposal import Authority
from hub.operate.registrar import Done
from tests.unit.operate.conftest import Desk
from tests.unit.operate.office import Office, key_pair

CODE = digest_of("chi_first")
REVOCATION = digest_of("chr_first")


async def invited(desk: Desk, code: str = CODE, system: str = "erp", **more: Any) -> None:
    if desk.live.snapshot.partners.get("zephyr") is None:
        await desk.enrol()
    await desk.do("invitation.make", id=code, partner="zephyr", system=system, **{"scopes": ["events:write"]} | more)


async def brings(desk: Desk, key: Any = None, code: str = CODE) -> Done | Refusal:
    """A company brings its key, as the hub would ask for it."""
    key = key or key_pair()
    request = {"invitation": code, "jwk": key.jwk, "revocation": REVOCATION, "clock_offset_seconds": -2}
    return await desk.registrar.perform("enrolment.key", request, actor="zephyr.erp", authority=Authority.PARTNER)


def refused(outcome: Done | Refusal) -> list[tuple[str, str]]:
    assert isinstance(outcome, Refusal), outcome
    return [(fault.place, fault.code) for fault in outcome.faults]


async def test_a_key_that_was_brought_waits_and_its_system_does_not_exist_yet(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()

    await brings(desk, key)

    held = desk.live.snapshot.keys.get(key.id)
    assert held is not None
    assert (held.state, held.revocation) == (KeyState.REQUESTED, REVOCATION)
    assert desk.live.snapshot.systems.get("zephyr.erp") is None


async def test_what_the_company_reads_out_approves_the_key_and_makes_its_system(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()
    await brings(desk, key)

    await desk.do("key.approve", key=spoken(key.id).lower().replace(" ", "-"))

    snapshot = desk.live.snapshot
    assert snapshot.keys.get(key.id).state is KeyState.ACTIVE  # type: ignore[union-attr]
    assert snapshot.systems.get("zephyr.erp").scopes == ("events:write",)  # type: ignore[union-attr]


async def test_another_keys_words_approve_nothing(desk: Desk) -> None:
    await invited(desk)
    await brings(desk)

    assert await desk.refused("key.approve", key=spoken(key_pair().id)) == {"/key": "ACT_NOT_REGISTERED"}


async def test_a_refused_key_is_never_approved_and_never_comes_back(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()
    await brings(desk, key)

    await desk.do("key.refuse", key=key.id)

    assert await desk.refused("key.approve", key=key.id) == {"/key": "ACT_NOT_REGISTERED"}
    await invited(desk, digest_of("second"))
    assert ("/jwk", "ACT_KEY_KNOWN") in refused(await brings(desk, key, digest_of("second")))


async def test_a_code_brings_one_key_however_many_come_at_once(desk: Desk) -> None:
    await invited(desk)

    outcomes = await asyncio.gather(*(brings(desk) for _ in range(10)))

    assert [isinstance(each, Done) for each in outcomes].count(True) == 1
    assert len(desk.live.snapshot.keys) == 1


async def test_the_same_key_may_ask_again_while_it_waits_and_changes_nothing(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()
    await brings(desk, key)
    before = desk.live.snapshot.revision

    again = await brings(desk, key)

    assert isinstance(again, Done)
    assert desk.live.snapshot.revision == before


async def test_a_code_is_good_until_its_last_second(desk: Desk) -> None:
    await invited(desk)
    await invited(desk, digest_of("other"), system="tos")
    desk.clock.seconds = 72 * 3_600 - 1

    in_time = await brings(desk)
    desk.clock.seconds += 1
    too_late = await brings(desk, code=digest_of("other"))

    assert isinstance(in_time, Done)
    assert refused(too_late) == [("/invitation", "ACT_VALUE_INVALID")]


async def test_an_ended_invitation_brings_nothing(desk: Desk) -> None:
    await invited(desk)
    await desk.do("invitation.end", id=CODE[:8])

    assert refused(await brings(desk)) == [("/invitation", "ACT_VALUE_INVALID")]


@pytest.mark.parametrize("act", ["partner.suspend", "partner.leave"])
async def test_nothing_comes_by_an_invitation_of_a_partner_that_is_stopped(desk: Desk, act: str) -> None:
    await invited(desk)
    await desk.do(act, id="zephyr")

    assert refused(await brings(desk)) == [("/invitation", "ACT_VALUE_INVALID")]


async def test_a_key_of_a_partner_that_was_stopped_meanwhile_is_not_approved(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()
    await brings(desk, key)
    await desk.do("partner.suspend", id="zephyr")

    assert await desk.refused("key.approve", key=key.id) == {"/key": "ACT_VALUE_INVALID"}


async def test_an_applicant_is_not_invited_before_somebody_looked_at_it(desk: Desk) -> None:
    await desk.do("partner.apply", id="zephyr", name="Zephyr", country="NL", roles=["exporter"])
    asked = {"id": CODE, "partner": "zephyr", "system": "erp", "scopes": ["events:write"]}

    assert await desk.refused("invitation.make", **asked) == {"/partner": "ACT_VALUE_INVALID"}
    await desk.do("partner.vet", id="zephyr")
    await desk.do("invitation.make", **asked)


async def test_a_code_is_never_given_out_twice_and_open_invitations_are_bounded(desk: Desk) -> None:
    await invited(desk)
    asked: dict[str, Any] = {"partner": "zephyr", "scopes": ["events:write"]}
    assert await desk.refused("invitation.make", id=CODE, system="b", **asked) == {"/id": "ACT_NAME_TAKEN"}
    for number in range(15):
        await invited(desk, digest_of(str(number)), system=f"s{number}")

    assert await desk.refused("invitation.make", id=digest_of("more"), system="b", **asked) == {
        "/partner": "ACT_VALUE_INVALID"
    }


async def test_a_code_itself_is_not_taken_and_not_echoed(desk: Desk) -> None:
    await desk.enrol()
    request = {"id": "chi_" + "0" * 26, "partner": "zephyr", "system": "erp", "scopes": ["events:write"]}

    outcome = await desk.registrar.perform("invitation.make", request, actor="ada")

    assert isinstance(outcome, Refusal)
    assert "0" * 26 not in repr(outcome)


async def test_each_step_is_noted_once_with_its_time(desk: Desk) -> None:
    await invited(desk)
    key = key_pair()
    await brings(desk, key)
    for step in ("clock", "event", "receipt"):
        await desk.do("enrolment.step", system="zephyr.erp", step=step)
    before = desk.live.snapshot.revision

    await desk.do("enrolment.step", system="zephyr.erp", step="event")

    assert desk.live.snapshot.revision == before
    [shown] = (await desk.show("partner.checklist", id="zephyr"))["systems"]
    assert [item["name"] for item in shown["items"] if not item["done"]] == ["key_approved"]
    await desk.do("key.approve", key=key.id)
    assert (await desk.show("partner.checklist", id="zephyr"))["systems"][0]["complete"]


async def test_the_list_shows_what_to_compare_and_which_codes_ran_out(desk: Desk) -> None:
    await invited(desk)
    await invited(desk, digest_of("other"), system="tos")
    key = key_pair()
    await brings(desk, key)
    desk.clock.seconds = 73 * 3_600

    late, used = (await desk.show("invitation.list"))["items"]

    assert (used["state"], used["key_state"], used["spoken"]) == ("used", "requested", spoken(key.id))
    assert (late["state"], late["spoken"]) == ("expired", None)


async def test_no_operator_says_what_only_a_company_or_the_hub_can_say(desk: Desk) -> None:
    await invited(desk)
    office = await Office(desk).open()
    request = {"invitation": CODE, "jwk": key_pair().jwk, "revocation": REVOCATION, "clock_offset_seconds": 0}

    outcome = await office.ask("ann", "enrolment.key", **request)

    assert isinstance(outcome, Refusal)
    assert outcome.code == "OPERATOR_NOT_PERMITTED"


async def test_approving_takes_two_and_refusing_takes_one(desk: Desk) -> None:
    office = await Office(desk).open()
    await office.both("partner.add", "ann", "ben", id="zephyr", name="Z", country="NL", roles=["exporter"])
    for code, system in ((CODE, "erp"), (digest_of("other"), "tos")):
        asked = {"id": code, "partner": "zephyr", "system": system, "scopes": ["events:write"]}
        await office.both("invitation.make", "ann", "ben", **asked)
    first, second = key_pair(), key_pair()
    await brings(desk, first)
    await brings(desk, second, digest_of("other"))

    await office.both("key.approve", "ann", "ben", key=spoken(first.id))
    alone = await office.ask("olga", "key.refuse", key=second.id)

    assert isinstance(alone, Done)
    states = {key.id: key.state for key in desk.live.snapshot.keys}
    assert states == {first.id: KeyState.ACTIVE, second.id: KeyState.REVOKED}


async def test_a_private_key_is_refused_unread(desk: Desk) -> None:
    await invited(desk)
    pair = key_pair()
    request = {"invitation": CODE, "jwk": public_jwk(pair.private.public_key()) | {"d": "AAAA"}, "revocation": "",
               "clock_offset_seconds": 0}  # fmt: skip

    outcome = await desk.registrar.perform("enrolment.key", request, actor="x", authority=Authority.PARTNER)

    assert refused(outcome) == [("/jwk", "ACT_KEY_REFUSED")]
