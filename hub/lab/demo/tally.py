"""What the companies and engines reported, counted: nothing is in here that one of their processes did not print."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Callable
from math import ceil
from typing import Any

from msgspec import Struct, field

from hub.core.agreement import type_matches
from hub.lab.demo.cast import COMPANIES, ENGINES
from hub.lab.demo.shipment import Plain

NOTES_COUNT_MAX = 200
LATENCIES_COUNT_MAX = 1_000_000
"""4 MB. A demo that runs for so long keeps the figures it has."""
LATENCIES_RECENT = 500
SUSPENDED = "PARTNER_SUSPENDED"
TAKEN = ("ACCEPTED", "DUPLICATE")
REFUSED = ("REJECTED", "CONFLICT")


class Note(Struct, frozen=True):
    """One thing worth telling: `kind` is refused, alert, withdrawn, operator or milestone."""

    kind: str
    seconds: float
    who: str
    text: str
    to_do: str = ""
    about: str = ""
    """The rule and the object of an alert."""


class Sending(Struct):
    """What one company's processes reported of the events that it handed in."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    suspended_refused: int = 0
    unanswered: int = 0
    receipts_verified: int = 0
    kept: int = 0
    """Waiting at the company now, to be sent again."""
    state: str = "starting"


class Reading(Struct):
    """What one engine's process reported."""

    delivered: int = 0
    expected: int = 0
    """Events accepted that its agreements cover."""
    raised: int = 0
    withdrawn: int = 0
    milliseconds: array[float] = field(default_factory=lambda: array("f"))
    """Accept to delivery, each record."""


class Tally:
    """`seconds` tells how long the demo has run; `tell` hears every note as it is made."""

    def __init__(self, seconds: Callable[[], float], tell: Callable[[Note], None] = lambda note: None) -> None:
        self.seconds, self._tell = seconds, tell
        self.companies = {company.id: Sending() for company in COMPANIES}
        self.engines = {engine.id: Reading() for engine in ENGINES}
        self.types: Counter[str] = Counter()
        self.first_delivery_seconds: float | None = None
        self.notes: deque[Note] = deque(maxlen=NOTES_COUNT_MAX)

    def answered(self, company: str, event: Plain, outcome: dict[str, Any]) -> None:
        """One outcome line of a company's process."""
        sending, verdict, code = self.companies[company], outcome["verdict"], outcome.get("code", "")
        sending.sent += 1
        sending.receipts_verified += outcome["receipt_verified"]
        if verdict in TAKEN:
            sending.state = "sending"
        if verdict == "ACCEPTED":
            sending.accepted += 1
            self.types[event["type"]] += 1
            self._expect(company, event["type"])
        elif verdict == "DUPLICATE":
            sending.duplicates += 1
        elif verdict in REFUSED:
            sending.rejected += 1
            self.note("refused", company, f"{event['type'].removeprefix('customs.')}: {_reason(code, outcome)}")
        elif code == SUSPENDED:
            sending.suspended_refused += 1
            sending.state = "SUSPENDED"
        else:
            sending.unanswered += 1

    def delivered(self, engine: str, told: dict[str, Any]) -> None:
        """One line of an engine's process."""
        reading = self.engines[engine]
        if told["kind"] == "alert":
            raised = told["state"] == "RAISED"
            reading.raised += raised
            reading.withdrawn += not raised
            self._alerted(engine, told)
            return
        if told["kind"] == "score":
            return
        reading.delivered += told["count"]
        if len(reading.milliseconds) < LATENCIES_COUNT_MAX:
            reading.milliseconds.extend(told["milliseconds"])
        if self.first_delivery_seconds is None:
            self.first_delivery_seconds = self.seconds()
            self.note(
                "milestone", engine, f"the first event arrived {self.first_delivery_seconds:.1f} s after the start"
            )

    def _alerted(self, engine: str, told: dict[str, Any]) -> None:
        """What is withdrawn is told in the words in which it was raised."""
        about = f"{engine} {told['rule']} {told['object']}"
        if told["state"] == "RAISED":
            self.note("alert", engine, told["sentence"], told["check"], about)
            return
        raised = (note.text for note in reversed(self.notes) if note.kind == "alert" and note.about == about)
        self.note("withdrawn", engine, next(raised, told["sentence"]), about=about)

    def note(self, kind: str, who: str, text: str, to_do: str = "", about: str = "") -> None:
        note = Note(kind, self.seconds(), who, text, to_do, about)
        self.notes.append(note)
        self._tell(note)

    def recent(self, *kinds: str) -> list[Note]:
        """The notes of these kinds, newest last."""
        return [note for note in self.notes if note.kind in kinds]

    @property
    def taken(self) -> int:
        """Events for which a receipt is due."""
        return self.total("accepted") + self.total("duplicates")

    def all_delivered(self) -> bool:
        return all(reading.delivered >= reading.expected for reading in self.engines.values())

    def total(self, member: str) -> int:
        return sum(getattr(sending, member) for sending in self.companies.values())

    def summary(self) -> dict[str, int | float | None]:
        """The one JSON object of `--json`."""
        engines = self.engines.values()
        waits = sorted(wait for reading in engines for wait in reading.milliseconds)
        first = self.first_delivery_seconds
        return {
            **{name: self.total(name) for name in ("sent", "accepted", "duplicates", "rejected")},
            "delivered": sum(reading.delivered for reading in engines),
            "alerts": sum(reading.raised for reading in engines),
            "alerts_withdrawn": sum(reading.withdrawn for reading in engines),
            **{name: self.total(name) for name in ("receipts_verified", "suspended_refused", "unanswered")},
            "seconds_to_first_delivery": None if first is None else round(first, 2),
            "p50_ms": percentile(waits, 0.50),
            "p99_ms": percentile(waits, 0.99),
        }

    def _expect(self, company: str, event_type: str) -> None:
        roles = {each.id: each.roles for each in COMPANIES}[company]
        for engine in ENGINES:
            self.engines[engine.id].expected += any(
                sharing.partner in (None, company)
                and (sharing.role is None or sharing.role in roles)
                and any(type_matches(pattern, event_type) for pattern in sharing.types)
                for sharing in engine.sharings
            )


def percentile(ascending: list[float], part: float) -> float | None:
    """The smallest value that at least this part of all does not exceed (nearest rank)."""
    if not ascending:
        return None
    return round(ascending[ceil(part * len(ascending)) - 1], 1)


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _reason(code: str, outcome: dict[str, Any]) -> str:
    """Why an event was refused, in one line: each fault's place, what was found and what was expected."""
    faults = [
        f"{fault.get('place', '')} is {fault.get('found', '')!r}, expected {fault.get('expected', '')}"
        for fault in outcome.get("faults", ())
        if fault.get("severity", "ERROR") == "ERROR"
    ]
    return "; ".join(faults) or outcome.get("detail", "") or code
