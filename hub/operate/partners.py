"""Partners: who they are, and how far they have come: applied, vetted, active, suspended, left."""

from __future__ import annotations

import re

from msgspec.structs import replace

from hub.core.operator import ANYONE, CLIENT_PREFIX, PARTNERS, SECURITY, Effect
from hub.core.partner import CheckDigits, Contact, Identifier, Partner, PartnerState, Role, Tier
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from schemas.codes import COUNTRIES
from schemas.identifiers import OBJECTS, SCHEMES, objection

SENDER_CHARACTERS_MAX = 35
"""UNB S002 0004, an..35 (ISO 9735)."""
ANY_SENDER = "any"
PARTNER_SCHEMES = (*OBJECTS["party"], "scac")
_STRICTNESS = (CheckDigits.WARN, None, CheckDigits.REJECT)
"""As the hub is set may be either."""
NATIONAL = "national"
"""A number in the register of a country: the country, a colon, the number as that register has it."""
_NATIONAL = re.compile(r"[A-Z]{2}:[!-~](?:[ -~]{0,32}[!-~])?", re.ASCII)


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
    contacts: tuple[Contact, ...] = ()


class SetPartner(Request, frozen=True, kw_only=True):
    """What is left out stays as it is; `edi_senders` are all of them from now on, `any` alone: not checked."""

    id: str
    name: str | None = None
    identifiers: tuple[Identifier, ...] | None = None
    """All of them from now on."""
    check_digits: str | None = None
    time_zone: str | None = None
    edi_senders: tuple[str, ...] | None = None
    contacts: tuple[Contact, ...] | None = None
    """All of them from now on."""


class SetTier(Request, frozen=True, kw_only=True):
    id: str
    tier: str


class MovePartner(Request, frozen=True, kw_only=True):
    id: str


def add_partner(request: AddPartner, basis: Basis, checks: Checks) -> Changes:
    return (new_partner(request, basis, checks),)


def new_partner(request: AddPartner, basis: Basis, checks: Checks) -> Partner:
    if f"{request.id}." == CLIENT_PREFIX:
        checks.invalid("/id", request.id, "a name that is not the hub's own")
    checks.some("/roles", request.roles)
    return Partner(
        id=checks.new("/id", request.id, basis.snapshot.partners),
        name=checks.text("/name", request.name),
        country=checks.country("/country", request.country),
        roles=tuple(dict.fromkeys(checks.choice(f"/roles/{i}", role, Role) for i, role in enumerate(request.roles))),
        tier=checks.choice("/tier", request.tier, Tier),
        identifiers=checked_identifiers(request.identifiers, request.id, basis.snapshot, checks),
        time_zone=None if request.time_zone is None else checks.time_zone("/time_zone", request.time_zone),
        check_digits=_check_digits(request.check_digits, checks),
        edi_senders=_edi_senders(request.edi_senders, checks),
        contacts=_contacts(request.contacts, checks),
    )


def apply_partner(request: AddPartner, basis: Basis, checks: Checks) -> Changes:
    """An application: nothing of it is taken before it is vetted, and its identifiers count once it is approved."""
    return (replace(new_partner(request, basis, checks), state=PartnerState.APPLIED),)


