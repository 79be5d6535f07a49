"""Dead letters: what operators see of them, and what they decide. The hub carries it out (`settler.py`).

Not of copies of documents: those are settled in `quarantine.py` (`document.release`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import replace

from hub.core.dead_letter import CAUSES, UNDELIVERED, DeadLetter, LetterState, Outcome, Settlement
from hub.core.errors import Refusal
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect, OperatorRole
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Apart, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.letter_desk import SUPERSEDED, Opened, masked, masked_places
from hub.operate.views import Plain, View
from hub.ports.dead_letters import Group, Which
from hub.trust.statement import utc_text
from schemas.catalogue import Catalogue, catalogue

LETTERS_MAX = 500
"""Named in one act, or listed in one answer."""
FORESEEN_MAX = 100
Names = Annotated[tuple[str, ...], Meta(max_length=LETTERS_MAX)]
WORKS = PARTNERS | SECURITY
_NEWEST = "a letter whose event nobody passed on since; this one can be discarded, or repaired"


class Settle(Request, frozen=True, kw_only=True):
    """`letters` by their ids, or all of a cause and partner that were set aside when it is proposed."""

    letters: Names = ()
    cause: str = ""
    partner: str = ""


class Release(Settle, frozen=True, kw_only=True):
    per_second: Annotated[int, Meta(ge=1, le=1_000)] = 10
    failures_max: Annotated[int, Meta(ge=1, le=1_000)] = 3
    """So many failures in a row end it."""


class Stop(Request, frozen=True, kw_only=True):
    """In the words of the release that it ends."""

    letters: Names = ()
    cause: str = ""
    partner: str = ""


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    """Empty: any. Single letters are listed where a cause, partner or state is given."""

    cause: str = ""
    partner: str = ""
    state: str = ""


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    letter: str


class Foreseen(Struct, frozen=True, forbid_unknown_fields=True):
    """What a release, or with `data` a repair, would do now."""

    letters: Names = ()
    cause: str = ""
    partner: str = ""
    data: dict[str, Any] | None = None


class Releasable(Struct, frozen=True):
    letters: Sequence[DeadLetter]
    superseded: Collection[str]


class Page(Struct, frozen=True):
    groups: Sequence[Group]
    letters: Sequence[DeadLetter]


async def gather_letters(request: Settle | Foreseen, _: Snapshot, apart: Apart) -> Sequence[DeadLetter]:
    """Those that are named, settled or not; else those that wait, as many as are looked at."""
    if request.letters:
        found = [await apart.letters.get(name) for name in dict.fromkeys(request.letters)]
        return [letter for letter in found if letter is not None]
    if not request.cause:
        return ()
    which = Which(cause=request.cause, partner=request.partner, state=LetterState.WAITING)
    return await apart.letters.page(which, limit=LETTERS_MAX)


async def gather_release(request: Release, snapshot: Snapshot, apart: Apart) -> Sequence[Releasable]:
    letters = await gather_letters(request, snapshot, apart)
    return (Releasable(letters, await apart.letters.superseded(letters)),)


async def gather_one(request: Shown, _: Snapshot, apart: Apart) -> Sequence[Opened]:
    letter = await apart.letters.get(request.letter)
    return () if letter is None else (await apart.letters.opened(letter),)


async def gather_page(request: Listed, _: Snapshot, apart: Apart) -> Sequence[Page]:
    which = Which(
        cause=request.cause or None,
        partner=request.partner or None,
        state=next((each for each in LetterState if each == request.state), None),
    )
    asks_letters = bool(request.cause or request.partner or request.state)
    letters = await apart.letters.page(which, limit=LETTERS_MAX) if asks_letters else ()
    return (Page(await apart.letters.groups(), letters),)


async def gather_foreseen(request: Foreseen, snapshot: Snapshot, apart: Apart) -> Sequence[Plain]:
    """Of the first of them what would become of each; of the others that they are there."""
    told: list[Plain] = []
    letters = await gather_letters(request, snapshot, apart)
    superseded = await apart.letters.superseded(letters) if request.data is None else ()
    for letter in letters[:FORESEEN_MAX]:
        if letter.id in superseded:
            refusal: Refusal | None = Refusal("NOT_PERMITTED", SUPERSEDED)
        elif mask := next(masked_in(request.data, letter), ""):
            refusal = Refusal("EVENT_INVALID", f"{mask}: what is personal is masked in it")
        else:
            refusal = await apart.letters.foresee(letter, request.data)
        told.append({**_row(letter), "outcome": "done", **_refused(refusal, request.data)})
    return told + [{**_row(letter), "outcome": "not looked at"} for letter in letters[FORESEEN_MAX:]]


def _refused(refusal: Refusal | None, data: Mapping[str, Any] | None) -> Plain:
    """With the faults of `data` that an operator gave; what is found in the letter itself may be personal."""
    if refusal is None:
        return {}
    faults = [{"at": each.place, "found": each.found, "expected": each.expected} for each in refusal.faults]
    return {
        "outcome": "refused",
        "code": refusal.code,
        "why": refusal.detail,
        "faults": faults if data is not None else [],
    }


def settle(outcome: Outcome) -> Callable[[Settle, Basis, Checks], Changes]:
    def decide(request: Settle, basis: Basis, checks: Checks) -> Changes:
        checks.reason("/reason", request.reason)
        if bool(request.letters) == bool(request.cause):
            checks.invalid("/letters", "both or neither", "ids of letters, or a cause and a partner")
        found = basis.found[0].letters if outcome is Outcome.RELEASE else basis.found
        _check_found(request, found, checks)
        if outcome is Outcome.RELEASE:
            for each in found:
                check_readable(each, checks)
            _check_not_superseded(request, basis.found[0], checks)
        made = Settlement(
            outcome=outcome,
            letters=tuple(sorted({each.id for each in found})) if request.letters else (),
            cause=request.cause,
            partner=request.partner,
            decided=basis.now,
            before=basis.made,
            actor=basis.actor,
            reason=request.reason,
        )
        if isinstance(request, Release):
            made = replace(made, per_second=request.per_second, failures_max=request.failures_max)
        return (made,)

    return decide


def stop(request: Stop, basis: Basis, checks: Checks) -> Changes:
    """What is under way ends with the letter that it tries; what is left waits."""
    checks.reason("/reason", request.reason)
    asked = Settlement(
        outcome=Outcome.RELEASE,
        letters=tuple(sorted(set(request.letters))),
        cause=request.cause,
        partner=request.partner,
        decided=basis.now,
        actor=basis.actor,
        reason=request.reason,
    )
    made = basis.snapshot.settlements.get(asked.id)
    if made is None:
        checks.fault("ACT_NOT_REGISTERED", "/letters", asked.id, "the letters, or cause and partner, of a release")
        return ()
    return () if made.stopped else (replace(made, stopped=True),)


def list_letters(request: Listed, basis: Basis, checks: Checks) -> Plain:
    if request.state:
        checks.choice("/state", request.state, LetterState)
    if request.cause and request.cause not in CAUSES:
        checks.invalid("/cause", request.cause, f"one of {', '.join(CAUSES)}")
    [page] = basis.found
    groups = [
        {
            "cause": each.cause,
            "partner": each.partner,
            "state": each.state.value,
            "count": each.count,
            "oldest": utc_text(each.oldest_us),
            "newest": utc_text(each.newest_us),
        }
        for each in page.groups
        if request.cause in ("", each.cause)
        and request.partner in ("", each.partner)
        and request.state in ("", each.state)
    ]
    return {"groups": groups, "items": [_row(each) for each in page.letters]}


def show_letter(request: Shown, basis: Basis, checks: Checks) -> Plain:
    """What was found against what was expected; what is personal is masked, and no repair of such a letter can hold
    the masks: its publisher, who sees what they hide, sends a new version."""
    if not basis.found:
        checks.fault("ACT_NOT_REGISTERED", "/letter", request.letter, "the id of a letter")
        return {}
    opened: Opened = basis.found[0]
    letter, header = opened.letter, opened.letter.event
    personal = personal_of(header.dataschema if header is not None else "")
    position = letter.position
    content = masked(opened.event, "", personal)
    return {
        **_row(letter),
        "stamp": f"{position.generation}.{position.partition}.{position.offset}",
        "agent": letter.agent,
        "sha256": letter.digest.hex(),
        "said": dict(letter.said),
        "content": content,
        "masked": list(masked_places(content, "", personal)),
        "first_received": utc_text(opened.first_header.received_us) if opened.first_header is not None else None,
        "differences": [
            {"at": each.at, "found": each.found, "expected": each.expected} for each in opened.differences(personal)
        ],
        "by": letter.by,
        "why": letter.why,
        "settled": utc_text(letter.settled_us) if letter.settled_us else None,
    }


def without_data(asked: Struct) -> Plain:
    """What may be written down of a question that holds somebody's data."""
    return {name: value for name, value in to_builtins(asked).items() if name != "data"}


