"""What is wrong with something a partner sent: code, place, found, expected; and the table of the codes.

The table is closed: a code never changes its meaning; texts may improve. A place is a JSON Pointer (RFC 6901) into what
the partner sent, or `line L, column C` (both from 1, the column in bytes) where it is not JSON; in a table, a cell; in
EDIFACT, a segment or element of a message (`formats/translated.md`).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from schemas.documents import fault_texts as documents
from schemas.fault_texts import bodies, edifact, events, tables

FOUND_CHARACTERS_MAX = 64
EXPECTED_CHARACTERS_MAX = 300
FAULTS_MAX = 100
"""Per event; a fault `TOO_MANY_FAULTS` says that there are more."""


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, as its sender can act on it. `found` is shown to the sender only."""

    code: str
    place: str
    found: str
    expected: str
    severity: Severity = Severity.ERROR


class FaultText(Struct, frozen=True):
    """What a fault code means, in both languages, an obvious fix where there is one, and how grave it is."""

    code: str
    en: str
    fr: str
    fix: str
    severity: Severity = Severity.ERROR


def fault(code: str, place: str, found: object, expected: str) -> Fault:
    """A fault of the table, with what was found cut to what may be shown, and the severity that the code has."""
    return Fault(code, place, shown(found), cut(expected, EXPECTED_CHARACTERS_MAX), FAULTS[code].severity)


def shown(value: object) -> str:
    """A value as it may be echoed to its sender: JSON-like, at most 64 characters."""
    if isinstance(value, str):
        text = value[: FOUND_CHARACTERS_MAX + 1]
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "an array"
    else:
        text = _LITERALS.get(value, repr(value)) if isinstance(value, bool | None) else repr(value)
    return cut(text, FOUND_CHARACTERS_MAX)


def cut(text: str, characters_max: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


_LITERALS = {True: "true", False: "false", None: "null"}


def pointer(*names: str | int) -> str:
    """The JSON Pointer (RFC 6901 §3) of a path of member names and indices."""
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)


def capped(faults: list[Fault], most: int = FAULTS_MAX) -> list[Fault]:
    """Each fault once, errors first, at most `most`; the last one then says that there are more."""
    unique = sorted(dict.fromkeys(faults), key=lambda each: each.severity is Severity.WARNING)
    if len(unique) <= most:
        return unique
    left_out = len(unique) - (most - 1)
    return [*unique[: most - 1], fault("TOO_MANY_FAULTS", "", f"{left_out} more", f"at most {most} faults")]


_FAMILIES = (bodies.ROWS, events.ROWS, tables.ROWS, edifact.ROWS, documents.ROWS)


def _text(code: str, en: str, fr: str, fix: str, severity: str = Severity.ERROR) -> FaultText:
    return FaultText(code, en, fr, fix, Severity(severity))


FAULTS = {row[0]: _text(*row) for rows in _FAMILIES for row in rows}