def set_partner(request: SetPartner, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None:
        return ()
    changed = partner
    if request.name is not None:
        changed = replace(changed, name=checks.text("/name", request.name))
    if request.identifiers is not None:
        identifiers = checked_identifiers(request.identifiers, request.id, basis.snapshot, checks)
        changed = replace(changed, identifiers=identifiers)
    if request.check_digits is not None:
        changed = replace(changed, check_digits=_check_digits(request.check_digits, checks))
    if request.time_zone is not None:
        changed = replace(changed, time_zone=checks.time_zone("/time_zone", request.time_zone))
    if request.edi_senders is not None:
        checks.some("/edi_senders", request.edi_senders)
        changed = replace(changed, edi_senders=_edi_senders(request.edi_senders, checks))
    if request.contacts is not None:
        changed = replace(changed, contacts=_contacts(request.contacts, checks))
    return () if changed == partner else (changed,)


def sets_more(before: Partner, after: Partner) -> bool:
    """Whether it gains an identifier or a sender, is held to less, or is known by another name or other contacts.

    Its time zone, and what is taken from it, is one person's word.
    """
    return bool(
        set(after.identifiers) - set(before.identifiers)
        or set(after.edi_senders) - set(before.edi_senders)
        or (before.edi_senders and not after.edi_senders)
        or _STRICTNESS.index(after.check_digits) < _STRICTNESS.index(before.check_digits)
        or after.contacts != before.contacts
        or after.name != before.name
    )


def set_tier(request: SetTier, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    tier = checks.choice("/tier", request.tier, Tier)
    return () if partner is None or partner.tier is tier else (replace(partner, tier=tier),)


def checked_identifiers(
    identifiers: tuple[Identifier, ...], partner: str, snapshot: Snapshot, checks: Checks
) -> tuple[Identifier, ...]:
    """Each of a scheme by which organisations are named, in its form, with its check digit, and nobody else's."""
    checks.some("/identifiers", identifiers, least=0)
    for index, each in enumerate(identifiers):
        place = f"/identifiers/{index}"
        if each.scheme == NATIONAL:
            if not _NATIONAL.fullmatch(each.value) or each.value[:2] not in COUNTRIES:
                checks.invalid(f"{place}/value", each.value, "a country, a colon and a number, such as NL:12345678")
        elif each.scheme not in PARTNER_SCHEMES:
            checks.invalid(f"{place}/scheme", each.scheme, f"one of {', '.join((*PARTNER_SCHEMES, NATIONAL))}")
        elif (wrong := objection(SCHEMES[each.scheme], each.value)) and wrong.code != "CODE_UNASSIGNED":
            checks.fault(wrong.code, f"{place}/value", each.value, wrong.expected)
        holder = snapshot.partner_of(each)
        if holder not in (None, partner):
            checks.fault("ACT_IDENTIFIER_TAKEN", place, f"{each.scheme}={each.value} of {holder}", "one of nobody else")
    return tuple(dict.fromkeys(identifiers))


def _contacts(contacts: tuple[Contact, ...], checks: Checks) -> tuple[Contact, ...]:
    checks.some("/contacts", contacts, least=0)
    for index, contact in enumerate(contacts):
        checks.text(f"/contacts/{index}/name", contact.name)
        if not contact.email and not contact.phone:
            checks.invalid(f"/contacts/{index}", contact.name, "an email or a phone number to reach them by")
    return contacts


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


def vet_partner(request: MovePartner, basis: Basis, checks: Checks) -> Changes:
    """An officer looked at it: it may try everything now."""
    return _moved(request, basis, checks, PartnerState.VETTED, since=(PartnerState.APPLIED,))


def approve_partner(request: MovePartner, basis: Basis, checks: Checks) -> Changes:
    """It takes part: what it sends is a fact of trade from now on, and its identifiers are its own."""
    partner = basis.snapshot.partners.get(request.id)
    if partner is not None:
        checked_identifiers(partner.identifiers, partner.id, basis.snapshot, checks)
    return _moved(request, basis, checks, PartnerState.ACTIVE, since=(PartnerState.VETTED,))


def suspend_partner(request: MovePartner, basis: Basis, checks: Checks) -> Changes:
    """The full stop."""
    return _moved(request, basis, checks, PartnerState.SUSPENDED, since=tuple(PartnerState)[:3])


def resume_partner(request: MovePartner, basis: Basis, checks: Checks) -> Changes:
    """Back to where it was stopped: nobody becomes active who was never approved."""
    partner = basis.snapshot.partners.get(request.id)
    if partner is not None and not partner.stopped:
        return ()
    return _moved(request, basis, checks, _before_stop(request.id, basis), since=(PartnerState.SUSPENDED,))


def leave_partner(request: MovePartner, basis: Basis, checks: Checks) -> Changes:
    """For good: the name is never used again. It takes two: one person alone suspends."""
    return _moved(request, basis, checks, PartnerState.LEFT, since=tuple(PartnerState)[:4])


def _moved(
    request: MovePartner, basis: Basis, checks: Checks, to: PartnerState, *, since: tuple[PartnerState, ...]
) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None or partner.state is to:
        return ()
    if partner.state not in since:
        checks.invalid("/id", f"a partner that is {partner.state}", "one that is " + " or ".join(since))
    return (replace(partner, state=to),)


def _before_stop(partner: str, basis: Basis) -> PartnerState:
    known = basis.snapshot.partners.get(partner) and basis.snapshot.partners.versions(partner)
    states = [version.state for _, version in known or () if version.state is not PartnerState.SUSPENDED]
    return states[-1] if states else PartnerState.APPLIED


ACTS = {
    "partner.add": Act(AddPartner, add_partner, Effect.STARTS, PARTNERS),
    "partner.apply": Act(AddPartner, apply_partner, Effect.KEEPS, PARTNERS),
    "partner.vet": Act(MovePartner, vet_partner, Effect.KEEPS, PARTNERS),
    "partner.approve": Act(MovePartner, approve_partner, Effect.STARTS, PARTNERS),
    "partner.set": Act(SetPartner, set_partner, Effect.KEEPS, PARTNERS, starts=sets_more),
    "partner.tier": Act(SetTier, set_tier, Effect.STARTS, PARTNERS),
    "partner.suspend": Act(MovePartner, suspend_partner, Effect.STOPS, ANYONE),
    "partner.resume": Act(MovePartner, resume_partner, Effect.STARTS, SECURITY | PARTNERS),
    "partner.leave": Act(MovePartner, leave_partner, Effect.STARTS, PARTNERS),
}
