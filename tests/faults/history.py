"""What clients did and what readers saw, judged: nothing lost, shown twice, out of order, or out of nothing.

Pure. Clients write down every attempt in one sequence, before it is sent and after its answer was read, so that
"answered before it was sent" is a comparison of two numbers. An attempt without an answer stays *unknown*: it may have
been stored once or not at all. Views are what readers hold after the reader rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct


class Key(NamedTuple):
    """The identity of an event."""

    publisher: str
    source: str
    id: str


class Outcome(StrEnum):
    OK = "ok"
    """ACCEPTED or DUPLICATE: it is in the log."""
    FAIL = "fail"
    """This attempt stored nothing, for certain."""
    CONFLICT = "conflict"
    """409, on the index's word: other content is the first under this identity."""
    UNKNOWN = "unknown"


class Attempt(Struct, eq=False):
    """One event in one request."""

    key: Key
    content: str
    request: int
    sent: int
    answered: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    proved: bool = False
    """An OK came with a receipt that verifies."""

    @property
    def may_be_stored(self) -> bool:
        return self.outcome in (Outcome.OK, Outcome.UNKNOWN)

    def __str__(self) -> str:
        until = "…" if self.answered is None else self.answered
        return f"request {self.request} [{self.sent}, {until}] content {self.content} {self.outcome}"


class History:
    """The sequence that all clients share."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._now = 0
        self._requests = 0

    @property
    def now(self) -> int:
        return self._now

    def send(self, events: Iterable[tuple[Key, str]]) -> list[Attempt]:
        """Call right before a request leaves, with keys and contents in request order."""
        self._now += 1
        self._requests += 1
        attempts = [Attempt(key, content, self._requests, self._now) for key, content in events]
        self.attempts += attempts
        return attempts

    def answer(self, attempt: Attempt, outcome: Outcome, *, proved: bool = False) -> None:
        """Call when the answer has been read."""
        self._now += 1
        attempt.answered, attempt.outcome, attempt.proved = self._now, outcome, proved


class Seen(NamedTuple):
    key: Key
    content: str


class Kind(StrEnum):
    LOST = "lost"
    REPEATED = "repeated"
    REORDERED = "reordered"
    PHANTOM = "phantom"
    UNPROVED = "unproved"
    LEAKED = "leaked"
    """Shown to whom nothing allowed it."""
    UNTOLD = "untold"
    """Given, and whose it is was not told of it; or its chain lacks a step."""


class Finding(NamedTuple):
    """Something that must not be: in which view (empty: in the answers), and the attempts that show it."""

    kind: Kind
    view: str
    keys: tuple[Key, ...]
    words: str


View = Sequence[Seen]


class Due(Struct, frozen=True):
    """What a view must show of what was acknowledged, and what it must never show."""

    owes: Callable[[Key], bool]
    never: Collection[Key] = ()


EVERYTHING = Due(lambda _: True)


def judge(
    attempts: Sequence[Attempt],
    views: Mapping[str, View],
    noticed: Collection[Key] = (),
    dues: Mapping[str, Due] | None = None,
) -> list[Finding]:
    """Everything that must not be. `noticed`: identities whose publisher was told of other content under them; `dues`:
    of the views that are not owed everything."""
    of: dict[Key, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        of[attempt.key].append(attempt)
    found = list(_unproved(attempts))
    for name, view in views.items():
        due = (dues or {}).get(name, EVERYTHING)
        found += _lost(name, view, {key: tries for key, tries in of.items() if due.owes(key)}, noticed)
        found += [
            Finding(Kind.LEAKED, name, (key,), "shown, though nothing allowed it when it came")
            for key in sorted({each.key for each in view}.intersection(due.never))
        ]
        found += _repeated(name, view)
        found += _phantom(name, view, of)
        found += _reordered(name, view, attempts, of)
    return found


def _unproved(attempts: Iterable[Attempt]) -> Iterator[Finding]:
    for attempt in attempts:
        if attempt.outcome is Outcome.OK and not attempt.proved:
            yield Finding(Kind.UNPROVED, "", (attempt.key,), f"no receipt that verifies: {attempt}")


def _lost(name: str, view: View, of: Mapping[Key, Sequence[Attempt]], noticed: Collection[Key]) -> Iterator[Finding]:
    """What was acknowledged is shown; or it slipped past as a conflict, and its publisher was told."""
    shown: dict[Key, set[str]] = defaultdict(set)
    for key, content in view:
        shown[key].add(content)
    for key, attempts in of.items():
        for content in sorted({each.content for each in attempts if each.outcome is Outcome.OK}):
            told = key in noticed and shown[key]
            if content not in shown[key] and not told:
                yield Finding(Kind.LOST, name, (key,), f"content {content}, acknowledged, is neither shown nor noticed")


def _repeated(name: str, view: View) -> Iterator[Finding]:
    for key, count in Counter(seen.key for seen in view).items():
        if count > 1:
            yield Finding(Kind.REPEATED, name, (key,), f"shown {count} times")


def _phantom(name: str, view: View, of: Mapping[Key, Sequence[Attempt]]) -> Iterator[Finding]:
    for key, content in view:
        attempts = [each for each in of.get(key, ()) if each.content == content]
        if not any(attempt.may_be_stored for attempt in attempts):
            yield Finding(Kind.PHANTOM, name, (key,), f"content {content} is shown and cannot have been stored")
        elif any(attempt.outcome is Outcome.CONFLICT for attempt in attempts):
            yield Finding(Kind.PHANTOM, name, (key,), f"content {content} is shown and was answered 409")


def _reordered(
    name: str, view: View, attempts: Sequence[Attempt], of: Mapping[Key, Sequence[Attempt]]
) -> Iterator[Finding]:
    """A before B of the same source wherever each try of B was sent after A's answer, or behind A in one request."""
    place = {seen.key: number for number, seen in reversed(list(enumerate(view)))}
    heard = {
        key: min((a.answered for a in tries if a.outcome is Outcome.OK and a.answered is not None), default=None)
        for key, tries in of.items()
    }
    series: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in place:
        series[key.publisher, key.source].append(key)
    for keys in series.values():
        keys.sort(key=place.__getitem__)
        yield from _overtaken(name, keys, heard, of)
    yield from _shuffled(name, place, attempts, heard, of)


