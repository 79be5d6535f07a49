"""Quotas: setting a partner apart from its tier's, and letting partners catch up after an outage."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hub.core.allowance import EVERYONE, SET_APART, Allowance
from hub.core.operator import PARTNERS, Effect
from hub.core.partner import Role
from hub.core.quota import Quota
from hub.core.standing import standing_of
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import OfPartner, Plain, View, plain

HOURS_MAX = 72
"""Of one declaration; a longer outage is declared again."""


class SetQuota(Request, frozen=True, kw_only=True):
    """What is left out stays as it is; with `as_tier`, all that is not named is as the tier has it."""

    id: str
    as_tier: bool = False
    events_per_second: int | None = None
    bytes_per_second: int | None = None
    requests_per_second: int | None = None
    burst_seconds: int | None = None
    requests_in_flight_max: int | None = None
    streams_max: int | None = None


class CatchUp(Request, frozen=True, kw_only=True):
    """`id` `*`: everyone. No hours: it ends now."""

    id: str
    hours: int


def set_quota(request: SetQuota, basis: Basis, checks: Checks) -> Changes:
    if checks.known("/id", request.id, basis.snapshot.partners) is None:
        return ()
    given = {name: value for name in SET_APART if (value := getattr(request, name)) is not None}
    if not given and not request.as_tier:
        checks.invalid("/id", request.id, "at least one limit, or `as_tier`")
    for name, value in given.items():
        _check(name, value, checks)
    held = _held(request.id, basis)
    kept = Allowance(held.partner, catch_up_until=held.catch_up_until) if request.as_tier else held
    return _changed(held, replace(kept, **given))


def catch_up(request: CatchUp, basis: Basis, checks: Checks) -> Changes:
    if request.id != EVERYONE and checks.known("/id", request.id, basis.snapshot.partners) is None:
        return ()
    if not 0 <= request.hours <= HOURS_MAX:
        checks.invalid("/hours", request.hours, f"0 to {HOURS_MAX}")
    held = _held(request.id, basis)
    until = basis.now + request.hours * 3_600 if request.hours else 0
    if not until and held.catch_up_until <= basis.now:
        return ()
    return _changed(held, replace(held, catch_up_until=until))


def catches_up_longer(before: Allowance | None, after: Allowance) -> bool:
    return after.catch_up_until > (before.catch_up_until if before is not None else 0)


def show_quota(request: OfPartner, basis: Basis, checks: Checks) -> Plain:
    """What was set apart for a partner; None: as the quota `counts_as` of the settings has it."""
    partner = checks.known("/id", request.id, basis.snapshot.partners)
    if partner is None:
        return {}
    counts_as = "authority" if Role.AUTHORITY in partner.roles else None
    everyone = _held(EVERYONE, basis).catch_up_until
    held = plain(_held(partner.id, basis))
    until = max(held["catch_up_until"], everyone)
    return {
        **held,
        "counts_as": counts_as or standing_of(partner, basis.snapshot, basis.now).facts.tier.value,
        "catch_up_until": until if until > basis.now else None,
    }


def _held(partner: str, basis: Basis) -> Allowance:
    return basis.snapshot.allowances.get(partner) or Allowance(partner)


def _changed(held: Allowance, wanted: Allowance) -> Changes:
    return () if wanted == held else (wanted,)


def _check(name: str, value: int, checks: Checks) -> None:
    """By the bounds that the settings have for it."""
    shape = next(field.type for field in msgspec.structs.fields(Quota) if field.name == name)
    bounds = msgspec.inspect.type_info(shape)
    assert isinstance(bounds, msgspec.inspect.IntType)
    if not (bounds.ge or 0) <= value <= (bounds.le or value):
        checks.invalid(f"/{name}", value, f"{bounds.ge} to {bounds.le}")


ACTS = {
    "partner.quota": Act(SetQuota, set_quota, Effect.STARTS, PARTNERS),
    "partner.catch-up": Act(CatchUp, catch_up, Effect.KEEPS, PARTNERS, starts=catches_up_longer),
}

VIEWS = {"partner.quota.show": View(OfPartner, show_quota)}
