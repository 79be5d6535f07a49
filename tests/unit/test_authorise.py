"""Authorise: deny by default, and the moment at which an answer becomes another one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from hub.core.aeo import AEOStatus, AEOType, Arrangement, Authorisation
from hub.core.agreement import Agreement, AgreementState, Provider, Purpose
from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode, Permit
from hub.core.partner import KeyState, Partner, PartnerState, PublicKey, Role, System, Tier
from hub.core.registry import KINDS, OF_NOBODY, Registered, Snapshot, Version
from hub.intake.authorise import Policy, about, admit
from schemas.catalogue import EventType, catalogue
from tests.unit.valid_events import KIND, NOW_US, PARTNER, PRINCIPAL

NOW = NOW_US // 1_000_000
MIDNIGHT = NOW - NOW % 86_400 + 86_400
TODAY = datetime.fromtimestamp(NOW, UTC).date().isoformat()
AGREEMENT = Agreement(
    id="a",
    provider=Provider(),
    types=("*",),
    recipient="customs",
    purpose=Purpose.SECURITY_RISK,
    fields=("*",),
    valid_from=NOW - 100,
)
VALID = Authorisation("NL", "NLAEOF1", "delta", AEOType.F, "2020-01-01")


class World:
    """A registry, and the policy of one worker."""

    def __init__(self, *items: Registered) -> None:
        self.snapshot = Snapshot()
        self.policy = Policy()
        self.change(PARTNER, *items)

    def change(self, *items: Registered) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply([Version(revision, item, "test", "", NOW_US) for item in items])

    def ask(self, now: float = NOW, kind: EventType = KIND) -> Permit | Refusal:  # type: ignore[assignment]
        admitted = Admitted(PRINCIPAL, Mode.BATCHED, False, self.snapshot.revision, round(now * 1e6))
        return self.policy.permit(admitted, kind, self.snapshot)

    def code(self, now: float = NOW) -> str:
        answer = self.ask(now)
        return answer.code if isinstance(answer, Refusal) else "PERMITTED"


def kind(name: str) -> EventType:
    found = catalogue().find(name)
    assert isinstance(found, EventType)
    return found


def test_without_an_agreement_nothing_may_be_sent() -> None:
    answer = World().ask()

    assert answer == Refusal("NOT_PERMITTED", "no agreement in force covers customs.container.gate_in from delta")


def test_a_permit_carries_the_facts_and_the_revision_it_was_decided_by() -> None:
    world = World(AGREEMENT, replace(PARTNER, tier=Tier.AEO), VALID)

    permit = world.ask()

    assert isinstance(permit, Permit)
    assert (permit.revision, permit.kind, permit.principal) == (1, KIND, PRINCIPAL)
    assert (permit.facts.tier, permit.facts.country, permit.facts.roles) == (Tier.AEO, "NL", (Role.TERMINAL,))
    assert permit.facts.aeo == "F"


OTHER = replace(PARTNER, id="other")


def test_a_change_of_another_partner_leaves_a_permit_as_it_is_at_the_new_revision() -> None:
    world = World(AGREEMENT)
    before = world.ask()
    world.change(OTHER, System("other.sys", "other", ()), PublicKey("k", "other.sys", "ES256", {}))

    after = world.ask()

    assert isinstance(before, Permit)
    assert isinstance(after, Permit)
    assert (before.revision, after.revision) == (1, 2)
    assert after == replace(before, revision=2)
    assert world.ask() is after


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (replace(PARTNER, state=PartnerState.SUSPENDED), "PARTNER_SUSPENDED"),
        (replace(PARTNER, roles=(Role.EXPORTER,)), "ROLE_NOT_PERMITTED"),
        (replace(AGREEMENT, valid_to=NOW), "NOT_PERMITTED"),
        (PublicKey(PRINCIPAL.key_id, "delta.tos", "ES256", {}, state=KeyState.REVOKED), "UNAUTHENTICATED"),
    ],
    ids=["itself", "its roles", "an agreement", "its key"],
)
def test_what_touches_the_partner_is_in_force_for_its_next_event(change: Registered, code: str) -> None:
    world = World(AGREEMENT)
    assert world.code() == "PERMITTED"

    world.change(change)

    assert world.code() == code


@pytest.mark.parametrize("change", [replace(VALID, status=AEOStatus.REVOKED), Arrangement("us", ("US",), "2020-01-01")])
def test_what_touches_its_aeo_status_is_in_force_for_its_next_event(change: Registered) -> None:
    world = World(AGREEMENT, VALID)
    assert isinstance(before := world.ask(), Permit)

    world.change(change)

    assert isinstance(after := world.ask(), Permit)
    assert (before.facts.aeo, after.facts.aeo) == ("F", None)


def test_only_kinds_that_were_thought_about_touch_nobody() -> None:
    harmless = {"edi_profile", "copy_decision", "allowance", "invitation", "enrolment", "issuer_key", "operator",
                "proposal", "review", "retired_key", "kafka_access", "endpoint", "restriction",
                "settlement"}  # fmt: skip

    assert {KINDS[kind] for kind in harmless} == set(OF_NOBODY)


@pytest.mark.parametrize(
    ("provider", "types", "expected"),
    [
        (Provider(partner="delta"), ("*",), "PERMITTED"),
        (Provider(partner="other"), ("*",), "NOT_PERMITTED"),
        (Provider(role=Role.TERMINAL, country="NL"), ("customs.container.*",), "PERMITTED"),
        (Provider(role=Role.TERMINAL, country="BE"), ("*",), "NOT_PERMITTED"),
        (Provider(tier=Tier.AEO), ("*",), "NOT_PERMITTED"),
        (Provider(), ("customs.container.gate_in",), "PERMITTED"),
        (Provider(), ("customs.container.loaded", "customs.seal.*"), "NOT_PERMITTED"),
    ],
)
def test_an_agreement_must_cover_partner_and_type(provider: Provider, types: tuple[str, ...], expected: str) -> None:
    assert World(replace(AGREEMENT, provider=provider, types=types)).code() == expected


@pytest.mark.parametrize("types", [("*",), ("customs.*",), ("customs.goods.*",), ("*", "customs.goods.packed")])
def test_a_type_that_is_shared_by_name_only_is_covered_by_no_pattern(types: tuple[str, ...]) -> None:
    name = "customs.goods.observed"
    wide, named = replace(AGREEMENT, types=types), replace(AGREEMENT, types=(*types, name))

    assert (wide.covers_type(name), named.covers_type(name)) == (False, True)
    assert isinstance(World(wide).ask(kind=kind(name)), Refusal)
    assert isinstance(World(named).ask(kind=kind(name)), Permit)


def test_an_agreement_counts_from_its_first_second_to_the_one_before_its_last() -> None:
    world = World(replace(AGREEMENT, valid_from=NOW + 10, valid_to=NOW + 20))

    moments = [NOW, NOW + 9.999999, NOW + 10, NOW + 19.999999, NOW + 20, NOW + 30]

    assert [world.code(now) for now in moments] == ["NOT_PERMITTED"] * 2 + ["PERMITTED"] * 2 + ["NOT_PERMITTED"] * 2


def test_one_of_several_agreements_in_force_is_enough() -> None:
    world = World(
        replace(AGREEMENT, id="over", valid_to=NOW),
        replace(AGREEMENT, id="short", valid_to=NOW + 5),
        replace(AGREEMENT, id="next", valid_from=NOW + 8),
    )

    assert [world.code(NOW + second) for second in (0, 4, 5, 7, 8)] == [
        "PERMITTED",
        "PERMITTED",
        "NOT_PERMITTED",
        "NOT_PERMITTED",
        "PERMITTED",
    ]


def test_a_new_revision_counts_at_once() -> None:
    world = World(AGREEMENT)
    assert world.code() == "PERMITTED"

    world.change(replace(AGREEMENT, state=AgreementState.ENDED))
    ended = world.code()
    world.change(replace(AGREEMENT, id="b"))

    assert (ended, world.code()) == ("NOT_PERMITTED", "PERMITTED")


def test_a_ruling_is_remembered_while_nothing_changes() -> None:
    world = World(AGREEMENT)

    assert world.ask(NOW) is world.ask(NOW + 60)
    assert world.ask(MIDNIGHT - 1) is not world.ask(MIDNIGHT)


def test_rulings_are_bounded() -> None:
    world = World(AGREEMENT)
    world.policy = Policy(rulings_max=1)

    first = world.ask()
    world.ask(kind=kind("customs.container.loaded"))

    assert world.ask() is not first
    assert world.code() == "PERMITTED"


def test_a_trade_that_does_not_report_a_type_is_told_who_does() -> None:
    answer = World(AGREEMENT).ask(kind=kind("customs.document.submitted"))

    assert isinstance(answer, Refusal)
    assert answer.code == "ROLE_NOT_PERMITTED"
    assert answer.detail.startswith("customs.document.submitted is reported by: broker, carrier")


@pytest.mark.parametrize(
    ("aeo", "missing"),
    [
        (None, "delta has no AEO authorisation"),
        (replace(VALID, status=AEOStatus.SUSPENDED), "AEO authorisation NLAEOF1 is suspended"),
        (replace(VALID, status=AEOStatus.REVOKED), "AEO authorisation NLAEOF1 is revoked"),
        (replace(VALID, valid_to="2021-01-01"), "AEO authorisation NLAEOF1 ended on 2021-01-01"),
        (replace(VALID, valid_from="2030-01-01"), "AEO authorisation NLAEOF1 is valid from 2030-01-01"),
    ],
)
def test_a_type_that_needs_aeo_says_what_is_missing_and_others_go_on(aeo: Authorisation | None, missing: str) -> None:
    partner: Partner = replace(PARTNER, roles=(Role.TERMINAL, Role.CARRIER))
    world = World(partner, AGREEMENT, *([aeo] if aeo else []))

    assert world.ask(kind=kind("customs.document.submitted")) == Refusal(
        "AEO_REQUIRED", f"customs.document.submitted: {missing}"
    )
    permit = world.ask()
    assert isinstance(permit, Permit)
    assert permit.facts.aeo is None


def test_an_aeo_authorisation_counts_through_its_last_day() -> None:
    partner = replace(PARTNER, roles=(Role.CARRIER,))
    world = World(partner, AGREEMENT, replace(VALID, valid_to=TODAY))
    document = kind("customs.document.submitted")

    before, after = world.ask(MIDNIGHT - 1, document), world.ask(MIDNIGHT, document)

    assert isinstance(before, Permit)
    assert before.facts.aeo == "F"
    assert after == Refusal("AEO_REQUIRED", f"{document.name}: AEO authorisation NLAEOF1 ended on {TODAY}")


def test_a_suspended_partner_is_not_admitted_and_neither_is_one_without_the_scope() -> None:
    world = World()

    def code(partner: Partner, scopes: frozenset[str]) -> str:
        world.change(partner)
        principal = replace(PRINCIPAL, scopes=scopes)
        answer = admit(principal, mode=Mode.BINARY, atomic=True, snapshot=world.snapshot, now_us=NOW_US)
        return answer.code if isinstance(answer, Refusal) else "ADMITTED"

    assert code(PARTNER, PRINCIPAL.scopes) == "ADMITTED"
    assert code(PARTNER, frozenset(["feeds:read"])) == "SCOPE_MISSING"
    assert code(replace(PARTNER, state=PartnerState.SUSPENDED), PRINCIPAL.scopes) == "PARTNER_SUSPENDED"


def test_an_event_that_waited_is_refused_once_its_publisher_has_come_to_a_full_stop() -> None:
    world = World(AGREEMENT)
    assert world.code() == "PERMITTED"

    world.change(replace(PARTNER, state=PartnerState.SUSPENDED))

    assert world.code() == "PARTNER_SUSPENDED"


def test_an_event_that_waited_is_refused_once_its_key_stands_no_more() -> None:
    key = PublicKey(PRINCIPAL.key_id, PRINCIPAL.system.id, "ES256", {})
    world = World(AGREEMENT, replace(key, state=KeyState.GRACE, not_after=NOW + 1))

    codes = [world.code(NOW), world.code(NOW + 1)]
    world.change(replace(key, state=KeyState.REVOKED))

    assert [*codes, world.code(NOW)] == ["PERMITTED", "UNAUTHENTICATED", "UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("roles", "key", "answer"),
    [
        ((Role.TERMINAL,), "iso6346:CSQU3054383", None),
        ((Role.TERMINAL,), "imo:9074729", "SUBJECT_NOT_PERMITTED"),
        ((Role.TERMINAL, Role.CARRIER), "imo:9074729", None),
        ((Role.EXPORTER,), "imo:9074729", "SUBJECT_NOT_PERMITTED"),
        ((Role.EXPORTER,), "sscc:340123450000000018", None),
    ],
)
def test_a_trade_speaks_of_what_it_handles_itself(roles: tuple[Role, ...], key: str, answer: str | None) -> None:
    world = World(replace(PARTNER, roles=roles), AGREEMENT)

    permit = world.ask(kind=kind("customs.position.updated"))

    assert isinstance(permit, Permit)
    refusal = about(permit, "urn:x", key)
    assert (refusal.code if refusal is not None else None) == answer


def test_what_comes_from_a_sandbox_is_taken_where_an_agreement_names_the_partner_or_the_tier() -> None:
    sandbox = replace(PARTNER, tier=Tier.SANDBOX)

    assert World(sandbox, AGREEMENT).code() == "NOT_PERMITTED"
    assert World(sandbox, replace(AGREEMENT, provider=Provider(tier=Tier.SANDBOX))).code() == "PERMITTED"
    assert World(sandbox, replace(AGREEMENT, provider=Provider(partner=PARTNER.id))).code() == "PERMITTED"


def test_a_vetted_partner_counts_as_a_sandbox_and_one_that_applied_may_nothing() -> None:
    by_name = replace(AGREEMENT, provider=Provider(partner=PARTNER.id))

    permit = World(replace(PARTNER, state=PartnerState.VETTED), by_name).ask()

    assert isinstance(permit, Permit)
    assert permit.facts.tier is Tier.SANDBOX
    assert World(replace(PARTNER, state=PartnerState.APPLIED), by_name).code() == "PARTNER_SUSPENDED"
