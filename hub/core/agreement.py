"""Who gives what to whom, for which purpose, which fields, until when. Deny by default."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from msgspec import Struct

from hub.core.partner import Facts, Role, Tier
from schemas.catalogue import by_name


class Purpose(StrEnum):
    SECURITY_RISK = "security-risk-assessment"
    ADMISSIBILITY = "admissibility"
    DUTY_RISK = "duty-risk"
    FACILITATION = "trade-facilitation"
    STATISTICS = "statistics"
    INCIDENT_RESPONSE = "incident-response"


class AgreementState(StrEnum):
    PROPOSED = "proposed"
    """Not everybody has signed who must."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """What comes meanwhile is shown to nobody, also afterwards."""
    ENDED = "ended"


class Provider(Struct, frozen=True, omit_defaults=True):
    """A partner, or the class of all partners that have every fact named here. All empty: everyone.

    What comes from a sandbox is no fact of trade: a class takes it in only where it names the tier.
    """

    partner: str | None = None
    tier: Tier | None = None
    role: Role | None = None
    country: str | None = None
    aeo: str | None = None
    """Type of the AEO authorisation: C, S or F."""

    def covers(self, partner: str, facts: Facts) -> bool:
        return (
            (self.partner is None or self.partner == partner)
            and (self.tier is facts.tier if self.tier is not None else self._real(facts))
            and (self.role is None or self.role in facts.roles)
            and (self.country is None or self.country == facts.country)
            and (self.aeo is None or self.aeo == facts.aeo)
        )

    def _real(self, facts: Facts) -> bool:
        return self.partner is not None or facts.tier is not Tier.SANDBOX


ALL_FIELDS = ("*",)


class Conditions(Struct, frozen=True, omit_defaults=True):
    """What an event must say to be covered: of every kind that is named, one of the values. Silence is no yes."""

    places: tuple[str, ...] = ()
    """UN/LOCODEs, or countries (the first two letters of one)."""
    chapters: tuple[str, ...] = ()
    """HS chapters: two digits."""
    modes: tuple[str, ...] = ()
    """Modes of transport, as the vocabulary names them."""


class Held(Struct, frozen=True, omit_defaults=True):
    """What the recipient was given in one feed, as it stood when an agreement ended."""

    feed: str
    published: int
    """The events that the feed held, those that rest on other agreements among them: it was given no more."""
    acknowledged: int
    """Those that it said it has."""
    until: int = 0
    """When the last of those came, seconds since 1970; 0: there is none, or it is not known any more."""
    at_most: bool = False
    """There may be fewer of both: not every record was looked at, and seals may be among them."""


class Agreement(Struct, frozen=True, omit_defaults=True):
    """Provider × event types × conditions × recipient × purpose × allowed fields × dates (`formats/agreement.md`).

    `fields` are JSON Pointers (RFC 6901) into the event, or `*` for all of it: an allowed pointer allows what is under
    it. Always visible: `specversion`, `type`, `time`, `dataschema`, `data.occurred_at`, `data.time_kind`, and of
    retractions and corrections which event they mean. Everything else that is not allowed is left out; `id`, `source`,
    `publisher` and `subject` become keyed pseudonyms.
    `valid_from` and `valid_to` are seconds since 1970, the second exclusive.
    """

    id: str
    provider: Provider
    types: tuple[str, ...]
    """Event types; a trailing `.*` stands for a family, `*` for all, but neither for types shared by name only."""
    recipient: str
    purpose: Purpose
    fields: tuple[str, ...]
    valid_from: int
    valid_to: int | None = None
    groups: tuple[str, ...] = ()
    """The named groups by which some of the fields were given."""
    conditions: Conditions = Conditions()
    legal_basis: str = ""
    retention_days: int | None = None
    """How long the recipient may keep what it is given; None: nothing is agreed."""
    onward: tuple[str, ...] = ()
    """To whom the recipient may pass it on: partners, or words of the agreement."""
    archive_days: int = 0
    """For so long after it came the hub keeps what it covers for replay, also where its log lets go of it earlier."""
    direct: bool = False
    """Whether it may be read from Kafka itself, where stamps tell how much others send."""
    notices: tuple[str, ...] = ()
    """Kinds of notices that the recipient may send to those whose events it is given."""
    state: AgreementState = AgreementState.ACTIVE
    text: str = ""
    """What was signed: RFC 8785 JSON; empty where the administration's own act stands for it."""
    signatures: tuple[str, ...] = ()
    """Detached JWS over the text, one of each side that must sign."""
    copies: tuple[Held, ...] | None = None
    """What the recipient holds, noted once it has ended."""

    @property
    def sides(self) -> frozenset[str]:
        """The partners that sign it: for a class of providers, the administration's own act stands."""
        return frozenset({self.recipient, self.provider.partner or self.recipient})

    @property
    def ended(self) -> bool:
        return self.state is AgreementState.ENDED

    @property
    def holds(self) -> bool:
        """Whether it lets anything be shown, if its dates allow."""
        return self.state is AgreementState.ACTIVE

    def in_force(self, now: int) -> bool:
        return self.holds and self.valid_from <= now and (self.valid_to is None or now < self.valid_to)

    def covers_type(self, event_type: str) -> bool:
        return types_cover(self.types, event_type)


def types_cover(patterns: Collection[str], event_type: str) -> bool:
    """Whether patterns mean an event type; one that is shared by name only is meant by its name alone."""
    if event_type in by_name():
        return event_type in patterns
    return any(type_matches(pattern, event_type) for pattern in patterns)


def type_matches(pattern: str, event_type: str) -> bool:
    """`customs.seal.*` matches the family, `*` everything, anything else itself."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def patterns_meet(some: Iterable[str], others: Collection[str]) -> bool:
    """Whether one of each may mean the same event type."""
    return any(
        type_matches(one, other.removesuffix("*")) or type_matches(other, one.removesuffix("*"))
        for one in some
        for other in others
    )
