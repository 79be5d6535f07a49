"""Authorise: may this principal send, and may this publisher send this type of event now? Deny by default.

Coarsely before the body is parsed (`admit`), per item after it is decoded (`Policy.permit`). The answer per item
depends only on registry revision, publisher, type and time, so it is remembered until one of them changes it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from hub.core.agreement import Agreement
from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode, Permit, Principal
from hub.core.partner import Facts, Partner
from hub.core.registry import Snapshot
from schemas.catalogue import AEORule, EventType

_FOR_EVER = 1 << 62


def admit(principal: Principal, *, mode: Mode, atomic: bool, snapshot: Snapshot, now_us: int) -> Admitted | Refusal:
    """The coarse answer: an active partner with the scope to write."""
    # 1. The full stop comes first: a suspended partner may send nothing at all.
    partner = snapshot.partners.get(principal.partner.id)
    if partner is None or partner.suspended:
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
        facts = facts_of(snapshot.partners.get(partner.id) or partner, _day(now))
        return any(agreement.in_force(now) for agreement in _covering(partner, facts, kind, snapshot))


def _rule(principal: Principal, kind: EventType, snapshot: Snapshot, now: int) -> _Ruling:
    partner = snapshot.partners.get(principal.partner.id) or principal.partner
    midnight = now - now % 86_400 + 86_400
    today = _day(now)
    facts = facts_of(partner, today)
    # 1. The full stop and the key, once more: the event may have waited since its sender was let in.
    if partner.suspended:
        return _Ruling(Refusal("PARTNER_SUSPENDED"), midnight)
    key = snapshot.keys.get(principal.key_id)
    key_until = key.usable_until() if key is not None else midnight
    if key_until <= now:
        return _Ruling(Refusal("UNAUTHENTICATED"), midnight)
    # 2. The partner's trade may report this type at all.
    if kind.roles and not any(role in kind.roles for role in facts.roles):
        wanted = ", ".join(sorted(kind.roles))
        return _Ruling(Refusal("ROLE_NOT_PERMITTED", f"{kind.name} is reported by: {wanted}"), midnight)
    # 3. Where the type's rule needs AEO status, the authorisation is valid today.
    if kind.aeo is AEORule.REQUIRED and (missing := aeo_shortfall(partner, today)):
        return _Ruling(Refusal("AEO_REQUIRED", f"{kind.name}: {missing}"), midnight)
    # 4. At least one agreement in force asks for this type from this publisher.
    covering = _covering(partner, facts, kind, snapshot)
    until = min([midnight, key_until, *(edge for a in covering for edge in _edges(a) if edge > now)])
    if not any(agreement.in_force(now) for agreement in covering):
        return _Ruling(Refusal("NOT_PERMITTED", f"no agreement in force covers {kind.name} from {partner.id}"), until)
    return _Ruling(Permit(principal, kind, facts, snapshot.revision), until)


def _covering(partner: Partner, facts: Facts, kind: EventType, snapshot: Snapshot) -> list[Agreement]:
    return [a for a in snapshot.agreements if a.covers_type(kind.name) and a.provider.covers(partner.id, facts)]


def _day(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def facts_of(partner: Partner, today: str) -> Facts:
    """What is stamped into every record of this publisher: true on `today` (YYYY-MM-DD)."""
    valid = partner.aeo is not None and partner.aeo.shortfall(today) is None
    return Facts(
        partner.tier, partner.country, partner.roles, partner.aeo.type.value if partner.aeo and valid else None
    )


def aeo_shortfall(partner: Partner, today: str) -> str | None:
    if partner.aeo is None:
        return f"{partner.id} has no AEO authorisation"
    return partner.aeo.shortfall(today)


def _edges(agreement: Agreement) -> tuple[int, int]:
    return agreement.valid_from, agreement.valid_to or _FOR_EVER
