"""Who gives what to whom, for which purpose, which fields, until when. Deny by default."""

from __future__ import annotations

from collections.abc import Collection
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


class Provider(Struct, frozen=True, omit_defaults=True):
    """A partner, or the class of all partners that have every fact named here. All empty: everyone.

    What comes from a sandbox is no fact of trade: a class takes it in only where it names the tier.
    """

    partner: str | None = None
    tier: Tier | None = None
    role: Role | None = None
    country: str | None = None

    def covers(self, partner: str, facts: Facts) -> bool:
        return (
            (self.partner is None or self.partner == partner)
            and (self.tier is facts.tier if self.tier is not None else self._real(facts))
            and (self.role is None or self.role in facts.roles)
            and (self.country is None or self.country == facts.country)
        )

    def _real(self, facts: Facts) -> bool:
        return self.partner is not None or facts.tier is not Tier.SANDBOX


ALL_FIELDS = ("*",)


class Agreement(Struct, frozen=True, omit_defaults=True):
    """Provider × event types × recipient × purpose × allowed fields × dates.

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
    ended: bool = False

    def in_force(self, now: int) -> bool:
        return not self.ended and self.valid_from <= now and (self.valid_to is None or now < self.valid_to)

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


class FeedStart(StrEnum):
    EARLIEST = "earliest"
    NOW = "now"


class Feed(Struct, frozen=True, omit_defaults=True):
    """What one recipient receives for one purpose. `name` is a slug, never reused."""

    name: str
    recipient: str
    purpose: Purpose
    types: tuple[str, ...] = ("*",)
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The filter: every pointer's value must be one of the values named; compiled to JSON Schema."""
    start: FeedStart = FeedStart.EARLIEST
    version: int = 1
    ended: bool = False

    @property
    def stream(self) -> str:
        return f"hub.feed.{self.name}"
