"""Operators: the people who run the hub, what each of them may do, and which acts take two of them.

Stopping takes one person, starting takes two: whoever sees harm ends it alone and is looked at afterwards; what opens a
door is signed by a second person over the same words (four eyes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf

from msgspec import Struct


class OperatorRole(StrEnum):
    """What an operator is for. A person may have several."""

    VIEWER = "viewer"
    """Sees everything except confidential reasons."""
    PARTNER_OFFICER = "partner-officer"
    """Companies: enrolment, tiers, quotas, AEO status, mandates, profiles."""
    AGREEMENT_OFFICER = "agreement-officer"
    """Agreements and feeds."""
    SECURITY_OFFICER = "security-officer"
    """Credentials, full stops, trust anchors, the hub's own keys, other operators."""
    AUDITOR = "auditor"
    """Sees everything, the audit trail and confidential reasons included, and changes nothing; may be the one who looks
    at what one person did alone."""


class Effect(StrEnum):
    """What an act does to somebody's access; it says how many people it takes."""

    STOPS = "stops"
    """One person, at once; a second one looks at it within a day."""
    STARTS = "starts"
    """Two people, over the same canonical request; also where it is for good and a stop would do in haste."""
    KEEPS = "keeps"
    """One person: nobody can do more or less than before."""


PARTNERS = frozenset({OperatorRole.PARTNER_OFFICER})
AGREEMENTS = frozenset({OperatorRole.AGREEMENT_OFFICER})
SECURITY = frozenset({OperatorRole.SECURITY_OFFICER})
ANYONE = frozenset(OperatorRole) - {OperatorRole.VIEWER, OperatorRole.AUDITOR}
"""Whoever may change anything at all may stop: harm does not wait for the right person."""
NOBODY: frozenset[OperatorRole] = frozenset()
"""No operator: a company says so of itself, or the hub of what it saw."""
REVIEWERS = ANYONE | {OperatorRole.AUDITOR}
"""Who may look, as the second, at what one person did alone."""


CLIENT_PREFIX = "operator."
"""An operator is the OAuth client of this and the own name; no partner is called `operator`."""
ADMIN_SCOPE = "admin"


class OperatorState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    """For good: the name is never used again."""


class OperatorKey(Struct, frozen=True, omit_defaults=True):
    """A public key by which an operator signs acts. `id` is the JWK thumbprint (RFC 7638)."""

    id: str
    algorithm: str
    jwk: dict[str, str]
    not_after: int | None = None
    """Seconds since 1970, exclusive: rotated out; None: in use."""


class Operator(Struct, frozen=True, omit_defaults=True):
    """A person who runs the hub. `id` is a slug `[a-z0-9][a-z0-9-]{0,31}`, never reused.

    Whoever has a mentor is a liaison visitor: there for a time and as long as the mentor is, never a second pair of
    eyes, and what a visitor starts is signed by the mentor.
    """

    id: str
    name: str
    roles: tuple[OperatorRole, ...]
    keys: tuple[OperatorKey, ...]
    """At most two of them live."""
    state: OperatorState = OperatorState.ACTIVE
    until: int | None = None
    """Seconds since 1970, exclusive: the end of a role for a time."""
    mentor: str = ""
    on_call: bool = False

    def may_act(self, now: int, known: Callable[[str], Operator | None]) -> bool:
        """`known`: the other operators, among them the mentor, who is no visitor."""
        is_present = self.state is OperatorState.ACTIVE and now < (inf if self.until is None else self.until)
        mentor = known(self.mentor) if self.mentor and is_present else None
        return is_present and (not self.mentor or (mentor is not None and mentor.may_act(now, known)))

    def live_keys(self, now: int) -> Sequence[OperatorKey]:
        return [key for key in self.keys if now < (inf if key.not_after is None else key.not_after)]
