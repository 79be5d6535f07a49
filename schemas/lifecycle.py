"""What counts, when an event was sent in several versions, was corrected or taken back, or is an estimate of a fact.

Nothing is edited and nothing deleted: each version, correction and retraction is an event of its own in the log, and
what counts is read from all of them. The answer does not depend on the order in which they came. The page is
`formats/identity.md`, section "Lifecycle".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from enum import IntEnum, StrEnum

from msgspec import Struct


class State(StrEnum):
    """What became of one version of an event."""

    CURRENT = "CURRENT"
    """It counts: nothing later was said about it."""
    SUPERSEDED = "SUPERSEDED"
    """A later version replaces it, whichever of the two came first."""
    CORRECTED = "CORRECTED"
    """It was wrong; other events say what is right."""
    RETRACTED = "RETRACTED"
    """What it says did not happen."""


class Word(IntEnum):
    """What may be said later about a version; of two at one instant the higher one is the last."""

    VERSION = 0
    CORRECTION = 1
    RETRACTION = 2


AFTER = {Word.VERSION: State.SUPERSEDED, Word.CORRECTION: State.CORRECTED, Word.RETRACTION: State.RETRACTED}
"""The state of a version by the last word about it, whatever its state was before; without one it is CURRENT."""

WORD_OF_TYPE = {"customs.event.corrected": Word.CORRECTION, "customs.event.retracted": Word.RETRACTION}
"""What an event of these types says about another; every other type is a version of itself alone."""


class VersionFacts(Struct, frozen=True, gc=False):
    """What the lifecycle needs to know of one version."""

    series: Hashable
    """Equal for all versions of one (publisher, source, id)."""
    version: str
    """`updated_at` as a UTC instant without the final `Z`, so that it sorts as text; empty: none, the oldest."""
    type: str
    takes_back: tuple[Hashable, ...] = ()
    """The series named in `retracts` or `corrects`; empty: its own."""


def states(versions: Sequence[VersionFacts]) -> list[State]:
    """The state of each version, in the order given.

    `versions`: every known version of some series, and every known event that takes one of them back, in any order.
    What takes back is itself replaced only by a later version of it: an event that names it changes nothing.
    """
    newest: dict[Hashable, VersionFacts] = {}
    for each in versions:
        known = newest.get(each.series)
        if known is None or each.version > known.version:
            newest[each.series] = each
    named: defaultdict[Hashable, list[tuple[str, Word]]] = defaultdict(list)
    for last in newest.values():
        for series in last.takes_back:
            if series != last.series and last.type in WORD_OF_TYPE:
                named[series].append((last.version or _ALWAYS, WORD_OF_TYPE[last.type]))
    return [_state(each, newest[each.series], named[each.series]) for each in versions]


_ALWAYS = "~"
"""Sorts above every instant: a retraction without `updated_at` takes back every version of what it names."""


def _state(version: VersionFacts, newest: VersionFacts, named: Iterable[tuple[str, Word]]) -> State:
    words = []
    if newest.version > version.version:
        own = newest.series in newest.takes_back or not newest.takes_back
        words.append((newest.version, WORD_OF_TYPE.get(newest.type, Word.VERSION) if own else Word.VERSION))
    if version.type not in WORD_OF_TYPE:
        words.extend(each for each in named if each[0] >= version.version)
    return AFTER[max(words)[1]] if words else State.CURRENT


class Milestone(Struct, frozen=True, gc=False):
    """A CURRENT event as one report of a milestone: one type, one object, one place."""

    time_kind: str
    occurred_us: int
    made_us: int
    """When this report was made: `updated_at`, or `time` without one."""


_FIRMNESS = {"REQUESTED": 0, "PLANNED": 1, "ESTIMATED": 2, "ACTUAL": 3}


def outranks(report: Milestone, other: Milestone) -> bool:
    """Whether of two reports of one milestone the first counts and not the second.

    A fact counts more than an estimate, that more than a plan, that more than a request, whenever they were made. Of
    two facts the one that occurred later counts, of two of another kind the one that was made later.
    """
    return _rank(report) > _rank(other)


def _rank(report: Milestone) -> tuple[int, int, int]:
    firmness = _FIRMNESS[report.time_kind]
    if report.time_kind == "ACTUAL":
        return firmness, report.occurred_us, report.made_us
    return firmness, report.made_us, report.occurred_us
