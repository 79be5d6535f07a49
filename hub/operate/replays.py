"""Replays that operators begin and end for a recipient: looks at the past, noted in the audit trail, of a running hub.

A replay gives a recipient nothing that it could not ask for itself; what only operators have is to begin by stamps.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from hub.core.operator import AGREEMENTS, ANYONE
from hub.core.replay import Run, Track
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.views import All, Plain, View
from schemas.identity import instant_us

STAMPS_MAX = 256
Offset = Annotated[int, Meta(ge=0, le=2**53)]
_LANES = ("", "main", "urgent")


class StartReplay(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"from_": "from"}
):
    """One of `from`, `stamps` and `failed` (`schemas/formats/replay.md`); what is empty is not asked for."""

    feed: str
    from_: str = ""
    to: str = ""
    stamps: Annotated[tuple[tuple[Offset, Offset, Offset, Offset], ...], Meta(max_length=STAMPS_MAX)] = ()
    """Generation, partition, first offset, and the one behind the last."""
    failed: bool = False
    known_at: str = ""
    lane: str = ""
    reason: str = ""


class EndReplay(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    recipient: str


def start(request: StartReplay, basis: Basis, checks: Checks) -> Plain:
    feed = checks.known("/feed", request.feed, basis.snapshot.feeds)
    for name, text in (("from", request.from_), ("to", request.to), ("known_at", request.known_at)):
        if text and instant_us(text) is None:
            checks.invalid(f"/{name}", text, "an RFC 3339 time with offset")
    if request.lane not in _LANES:
        checks.invalid("/lane", request.lane, "main, urgent, or empty")
    if sum(map(bool, (request.from_, request.stamps, request.failed))) != 1:
        checks.invalid("", "a range of another kind, or several", "one of from, stamps, failed")
    for number, (_, _, first, end) in enumerate(request.stamps):
        if first >= end:
            checks.invalid(f"/stamps/{number}", f"{first}, {end}", "an offset, and a larger one")
    return {} if feed is None or checks.faults else {"recipient": feed.recipient}


def end(request: EndReplay, basis: Basis, checks: Checks) -> Plain:
    checks.known("/recipient", request.recipient, basis.snapshot.partners)
    return {"id": request.id}


def list_replays(_: All, basis: Basis, __: Checks) -> Plain:
    """Whose there may be."""
    return {"recipients": sorted({feed.recipient for feed in basis.snapshot.feeds})}


def tracks_named(stamps: tuple[tuple[int, int, int, int], ...]) -> tuple[Track, ...]:
    runs: dict[tuple[int, int], list[Run]] = {}
    for generation, partition, first, behind in stamps:
        runs.setdefault((generation, partition), []).append((first, behind))
    return tuple(Track(*place, tuple(_apart(sorted(those)))) for place, those in sorted(runs.items()))


def _apart(runs: list[Run]) -> list[Run]:
    """Without overlaps: nothing is shown twice."""
    merged = runs[:1]
    for first, behind in runs[1:]:
        last = merged[-1]
        if first <= last[1]:
            merged[-1] = last[0], max(last[1], behind)
        else:
            merged.append((first, behind))
    return merged


VIEWS = {
    "replay.list": View(All, list_replays),
    "replay.start": View(StartReplay, start, roles=AGREEMENTS, posted=True),
    "replay.end": View(EndReplay, end, roles=ANYONE, posted=True),
}
"""Answered by a running hub alone, which does what was asked once it was noted."""