def foresee(request: Foreseen, basis: Basis, checks: Checks) -> Plain:
    if not basis.found:
        checks.invalid("/letters", "none that waits", "ids of letters, or a cause and a partner of some that wait")
    return {"items": list(basis.found)}


def masked_in(data: Mapping[str, Any] | None, letter: DeadLetter) -> Iterator[str]:
    header = letter.event
    return masked_places(data, "/data", personal_of(header.dataschema if header is not None else ""))


@lru_cache(maxsize=1)
def _catalogue() -> Catalogue:
    return catalogue()


def personal_of(dataschema: str) -> Callable[[str], bool]:
    """Which members of an event of this version are personal; of one that nobody knows, all of its data."""
    kind = next((each for each in _catalogue().types if each.dataschema == dataschema), None)
    if kind is None:
        return lambda pointer: pointer.startswith("/data/")
    marked = {tuple(pointer.split("/")) for pointer in kind.schema.personal()}

    def is_personal(pointer: str) -> bool:
        path = pointer.split("/")
        return any(
            len(each) <= len(path) and all(a in ("*", b) for a, b in zip(each, path, strict=False)) for each in marked
        )

    return is_personal


def _check_found(request: Settle, found: Sequence[DeadLetter], checks: Checks) -> None:
    ids = {each.id for each in found}
    for index, name in enumerate(request.letters):
        if name not in ids:
            checks.fault("ACT_NOT_REGISTERED", f"/letters/{index}", name, "the id of a letter")
    if request.cause and not found:
        checks.fault("ACT_NOT_REGISTERED", "/cause", request.cause, "a cause and partner of letters that wait")
    for each in found:
        check_waits(each, "/letters", checks)


