"""AEO authorisations of partners, and the arrangements by which they count here."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from hub.core.aeo import AEOStatus, AEOType, Arrangement, Authorisation, Benefit, StalePolicy
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks, is_day

_NUMBER = re.compile(r"[!-~](?:[ -~]{0,33}[!-~])?", re.ASCII)
_REASON_CLASS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)


class SetAEO(Request, frozen=True, kw_only=True):
    """What is left out stays as it is; a first authorisation needs number, type, issuer and first day.

    Without `number` the partner's only authorisation is meant.
    """

    id: str
    """The partner."""
    number: str | None = None
    type: str | None = None
    issuer: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    validated_on: str | None = None
    status: str | None = None
    reason_class: str | None = None


class AddArrangement(Request, frozen=True, kw_only=True):
    id: str
    issuers: tuple[str, ...]
    valid_from: str
    valid_to: str | None = None
    types: tuple[str, ...] = tuple(AEOType)
    benefits: tuple[str, ...] = tuple(Benefit)
    stale_after_hours: int | None = None
    stale_policy: str = StalePolicy.KEEP.value


class EndArrangement(Request, frozen=True, kw_only=True):
    id: str


def set_aeo(request: SetAEO, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None:
        return ()
    before = _meant(request, basis, checks)
    changed = _authorisation(request, before, basis, checks)
    return () if changed == before else (changed,)


def _meant(request: SetAEO, basis: Basis, checks: Checks) -> Authorisation | None:
    """The authorisation that the request is about, if it is registered already."""
    held = basis.snapshot.authorisations.of(request.id)
    named = [a for a in held if request.number in (None, a.number) and request.issuer in (None, a.issuer)]
    if len(named) > 1:
        ids = ", ".join(each.id for each in named)
        checks.invalid("/number", "nothing", f"issuer and number of one of {ids}")
    return named[0] if named else None


def _authorisation(request: SetAEO, before: Authorisation | None, basis: Basis, checks: Checks) -> Authorisation:
    """The authorisation before with what the request names, or the first one."""
    aeo = before or _first(request, basis, checks)
    if request.type is not None:
        aeo = replace(aeo, type=checks.choice("/type", request.type, AEOType))
    if request.status is not None:
        aeo = replace(aeo, status=checks.choice("/status", request.status, AEOStatus))
    named = ("valid_from", "valid_to", "validated_on", "reason_class")
    aeo = replace(aeo, **{name: value for name in named if (value := getattr(request, name)) is not None})
    if before is not None or aeo.valid_from:
        check_authorisation(aeo, checks, lambda member: f"/{member}")
    return aeo


def check_authorisation(
    aeo: Authorisation, checks: Checks, place: Callable[[str], str], *, code: str = "ACT_VALUE_INVALID"
) -> None:
    """Check what an authorisation says of itself; `place` says where a member stands."""
    if not _NUMBER.fullmatch(aeo.number):
        checks.fault(code, place("number"), aeo.number, "1 to 35 printable ASCII characters, no blank at either end")
    for name in ("valid_from", "valid_to", "validated_on"):
        day = getattr(aeo, name)
        if day is not None and not is_day(day):
            checks.fault(code, place(name), day, f"{name}, a date such as 2026-01-31")
    if aeo.valid_to is not None and aeo.valid_to < aeo.valid_from:
        checks.fault(code, place("valid_to"), aeo.valid_to, f"a day not before {aeo.valid_from}")
    if aeo.reason_class and not _REASON_CLASS.fullmatch(aeo.reason_class):
        expected = "a class of reasons: 1 to 32 of A-Z, a-z, 0-9, ., _ and -"
        checks.fault(code, place("reason_class"), "(not shown)", expected)


def _first(request: SetAEO, basis: Basis, checks: Checks) -> Authorisation:
    """An authorisation that was not registered before."""
    for name in ("number", "type", "issuer", "valid_from"):
        if getattr(request, name) is None:
            checks.invalid(f"/{name}", "nothing", "a value: this AEO authorisation is new")
    aeo = Authorisation(request.issuer or "", request.number or "", request.id, AEOType.F, "")
    if request.issuer is not None:
        checks.country("/issuer", request.issuer)
    if (other := basis.snapshot.authorisations.get(aeo.id)) is not None:
        checks.invalid("/number", f"the authorisation of {other.partner}", "one that nobody else holds")
    return aeo


def add_arrangement(request: AddArrangement, basis: Basis, checks: Checks) -> Changes:
    checks.some("/issuers", request.issuers)
    checks.some("/types", request.types)
    checks.some("/benefits", request.benefits)
    arrangement = Arrangement(
        id=checks.new("/id", request.id, basis.snapshot.arrangements),
        issuers=tuple(checks.country(f"/issuers/{i}", issuer) for i, issuer in enumerate(request.issuers)),
        valid_from=checks.day("/valid_from", request.valid_from),
        valid_to=None if request.valid_to is None else checks.day("/valid_to", request.valid_to),
        types=tuple(checks.choice(f"/types/{i}", type_, AEOType) for i, type_ in enumerate(request.types)),
        benefits=tuple(checks.choice(f"/benefits/{i}", each, Benefit) for i, each in enumerate(request.benefits)),
        stale_after_seconds=None if request.stale_after_hours is None else request.stale_after_hours * 3_600,
        stale_policy=checks.choice("/stale_policy", request.stale_policy, StalePolicy),
    )
    if request.stale_after_hours is not None and not 1 <= request.stale_after_hours <= 8_760:
        checks.invalid("/stale_after_hours", request.stale_after_hours, "1 to 8760 hours")
    if arrangement.valid_to is not None and arrangement.valid_to < arrangement.valid_from:
        checks.invalid("/valid_to", arrangement.valid_to, f"a day not before {arrangement.valid_from}")
    return (arrangement,)


def end_arrangement(request: EndArrangement, basis: Basis, checks: Checks) -> Changes:
    arrangement = checks.known("/id", request.id, basis.snapshot.arrangements)
    return () if arrangement is None or arrangement.ended else (replace(arrangement, ended=True),)


ACTS = {
    "partner.aeo": Act(SetAEO, set_aeo, Effect.STARTS, PARTNERS),
    "arrangement.add": Act(AddArrangement, add_arrangement, Effect.STARTS, PARTNERS | SECURITY),
    "arrangement.end": Act(EndArrangement, end_arrangement, Effect.STOPS, ANYONE),
}
