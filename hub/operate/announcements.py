"""Notices that operators send to a class of partners, and all that is sent: looks, noted in the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from hub.core.dispatch import OF_OPERATORS, Language, OwnId, Text
from hub.core.operator import AGREEMENTS, OperatorRole
from hub.core.partner import Partner, PartnerState, Role, Tier
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.views import Plain, View

MAY_SEND = AGREEMENTS | {OperatorRole.PARTNER_OFFICER, OperatorRole.SECURITY_OFFICER}
MAY_READ = MAY_SEND | {OperatorRole.AUDITOR}


class SendNotice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of `kind` disruption or advice; to one partner, to all with every fact named, or, said so, to `all`."""

    id: OwnId
    """The operators' own: the same again is sent once."""
    kind: str
    text: Text
    language: Language
    partner: str = ""
    role: str = ""
    tier: str = ""
    country: str = ""
    all: bool = False
    deadline: str = ""
    acknowledge: bool = False
    reason: str = ""


class WhichNotices(Struct, frozen=True, forbid_unknown_fields=True):
    """Empty: any."""

    sender: Annotated[str, Meta(max_length=64)] = ""
    overdue: str = ""


def send(request: SendNotice, basis: Basis, checks: Checks) -> Plain:
    """To whom it goes, and until when it is to be acknowledged (seconds since 1970; 0: at any time)."""
    if request.kind not in OF_OPERATORS:
        checks.invalid("/kind", request.kind, f"one of {', '.join(sorted(OF_OPERATORS))}: of an event, engines tell")
    if request.partner:
        checks.known("/partner", request.partner, basis.snapshot.partners)
    if request.role:
        checks.choice("/role", request.role, Role)
    if request.tier:
        checks.choice("/tier", request.tier, Tier)
    if any((request.partner, request.role, request.tier, request.country)) == request.all:
        checks.invalid("", "nobody, or all and a class", "a partner, a role, a tier, a country, or else all")
    due = checks.instant("/deadline", request.deadline) if request.deadline else 0
    if request.deadline and due <= basis.now:
        checks.invalid("/deadline", request.deadline, "a time after now")
    if checks.faults:
        return {}
    partners = sorted(_meant(request, basis))
    if not partners:
        checks.invalid("", "nobody", "a class that has partners which take part")
    return {"partners": partners, "due": due}


def which(request: WhichNotices, basis: Basis, checks: Checks) -> Plain:
    if request.sender:
        checks.known("/sender", request.sender, basis.snapshot.partners)
    if request.overdue not in ("", "yes"):
        checks.invalid("/overdue", request.overdue, "yes, or empty")
    return {"sender": request.sender or None, "overdue": bool(request.overdue)}


def _meant(request: SendNotice, basis: Basis) -> Iterator[str]:
    for each in basis.snapshot.partners:
        if each.state in (PartnerState.ACTIVE, PartnerState.SUSPENDED) and _is_of(each, request):
            yield each.id


def _is_of(partner: Partner, request: SendNotice) -> bool:
    return (
        request.partner in ("", partner.id)
        and (not request.role or request.role in partner.roles)
        and request.tier in ("", partner.tier)
        and request.country in ("", partner.country)
    )


VIEWS = {
    "notice.send": View(SendNotice, send, roles=MAY_SEND, posted=True),
    "notice.list": View(WhichNotices, which, roles=MAY_READ),
}
"""Answered by a running hub alone, which does what was asked once it was noted."""
