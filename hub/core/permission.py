"""May this publisher report this type of event now, itself or through this agent? The questions in their order, each
answered. Deny by default.

Intake decides by the first answer that is a refusal; `customs-hub why` shows all: what explains is what decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from msgspec import Struct

from hub.core.agreement import Agreement, Conditions
from hub.core.errors import Refusal
from hub.core.evidence import Principal, ValidEvent
from hub.core.mandate import Leave, chain_of, changes_at, may_act, represents
from hub.core.partner import Facts, Partner
from hub.core.pointer import tokens
from hub.core.registry import Snapshot
from hub.core.standing import Standing
from schemas.catalogue import AEORule, EventType


class Answer(Struct, frozen=True):
    """One question of the decision."""

    question: str
    found: str
    refusal: Refusal | None
    until: float = inf
    """Seconds since 1970 at which it may change by itself."""


def answers(
    partner: Partner, standing: Standing, kind: EventType, snapshot: Snapshot, now: int, *, agent: str | None = None
) -> Iterator[Answer]:
    """Each question with its answer, at `now` (seconds since 1970). Whoever decides stops at the first refusal.

    `standing`: the partner's at that time. `agent`: who reports it in the partner's place; None: itself.
    """
    # 1. The full stop.
    stopped = Refusal("PARTNER_SUSPENDED") if partner.stopped else None
    yield Answer("Does the partner take part?", f"it is {partner.state}", stopped)
    # 2. Of another's report: the agent takes part, and a mandate in force lets it.
    if agent is not None:
        yield _by_agent(agent, snapshot)
        yield _by_mandate(agent, partner, kind, snapshot, now)
    # 3. The partner's trade may report this type at all.
    yield _by_role(standing.facts, kind)
    # 4. Where the type's rule needs AEO status, an authorisation holds today and counts here.
    yield _by_aeo(standing, kind)
    # 5. At least one agreement in force asks for this type from this publisher.
    yield _by_agreement(partner, standing.facts, kind, snapshot, now)


def covering(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot) -> list[Agreement]:
    """The agreements that ask for this type from this publisher, in force or not."""
    offered = snapshot.agreements_from(partner.id)
    return [a for a in offered if a.covers_type(kind.name) and a.provider.covers(partner.id, facts)]


NEEDED_ALWAYS = frozenset(
    ("occurred_at", "time_kind", "time_zone_source", "subjects", "updated_at", "retracts", "corrects", "corrected_by")
)
"""Members of `data` by which the hub tells events apart, whatever agreements say."""
TAKING_BACK = frozenset(("customs.event.retracted", "customs.event.corrected"))


def asking(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot, now: int) -> list[Agreement]:
    """The agreements in force that ask for this type from this publisher."""
    return [each for each in covering(partner, facts, kind, snapshot) if each.in_force(now)]


def conditions_of(asking: Sequence[Agreement], kind: EventType) -> tuple[Conditions, ...] | None:
    """Of which an event has to meet one to be covered; None: any event is. What takes another event back says nothing
    of places or goods, and may always be said."""
    if kind.name in TAKING_BACK or any(each.conditions == Conditions() for each in asking):
        return None
    return tuple(each.conditions for each in asking)


def needed(asking: Sequence[Agreement], kind: EventType) -> frozenset[str] | None:
    """The members of `data` that any agreement covers, and those that every event of this kind has; None: all, or
    nobody asks for this kind."""
    paths = [tokens(pointer) if pointer != "*" else ("data",) for each in asking for pointer in each.fields]
    if not asking or ("data",) in paths:
        return None
    named = {path[1] for path in paths if path[0] == "data"}
    return NEEDED_ALWAYS.union(named, kind.schema.flat["properties"]["data"]["required"])


def leaves_of(agent: str, publisher: str, event_type: str, snapshot: Snapshot, now: int) -> Sequence[Leave]:
    """What mandates let the agent report of a type for the publisher."""

    def active(name: str) -> bool:
        partner = snapshot.partners.get(name)
        return partner is not None and not partner.stopped

    found = (
        may_act(agent, publisher, event_type, chain_of(each, snapshot.mandates.get), active=active, now=now)
        for each in snapshot.mandates_between(agent, publisher)
    )
    return [leave for leave in found if leave is not None]


def parties_to(agent: str, publisher: str, snapshot: Snapshot) -> Sequence[str]:
    """The agent, and all that let it or one another report for the publisher."""
    chains = (chain_of(each, snapshot.mandates.get) for each in snapshot.mandates_between(agent, publisher))
    return (agent, *{link.principal for chain in chains for link in chain})


def may_stand_in(agent: str, publisher: str, snapshot: Snapshot, now: int) -> bool:
    """Whether any mandate in force lets the agent report anything for the publisher."""
    mandates = snapshot.mandates_between(agent, publisher)
    return any(represents(chain_of(each, snapshot.mandates.get), now) for each in mandates)


def mandate_missing(agent: str, publisher: str, what: str) -> Refusal:
    """`what` the agent would need a mandate for, empty: for anything."""
    if not what:
        return Refusal("MANDATE_MISSING", f"{agent} needs a mandate of {publisher}")
    return Refusal("MANDATE_MISSING", f"{what}: {agent} needs a mandate of {publisher}")


def full_stop(principal: Principal, snapshot: Snapshot) -> Refusal | None:
    """Whether the partner that sends, or the one that it sends for, takes no part now."""
    for each in (principal.partner, principal.sender):
        partner = snapshot.partners.get(each.id)
        if partner is None or partner.stopped:
            return Refusal("PARTNER_SUSPENDED", each.id if principal.agent else "")
    return None


def ended_meanwhile(events: Sequence[ValidEvent], snapshot: Snapshot) -> Refusal | None:
    """Whether the publisher of these events or its agent came to a full stop since they were permitted, or a mandate of
    theirs was withdrawn."""
    principal = events[0].permit.principal
    if (stopped := full_stop(principal, snapshot)) is not None:
        return stopped
    if principal.agent is None:
        return None
    agent, publisher, now = principal.agent.id, principal.partner.id, events[0].received_us // 1_000_000
    kinds = {event.permit.kind.name for event in events}
    leaves = {kind: leaves_of(agent, publisher, kind, snapshot, now) for kind in kinds}
    for event in events:
        scheme = event.key.partition(":")[0]
        if not any(leave.covers(event.source, scheme) for leave in leaves[event.permit.kind.name]):
            return mandate_missing(agent, publisher, event.permit.kind.name)
    return None


def _by_agent(agent: str, snapshot: Snapshot) -> Answer:
    found = snapshot.partners.get(agent)
    stopped = Refusal("PARTNER_SUSPENDED", agent) if found is None or found.stopped else None
    return Answer("Does the agent take part?", f"{agent} is {found.state if found else 'not registered'}", stopped)


def _by_mandate(agent: str, partner: Partner, kind: EventType, snapshot: Snapshot, now: int) -> Answer:
    question = "Does a mandate let the agent report this?"
    mandates = snapshot.mandates_between(agent, partner.id)
    until = changes_at((chain_of(each, snapshot.mandates.get) for each in mandates), now)
    if leaves := leaves_of(agent, partner.id, kind.name, snapshot, now):
        return Answer(question, f"yes: {'; '.join(map(_told, leaves))}", None, until)
    waiting = f"; not for this, or not in force: {', '.join(each.id for each in mandates)}" if mandates else ""
    return Answer(question, f"no{waiting}", mandate_missing(agent, partner.id, kind.name), until)


def _told(leave: Leave) -> str:
    sources = f", from {', '.join(sorted(leave.sources))} alone" if leave.sources is not None else ""
    subjects = f", about {', '.join(sorted(leave.subjects))} alone" if leave.subjects is not None else ""
    return leave.mandate + sources + subjects


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
    in_force = [_named(each) for each in asking if each.in_force(now)]
    if in_force:
        return Answer("Does an agreement ask for it?", f"yes: {', '.join(in_force)}", None, until)
    waiting = f"; not in force: {', '.join(each.id for each in asking)}" if asking else ""
    refusal = Refusal("NOT_PERMITTED", f"no agreement in force covers {kind.name} from {partner.id}")
    return Answer("Does an agreement ask for it?", f"no{waiting}", refusal, until)


def _named(agreement: Agreement) -> str:
    return agreement.id if agreement.conditions == Conditions() else f"{agreement.id} (where its conditions are met)"
