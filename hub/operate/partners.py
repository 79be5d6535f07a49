"""Partners: enrolling one, the full stop, and the AEO authorisation."""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.core.partner import AEOAuthorisation, AEOStatus, AEOType, CheckDigits, Identifier, Partner, Role, Tier
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks

NUMBER_CHARACTERS_MAX = 35
SENDER_CHARACTERS_MAX = 35
"""UNB S002 0004, an..35 (ISO 9735)."""
ANY_SENDER = "any"


class AddPartner(Request, frozen=True, kw_only=True):
    id: str
    name: str
    country: str
    roles: tuple[str, ...]
    tier: str = Tier.TRUSTED.value
    identifiers: tuple[Identifier, ...] = ()
    time_zone: str | None = None
    check_digits: str = "hub"
    edi_senders: tuple[str, ...] = ()


class SetPartner(Request, frozen=True, kw_only=True):
    """What is left out stays as it is; `edi_senders` are all of them from now on, `any` alone: not checked."""

    id: str
    check_digits: str | None = None
    time_zone: str | None = None
    edi_senders: tuple[str, ...] | None = None


class StopPartner(Request, frozen=True, kw_only=True):
    id: str


class SetAEO(Request, frozen=True, kw_only=True):
    """What is left out stays as it is; a first authorisation needs number, type, issuer and first day."""

    id: str
    number: str | None = None
    type: str | None = None
    issuer: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    status: str | None = None


def add_partner(request: AddPartner, basis: Basis, checks: Checks) -> Changes:
    checks.some("/roles", request.roles)
    checks.some("/identifiers", request.identifiers, least=0)
    for index, identifier in enumerate(request.identifiers):
        checks.slug(f"/identifiers/{index}/scheme", identifier.scheme)
        checks.text(f"/identifiers/{index}/value", identifier.value)
    partner = Partner(
        id=checks.new("/id", request.id, basis.snapshot.partners),
        name=checks.text("/name", request.name),
        country=checks.country("/country", request.country),
        roles=tuple(dict.fromkeys(checks.choice(f"/roles/{i}", role, Role) for i, role in enumerate(request.roles))),
        tier=checks.choice("/tier", request.tier, Tier),
        identifiers=request.identifiers,
        time_zone=None if request.time_zone is None else checks.time_zone("/time_zone", request.time_zone),
        check_digits=_check_digits(request.check_digits, checks),
        edi_senders=_edi_senders(request.edi_senders, checks),
    )
    return (partner,)


def set_partner(request: SetPartner, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None:
        return ()
    changed = partner
    if request.check_digits is not None:
        changed = replace(changed, check_digits=_check_digits(request.check_digits, checks))
    if request.time_zone is not None:
        changed = replace(changed, time_zone=checks.time_zone("/time_zone", request.time_zone))
    if request.edi_senders is not None:
        checks.some("/edi_senders", request.edi_senders)
        changed = replace(changed, edi_senders=_edi_senders(request.edi_senders, checks))
    return () if changed == partner else (changed,)


def _edi_senders(texts: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    """As UNB has them, each once."""
    checks.some("/edi_senders", texts, least=0)
    if texts == (ANY_SENDER,):
        return ()
    for index, text in enumerate(texts):
        if text == ANY_SENDER or not text.strip() or len(text) > SENDER_CHARACTERS_MAX or not text.isprintable():
            wanted = f"1 to {SENDER_CHARACTERS_MAX} characters, as the partner's UNB has them; or `any` alone"
            checks.invalid(f"/edi_senders/{index}", text, wanted)
    return tuple(dict.fromkeys(texts))


def _check_digits(text: str, checks: Checks) -> CheckDigits | None:
    """`hub`: as the hub is set."""
    if text == "hub":
        return None
    if text not in list(CheckDigits):
        checks.invalid("/check_digits", text, "one of warn, reject, hub")
        return None
    return CheckDigits(text)


def suspend_partner(request: StopPartner, basis: Basis, checks: Checks) -> Changes:
    return _stopped(request, basis, checks, suspended=True)


def resume_partner(request: StopPartner, basis: Basis, checks: Checks) -> Changes:
    return _stopped(request, basis, checks, suspended=False)


def _stopped(request: StopPartner, basis: Basis, checks: Checks, *, suspended: bool) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None or partner.suspended == suspended:
        return ()
    return (replace(partner, suspended=suspended),)


def set_aeo(request: SetAEO, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None:
        return ()
    aeo = _authorisation(request, partner.aeo, checks)
    return () if aeo == partner.aeo else (replace(partner, aeo=aeo),)


def _authorisation(request: SetAEO, before: AEOAuthorisation | None, checks: Checks) -> AEOAuthorisation:
    """The authorisation before with what the request names, or the first one."""
    for name in ("number", "type", "issuer", "valid_from"):
        if before is None and getattr(request, name) is None:
            checks.invalid(f"/{name}", "nothing", "a value: this is the partner's first AEO authorisation")
    aeo = before or AEOAuthorisation("", AEOType.F, "", "")
    if request.number is not None:
        aeo = replace(aeo, number=checks.text("/number", request.number))
        if len(request.number) > NUMBER_CHARACTERS_MAX:
            checks.invalid("/number", request.number, f"at most {NUMBER_CHARACTERS_MAX} characters")
    if request.type is not None:
        aeo = replace(aeo, type=checks.choice("/type", request.type, AEOType))
    if request.issuer is not None:
        aeo = replace(aeo, issuer=checks.country("/issuer", request.issuer))
    if request.valid_from is not None:
        aeo = replace(aeo, valid_from=checks.day("/valid_from", request.valid_from))
    if request.valid_to is not None:
        aeo = replace(aeo, valid_to=checks.day("/valid_to", request.valid_to))
    if request.status is not None:
        aeo = replace(aeo, status=checks.choice("/status", request.status, AEOStatus))
    if aeo.valid_to is not None and aeo.valid_to < aeo.valid_from:
        checks.invalid("/valid_to", aeo.valid_to, f"a day not before {aeo.valid_from}")
    return aeo


ACTS = {
    "partner.add": Act(AddPartner, add_partner, Effect.STARTS, PARTNERS),
    "partner.set": Act(SetPartner, set_partner, Effect.KEEPS, PARTNERS),
    "partner.suspend": Act(StopPartner, suspend_partner, Effect.STOPS, ANYONE),
    "partner.resume": Act(StopPartner, resume_partner, Effect.STARTS, SECURITY | PARTNERS),
    "partner.aeo": Act(SetAEO, set_aeo, Effect.STARTS, PARTNERS),
}
