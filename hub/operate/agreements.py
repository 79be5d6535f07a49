"""Agreements: who gives what to whom, for which purpose, which fields, until when."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import ALL_FIELDS, Agreement, AgreementState, Provider, Purpose
from hub.core.operator import AGREEMENTS, ANYONE, Effect
from hub.core.partner import Partner, Role, Tier
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks


class ProviderRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One partner, or every partner with all the facts named; `all` must be said, not left open by accident."""

    partner: str | None = None
    tier: str | None = None
    role: str | None = None
    country: str | None = None
    all: bool = False


class AddAgreement(Request, frozen=True, kw_only=True):
    id: str
    provider: ProviderRequest
    types: tuple[str, ...]
    recipient: str
    purpose: str
    fields: tuple[str, ...]
    valid_from: str | None = None
    """Default: now. It also says how far back a feed may start."""
    valid_to: str | None = None
    """The first moment at which it no longer holds; default: until it is ended."""


class EndAgreement(Request, frozen=True, kw_only=True):
    id: str


def add_agreement(request: AddAgreement, basis: Basis, checks: Checks) -> Changes:
    authority("/recipient", request.recipient, basis, checks)
    valid_from = basis.now if request.valid_from is None else checks.instant("/valid_from", request.valid_from)
    valid_to = None if request.valid_to is None else checks.instant("/valid_to", request.valid_to)
    if valid_to is not None and valid_to <= max(valid_from, basis.now):
        checks.invalid("/valid_to", request.valid_to, "a time after now and after valid_from")
    agreement = Agreement(
        id=checks.new("/id", request.id, basis.snapshot.agreements),
        provider=_provider(request.provider, basis, checks),
        types=checks.types("/types", request.types, basis.event_types),
        recipient=request.recipient,
        purpose=checks.choice("/purpose", request.purpose, Purpose),
        fields=_fields(request.fields, checks),
        valid_from=valid_from,
        valid_to=valid_to,
    )
    return (agreement,)


def end_agreement(request: EndAgreement, basis: Basis, checks: Checks) -> Changes:
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    return () if agreement is None or agreement.ended else (replace(agreement, state=AgreementState.ENDED),)


def authority(place: str, name: str, basis: Basis, checks: Checks) -> Partner | None:
    """The recipient, who must be an authority (design §4.6)."""
    partner = checks.known(place, name, basis.snapshot.partners)
    if partner is not None and Role.AUTHORITY not in partner.roles:
        checks.fault("ACT_ROLE_MISSING", place, ", ".join(partner.roles), "a partner with the role authority")
    return partner


def _provider(request: ProviderRequest, basis: Basis, checks: Checks) -> Provider:
    provider = Provider(
        partner=request.partner,
        tier=None if request.tier is None else checks.choice("/provider/tier", request.tier, Tier),
        role=None if request.role is None else checks.choice("/provider/role", request.role, Role),
        country=None if request.country is None else checks.country("/provider/country", request.country),
    )
    if request.partner is not None:
        checks.known("/provider/partner", request.partner, basis.snapshot.partners)
    if (provider == Provider()) != request.all:
        checks.invalid(
            "/provider", "all" if request.all else "nothing", "a partner, tier, role or country, or else all"
        )
    return provider


def _fields(fields: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    if fields == ALL_FIELDS:
        return fields
    checks.some("/fields", fields)
    return tuple(dict.fromkeys(checks.pointer(f"/fields/{i}", pointer) for i, pointer in enumerate(fields)))


ACTS = {
    "agreement.add": Act(AddAgreement, add_agreement, Effect.STARTS, AGREEMENTS),
    "agreement.end": Act(EndAgreement, end_agreement, Effect.STOPS, ANYONE),
}
