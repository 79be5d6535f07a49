"""AEO authorisations as live facts: who granted what to whom, whose count here, and how fresh the word on them is.

An authorisation belongs to the administration that granted it. It counts at this hub through an arrangement: the
administration's own, or one of mutual recognition (WCO SAFE Framework, Pillar 3 and Annex IV §5.2). As long as no
arrangement is registered, the operator's word is enough; from the first one on, an issuer that none names counts for
nothing. Days are inclusive ISO 8601 calendar dates (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import inf

from msgspec import Struct


class AEOType(StrEnum):
    """Union Customs Code, Article 38(2): C simplifications, S security and safety, F both."""

    C = "C"
    S = "S"
    F = "F"


class AEOStatus(StrEnum):
    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Authorisation(Struct, frozen=True, omit_defaults=True):
    """One AEO authorisation. `issuer`: ISO 3166-1 alpha-2 code of the administration that granted it."""

    issuer: str
    number: str
    partner: str
    type: AEOType
    valid_from: str
    valid_to: str | None = None
    status: AEOStatus = AEOStatus.VALID
    validated_on: str | None = None
    """The day on which the issuer last validated the company; None: not told."""
    sequence: int = 0
    """The message of the issuer's status feed that made this version; 0: an operator did."""
    reason_class: str = ""
    """Why the status is what it is, as the issuer classes it. Confidential: for officers, in no event and no answer."""

    @property
    def id(self) -> str:
        return f"{self.issuer}-{self.number}"

    def shortfall(self, day: str) -> str | None:
        """Why it does not hold on `day` (YYYY-MM-DD), or None if it does."""
        if self.status is not AEOStatus.VALID:
            return f"AEO authorisation {self.number} is {self.status.value}"
        if day < self.valid_from:
            return f"AEO authorisation {self.number} is valid from {self.valid_from}"
        if self.valid_to is not None and day > self.valid_to:
            return f"AEO authorisation {self.number} ended on {self.valid_to}"
        return None


class Benefit(StrEnum):
    """What a recognised authorisation earns here."""

    TIER = "tier"
    """The tier `aeo`: its quotas, and agreements that are made with it."""
    TYPES = "types"
    """Event types that ask for AEO status."""


class StalePolicy(StrEnum):
    """What becomes of the benefits while an issuer's status feed is silent for too long."""

    KEEP = "keep"
    DROP = "drop"


class Arrangement(Struct, frozen=True, omit_defaults=True):
    """Whose authorisations count here, for what, from when to when: the administration's own, or mutual recognition."""

    id: str
    issuers: tuple[str, ...]
    """ISO 3166-1 alpha-2 codes of the administrations."""
    valid_from: str
    valid_to: str | None = None
    types: tuple[AEOType, ...] = tuple(AEOType)
    benefits: tuple[Benefit, ...] = tuple(Benefit)
    stale_after_seconds: int | None = None
    """How long a status feed may be silent; None: there is none to wait for."""
    stale_policy: StalePolicy = StalePolicy.KEEP
    ended: bool = False

    def counts(self, authorisation: Authorisation, day: str) -> bool:
        return (
            not self.ended
            and authorisation.issuer in self.issuers
            and authorisation.type in self.types
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )

    def silent_from(self, heard_at: int) -> float:
        """When the silence of a feed has lasted too long (seconds since 1970): from then on its word is stale."""
        return inf if self.stale_after_seconds is None else heard_at + self.stale_after_seconds


class StatusFeed(Struct, frozen=True, omit_defaults=True):
    """By which an administration tells how its authorisations stand, signed (`schemas/formats/status-feed.md`)."""

    issuer: str
    keys: tuple[dict[str, str], ...]
    """Public JWKs of which one signs each message."""
    sequence: int = 0
    """The last message taken in."""
    heard_at: int = 0
    """When, in seconds since 1970; from the start: when the feed was registered."""


class Recognition(Struct, frozen=True):
    """What a partner's authorisations earn it now."""

    type: AEOType | None = None
    """Of the authorisation that counts; None: none does."""
    benefits: frozenset[Benefit] = frozenset()
    stale: bool = False
    """The issuer's feed has been silent for too long."""
    shortfall: str | None = None
    """Why nothing counts."""
    until: float = inf
    """Seconds since 1970 at which silence changes this; days change it at midnight."""


def recognised(
    authorisations: Iterable[Authorisation],
    arrangements: Iterable[Arrangement],
    feeds: Iterable[StatusFeed],
    *,
    day: str,
    now: int,
) -> Recognition:
    """The authorisation that earns most among those that hold and count on `day`; `now` in seconds since 1970."""
    known, heard = list(arrangements), {feed.issuer: feed.heard_at for feed in feeds}
    best = Recognition()
    for each in authorisations:
        shortfall = each.shortfall(day)
        if shortfall is not None:
            best = best if best.benefits else Recognition(shortfall=shortfall)
            continue
        found = _by_arrangements(each, known, heard, day, now) if known else _trusted(each)
        if len(found.benefits) > len(best.benefits) or not best.benefits:
            best = found
    return best


def _trusted(authorisation: Authorisation) -> Recognition:
    return Recognition(authorisation.type, frozenset(Benefit))


def _by_arrangements(
    authorisation: Authorisation, known: list[Arrangement], heard: dict[str, int], day: str, now: int
) -> Recognition:
    counting = [arrangement for arrangement in known if arrangement.counts(authorisation, day)]
    benefits: set[Benefit] = set()
    stale, until = False, inf
    for each in counting:
        limit = each.silent_from(heard.get(authorisation.issuer, 0))
        stale = stale or now >= limit
        if now < limit:
            until = min(until, limit)
        if now < limit or each.stale_policy is StalePolicy.KEEP:
            benefits.update(each.benefits)
    if benefits:
        return Recognition(authorisation.type, frozenset(benefits), stale, until=until)
    why = "is not confirmed any more: its issuer is silent" if counting else "counts under no arrangement"
    return Recognition(stale=stale, shortfall=f"AEO authorisation {authorisation.number} {why}", until=until)
