"""The slow look at JSON that the guard refused: which fault it is, and exactly where."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import jiter

from schemas.faults import FAULTS_MAX, Fault, capped, fault, pointer

DEPTH_MAX = 64
INTEGER_MAX = 2**53 - 1

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00", b"\x00{", b"\x00[", b"{\x00", b"[\x00")
"""How UTF-16 and UTF-32 begin, with a byte-order mark or with a bracket (RFC 4627 §3)."""
_POSITION = re.compile(r"^(.*) at line (\d+) column (\d+)$", re.DOTALL)
_NOT_FINITE = re.compile(rb"[-+]?(?:NaN|Infinity)")

_CODES = (
    ("Detected duplicate key", "JSON_MEMBER_REPEATED", "each member once"),
    ("EOF while parsing", "JSON_TRUNCATED", "the rest of the text"),
    ("trailing characters", "JSON_TRAILING", "nothing after the value"),
    ("invalid unicode code point", "JSON_NOT_UTF8", "UTF-8"),
    ("lone leading surrogate", "JSON_SURROGATE", "both halves of a surrogate pair"),
    ("unexpected end of hex escape", "JSON_SURROGATE", "both halves of a surrogate pair"),
    ("recursion limit exceeded", "JSON_TOO_DEEP", f"at most {DEPTH_MAX} deep"),
    ("number out of range", "JSON_NUMBER_RANGE", "an integer within 2^53 - 1"),
)
"""What jiter's messages begin with, the code that they become, and what was expected."""


def diagnose(raw: bytes) -> list[Fault]:
    """The faults of a text that the guard refused: one if it is not JSON, else every value that breaks a rule."""
    if (found := _encoding(raw)) is not None:
        return [found]
    try:
        value = jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="decimal")
    except ValueError as e:
        return [_syntax(raw, str(e))]
    faults = _values(value)
    if not faults and not isinstance(value, dict):
        faults = [fault("JSON_NOT_AN_OBJECT", "", value, "an object")]
    return capped(faults)


def unreadable(raw: bytes, said: str) -> Fault:
    """The fault of a text that the parser refused, from what it said; nothing is parsed again."""
    return _encoding(raw) or _syntax(raw, said)


def depth(value: object) -> int:
    """How many objects and arrays are nested in the deepest place. The parser bounds it (about 200)."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def _encoding(raw: bytes) -> Fault | None:
    if raw.startswith(_BOM):
        return fault("JSON_BOM", "line 1, column 1", "bytes EF BB BF", "UTF-8 without a byte-order mark")
    if raw.startswith(_WIDE):
        return fault("JSON_UTF16", "line 1, column 1", f"bytes {raw[:4].hex(' ').upper()}", "UTF-8")
    if not raw.strip(b" \t\r\n"):
        return fault("JSON_EMPTY", "line 1, column 1", "nothing", "a JSON value")
    return None


def _syntax(raw: bytes, message: str) -> Fault:
    match = _POSITION.match(message)
    said, line, column = (match[1], int(match[2]), int(match[3])) if match else (message, 1, 1)
    place = f"line {line}, column {max(column, 1)}"  # The parser has 0 where a text ends with a line.
    text = raw.split(b"\n", line)[line - 1]
    for start in (column - 2, column - 1):  # With a minus sign the parser stops one further.
        if start >= 0 and (literal := _NOT_FINITE.match(text, start)) is not None:
            return fault("JSON_NOT_FINITE", place, literal[0].decode(), "a finite number")
    near = _printable(text[max(column - 20, 0) : column + 12])
    for prefix, code, expected in _CODES:
        if said.startswith(prefix):
            found = said.removeprefix(prefix).strip() if code == "JSON_MEMBER_REPEATED" else near
            return fault(code, place, found, expected)
    return fault("JSON_INVALID", place, near, f"JSON; {said}")


def _printable(text: bytes) -> str:
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text.decode(errors="replace")
    )


def _values(document: object) -> list[Fault]:
    """Every number out of range and every place that is too deep, without recursion, in no more than the cap."""
    faults: list[Fault] = []
    open_ends: list[tuple[tuple[str | int, ...], object]] = [((), document)]
    while open_ends and len(faults) <= FAULTS_MAX:
        path, value = open_ends.pop()
        if isinstance(value, dict | list):
            if len(path) >= DEPTH_MAX:
                faults.append(fault("JSON_TOO_DEEP", pointer(*path), value, f"at most {DEPTH_MAX} deep"))
                continue
            members = value.items() if isinstance(value, dict) else enumerate(value)
            open_ends.extend(((*path, name), inner) for name, inner in reversed(list(members)))
        elif type(value) is int and abs(value) > INTEGER_MAX:
            faults.append(fault("JSON_NUMBER_RANGE", pointer(*path), value, "an integer within ±(2^53 - 1)"))
        elif isinstance(value, Decimal) and not math.isfinite(float(value)):
            faults.append(
                fault("JSON_NUMBER_RANGE", pointer(*path), f"{value:.12e}", "a number within a double's range")
            )
    return faults
