"""Agreements that both sides sign: from the proposal to the end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.partner.agreements import read, sign
from hub.core.agreement import AgreementState, Held
from hub.core.proposal import Authority
from hub.operate.registrar import Done, Waiting
from hub.operate.trail import Trail
from hub.trust.statement import utc_text
from schemas.canonical import canonical_bytes
from schemas.groups import groups
from tests.unit.operate.agreements import TERMS, Sides
from tests.unit.operate.conftest import START
from tests.unit.operate.office import Office, code

DAY = 86_400
FEED = {"name": "seals", "recipient": "risk", "purpose": "security-risk-assessment"}


@pytest.fixture
async def sides(desk: Any) -> Sides:
    return await Sides(desk).open()


async def test_a_proposal_is_in_force_once_both_sides_have_signed_it(sides: Sides) -> None:
    proposed = await sides.propose()
    assert (proposed.state, proposed.in_force(START)) == (AgreementState.PROPOSED, False)

    assert (await sides.sign("zephyr")).state is AgreementState.PROPOSED
    signed = await sides.sign("risk")

    assert (signed.state, len(signed.signatures)) == (AgreementState.ACTIVE, 2)
    assert signed.in_force(START)


async def test_the_text_says_all_that_was_agreed_with_groups_written_out(sides: Sides) -> None:
    conditions = {"places": ["NLRTM", "BE"], "chapters": ["93"], "modes": ["AIR"]}
    given = {"legal_basis": "Reg. 2447, art. 12", "retention_days": 90, "onward": ["police"], "archive_days": 365}
    more = {"conditions": conditions, **given, "direct": True, "notices": ["hold"], "valid_to": "2027-01-01"}

    terms = read((await sides.propose(**more)).text, "a1")

    assert {name: terms[name] for name in given} == given
    assert (terms["format"], terms["hub"], terms["provider"]) == (
        "customs-hub-agreement/1",
        "test-hub",
        {"partner": "zephyr"},
    )
    assert terms["fields"] == [*groups()["@seals"].fields, "/data/subjects"]
    assert (terms["groups"], terms["conditions"], terms["direct"]) == (["@seals"], conditions, True)
    assert (terms["valid_from"], terms["valid_to"]) == (START, START + 365 * DAY)


async def test_for_a_class_of_providers_the_recipient_signs_alone(sides: Sides) -> None:
    agreement = await sides.propose(provider={"aeo": "S", "country": "NL"})
    assert agreement.sides == {"risk"}

    assert (await sides.sign("risk")).state is AgreementState.ACTIVE


async def test_a_company_of_the_class_signs_nothing(sides: Sides) -> None:
    await sides.propose(provider={"role": "exporter"})

    assert await sides.desk.refused("agreement.sign", **sides.request("zephyr")) == {"/id": "ACT_NOT_REGISTERED"}


async def test_the_same_signature_again_changes_nothing(sides: Sides) -> None:
    await sides.propose()
    request = sides.request("zephyr")
    await sides.desk.do("agreement.sign", **request)

    again = await sides.desk.do("agreement.sign", **request)
    await sides.sign("risk")
    later = await sides.desk.do("agreement.sign", **request)

    assert (again.changed, later.changed) == ((), ())


async def test_one_side_cannot_sign_for_the_other(sides: Sides) -> None:
    await sides.propose()
    forged = sides.request("risk", key=sides.keys["zephyr"])

    assert await sides.desk.refused("agreement.sign", **forged) == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_a_key_without_the_scope_does_not_sign(sides: Sides) -> None:
    await sides.propose()
    key = await sides.add_key("risk", "reader", "feeds:read")

    refused = await sides.desk.refused("agreement.sign", **sides.request("risk", key=key))

    assert refused == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_a_changed_text_is_not_what_was_proposed(sides: Sides) -> None:
    agreement = await sides.propose()
    wider = canonical_bytes(orjson.loads(agreement.text) | {"fields": ["*"]}).decode()
    request = {"id": "a1", "partner": "risk", "signature": sign(wider, sides.keys["risk"])}

    assert await sides.desk.refused("agreement.sign", **request) == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_a_signature_of_one_agreement_is_worth_nothing_at_another(sides: Sides) -> None:
    await sides.agree()
    other = await sides.propose(id="a2")
    assert other.text != sides.agreement().text
    replayed = {"id": "a2", "partner": "risk", "signature": sides.request("risk")["signature"]}

    assert await sides.desk.refused("agreement.sign", **replayed) == {"/signature": "ACT_SIGNATURE_REFUSED"}


@pytest.mark.parametrize("broken", ["", "a.b.c", "..", "a..b", "é..x"])
async def test_what_is_no_detached_signature_is_refused(sides: Sides, broken: str) -> None:
    await sides.propose()

    refused = await sides.desk.refused("agreement.sign", id="a1", partner="risk", signature=broken)

    assert refused == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_a_signature_with_its_text_inside_is_refused(sides: Sides) -> None:
    agreement = await sides.propose()
    head, _, tail = sign(agreement.text, sides.keys["risk"]).partition("..")

    refused = await sides.desk.refused("agreement.sign", id="a1", partner="risk", signature=f"{head}.e30.{tail}")

    assert refused == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_a_revoked_key_does_not_sign(sides: Sides) -> None:
    await sides.propose()
    await sides.desk.do("key.revoke", key=sides.keys["risk"].id)

    refused = await sides.desk.refused("agreement.sign", **sides.request("risk"))

    assert refused == {"/signature": "ACT_SIGNATURE_REFUSED"}


async def test_what_a_key_signed_that_was_revoked_since_no_longer_counts(sides: Sides) -> None:
    await sides.propose()
    await sides.sign("zephyr")
    await sides.desk.do("key.revoke", key=sides.keys["zephyr"].id)

    assert (await sides.sign("risk")).state is AgreementState.PROPOSED

    sides.keys["zephyr"] = await sides.add_key("zephyr", "other")
    assert (await sides.sign("zephyr")).state is AgreementState.ACTIVE


@pytest.mark.parametrize("why", ["old", "over", "suspended", "ended"])
async def test_a_stale_proposal_takes_no_signature(sides: Sides, why: str) -> None:
    await sides.propose(valid_to="2026-02-01") if why == "over" else await sides.propose()
    if why in ("old", "over"):
        sides.desk.clock.seconds = {"old": 90, "over": 31}[why] * DAY
        sides.keys["risk"] = await sides.add_key("risk", "fresh")
    elif why == "suspended":
        await sides.desk.do("partner.suspend", id="zephyr", reason="enough")
    else:
        await sides.desk.do("agreement.end", id="a1")

    assert await sides.desk.refused("agreement.sign", **sides.request("risk")) == {"/id": "ACT_AGREEMENT_CLOSED"}


async def test_suspended_it_holds_no_more_and_resumed_it_holds_again(sides: Sides) -> None:
    await sides.agree()

    await sides.desk.do("agreement.suspend", id="a1")
    assert not sides.agreement().in_force(START)
    assert (await sides.desk.do("agreement.suspend", id="a1")).changed == ()

    await sides.desk.do("agreement.resume", id="a1")
    assert sides.agreement().in_force(START)


@pytest.mark.parametrize(
    ("act", "before"),
    [("suspend", "proposed"), ("suspend", "ended"), ("resume", "proposed"), ("resume", "ended")],
)
async def test_only_what_is_in_force_is_suspended_and_only_what_is_suspended_resumed(
    sides: Sides, act: str, before: str
) -> None:
    await sides.propose()
    if before == "ended":
        await sides.desk.do("agreement.end", id="a1")

    assert await sides.desk.refused(f"agreement.{act}", id="a1") == {"/id": "ACT_AGREEMENT_CLOSED"}


async def test_no_signature_starts_what_was_suspended(sides: Sides) -> None:
    await sides.agree()
    await sides.desk.do("agreement.suspend", id="a1")

    assert (await sides.sign("risk")).state is AgreementState.SUSPENDED


async def test_what_the_administration_decided_alone_waits_for_no_signature_while_it_is_suspended(sides: Sides) -> None:
    await sides.desk.agree("a9", provider={"partner": "zephyr"})
    await sides.desk.do("agreement.suspend", id="a9")

    await sides.desk.do("agreement.resume", id="a9")

    assert sides.agreement("a9").state is AgreementState.ACTIVE


async def test_with_its_last_agreement_a_feed_ends_in_the_same_revision(sides: Sides) -> None:
    await sides.agree()
    await sides.desk.do("feed.add", **FEED)

    done = await sides.desk.do("agreement.end", id="a1")

    feeds = sides.desk.live.snapshot.feeds
    assert feeds.get("seals").ended
    assert feeds.since("seals") == done.revision


@pytest.mark.parametrize("other", ["active", "suspended"])
async def test_a_feed_for_which_another_agreement_stands_goes_on(sides: Sides, other: str) -> None:
    await sides.agree()
    await sides.agree(id="a2")
    await sides.desk.do("feed.add", **FEED)
    if other == "suspended":
        await sides.desk.do("agreement.suspend", id="a2")

    await sides.desk.do("agreement.end", id="a1")

    assert not sides.desk.live.snapshot.feeds.get("seals").ended


@pytest.mark.parametrize(
    "other", [{"types": ["customs.container.*"]}, {"purpose": "statistics"}, {"valid_to": "2026-01-02"}]
)
async def test_an_agreement_over_something_else_keeps_no_feed(sides: Sides, other: dict[str, Any]) -> None:
    await sides.agree()
    await sides.agree(id="a2", **other)
    await sides.desk.do("feed.add", **FEED, types=["customs.seal.*"])
    sides.desk.clock.seconds = 2 * DAY

    await sides.desk.do("agreement.end", id="a1")

    assert sides.desk.live.snapshot.feeds.get("seals").ended


async def test_a_proposal_alone_keeps_no_feed(sides: Sides) -> None:
    await sides.agree()
    await sides.propose(id="a2")
    await sides.desk.do("feed.add", **FEED)

    await sides.desk.do("agreement.end", id="a1")

    assert sides.desk.live.snapshot.feeds.get("seals").ended


async def test_one_whose_last_day_has_passed_lapses_and_not_before(sides: Sides) -> None:
    await sides.agree(valid_to="2026-01-02")
    await sides.desk.do("feed.add", **FEED)
    assert await sides.desk.refused("agreement.lapse", id="a1") == {"/id": "ACT_AGREEMENT_CLOSED"}

    sides.desk.clock.seconds = DAY
    await sides.desk.do("agreement.lapse", id="a1")

    assert sides.agreement().ended
    assert sides.desk.live.snapshot.feeds.get("seals").ended
    assert (await sides.desk.do("agreement.end", id="a1")).changed == ()


async def test_an_agreement_that_ended_is_shown_with_when_by_whom_and_why_whatever_is_noted_of_it_later(
    sides: Sides,
) -> None:
    await sides.agree()
    await sides.desk.clock.sleep(60)
    await sides.desk.do("agreement.end", id="a1", reason="No need.")
    await sides.desk.clock.sleep(60)
    await sides.desk.do("agreement.note-copies", id="a1", copies=[])

    shown = await sides.desk.show("agreement.show", id="a1")

    assert shown["became"] == {"at": sides.desk.clock.now_us() // 10**6 - 60, "by": "ada", "why": "No need."}


async def test_what_its_recipient_holds_is_noted_once_it_has_ended(sides: Sides) -> None:
    copies = [{"feed": "seals", "published": 7, "acknowledged": 5, "until": START}]
    await sides.agree()
    assert "/id" in await sides.desk.refused("agreement.note-copies", id="a1", copies=copies)

    await sides.desk.do("agreement.end", id="a1")
    await sides.desk.do("agreement.note-copies", id="a1", copies=copies)
    again = await sides.desk.do("agreement.note-copies", id="a1", copies=[])

    assert (sides.agreement().copies, again.changed) == ((Held("seals", 7, 5, START),), ())


async def test_a_proposal_that_ends_left_no_copies(sides: Sides) -> None:
    await sides.propose()

    await sides.desk.do("agreement.end", id="a1")

    assert sides.agreement().copies == ()


async def test_all_faults_of_new_terms_are_told_at_once(sides: Sides) -> None:
    terms = {
        "fields": ["@seal", "/data/a"],
        "provider": {"aeo": "X"},
        "conditions": {"places": ["Rotterdam", "NLRTM"], "chapters": ["77", "1"], "modes": ["air"]},
        "legal_basis": " ",
        "retention_days": 0,
        "archive_days": -1,
        "onward": [""],
        "notices": ["\n"],
    }

    faults = await sides.desk.refused("agreement.propose", **(TERMS | terms))

    assert set(faults) == {
        "/fields/0", "/fields/1", "/provider/aeo", "/conditions/places/0",
        "/conditions/chapters/0", "/conditions/chapters/1",
        "/conditions/modes/0", "/legal_basis", "/retention_days", "/archive_days", "/onward/0", "/notices/0",
    }  # fmt: skip


async def test_terms_longer_than_can_be_signed_are_refused(sides: Sides) -> None:
    long = [f"/data/extensions/{number:0230}" for number in range(64)]
    words = [f"{number:é>190}" for number in range(64)]

    faults = await sides.desk.refused("agreement.propose", **(TERMS | {"fields": long, "onward": words}))

    assert faults == {"/fields": "ACT_VALUE_INVALID"}


async def test_an_agreement_that_a_leaked_key_signed_is_resumed_once_its_side_has_signed_it_anew(sides: Sides) -> None:
    await sides.agree()
    since = utc_text(sides.desk.clock.now_us() - 60_000_000)
    await sides.desk.do("key.leaked", key=sides.keys["zephyr"].id, since=since, reason="found in public")
    refused = await sides.desk.refused("agreement.resume", id="a1")
    waits_for = (await sides.desk.show("agreement.show", id="a1"))["waits_for"]

    sides.keys["zephyr"] = await sides.add_key("zephyr", "other")
    signed = await sides.sign("zephyr")
    await sides.desk.do("agreement.resume", id="a1")

    assert (refused, waits_for) == ({"/id": "ACT_AGREEMENT_CLOSED"}, ["zephyr"])
    assert (signed.state, sides.agreement().state) == (AgreementState.SUSPENDED, AgreementState.ACTIVE)


async def test_two_officers_propose_both_sides_sign_and_one_officer_suspends(desk: Any) -> None:
    sides = await Sides(desk).open()
    office = await Office(desk).open()
    await office.join("carl", "agreement-officer")
    assert code(await desk.registrar.perform("agreement.propose", TERMS, actor="ada")) == "OPERATOR_REQUIRED"

    await office.both("agreement.propose", "ben", "carl", **TERMS)
    for name in ("zephyr", "risk"):
        request = sides.request(name)
        await desk.registrar.perform("agreement.sign", request, actor=f"{name}.signer", authority=Authority.PARTNER)
    assert sides.agreement().state is AgreementState.ACTIVE

    assert isinstance(await office.ask("olga", "agreement.suspend", id="a1"), Done)
    assert isinstance(await office.ask("ben", "agreement.resume", id="a1"), Waiting)
    assert sides.agreement().state is AgreementState.SUSPENDED
    trail = Trail()
    assert [fault for event in await desk.registry.audit(0, 100) for fault in trail.take(orjson.loads(event))] == []
