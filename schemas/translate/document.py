"""Reading a whole JSON document under the parsing rules of the hub (`schemas.guard`), in memory bounded by its size."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import jiter

from schemas.diagnosis import DEPTH_MAX, INTEGER_MAX, depth, unreadable
from schemas.faults import FAULTS_MAX, Fault, capped, fault, pointer

BYTES_PER_PART = 16
PARTS_FREE = 4_096
"""A document may have so many objects and arrays, and one more for every 16 bytes. An empty object costs Python 90
bytes: `[{},{},…]` would take thirty times its size. Published documents have one for every 40 bytes and more."""

_BOM = b"\xef\xbb\xbf"
_SHAPE = bytes.maketrans(b"123456789E[, \t\r\n", b"000000000e::::::")
"""Digits as `0`, and all that a number may stand behind as `:`. A search for fixed bytes is then enough, which takes a
twentieth of the time that a pattern does."""
_LONG = (b":0000000000000000", b":-0000000000000000")
_POWER = re.compile(rb"0e\+?000")
_MANTISSA_BYTES = 64
"""Of a longer one it is not asked what it stands behind."""


def read(document: bytes) -> tuple[Any, list[Fault]]:
    """The JSON value of a document, an object or array, or None and what is wrong with it. Fractions are floats.

    The rules are those of `schemas.guard`; memory stays within fifteen times the document. A byte-order mark is passed
    over: several products write one, and it changes no meaning (RFC 8259 §8.1 allows it).
    """
    raw = document.removeprefix(_BOM)
    if (crowded := too_many_parts(raw)) is not None:
        return None, [crowded]
    try:
        value = jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as e:
        return None, [unreadable(raw, str(e))]
    too_deep = _parts(raw) > DEPTH_MAX and not _surely_flat(raw) and depth(value) > DEPTH_MAX
    if (too_deep or _may_be_large(raw)) and (faults := _faults(value)):
        return None, capped(faults)
    if not isinstance(value, dict | list):
        return None, [fault("JSON_NOT_AN_OBJECT", "", value, "an object or array")]
    return value, []


def too_many_parts(raw: bytes) -> Fault | None:
    """The fault of a document that would take far more memory than its size, if it is one."""
    if (parts := _parts(raw)) <= PARTS_FREE + len(raw) // BYTES_PER_PART:
        return None
    return fault("JSON_TOO_MANY_PARTS", "", f"{parts} objects and arrays", f"one for every {BYTES_PER_PART} bytes")


def _parts(raw: bytes) -> int:
    return raw.count(b"{") + raw.count(b"[")


_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _surely_flat(raw: bytes) -> bool:
    """Whether brackets alone, those in text too, show that nothing is too deep: a round takes off two levels at most.
    Other documents, with brackets in their text, are gone through value by value."""
    brackets = raw.translate(None, _NOT_BRACKETS)
    for _ in range(DEPTH_MAX // 2):
        count = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(brackets) in (0, count):
            break
    return not brackets


def _may_be_large(raw: bytes) -> bool:
    """Whether a number may be beyond 2^53, or beyond a double, of which the parser makes an infinity without a word."""
    shape = raw.translate(_SHAPE)
    if any(each in shape for each in _LONG):
        return True
    for power in _POWER.finditer(shape):
        before = shape[max(0, power.start() - _MANTISSA_BYTES) : power.start()].rstrip(b"0.").removesuffix(b"-")
        if not before or before.endswith(b":"):
            return True
    return False


def _faults(document: Any) -> list[Fault]:
    """Every number out of range and every place that is too deep, to one more than are told, with no list of it all."""
    faults: list[Fault] = []
    path: list[str | int] = []
    levels: list[Iterator[tuple[str | int, Any]]] = [iter([("", document)])]
    while levels and len(faults) <= FAULTS_MAX:
        step = next(levels[-1], None)
        if step is None:
            levels.pop()
            continue
        name, value = step
        path[len(levels) - 1 :] = [name]
        place = path[1:]
        if isinstance(value, dict | list):
            if len(levels) > DEPTH_MAX:
                faults.append(fault("JSON_TOO_DEEP", pointer(*place), value, f"at most {DEPTH_MAX} deep"))
            else:
                levels.append(iter(value.items() if isinstance(value, dict) else enumerate(value)))
        elif type(value) is int and abs(value) > INTEGER_MAX:
            faults.append(fault("JSON_NUMBER_RANGE", pointer(*place), value, "an integer within ±(2^53 - 1)"))
        elif type(value) is float and not math.isfinite(value):
            faults.append(fault("JSON_NUMBER_RANGE", pointer(*place), value, "a number within a double's range"))
    return faults
