"""A new version of an event type tried on what was really sent: which partners would fail, where, and why.

The log is read from a moment on, page by page; of an event nothing is kept but what is counted. Events of other types
cost no more than the look at their header. An event is judged at the time at which it was received, as strictly as its
format was and as is set for its partner now. Repeats in the log count as often as they were sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
from msgspec import DecodeError, Struct, field

from hub.core.record import EVENTS, StoredRecord
from hub.operate.log_pages import first_since, pages
from hub.ports.event_log import ReadableLog
from schemas import rules
from schemas.catalogue import EventType
from schemas.faults import Fault, Severity
from schemas.headers import EventHeader, unpack
from schemas.rules import Regard

PARTNERS_MAX = 10_000
PLACES_MAX = 100
"""Different faults that are told of one partner; the rest is counted together."""
EXAMPLES_MAX = 5
DETAILED_MAX, DETAILED_PARTNER_MIN = 200_000, 1_000
"""Faults are looked for in so many failing events, and in so many of each partner at least; the others are only
counted, which is ten times as fast."""

_NATIVE = ("ce-json/1", "ce-binary/1")
_INDEX = re.compile(r"/[0-9]+(?=/|$)")
_OTHERS = ("TOO_MANY_FAULTS", "")


class Failing(Struct):
    """Events of one partner that one fault would refuse."""

    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    """(source, id) of the first ones."""


class Trial(Struct):
    """What would become of one partner's events of the type."""

    events: int = 0
    failing: int = 0
    detailed: int = 0
    """Failing events whose faults were looked for: those that `faults` counts."""
    pinned: int = 0
    """Events that name an older version: these go on being judged by it."""
    faults: dict[tuple[str, str], Failing] = field(default_factory=dict)
    """By code and place; `*` stands for every index of an array."""

    @property
    def share(self) -> float:
        return self.failing / self.events if self.events else 0.0


class Outcome(Struct):
    """Of a whole rehearsal."""

    records: int = 0
    """What was read, of all types."""
    unreadable: int = 0
    detailed: int = 0
    partners: dict[str, Trial] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return sum(each.events for each in self.partners.values())

    @property
    def failing(self) -> int:
        return sum(each.failing for each in self.partners.values())


async def rehearse(
    log: ReadableLog,
    kind: EventType,
    *,
    partitions: int,
    since_us: int,
    raised: Callable[[str], frozenset[str]] = lambda _: frozenset(),
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Judge every event of the type that the log took from `since_us` on. Raises `StorageUnavailable`.

    `raised`: of a partner, the codes of warnings that are errors in what it sends.
    """
    outcome = Outcome()
    judge = _Judge(kind, raised)
    async with log.reader(EVENTS) as reader:
        for partition in range(partitions):
            bounds = await log.bounds(EVENTS, partition)
            offset = await first_since(reader, partition, bounds.start, bounds.end, since_us)
            async for page in pages(reader, partition, offset, bounds.end):
                for record in page:
                    judge.look(record, outcome)
                outcome.records += len(page)
                progress(outcome.records)
    return outcome


class _Judge:
    def __init__(self, kind: EventType, raised: Callable[[str], frozenset[str]]) -> None:
        self._kind = kind
        self._raised = raised
        self._native = cache(lambda codes: Regard(raised=codes))
        self._foreign = cache(lambda codes: Regard(raised=codes, absent_ok=True, time_stated=False))

    def look(self, record: StoredRecord, outcome: Outcome) -> None:
        try:
            header = unpack(record.header)
            if not isinstance(header, EventHeader) or header.type != self._kind.name:
                return
            event = _event(header, record.value)
        except (DecodeError, orjson.JSONDecodeError):
            outcome.unreadable += 1
            return
        if (trial := outcome.partners.get(header.publisher)) is None:
            name = header.publisher if len(outcome.partners) < PARTNERS_MAX else ""
            trial = outcome.partners.setdefault(name, Trial())
        trial.events += 1
        trial.pinned += "dataschema" in event and event["dataschema"] != self._kind.dataschema
        native = header.format in _NATIVE
        if outcome.detailed >= DETAILED_MAX and trial.detailed >= DETAILED_PARTNER_MIN:
            schema = self._kind.schema if native else self._kind.schema.sparse
            if not schema.open.is_valid(event):
                trial.failing += 1
                return
        regard = (self._native if native else self._foreign)(self._raised(header.publisher))
        faults = rules.check(event, self._kind, now_us=header.received_us, regard=regard)
        if faults and faults[0].severity is Severity.ERROR:
            trial.failing += 1
            trial.detailed += 1
            outcome.detailed += 1
            _count(trial, header, [each for each in faults if each.severity is Severity.ERROR])


def _event(header: EventHeader, value: bytes) -> dict[str, Any]:
    parsed: Any = orjson.loads(value)
    if header.attributes is not None:
        return {"specversion": "1.0", **header.attributes, "data": parsed}
    return parsed if isinstance(parsed, dict) else {}


def _count(trial: Trial, header: EventHeader, faults: list[Fault]) -> None:
    for code, place in {(each.code, _INDEX.sub("/*", each.place)) for each in faults}:
        told = (code, place) if (code, place) in trial.faults or len(trial.faults) < PLACES_MAX else _OTHERS
        failing = trial.faults.setdefault(told, Failing())
        failing.count += 1
        if len(failing.examples) < EXAMPLES_MAX:
            failing.examples.append((header.source, header.id))


def document(outcome: Outcome) -> Mapping[str, Any]:
    """The outcome as plain JSON values, who fails most first."""
    ranked = sorted(outcome.partners.items(), key=lambda each: (-each[1].failing, each[0]))
    codes: Counter[str] = Counter()
    for _, trial in ranked:
        for (code, _), failing in trial.faults.items():
            codes[code] += failing.count
    return {
        "records": outcome.records,
        "events": outcome.events,
        "failing": outcome.failing,
        "unreadable": outcome.unreadable,
        "codes": dict(codes.most_common()),
        "partners": [{"partner": name, **_trial(trial)} for name, trial in ranked],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    faults = sorted(trial.faults.items(), key=lambda each: (-each[1].count, each[0]))
    return {
        "events": trial.events,
        "failing": trial.failing,
        "share": round(trial.share, 4),
        "detailed": trial.detailed,
        "pinned": trial.pinned,
        "faults": [
            {
                "code": code,
                "place": place,
                "count": failing.count,
                "examples": [{"source": source, "id": id_} for source, id_ in failing.examples],
            }
            for (code, place), failing in faults
        ],
    }
