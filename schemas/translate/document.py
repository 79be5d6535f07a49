"""Reading a whole JSON document under the parsing rules of the hub (`schemas.guard`), in memory bounded by its size."""

from __future__ import annotations

import re
from typing import Any

import jiter
import orjson

from schemas.diagnosis import DEPTH_MAX, depth, diagnose
from schemas.faults import Fault, fault

BYTES_PER_PART = 16
PARTS_FREE = 4_096
"""A document may have so many objects and arrays, and one more for every 16 bytes. An empty object costs Python 90
bytes: `[{},{},…]` would take thirty times its size. Published documents have one for every 40 bytes and more."""

_BOM = b"\xef\xbb\xbf"
_HUGE = re.compile(rb"[0-9]{300}|[eE][+-]?[0-9]{3}")
"""A number that may be beyond a double: the parser makes an infinity of it, without a word."""


def read(document: bytes) -> tuple[Any, list[Fault]]:
    """The JSON value of a document, an object or array, or None and what is wrong with it. Fractions are floats.

    A byte-order mark is passed over: several products write one, and it changes no meaning (RFC 8259 §8.1 allows it).
    """
    raw = document.removeprefix(_BOM)
    if (crowded := too_many_parts(raw)) is not None:
        return None, [crowded]
    try:
        value = jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False)
        orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (ValueError, TypeError) as e:
        return None, _faults(raw) or [fault("JSON_INVALID", "", str(e), "JSON")]
    if (_HUGE.search(raw) or (_parts(raw) > DEPTH_MAX and depth(value) > DEPTH_MAX)) and (faults := _faults(raw)):
        return None, faults
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


def _faults(raw: bytes) -> list[Fault]:
    return [each for each in diagnose(raw) if each.code != "JSON_NOT_AN_OBJECT"]
