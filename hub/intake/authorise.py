"""Authorise: may this principal send, and may this publisher send this type of event now? Deny by default.

Coarsely before the body is parsed (`admit`), per item after it is decoded (`Policy.permit`). The answer per item
depends only on registry revision, publisher, type and time, so it is remembered until one of them changes it.
"""

from __future__ import annotations

from msgspec import Struct

from hub.core.agreement import Agreement
from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode, Permit, Principal
from hub.core.partner import Facts, Partner
from hub.core.registry import Snapshot
from hub.core.standing import standing_of
from schemas.catalogue import AEORule, EventType

_FOR_EVER = 1 << 62


def admit(principal: Principal, *, mode: Mode, atomic: bool, snapshot: Snapshot, now_us: int) -> Admitted | Refusal:
    """The coarse answer: an active partner with the scope to write."""
    # 1. The full stop comes first: a suspended partner may send nothing at all.
    partner = snapshot.partners.get(principal.partner.id)
    if partner is None or partner.stopped:
        return Refusal("PARTNER_SUSPENDED")
    # 2. The token carries the scope that writing needs.
    if "events:write" not in principal.scopes:
        return Refusal("SCOPE_MISSING", "events:write")
    return Admitted(principal, mode, atomic, snapshot.revision, now_us)


class _Ruling(Struct, frozen=True):
    answer: Permit | Refusal
    until: float
    """Seconds since 1970: at this time something with a date in it may change."""


class Policy:
    """Remembers rulings for one revision; a new revision starts empty."""

    def __init__(self, rulings_max: int = 100_000) -> None:
        self._rulings_max = rulings_max
        self._revision = -1
        self._rulings: dict[tuple[str, str, str], _Ruling] = {}

    def permit(self, admitted: Admitted, kind: EventType, snapshot: Snapshot) -> Permit | Refusal:
        """Whether the publisher may send this type of event now; the refusal says what to ask for."""
        if snapshot.revision != self._revision or len(self._rulings) >= self._rulings_max:
            self._revision, self._rulings = snapshot.revision, {}
        principal, now = admitted.principal, admitted.now_us // 1_000_000
        key = (principal.system.id, principal.key_id, kind.dataschema)
        ruling = self._rulings.get(key)
        if ruling is None or ruling.until <= now:
            ruling = self._rulings[key] = _rule(principal, kind, snapshot, now)
        return ruling.answer

    def is_asked_for(self, admitted: Admitted, kind: EventType, snapshot: Snapshot) -> bool:
        """Whether any agreement in force covers this type from this publisher."""
        partner, now = admitted.principal.partner, admitted.now_us // 1_000_000
        facts = standing_of(snapshot.partners.get(partner.id) or partner, snapshot, now).facts
        return any(agreement.in_force(now) for agreement in _covering(partner, facts, kind, snapshot))


def _rule(principal: Principal, kind: EventType, snapshot: Snapshot, now: int) -> _Ruling:
    partner = snapshot.partners.get(principal.partner.id) or principal.partner
    standing = standing_of(partner, snapshot, now)
    facts, until = standing.facts, standing.until
    # 1. The full stop and the key, once more: the event may have waited since its sender was let in.
    if partner.stopped:
        return _Ruling(Refusal("PARTNER_SUSPENDED"), until)
    key = snapshot.keys.get(principal.key_id)
    key_until = key.usable_until() if key is not None else until
    if key_until <= now:
        return _Ruling(Refusal("UNAUTHENTICATED"), until)
    # 2. The partner's trade may report this type at all.
    if kind.roles and not any(role in kind.roles for role in facts.roles):
        wanted = ", ".join(sorted(kind.roles))
        return _Ruling(Refusal("ROLE_NOT_PERMITTED", f"{kind.name} is reported by: {wanted}"), until)
    # 3. Where the type's rule needs AEO status, an authorisation holds today and counts here.
    if kind.aeo is AEORule.REQUIRED and not standing.may_send_aeo_types:
        missing = standing.aeo.shortfall or "the arrangement gives no such benefit"
        return _Ruling(Refusal("AEO_REQUIRED", f"{kind.name}: {missing}"), until)
    # 4. At least one agreement in force asks for this type from this publisher.
    covering = _covering(partner, facts, kind, snapshot)
    until = min([until, key_until, *(edge for a in covering for edge in _edges(a) if edge > now)])
    if not any(agreement.in_force(now) for agreement in covering):
        return _Ruling(Refusal("NOT_PERMITTED", f"no agreement in force covers {kind.name} from {partner.id}"), until)
    return _Ruling(Permit(principal, kind, facts, snapshot.revision), until)


def _covering(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot) -> list[Agreement]:
    return [a for a in snapshot.agreements if a.covers_type(kind.name) and a.provider.covers(partner.id, facts)]


def _edges(agreement: Agreement) -> tuple[int, int]:
    return agreement.valid_from, agreement.valid_to or _FOR_EVER
