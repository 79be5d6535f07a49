"""Lawful restrictions: that a company is not told, or not yet, who was given its data. They start by four eyes."""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.access import Step
from hub.core.operator import SECURITY, Effect, OperatorRole
from hub.core.restriction import Restriction, Telling
from hub.core.standing import DAY_SECONDS
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import All, Plain, View, plain

RESTRICTED_DAYS_MAX = 366
"""Longer ones are looked at and made anew."""


class AddRestriction(Request, frozen=True, kw_only=True):
    id: str
    legal_basis: str
    ends: str
    """RFC 3339: accesses from then on are told as any other."""
    review: str
    """When somebody looks whether it is still needed; not after it ends."""
    recipient: str = ""
    steps: tuple[str, ...] = ()
    tells: str = Telling.AUTHORITY.value
    embargo: str | None = None
    """From then on all is told."""


class LiftRestriction(Request, frozen=True, kw_only=True):
    id: str


def add_restriction(request: AddRestriction, basis: Basis, checks: Checks) -> Changes:
    if request.recipient:
        checks.known("/recipient", request.recipient, basis.snapshot.partners)
    if not request.recipient and not request.steps:
        checks.invalid("/recipient", "nobody", "a recipient, kinds of access, or both: never everything")
    ends, review = checks.instant("/ends", request.ends), checks.instant("/review", request.review)
    embargo = None if request.embargo is None else checks.instant("/embargo", request.embargo)
    made = Restriction(
        id=checks.new("/id", request.id, basis.snapshot.restrictions),
        legal_basis=checks.text("/legal_basis", request.legal_basis),
        begins=basis.now,
        ends=ends,
        review=review,
        recipient=request.recipient,
        steps=tuple(checks.choice(f"/steps/{index}", step, Step) for index, step in enumerate(request.steps)),
        tells=checks.choice("/tells", request.tells, Telling),
        embargo=embargo,
    )
    if checks.faults:
        return ()
    if not basis.now < ends <= basis.now + RESTRICTED_DAYS_MAX * DAY_SECONDS:
        checks.invalid("/ends", request.ends, "a time to come, within a year")
    if not basis.now < review <= ends:
        checks.invalid("/review", request.review, "a time to come, not after it ends")
    if made.tells is Telling.NOTHING and embargo is None:
        checks.invalid("/embargo", "none", "when it is told, where nothing is told before")
    return (made,)


def lift_restriction(request: LiftRestriction, basis: Basis, checks: Checks) -> Changes:
    """It stops nothing: companies are told, for good, what it kept from them."""
    held = checks.known("/id", request.id, basis.snapshot.restrictions)
    return () if held is None or held.lifted else (replace(held, lifted=True),)


def list_restrictions(_: All, basis: Basis, __: Checks) -> Plain:
    """With whether each binds now, and whether somebody should have looked at it by now."""
    items = [
        {
            **plain(each),
            "binds": not each.lifted and each.begins <= basis.now < each.ends,
            "overdue": not each.lifted and each.review <= basis.now < each.ends,
        }
        for each in basis.snapshot.restrictions
    ]
    return {"items": items}


ACTS = {
    "restriction.add": Act(AddRestriction, add_restriction, Effect.STARTS, SECURITY),
    "restriction.lift": Act(LiftRestriction, lift_restriction, Effect.STARTS, SECURITY),
}
VIEWS = {
    "restriction.list": View(All, list_restrictions, roles=SECURITY | frozenset({OperatorRole.AUDITOR})),
}
