"""Where in an event identifiers and times stand, found once per schema: checking a clean event visits nothing else.

A schema marks them: `x-scheme` on a text of that scheme, with the scheme's pattern; `x-identifier` on an object with
`scheme` and `value`; `format: date-time` on a time, which passes a leap second that no clock of ours can count.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache

from schemas.compile import Schema
from schemas.faults import Fault, fault
from schemas.identifiers import SCHEMES, Scheme, objection
from schemas.identity import instant_us
from schemas.place import Place, pointer_of

GUESSES_MAX = 10
"""Guessing what was meant is slow: with so many faults in an event, nothing is guessed any more."""
INSTANT = "a date and time with offset, such as 2026-11-22T10:00:00+01:00"

Visit = Callable[[object, Place, list[Fault]], None]
"""Looks at one value and adds its faults; a value of another JSON type is passed over, the schema has its say."""


def visit_of(flat: Schema) -> Visit | None:
    """The visit of every identifier and time under a flattened schema; None if there is none."""
    if flat.get("x-identifier"):
        return _identifier
    if "x-scheme" in flat:
        return _text(SCHEMES[flat["x-scheme"]])
    if flat.get("format") == "date-time":
        return _time
    if "items" in flat:
        each = visit_of(flat["items"])
        return _array(each) if each is not None else None
    members = [(name, visit_of(member)) for name, member in flat.get("properties", {}).items()]
    visits = [(name, visit) for name, visit in members if visit is not None]
    return _object(visits) if visits else None


def _object(members: list[tuple[str, Visit]]) -> Visit:
    def visit(value: object, place: Place, faults: list[Fault]) -> None:
        if isinstance(value, dict):
            for name, member in members:
                if name in value:
                    member(value[name], (place, name), faults)

    return visit


def _array(item: Visit) -> Visit:
    def visit(value: object, place: Place, faults: list[Fault]) -> None:
        if isinstance(value, list):
            for index, each in enumerate(value):
                item(each, (place, index), faults)

    return visit


def _text(scheme: Scheme) -> Visit:
    """A text whose form the schema's own `pattern` asks for; only what no pattern can say is left to look at."""

    def visit(value: object, place: Place, faults: list[Fault]) -> None:
        wrong = objection(scheme, value) if isinstance(value, str) else None
        if wrong is not None and wrong.code != "IDENTIFIER_MALFORMED":
            faults.append(fault(wrong.code, pointer_of(place), value, wrong.expected))

    return visit


instant_of = lru_cache(maxsize=16)(instant_us)
"""Several rules ask for the same few texts of one event, one after the other."""


def _time(value: object, place: Place, faults: list[Fault]) -> None:
    if isinstance(value, str) and instant_of(value) is None:
        faults.append(fault("TIME_INVALID", pointer_of(place), value, INSTANT))


def _identifier(value: object, place: Place, faults: list[Fault]) -> None:
    if not isinstance(value, dict):
        return
    name, text = value.get("scheme"), value.get("value")
    if not isinstance(name, str) or not isinstance(text, str):
        return
    scheme = SCHEMES.get(name)
    if scheme is None:
        guess = get_close_matches(name[:64], SCHEMES, n=1) if len(faults) < GUESSES_MAX else []
        expected = f"perhaps {guess[0]}" if guess else "a scheme of the naming table"
        faults.append(fault("SCHEME_UNKNOWN", pointer_of((place, "scheme")), name, expected))
    elif (wrong := objection(scheme, text)) is not None:
        faults.append(fault(wrong.code, pointer_of((place, "value")), text, wrong.expected))
