"""Repairs of dead letters: corrected data are laid down first, where they can be erased, and decided on by their place.

So no act, statement or audit event, which are kept for good, holds a member of them (`schemas/formats/dead-letter.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from hub.core.dead_letter import UNDELIVERED, DeadLetter, Outcome, Settlement
from hub.core.errors import Refusal
from hub.core.operator import Effect
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Apart, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.dead_letters import SEES, WORKS, check_readable, check_waits, masked_in, without_data
from hub.operate.letter_desk import MASKED, Opened
from hub.operate.views import Plain, View

_UNMASKED = "the value itself, or no such member; its publisher sees it, and can send a new version instead"


class Repair(Request, frozen=True, kw_only=True):
    letter: str
    corrected: str
    """Where the data lie."""


class LayDown(Struct, frozen=True, forbid_unknown_fields=True):
    letter: str
    data: dict[str, Any]
    """All of the event's data, as it should have been; `updated_at` is the hub's to say."""


class Corrected(Struct, frozen=True, forbid_unknown_fields=True):
    letter: str
    corrected: str


class Tried(Struct, frozen=True):
    """A letter, the data of its repair, and why they would be refused."""

    opened: Opened
    data: dict[str, Any] | None
    """None: they are not there any more."""
    refusal: Refusal | None = None
    place: str = ""


async def gather_repair(request: Repair | Corrected, _: Snapshot, apart: Apart) -> Sequence[Tried]:
    letter = await apart.letters.get(request.letter)
    data = await apart.letters.corrected(letter, request.corrected) if letter is not None else None
    return () if letter is None else (await _tried(letter, data, apart),)


async def gather_data(request: LayDown, _: Snapshot, apart: Apart) -> Sequence[Tried]:
    """With their place, if they would be taken: nothing else is kept."""
    letter = await apart.letters.get(request.letter)
    if letter is None:
        return ()
    tried, checks = await _tried(letter, request.data, apart), Checks()
    _check(tried, checks)
    place = "" if checks.faults else await apart.letters.lay_down(letter, request.data)
    return (Tried(tried.opened, tried.data, tried.refusal, place),)


async def _tried(letter: DeadLetter, data: dict[str, Any] | None, apart: Apart) -> Tried:
    opened = await apart.letters.opened(letter)
    return Tried(opened, data, await apart.letters.foresee(letter, data) if data is not None else None)


def repair(request: Repair, basis: Basis, checks: Checks) -> Changes:
    checks.reason("/reason", request.reason)
    if not basis.found:
        checks.fault("ACT_NOT_REGISTERED", "/letter", request.letter, "the id of a letter")
        return ()
    [tried] = basis.found
    if tried.data is None:
        checks.fault("ACT_NOT_REGISTERED", "/corrected", request.corrected, "where corrected data were laid down")
    _check(tried, checks)
    made = Settlement(
        outcome=Outcome.REPAIR,
        letters=(request.letter,),
        corrected=request.corrected,
        decided=basis.now,
        actor=basis.actor,
        reason=request.reason,
        failures_max=1,
    )
    return (made,)


def lay_down(request: LayDown, basis: Basis, checks: Checks) -> Plain:
    if not basis.found:
        checks.fault("ACT_NOT_REGISTERED", "/letter", request.letter, "the id of a letter")
        return {}
    [tried] = basis.found
    _check(tried, checks)
    return {"letter": request.letter, "corrected": tried.place}


def show_corrected(request: Corrected, basis: Basis, checks: Checks) -> Plain:
    """For who signs as the second: all that is there."""
    data = basis.found[0].data if basis.found else None
    if data is None:
        checks.fault("ACT_NOT_REGISTERED", "/corrected", request.corrected, "where corrected data were laid down")
    return {"letter": request.letter, "corrected": request.corrected, "data": data}


def _check(tried: Tried, checks: Checks) -> None:
    """Every fault of the data, or why a letter is not repaired."""
    letter = tried.opened.letter
    check_waits(letter, "/letter", checks)
    check_readable(letter, checks)
    if letter.cause == UNDELIVERED:
        checks.invalid("/letter", letter.cause, "an event: a delivery that failed can be released")
    if tried.data is not None and tried.data == (tried.opened.event or {}).get("data"):
        checks.invalid("/data", "the same as it came with", "corrected data")
    for place in masked_in(tried.data, letter):
        checks.invalid(place, MASKED, _UNMASKED)
    if tried.refusal is None or checks.faults:
        return
    checks.faults.extend(tried.refusal.faults)
    if not tried.refusal.faults:
        checks.invalid("/letter", f"{tried.refusal.code}: {tried.refusal.detail}", "a repair that the hub takes now")


ACTS = {"quarantine.repair": Act(Repair, repair, Effect.STARTS, WORKS, gather_repair)}
VIEWS = {
    "quarantine.lay-down": View(LayDown, lay_down, gather_data, roles=WORKS, posted=True, noted=without_data),
    "quarantine.corrected": View(Corrected, show_corrected, gather_repair, roles=SEES),
}
