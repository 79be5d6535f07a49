"""May this publisher report this type of event now? The questions in their order, each answered. Deny by default.

Intake decides by the first answer that is a refusal; `customs-hub why` shows all: what explains is what decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from msgspec import Struct

from hub.core.agreement import Agreement
from hub.core.errors import Refusal
from hub.core.partner import Facts, Partner
from hub.core.registry import Snapshot
from hub.core.standing import Standing, standing_of
from schemas.catalogue import AEORule, EventType


class Answer(Struct, frozen=True):
    """One question of the decision."""

    question: str
    found: str
    refusal: Refusal | None
    until: float = inf
    """Seconds since 1970 at which it may change by itself."""


def answers(partner: Partner, kind: EventType, snapshot: Snapshot, now: int) -> Iterator[Answer]:
    """Each question with its answer, at `now` (seconds since 1970). Whoever decides stops at the first refusal."""
    standing = standing_of(partner, snapshot, now)
    # 1. The full stop.
    stopped = Refusal("PARTNER_SUSPENDED") if partner.stopped else None
    yield Answer("Does the partner take part?", f"it is {partner.state}", stopped)
    # 2. The partner's trade may report this type at all.
    yield _by_role(standing.facts, kind)
    # 3. Where the type's rule needs AEO status, an authorisation holds today and counts here.
    yield _by_aeo(standing, kind)
    # 4. At least one agreement in force asks for this type from this publisher.
    yield _by_agreement(partner, standing.facts, kind, snapshot, now)


def covering(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot) -> list[Agreement]:
    """The agreements that ask for this type from this publisher, in force or not."""
    offered = snapshot.agreements_from(partner.id)
    return [a for a in offered if a.covers_type(kind.name) and a.provider.covers(partner.id, facts)]


def _by_role(facts: Facts, kind: EventType) -> Answer:
    wanted = ", ".join(sorted(kind.roles))
    may = not kind.roles or any(role in kind.roles for role in facts.roles)
    refusal = None if may else Refusal("ROLE_NOT_PERMITTED", f"{kind.name} is reported by: {wanted}")
    has = ", ".join(facts.roles)
    subjects = kind.reportable(facts.roles)
    about = "" if subjects is None else f", about {', '.join(sorted(subjects))} alone"
    return Answer("Does its trade report this?", f"it is {has}; reported by {wanted or 'all'}{about}", refusal)


def _by_aeo(standing: Standing, kind: EventType) -> Answer:
    question = "Does the type ask for AEO status?"
    if kind.aeo is not AEORule.REQUIRED:
        return Answer(question, "no", None)
    if standing.may_send_aeo_types:
        return Answer(question, f"yes; it has a valid one of type {standing.facts.aeo}", None, standing.until)
    missing = standing.aeo.shortfall or "the arrangement gives no such benefit"
    return Answer(question, f"yes; {missing}", Refusal("AEO_REQUIRED", f"{kind.name}: {missing}"), standing.until)


def _by_agreement(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot, now: int) -> Answer:
    asking = covering(partner, facts, kind, snapshot)
    edges = [edge for each in asking for edge in (each.valid_from, each.valid_to or inf) if edge > now]
    until = min(edges, default=inf)
    in_force = [each.id for each in asking if each.in_force(now)]
    if in_force:
        return Answer("Does an agreement ask for it?", f"yes: {', '.join(in_force)}", None, until)
    waiting = f"; not in force: {', '.join(each.id for each in asking)}" if asking else ""
    refusal = Refusal("NOT_PERMITTED", f"no agreement in force covers {kind.name} from {partner.id}")
    return Answer("Does an agreement ask for it?", f"no{waiting}", refusal, until)
