"""Agreements as they are made: by the administration's own act, or proposed, to be signed by both sides."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import ALL_FIELDS, Agreement, AgreementState, Conditions, Provider, Purpose
from hub.core.dispatch import Kind
from hub.core.operator import AGREEMENTS, Effect
from hub.core.partner import Partner, Role, Tier
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.filters import is_member
from hub.trust.agreement import text_of
from schemas.codes import COUNTRIES
from schemas.groups import PREFIX, groups
from schemas.identifiers import SCHEMES, objection
from schemas.vocabularies import words

DAYS_MAX = 3_660
"""Ten years: of what is kept."""
TEXT_BYTES_MAX = 32_768
"""Of what is signed."""
_CHAPTER = re.compile(r"0[1-9]|[1-689][0-9]|7[0-689]")
"""Of the Harmonised System, which has no chapter 77."""


class ProviderRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One partner, or every partner with all the facts named; `all` must be said, not left open by accident."""

    partner: str | None = None
    tier: str | None = None
    role: str | None = None
    country: str | None = None
    aeo: str | None = None
    all: bool = False


class AddAgreement(Request, frozen=True, kw_only=True):
    id: str
    provider: ProviderRequest
    types: tuple[str, ...]
    recipient: str
    purpose: str
    fields: tuple[str, ...]
    """JSON Pointers and named groups, or `*`."""
    valid_from: str | None = None
    """Default: now. It also says how far back a feed may start."""
    valid_to: str | None = None
    """The first moment at which it no longer holds; default: until it is ended."""
    legal_basis: str = ""
    conditions: Conditions = Conditions()
    notices: tuple[str, ...] = ()
    direct: bool = False
    archive_days: int = 0
    retention_days: int | None = None
    onward: tuple[str, ...] = ()


class ProposeAgreement(AddAgreement, frozen=True, kw_only=True):
    """The same: what differs is that others have to sign it."""


def add_agreement(request: AddAgreement, basis: Basis, checks: Checks) -> Changes:
    """In force at once."""
    checks.new("/id", request.id, basis.snapshot.agreements)
    return (agreement_of(request, basis, checks),)


def propose_agreement(request: ProposeAgreement, basis: Basis, checks: Checks) -> Changes:
    """In force once every side has signed it."""
    checks.new("/id", request.id, basis.snapshot.agreements)
    agreement = agreement_of(request, basis, checks)
    text = "" if checks.faults else text_of(agreement, basis.hub)
    if len(text.encode()) > TEXT_BYTES_MAX:
        checks.invalid("/fields", f"{len(text.encode())} bytes in all", f"terms of at most {TEXT_BYTES_MAX} bytes")
    return (replace(agreement, state=AgreementState.PROPOSED, text=text),)


def agreement_of(request: AddAgreement, basis: Basis, checks: Checks) -> Agreement:
    """The agreement that a request describes, whether it is made or only looked at."""
    authority("/recipient", request.recipient, basis, checks)
    valid_from = basis.now if request.valid_from is None else checks.instant("/valid_from", request.valid_from)
    valid_to = None if request.valid_to is None else checks.instant("/valid_to", request.valid_to)
    if valid_to is not None and valid_to <= max(valid_from, basis.now):
        checks.invalid("/valid_to", request.valid_to, "a time after now and after valid_from")
    if request.retention_days is not None:
        _days("/retention_days", request.retention_days, 1, checks)
    _days("/archive_days", request.archive_days, 0, checks)
    types = checks.types("/types", request.types, basis.event_types)
    return Agreement(
        id=request.id,
        provider=_provider(request.provider, basis, checks),
        types=types,
        recipient=request.recipient,
        purpose=checks.choice("/purpose", request.purpose, Purpose),
        fields=_fields(request.fields, types, basis, checks),
        valid_from=valid_from,
        valid_to=valid_to,
        groups=tuple(dict.fromkeys(name for name in request.fields if name.startswith(PREFIX))),
        conditions=_conditions(request.conditions, checks),
        legal_basis=checks.text("/legal_basis", request.legal_basis) if request.legal_basis else "",
        retention_days=request.retention_days,
        onward=_texts("/onward", request.onward, checks),
        archive_days=request.archive_days,
        direct=request.direct,
        notices=_kinds("/notices", request.notices, checks),
    )


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
        aeo=None if request.aeo is None else _one_of("/provider/aeo", request.aeo, words("aeo_types"), checks),
    )
    if request.partner is not None:
        checks.known("/provider/partner", request.partner, basis.snapshot.partners)
    if (provider == Provider()) != request.all:
        checks.invalid(
            "/provider",
            "all" if request.all else "nothing",
            "a partner, tier, role, country or AEO type, or else all",
        )
    return provider


def _fields(fields: tuple[str, ...], types: tuple[str, ...], basis: Basis, checks: Checks) -> tuple[str, ...]:
    """As pointers, with groups written out. Of a group the types need not have all."""
    if fields == ALL_FIELDS:
        return fields
    checks.some("/fields", fields)
    pointers: list[str] = []
    for index, field in enumerate(fields):
        if not field.startswith(PREFIX):
            faults = len(checks.faults)
            pointers.append(checks.pointer(f"/fields/{index}", field))
            if len(checks.faults) == faults and not is_member(field, types, basis.event_types):
                checks.invalid(f"/fields/{index}", field, "a member that an event of these types can have")
        elif field in groups():
            pointers += groups()[field].fields
        else:
            checks.invalid(f"/fields/{index}", field, f"one of {', '.join(groups())}")
    return tuple(dict.fromkeys(pointers))


def _conditions(asked: Conditions, checks: Checks) -> Conditions:
    for kind in ("places", "chapters", "modes"):
        checks.some(f"/conditions/{kind}", getattr(asked, kind), least=0)
    for index, place in enumerate(asked.places):
        if place not in COUNTRIES and objection(SCHEMES["unlocode"], place) is not None:
            checks.invalid(f"/conditions/places/{index}", place, "a UN/LOCODE such as NLRTM, or a country such as NL")
    for index, chapter in enumerate(asked.chapters):
        if not _CHAPTER.fullmatch(chapter):
            checks.invalid(f"/conditions/chapters/{index}", chapter, "two digits of an HS chapter, such as 93")
    for index, mode in enumerate(asked.modes):
        _one_of(f"/conditions/modes/{index}", mode, words("transport_modes"), checks)
    return asked


def _one_of(place: str, text: str, known: Iterable[str], checks: Checks) -> str:
    if text not in known:
        checks.invalid(place, text, f"one of {', '.join(known)}")
    return text


def _texts(place: str, texts: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    checks.some(place, texts, least=0)
    return tuple(dict.fromkeys(checks.text(f"{place}/{index}", text) for index, text in enumerate(texts)))


def _kinds(place: str, kinds: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    checks.some(place, kinds, least=0)
    return tuple(dict.fromkeys(checks.choice(f"{place}/{i}", kind, Kind).value for i, kind in enumerate(kinds)))


def _days(place: str, days: int, least: int, checks: Checks) -> None:
    if not least <= days <= DAYS_MAX:
        checks.invalid(place, days, f"{least} to {DAYS_MAX} days")


ACTS = {
    "agreement.add": Act(AddAgreement, add_agreement, Effect.STARTS, AGREEMENTS),
    "agreement.propose": Act(ProposeAgreement, propose_agreement, Effect.STARTS, AGREEMENTS),
}
