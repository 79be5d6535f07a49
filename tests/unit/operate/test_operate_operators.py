"""Two pairs of eyes: stopping takes one person, starting takes two over the same statement."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from hub.core.approval import PROPOSAL_SECONDS, ActStatement
from hub.core.errors import Refusal
from hub.core.proposal import Authority
from hub.operate.registrar import ACTS, Done, Waiting
from hub.operate.second_look import SecondLook
from hub.operate.trail import Trail
from tests.unit.operate.conftest import START, Silent
from tests.unit.operate.office import Office, code, key_pair, public_pem

HOUR = 3_600
DELTA = {"id": "delta", "name": "Delta", "country": "NL", "roles": ["terminal"]}


@pytest.fixture
async def office(desk: Any) -> Office:
    await desk.enrol("zephyr")
    return await Office(desk).open()


async def trail(desk: Any) -> list[dict[str, Any]]:
    return [orjson.loads(event) for event in await desk.registry.audit(0, 1_000)]


async def waiting(office: Office, who: str = "ann", act: str = "partner.add", **request: Any) -> str:
    """A statement with a first signature."""
    statement = await office.statement(who, act, **(request or DELTA))
    assert isinstance(await office.sign(who, statement), Waiting)
    return statement


async def test_before_the_first_operator_the_machines_user_acts_alone_and_the_trail_says_so(desk: Any) -> None:
    await desk.enrol("zephyr")

    assert [event["authority"] for event in await trail(desk)] == ["setup"]


async def test_there_is_one_first_operator_and_no_other_way_to_become_one(desk: Any) -> None:
    unset = {"id": "eve", "name": "Eve", "roles": ["viewer"], "key": public_pem(key_pair())}
    assert await desk.refused("operator.add", **unset) == {"/id": "ACT_OPERATOR_FIRST"}
    office = await Office(desk).open()

    again = await desk.registrar.perform(
        "operator.first", {"id": "eve", "name": "Eve", "key": public_pem(key_pair())}, actor="root"
    )
    signed = await desk.registrar.prepare(
        "operator.first", {"id": "eve", "name": "Eve", "key": public_pem(key_pair())}, operator="ann"
    )

    assert code(again) == "OPERATOR_REQUIRED"
    assert code(signed) == "ACT_REFUSED"
    assert len(office.desk.live.snapshot.operators) == 3


async def test_the_first_operator_adds_one_colleague_alone_at_the_machine_and_nowhere_else(desk: Any) -> None:
    office = Office(desk)
    office.keys |= {"ann": key_pair(), "ben": key_pair()}
    await desk.do("operator.first", id="ann", name="Ann", key=public_pem(office.keys["ann"]))
    ben = {"id": "ben", "name": "Ben", "roles": ["security-officer"], "key": public_pem(office.keys["ben"])}

    over_the_network = await office.ask("ann", "operator.add", **ben)
    other_act = await office.ask("ann", "partner.add", local=True, **DELTA)
    assert isinstance(over_the_network, Waiting)
    assert isinstance(other_act, Waiting)

    desk.clock.seconds += 1
    assert isinstance(await office.ask("ann", "operator.add", local=True, **ben), Done)
    third = await office.ask("ann", "operator.add", local=True, **ben | {"id": "carl", "key": public_pem(key_pair())})
    assert isinstance(third, Waiting)


async def test_a_starting_act_is_done_by_the_second_signature_over_the_same_words(office: Office) -> None:
    statement = await waiting(office)
    assert office.desk.live.snapshot.partners.get("delta") is None

    done = await office.sign("olga", statement)

    assert isinstance(done, Done)
    assert office.desk.live.snapshot.partners.get("delta").name == "Delta"
    event = (await trail(office.desk))[-1]
    assert (event["actor"], event["authority"], event["act"]) == ("ann, olga", "signed", "partner.add")
    assert event["statement"] == statement
    assert len(event["signatures"]) == 2


async def test_the_audit_event_shows_what_was_before(office: Office) -> None:
    await office.both("partner.tier", "ann", "olga", id="zephyr", tier="aeo")

    change = (await trail(office.desk))[-1]["changes"][0]

    assert (change["before"]["tier"], change["object"]["tier"], change["since"]) == ("trusted", "aeo", 1)


async def test_the_same_person_does_not_sign_twice_also_with_another_key(office: Office) -> None:
    new = key_pair()
    await office.both("operator.rotate", "ben", "ann", id="ann", key=public_pem(new))
    statement = await waiting(office)
    assert code(await office.sign("ann", statement)) == "OPERATOR_NOT_PERMITTED"

    office.keys["ann"] = new

    assert code(await office.sign("ann", statement)) == "OPERATOR_NOT_PERMITTED"
    assert office.desk.live.snapshot.partners.get("delta") is None


@pytest.mark.parametrize("roles", [("viewer",), ("auditor",), ("agreement-officer",)])
async def test_a_role_that_the_act_does_not_ask_for_signs_neither_first_nor_second(
    office: Office, roles: tuple[str, ...]
) -> None:
    await office.join("vera", *roles)
    statement = await waiting(office)

    assert code(await office.sign("vera", statement)) == "OPERATOR_NOT_PERMITTED"
    assert code(await office.ask("vera", "partner.add", **DELTA | {"id": "epsilon"})) == "OPERATOR_NOT_PERMITTED"
    assert office.desk.live.snapshot.partners.get("delta") is None


async def test_every_act_that_starts_something_waits_for_a_second(office: Office) -> None:
    """What the registrar does with an act follows from its row, whatever it is about."""
    effects = {name: act.effect for name, act in ACTS.items()}

    assert {"partner.add", "key.add", "partner.tier", "operator.add"} <= {
        n for n, e in effects.items() if e == "starts"
    }
    assert {"partner.suspend", "key.revoke", "operator.suspend"} <= {n for n, e in effects.items() if e == "stops"}
    for name, act in ACTS.items():
        assert act.effect == "keeps" or act.roles.isdisjoint({"viewer", "auditor"}), name


EORI = {"scheme": "eori", "value": "NL123456789"}
MORE = [
    {"identifiers": [EORI]},
    {"edi_senders": ["RIVAL"]},
    {"edi_senders": ["any"]},
    {"edi_senders": ["TERM", "RIVAL"]},
    {"contacts": [{"purpose": "security", "name": "Mallory", "phone": "+31 10 000 0000"}]},
    {"check_digits": "hub"},
    {"check_digits": "warn"},
    {"name": "Customs of the Netherlands"},
]
LESS = [{"identifiers": []}, {"edi_senders": ["TERM"]}, {"check_digits": "reject"}, {"time_zone": "Europe/Paris"}]


async def strict(office: Office) -> None:
    """Zephyr as it was approved: held to all that there is."""
    lei = {"scheme": "lei", "value": "529900T8BM49AURSDO55"}
    request = {"identifiers": [lei], "edi_senders": ["TERM", "TERM2"], "check_digits": "reject"}
    await office.both("partner.set", "ann", "olga", id="zephyr", **request)


@pytest.mark.parametrize("more", MORE, ids=str)
async def test_what_lets_a_partner_do_more_or_moves_whom_to_ask_takes_two(office: Office, more: dict[str, Any]) -> None:
    await strict(office)
    before = office.desk.live.snapshot.partners.get("zephyr")

    statement = await waiting(office, "olga", "partner.set", id="zephyr", **more)
    held = office.desk.live.snapshot.partners.get("zephyr")

    assert held == before
    assert isinstance(await office.sign("ann", statement), Done)
    assert office.desk.live.snapshot.partners.get("zephyr") != before


@pytest.mark.parametrize("less", LESS, ids=str)
async def test_what_takes_from_a_partner_or_is_harmless_takes_one(office: Office, less: dict[str, Any]) -> None:
    await strict(office)
    await office.both("partner.set", "ann", "olga", id="zephyr", check_digits="hub")

    assert isinstance(await office.ask("olga", "partner.set", id="zephyr", **less), Done)


@pytest.mark.parametrize("everyone", ["*", "zephyr"])
async def test_catching_up_for_longer_takes_two_and_ending_it_takes_one(office: Office, everyone: str) -> None:
    await office.both("partner.catch-up", "ann", "olga", id=everyone, hours=24)

    longer = await office.ask("olga", "partner.catch-up", id=everyone, hours=25)
    shorter = await office.ask("olga", "partner.catch-up", id=everyone, hours=1)
    ended = await office.ask("olga", "partner.catch-up", id=everyone, hours=0)

    assert [type(each) for each in (longer, shorter, ended)] == [Waiting, Done, Done]


async def test_a_copy_is_released_and_a_profile_set_by_two(office: Office) -> None:
    assert {ACTS[name].effect for name in ("document.release", "edi.profile.set", "partner.quota")} == {"starts"}
    statement = await waiting(office, "olga", "edi.profile.set", id="zephyr", profile='{"profile": 1}')

    assert office.desk.live.snapshot.edi_profiles.get("zephyr") is None
    assert isinstance(await office.sign("ann", statement), Done)


async def test_the_trail_tells_of_one_signature_under_what_lets_a_partner_do_more(office: Office) -> None:
    await strict(office)
    events = await trail(office.desk)
    last = events[-1]
    alone = last | {"actor": "ann", "signatures": last["signatures"][:1], "changes": last["changes"][:1]}

    checked = Trail()
    faults = [fault for event in (*events[:-1], alone) for fault in checked.take(event)]

    assert faults == [f"revision {alone['revision']}: takes two signatures"]


async def test_a_signature_over_other_words_is_worth_nothing(office: Office) -> None:
    statement = await waiting(office)
    other = await office.statement("olga", "partner.add", **DELTA | {"id": "epsilon"})

    mixed = await office.registrar.sign(statement, office.keys["olga"].sign_act(other.encode()))

    assert code(mixed) == "SIGNATURE_NOT_ACCEPTED"
    assert office.desk.live.snapshot.partners.get("delta") is None


async def test_a_statement_for_another_hub_is_refused(office: Office) -> None:
    statement = (await office.statement("ann", "partner.suspend", id="zephyr")).replace("test-hub", "next-hub")

    assert code(await office.sign("ann", statement)) == "SIGNATURE_NOT_ACCEPTED"


@pytest.mark.parametrize("alter", ["{} ", '{{"act":1}}', "", '{{"x":1,{}', "[{}]"])
async def test_a_statement_in_another_spelling_is_refused(office: Office, alter: str) -> None:
    statement = await office.statement("ann", "partner.suspend", id="zephyr")

    assert code(await office.sign("ann", alter.format(statement))) == "SIGNATURE_NOT_ACCEPTED"


async def test_a_statement_that_names_other_objects_than_the_act_changes_is_refused(office: Office) -> None:
    honest = msgspec.json.decode(await office.statement("ann", "partner.suspend", id="zephyr"), type=ActStatement)
    forged = msgspec.structs.replace(
        honest, changes=(), replaces="4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    )

    assert code(await office.sign("ann", forged.canonical().decode())) == "PROPOSAL_STALE"
    assert not office.desk.live.snapshot.partners.get("zephyr").stopped


async def test_a_key_that_no_operator_has_is_refused(office: Office) -> None:
    office.keys["eve"] = key_pair()

    assert code(await office.ask("eve", "partner.suspend", id="zephyr")) == "SIGNATURE_NOT_ACCEPTED"


async def test_what_changed_between_the_signatures_makes_the_proposal_stale_for_ever(office: Office) -> None:
    statement = await waiting(office, act="partner.tier", id="zephyr", tier="aeo")
    await office.ask("olga", "partner.set", id="zephyr", time_zone="Europe/Paris")

    assert code(await office.sign("olga", statement)) == "PROPOSAL_STALE"
    assert office.desk.live.snapshot.partners.get("zephyr").tier == "trusted"
    items = (await office.desk.show("proposal.list"))["items"]
    assert items[0]["state"] == "stale"


async def test_what_changed_and_changed_back_is_not_as_it_was(office: Office) -> None:
    await office.both("partner.tier", "ann", "olga", id="zephyr", tier="small")
    statement = await waiting(office, act="partner.tier", id="zephyr", tier="aeo")
    await office.both("partner.tier", "ann", "olga", id="zephyr", tier="trusted")
    await office.both("partner.tier", "ann", "olga", id="zephyr", tier="small")

    assert code(await office.sign("olga", statement)) == "PROPOSAL_STALE"


async def test_a_new_object_that_somebody_else_made_meanwhile_makes_the_proposal_stale(office: Office) -> None:
    statement = await waiting(office)
    await office.both("partner.add", "ben", "olga", **DELTA | {"name": "Other Delta"})

    assert code(await office.sign("olga", statement)) == "PROPOSAL_STALE"
    assert office.desk.live.snapshot.partners.get("delta").name == "Other Delta"


async def test_a_proposal_expires_after_72_hours_to_the_second(office: Office) -> None:
    early, late = await waiting(office), await waiting(office, **DELTA | {"id": "epsilon"})

    office.desk.clock.seconds += 72 * HOUR - 1
    assert isinstance(await office.sign("olga", early), Done)
    office.desk.clock.seconds += 1

    assert code(await office.sign("olga", late)) == "PROPOSAL_CLOSED"
    assert office.desk.live.snapshot.partners.get("epsilon") is None


async def test_a_statement_performed_once_is_answered_with_what_it_did(office: Office) -> None:
    statement = await waiting(office)
    done = await office.sign("olga", statement)
    head = await office.desk.registry.head()

    again = await office.sign("olga", statement)

    assert isinstance(done, Done)
    assert isinstance(again, Done)
    assert again.revision == done.revision
    assert await office.desk.registry.head() == head


async def test_a_replayed_stop_does_not_stop_again_what_was_started_since(office: Office) -> None:
    statement = await office.statement("olga", "partner.suspend", id="zephyr")
    assert isinstance(await office.sign("olga", statement), Done)
    await office.both("partner.resume", "ann", "olga", id="zephyr")

    assert code(await office.sign("olga", statement)) == "PROPOSAL_STALE"
    assert not office.desk.live.snapshot.partners.get("zephyr").stopped


async def test_a_signature_that_was_put_away_is_not_brought_out_later(office: Office) -> None:
    statement = await office.statement("olga", "partner.suspend", id="zephyr")
    office.desk.clock.seconds += 900

    assert code(await office.sign("olga", statement)) == "SIGNATURE_NOT_ACCEPTED"


async def test_a_statement_from_the_future_is_refused(office: Office) -> None:
    statement = await office.statement("olga", "partner.suspend", id="zephyr")
    office.desk.clock.seconds -= 31

    assert code(await office.sign("olga", statement)) == "SIGNATURE_NOT_ACCEPTED"


@pytest.mark.parametrize("act", ["operator.suspend", "operator.remove"])
async def test_an_operator_who_was_stopped_signs_nothing_and_what_he_asked_for_is_not_done(
    office: Office, act: str
) -> None:
    statement = await waiting(office, "olga")
    assert isinstance(await office.ask("ann", act, id="olga"), Done)

    assert code(await office.sign("ben", statement)) == "OPERATOR_NOT_PERMITTED"
    assert code(await office.ask("olga", "partner.suspend", id="zephyr")) == "OPERATOR_NOT_PERMITTED"
    assert office.desk.live.snapshot.partners.get("delta") is None


async def test_a_rotated_key_signs_until_its_grace_ends(office: Office) -> None:
    await office.both("operator.rotate", "ann", "ben", id="olga", key=public_pem(key_pair()))
    assert isinstance(await office.ask("olga", "partner.set", id="zephyr", time_zone="Europe/Paris"), Done)

    office.desk.clock.seconds += HOUR

    assert (
        code(await office.ask("olga", "partner.set", id="zephyr", time_zone="Europe/Rome")) == "SIGNATURE_NOT_ACCEPTED"
    )


async def test_a_liaison_visitor_is_never_the_second_and_starts_with_the_mentor_only(office: Office) -> None:
    await office.join("lia", "partner-officer", mentor="olga", until="2026-02-01")
    statement = await waiting(office)
    assert code(await office.sign("lia", statement)) == "OPERATOR_NOT_PERMITTED"

    visit = await waiting(office, "lia", **DELTA | {"id": "epsilon"})

    assert code(await office.sign("ben", visit)) == "OPERATOR_NOT_PERMITTED"
    assert isinstance(await office.sign("olga", visit), Done)


async def test_a_visit_ends_by_itself(office: Office) -> None:
    await office.join("lia", "partner-officer", mentor="olga", until="2026-01-02")
    office.desk.clock.seconds += 24 * HOUR

    assert code(await office.ask("lia", "partner.suspend", id="zephyr")) == "OPERATOR_NOT_PERMITTED"


@pytest.mark.parametrize("act", ["operator.suspend", "operator.remove"])
async def test_a_visit_ends_with_the_mentor(office: Office, act: str) -> None:
    await office.join("lia", "partner-officer", mentor="olga", until="2026-02-01")
    assert isinstance(await office.ask("ann", act, id="olga"), Done)

    assert code(await office.ask("lia", "partner.suspend", id="zephyr")) == "OPERATOR_NOT_PERMITTED"
    assert code(await office.registrar.looks.view("partner.list", {}, operator="lia")) == "OPERATOR_NOT_PERMITTED"


async def test_a_visit_has_an_end_a_mentor_and_no_call(office: Office) -> None:
    request = {"id": "lia", "name": "Lia", "roles": ["viewer"], "key": public_pem(key_pair()), "mentor": "nobody"}

    refused = await office.registrar.prepare("operator.add", request | {"on_call": True}, operator="ann")

    assert isinstance(refused, Refusal)
    assert {fault.place for fault in refused.faults} == {"/mentor", "/until", "/on_call"}


async def test_a_stopping_act_takes_one_person_and_is_looked_at_by_another(office: Office) -> None:
    done = await office.ask("olga", "partner.suspend", id="zephyr", reason="seal broken")
    assert isinstance(done, Done)
    review = str(done.revision)

    own = await office.registrar.prepare("review.done", {"id": review, "note": "fine"}, operator="olga")
    await office.ask("ben", "review.done", id=review, note="rightly so")

    assert code(own) == "ACT_REFUSED"
    held = office.desk.live.snapshot.reviews.get(review)
    assert (held.done_by, held.note, held.due, held.reason) == ("ben", "rightly so", START + 24 * HOUR, "seal broken")


@pytest.mark.parametrize(("role", "is_done"), [("auditor", True), ("agreement-officer", True), ("viewer", False)])
async def test_officers_and_auditors_look_at_what_another_did_alone(office: Office, role: str, is_done: bool) -> None:
    done = await office.ask("olga", "partner.suspend", id="zephyr", reason="seal broken")
    assert isinstance(done, Done)
    await office.join("eve", role)

    looked = await office.ask("eve", "review.done", id=str(done.revision), note="rightly so")

    assert isinstance(looked, Done) if is_done else code(looked) == "OPERATOR_NOT_PERMITTED"
    assert bool(office.open_reviews) is not is_done


async def test_a_visitor_is_no_second_pair_of_eyes_after_an_act_either(office: Office) -> None:
    done = await office.ask("olga", "partner.suspend", id="zephyr", reason="seal broken")
    assert isinstance(done, Done)
    await office.join("lia", "security-officer", mentor="olga", until="2026-02-01")

    looked = await office.registrar.prepare("review.done", {"id": str(done.revision), "note": "fine"}, operator="lia")

    assert code(looked) == "ACT_REFUSED"


async def test_an_auditor_does_nothing_else(office: Office) -> None:
    await office.join("eve", "auditor")

    assert code(await office.ask("eve", "partner.suspend", id="zephyr")) == "OPERATOR_NOT_PERMITTED"
    assert (
        code(await office.ask("eve", "partner.set", id="zephyr", time_zone="Europe/Rome")) == "OPERATOR_NOT_PERMITTED"
    )


async def test_the_machines_user_alone_stops_and_starts_nothing(office: Office) -> None:
    perform = office.registrar.perform

    stopped = await perform("partner.suspend", {"id": "zephyr"}, actor="root")
    started = [await perform(act, request, actor="root") for act, request in (
        ("partner.resume", {"id": "zephyr"}), ("partner.set", {"id": "zephyr", "time_zone": "Europe/Paris"}),
        ("review.done", {"id": "1", "note": "x"}), ("proposal.refuse", {"id": "1"}),
    )]  # fmt: skip

    assert isinstance(stopped, Done)
    assert [code(outcome) for outcome in started] == ["OPERATOR_REQUIRED"] * 4
    assert (await trail(office.desk))[-1]["authority"] == Authority.LOCAL
    assert [review.actors for review in office.open_reviews] == [("root",)]


async def test_a_proposal_is_refused_by_another_and_withdrawn_by_its_author_alone(office: Office) -> None:
    first, second = await waiting(office), await waiting(office, **DELTA | {"id": "epsilon"})
    ids = [each.id for each in office.desk.live.snapshot.proposals if each.state == "open"]

    foreign = await office.registrar.prepare("proposal.withdraw", {"id": ids[1]}, operator="olga")
    await office.ask("olga", "proposal.refuse", id=ids[0][:12])
    await office.ask("ann", "proposal.withdraw", id=ids[1])

    assert code(foreign) == "ACT_REFUSED"
    assert code(await office.sign("olga", first)) == "PROPOSAL_CLOSED"
    assert code(await office.sign("olga", second)) == "PROPOSAL_CLOSED"
    assert [each["state"] for each in (await office.desk.show("proposal.list"))["items"][:2]] == [
        "withdrawn",
        "refused",
    ]


async def test_only_proposals_that_can_still_be_signed_are_listed_as_open(office: Office) -> None:
    await waiting(office)
    asked = (await office.desk.show("proposal.list", open="yes"))["items"]
    await office.desk.clock.sleep(PROPOSAL_SECONDS)

    late = (await office.desk.show("proposal.list", open="yes"))["items"]

    assert ([each["state"] for each in asked], late) == (["open"], [])


@pytest.mark.parametrize("act", ["operator.suspend", "operator.remove"])
async def test_nobody_takes_away_a_security_officer_unless_two_others_stay(office: Office, act: str) -> None:
    refused = await office.registrar.prepare(act, {"id": "ben"}, operator="ann")
    by_the_machine = await office.registrar.perform(act, {"id": "ben"}, actor="root")
    await office.join("cy", "security-officer")
    taken_away = await office.ask("ann", act, id="ben")

    assert isinstance(refused, Refusal)
    assert [fault.code for fault in refused.faults] == ["ACT_LAST_SECURITY_OFFICER"]
    assert code(by_the_machine) == "ACT_REFUSED"
    assert isinstance(taken_away, Done)
    await office.both("partner.add", "ann", "olga", **DELTA)


async def test_a_security_officer_for_a_time_does_not_count_as_one_who_stays(office: Office) -> None:
    await office.join("cy", "security-officer", until="2099-01-01")

    demoted = await office.registrar.prepare("operator.role", {"id": "ben", "roles": ["viewer"]}, operator="ann")

    assert code(demoted) == "ACT_REFUSED"


async def test_a_partner_leaves_for_good_by_two_and_is_stopped_by_one(office: Office) -> None:
    alone = await office.ask("olga", "partner.leave", id="zephyr")
    by_the_machine = await office.registrar.perform("partner.leave", {"id": "zephyr"}, actor="root")
    before = office.desk.live.snapshot.partners.get("zephyr").state

    assert isinstance(alone, Waiting)
    assert code(by_the_machine) == "OPERATOR_REQUIRED"
    assert before == "active"
    assert isinstance(await office.ask("olga", "partner.suspend", id="zephyr"), Done)


async def test_the_second_operator_is_looked_at_by_another_and_an_alarm_is_told_until_then(desk: Any) -> None:
    office, observer = Office(desk), Told()
    office.keys["ann"] = key_pair()
    await desk.do("operator.first", id="ann", name="Ann", key=public_pem(office.keys["ann"]))
    await office.join("ben", "security-officer")
    [review] = desk.live.snapshot.reviews
    SecondLook(lambda: desk.live.snapshot, clock=desk.clock, observer=observer).look()

    own = await office.registrar.prepare("review.done", {"id": review.id, "note": "mine"}, operator="ann")
    other = await office.ask("ben", "review.done", id=review.id, note="my key it is")

    assert (review.act, review.actors, observer.events) == ("operator.add", ("ann",), ["alarm.operator_alone"])
    assert (code(own), isinstance(other, Done)) == ("ACT_REFUSED", True)


async def test_a_key_is_one_persons_or_one_systems(office: Office) -> None:
    key = public_pem(office.keys["olga"])
    request = {"id": "eve", "name": "Eve", "roles": ["viewer"], "key": key}

    refused = await office.registrar.prepare("operator.add", request, operator="ann")

    assert isinstance(refused, Refusal)
    assert [fault.code for fault in refused.faults] == ["ACT_KEY_KNOWN"]


class Told(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.gauges: dict[str, float] = {}

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.gauges[name] = value


async def test_a_review_that_is_overdue_is_told_once(office: Office) -> None:
    observer = Told()
    watch = SecondLook(lambda: office.desk.live.snapshot, clock=office.desk.clock, observer=observer)
    await office.ask("olga", "partner.suspend", id="zephyr")
    watch.look()
    assert (observer.events, observer.gauges["reviews_open"], observer.gauges["reviews_overdue"]) == ([], 1, 0)

    office.desk.clock.seconds += 24 * HOUR
    watch.look()
    watch.look()

    assert (observer.events, observer.gauges["reviews_overdue"]) == (["alarm.review_overdue"], 1)


async def lost(office: Office) -> dict[str, Any]:
    """A request to let a system in again that lost its key."""
    key = {"partner": "zephyr", "system": "erp", "key": public_pem(key_pair()), "scopes": ["events:write"]}
    await office.both("key.add", "ann", "olga", **key)
    return {
        "partner": "zephyr",
        "system": "erp",
        "key": public_pem(key_pair()),
        "reason": "disk lost, ship at the quay",
    }


async def test_in_an_emergency_the_operator_on_call_is_the_second_and_the_key_ends_by_itself(office: Office) -> None:
    await office.join("carla", "agreement-officer", on_call=True)
    statement = await waiting(office, "olga", "key.break-glass", **await lost(office))
    assert code(await office.sign("ann", statement)) == "OPERATOR_NOT_PERMITTED"

    done = await office.sign("carla", statement)

    assert isinstance(done, Done)
    key = office.desk.live.snapshot.keys.get(done.changed[0]["id"])
    now = office.desk.clock.now_us() // 1_000_000
    assert (key.usable_at(now), key.usable_at(now + 12 * HOUR - 1), key.usable_at(now + 12 * HOUR)) == (
        True,
        True,
        False,
    )
    observer = Told()
    SecondLook(lambda: office.desk.live.snapshot, clock=office.desk.clock, observer=observer).look()
    assert observer.events == ["alarm.break_glass"]
    assert [(review.act, review.actors) for review in office.open_reviews] == [("key.break-glass", ("olga", "carla"))]


async def test_an_emergency_has_a_reason_and_a_system_that_was_there(office: Office) -> None:
    request = await lost(office) | {"system": "other", "reason": ""}

    refused = await office.registrar.prepare("key.break-glass", request, operator="olga")

    assert isinstance(refused, Refusal)
    assert {fault.place for fault in refused.faults} == {"/system", "/reason"}


async def test_a_viewer_on_call_is_no_second(office: Office) -> None:
    await office.join("vera", "viewer", on_call=True)
    statement = await waiting(office, "olga", "key.break-glass", **await lost(office))

    assert code(await office.sign("vera", statement)) == "OPERATOR_NOT_PERMITTED"