def _check_not_superseded(request: Settle, found: Releasable, checks: Checks) -> None:
    """One that is named is refused; of those of a cause they are left out, unless nothing else is left."""
    if request.letters:
        for index, name in enumerate(request.letters):
            if name in found.superseded:
                checks.invalid(f"/letters/{index}", f"{name}: {SUPERSEDED}", _NEWEST)
    elif 0 < len(found.letters) < LETTERS_MAX and all(each.id in found.superseded for each in found.letters):
        checks.invalid("/cause", f"{request.cause}: {SUPERSEDED}", _NEWEST)


def check_waits(letter: DeadLetter, place: str, checks: Checks) -> None:
    if letter.state is not LetterState.WAITING:
        checks.invalid(place, f"{letter.id}: {letter.state}", "a letter that waits")


def check_readable(letter: DeadLetter, checks: Checks) -> None:
    if letter.cause != UNDELIVERED and (letter.event is None or not (letter.value or letter.is_in_log_alone)):
        checks.invalid("/letters", letter.id, "a letter that can be read: discard this one")


def _row(letter: DeadLetter) -> Plain:
    header = letter.event
    names = {} if header is None else {"type": header.type, "source": header.source, "event": header.id}
    return {
        "id": letter.id,
        "cause": letter.cause,
        "partner": letter.partner,
        "output": letter.output,
        "state": letter.state.value,
        "since": utc_text(letter.since_us),
        **names,
        "failure": letter.failure,
    }


SEES = WORKS | frozenset({OperatorRole.AUDITOR})
ACTS = {
    "quarantine.release": Act(Release, settle(Outcome.RELEASE), Effect.STARTS, WORKS, gather_release),
    "quarantine.stop": Act(Stop, stop, Effect.STOPS, ANYONE),
    "quarantine.discard": Act(Settle, settle(Outcome.DISCARD), Effect.STARTS, WORKS, gather_letters),
}
VIEWS = {
    "quarantine.list": View(Listed, list_letters, gather_page),
    "quarantine.show": View(Shown, show_letter, gather_one, roles=SEES),
    "quarantine.foresee": View(Foreseen, foresee, gather_foreseen, roles=SEES, posted=True, noted=without_data),
}