def _overtaken(
    name: str, keys: Sequence[Key], heard: Mapping[Key, int | None], of: Mapping[Key, Sequence[Attempt]]
) -> Iterator[Finding]:
    """One walk from the end: has any later one been answered before this one was sent for the first time?"""
    earliest: tuple[int, Key] | None = None
    for key in reversed(keys):
        sent = min((attempt.sent for attempt in of.get(key, ()) if attempt.may_be_stored), default=None)
        if earliest is not None and sent is not None and earliest[0] < sent:
            words = f"answered at {earliest[0]}, shown behind what was sent from {sent} on"
            yield Finding(Kind.REORDERED, name, (earliest[1], key), words)
        answered = heard.get(key)
        if answered is not None and (earliest is None or answered < earliest[0]):
            earliest = answered, key


def _shuffled(
    name: str,
    place: Mapping[Key, int],
    attempts: Sequence[Attempt],
    heard: Mapping[Key, int | None],
    of: Mapping[Key, Sequence[Attempt]],
) -> Iterator[Finding]:
    """Neighbours of one source within each request."""
    requests: dict[int, dict[tuple[str, str], list[Key]]] = defaultdict(lambda: defaultdict(list))
    for attempt in attempts:
        key = attempt.key
        requests[attempt.request][key.publisher, key.source].append(key)
    order = {
        (request, key): number
        for request, sources in requests.items()
        for keys in sources.values()
        for number, key in enumerate(keys)
    }
    pairs = {pair for sources in requests.values() for keys in sources.values() for pair in pairwise(keys)}
    for ahead, behind in pairs:
        if ahead not in place or behind not in place or place[ahead] <= place[behind]:
            continue
        answered = heard[ahead]
        if all(
            (answered is not None and answered < each.sent)
            or order.get((each.request, ahead), len(order)) < order[each.request, behind]
            for each in of[behind]
            if each.may_be_stored
        ):
            words = "sent in this order in one request, shown in the other"
            yield Finding(Kind.REORDERED, name, (ahead, behind), words)


def tell(findings: Iterable[Finding], attempts: Sequence[Attempt]) -> str:
    """The findings, each with the history of its identities."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.kind} {finding.view}: {finding.words}")
        for key in finding.keys:
            lines.append(f"  {'/'.join(key)}")
            lines += [f"    {attempt}" for attempt in attempts if attempt.key == key]
    return "\n".join(lines)
