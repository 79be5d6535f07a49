"""Canonical bytes of JSON (RFC 8785), at the speed of orjson where orjson's sorted output is the same.

orjson differs from RFC 8785 in two places only: numbers with a fraction or exponent, which are given to it here as
ready-made fragments, and member names beyond U+FFFF, which RFC 8785 sorts by UTF-16 units: those take the slow way.
Serialising doubles as a check: integers beyond 2^53 and non-finite numbers do not come through.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import orjson
import rfc8785

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


class NotCanonical(ValueError):
    """The value has no RFC 8785 form: an integer beyond 2^53 or a number that is not finite."""


def canonical_bytes(value: object) -> bytes:
    """The RFC 8785 bytes of a value whose fractional numbers are `Decimal`. Raises `NotCanonical`."""
    return canonicalise(value)[0]


def canonicalise(value: object) -> tuple[bytes, bool]:
    """The RFC 8785 bytes, and whether there was a fractional number among the values. Raises `NotCanonical`."""
    fractions = False

    def fraction(number: object) -> orjson.Fragment:
        nonlocal fractions
        fractions = True
        return _fraction(number)

    try:
        out = orjson.dumps(value, default=fraction, option=_OPTIONS)
    except orjson.JSONEncodeError as e:
        raise NotCanonical(str(e)) from e
    if not out.isascii() and _has_astral_character(out):
        return rfc8785.dumps(_with_floats(value)), fractions
    return out, fractions


def _fraction(number: object) -> orjson.Fragment:
    if not isinstance(number, Decimal):
        raise TypeError(f"{type(number).__name__} is not a JSON value")
    return orjson.Fragment(ecmascript_number(float(number)).encode())


def _with_floats(value: Any) -> Any:
    """The value as the reference implementation takes it (reading `out` back would make integers of large floats)."""
    if isinstance(value, dict):
        return {name: _with_floats(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def ecmascript_number(number: float) -> str:
    """ECMA-262 Number::toString for a finite double, as RFC 8785 §3.2.2.3 asks. Raises `NotCanonical` if not finite."""
    if not math.isfinite(number):
        raise NotCanonical("number is not finite")
    if number == 0:
        return "0"
    shortest = repr(number)
    if "e" not in shortest:  # Between 1e-4 and 1e16 Python and ECMAScript write the same, but for the `.0`.
        return shortest.removesuffix(".0")
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    minus = "-" if sign else ""
    if len(text) <= point <= 21:
        return f"{minus}{text}{'0' * (point - len(text))}"
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _has_astral_character(utf8: bytes) -> bool:
    return any(byte >= 0xF0 for byte in utf8)
