"""Authorise: may this principal send, and may this publisher send this type of event now? Deny by default.

Coarsely before the body is parsed (`admit`), per item after it is decoded (`Policy.permit`). The answer per item
depends only on registry revision, publisher, type and time, so it is remembered until one of them changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from hub.core.conditions import said_by
from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode, Permit, Principal
from hub.core.permission import (
    answers,
    asking,
    conditions_of,
    full_stop,
    leaves_of,
    mandate_missing,
    needed,
    parties_to,
)
from hub.core.registry import Snapshot
from hub.core.standing import standing_of
from schemas.catalogue import EventType
from schemas.faults import FAULTS_MAX, Fault, fault, pointer, shown


def admit(principal: Principal, *, mode: Mode, atomic: bool, snapshot: Snapshot, now_us: int) -> Admitted | Refusal:
    """The coarse answer: an active partner with the scope to write."""
    # 1. The full stop comes first: a suspended partner may send nothing at all, nor may anybody for it.
    if (stopped := full_stop(principal, snapshot)) is not None:
        return stopped
    # 2. The token carries the scope that writing needs.
    if "events:write" not in principal.scopes:
        return Refusal("SCOPE_MISSING", "events:write")
    return Admitted(principal, mode, atomic, snapshot.revision, now_us)


class _Ruling(Struct, frozen=True):
    answer: Permit | Refusal
    until: float
    """Seconds since 1970: at this time something with a date in it may change."""
    parties: tuple[str, ...] = ("",)
    """The partners on whom it depends."""

    def at(self, revision: int) -> _Ruling:
        """The same as decided at a later revision."""
        answer = self.answer
        if isinstance(answer, Permit):
            answer = replace(answer, revision=revision)
        return _Ruling(answer, self.until, self.parties)


_NEVER = (-1, _Ruling(Refusal("NOT_PERMITTED"), 0))


class Policy:
    """Remembers rulings as long as no revision touches their partner, or what binds many."""

    def __init__(self, rulings_max: int = 100_000) -> None:
        self._rulings_max = rulings_max
        self._rulings: dict[tuple[str, str, str, str], tuple[int, _Ruling]] = {}
        """With the revision that each was last good at."""

    def permit(self, admitted: Admitted, kind: EventType, snapshot: Snapshot) -> Permit | Refusal:
        """Whether the publisher may send this type of event now; the refusal says what to ask for."""
        if len(self._rulings) >= self._rulings_max:
            self._rulings = {}
        principal, now = admitted.principal, admitted.now_us // 1_000_000
        key = (principal.partner.id, principal.system.id, principal.key_id, kind.dataschema)
        revision, ruling = self._rulings.get(key, _NEVER)
        if ruling.until <= now or revision < max(map(snapshot.touched, ruling.parties)):
            ruling = _rule(principal, kind, snapshot, now)
            self._rulings[key] = snapshot.revision, ruling
        elif revision != snapshot.revision:
            ruling = ruling.at(snapshot.revision)
            self._rulings[key] = snapshot.revision, ruling
        return ruling.answer

    def permit_end(self, admitted: Admitted, kind: EventType, snapshot: Snapshot) -> Permit | Refusal:
        """The same of what takes back something that was accepted from the publisher: it may always be, whatever became
        of its AEO status or the agreements since."""
        return _rule(admitted.principal, kind, snapshot, admitted.now_us // 1_000_000, ends_own=True).answer

    def is_asked_for(self, admitted: Admitted, kind: EventType, snapshot: Snapshot) -> bool:
        """Whether any agreement in force covers this type from this publisher."""
        partner, now = admitted.principal.partner, admitted.now_us // 1_000_000
        facts = standing_of(snapshot.partners.get(partner.id) or partner, snapshot, now).facts
        return bool(asking(partner, facts, kind, snapshot, now))


_OF_BEGINNINGS = frozenset({"AEO_REQUIRED", "NOT_PERMITTED"})
"""Refusals of what is new."""


def _rule(principal: Principal, kind: EventType, snapshot: Snapshot, now: int, *, ends_own: bool = False) -> _Ruling:
    partner = snapshot.partners.get(principal.partner.id) or principal.partner
    standing = standing_of(partner, snapshot, now)
    until = standing.until
    agent = principal.agent.id if principal.agent else None
    parties = (partner.id, *parties_to(agent, partner.id, snapshot)) if agent else (partner.id,)
    # 1. The credential, once more: the event may have waited since its sender was let in.
    name = principal.key_id
    key = snapshot.keys.get(name) or snapshot.certificates.get(name) or snapshot.api_keys.get(name)
    if key is not None:
        until = min(until, key.usable_until())
        if until <= now:
            return _Ruling(Refusal("UNAUTHENTICATED"), standing.until, parties)
    # 2. The questions of `hub/core/permission.py`; the first refusal is the answer.
    for each in answers(partner, standing, kind, snapshot, now, agent=agent):
        until = min(until, each.until)
        if each.refusal is not None and not (ends_own and each.refusal.code in _OF_BEGINNINGS):
            return _Ruling(each.refusal, until, parties)
    subjects = kind.reportable(standing.facts.roles)
    leaves = leaves_of(agent, partner.id, kind.name, snapshot, now) if agent else ()
    asked = asking(partner, standing.facts, kind, snapshot, now)
    of_events = needed(asked, kind), conditions_of(asked, kind) if asked else None
    permit = Permit(principal, kind, standing.facts, snapshot.revision, subjects, leaves, *of_events)
    return _Ruling(permit, until, parties)


def uncovered(permit: Permit, event: Mapping[str, object]) -> Refusal | None:
    """Whether no agreement covers the event, though one asks for its type: by what it says of places and goods."""
    if permit.conditions is None:
        return None
    said = said_by(event)
    if any(said.meets(each) for each in permit.conditions):
        return None
    kind = permit.kind.name
    detail = f"no agreement in force covers {kind} of these places, goods and modes of transport"
    return Refusal("NOT_PERMITTED", detail)


Needless = Callable[[Container[str]], Iterable[tuple[str, str]]]
"""From the members that are needed to those that are not, each with a place where it was sent."""


def not_needed(permit: Permit, event: Mapping[str, object], needless: Needless | None = None) -> tuple[Fault, ...]:
    """What no agreement covers of an event: its sender may leave that out. `needless`: of the document that it came
    in; None: it came as it is."""
    data = event.get("data")
    if permit.needed is None or not isinstance(data, dict) or permit.needed.issuperset(data):
        return ()
    needed = permit.needed
    # What its principal has agreed with others is no agent's to read: it is told of what it sent alone.
    covered = "no such member" if permit.principal.agent else f"members that are covered: {', '.join(sorted(needed))}"
    named = needless(needed) if needless else ((name, pointer("data", name)) for name in data if name not in needed)
    return tuple(fault("FIELD_NOT_NEEDED", place, name, covered) for name, place in islice(named, FAULTS_MAX))


def about(permit: Permit, source: str, key: str) -> Refusal | None:
    """Whether an event may be about its object (`scheme:value`): each trade speaks of what it handles itself, and an
    agent of what one of its mandates names."""
    scheme, principal = key.partition(":")[0], permit.principal
    if principal.agent and not any(leave.covers(source, scheme) for leave in permit.leaves):
        what = f"{permit.kind.name} from {shown(source)}, about {scheme}"
        return mandate_missing(principal.agent.id, principal.partner.id, what)
    if permit.subjects is None or scheme in permit.subjects:
        return None
    wanted = ", ".join(sorted(permit.subjects))
    return Refusal("SUBJECT_NOT_PERMITTED", f"{permit.kind.name}, from your roles, is about: {wanted}")
