"""Identity of an event, and the digest that says whether two events with one identity mean the same.

The page is `formats/identity.md`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256

IDENTITY_BYTES = 16
SOURCE_BYTES_MAX = ID_BYTES_MAX = 256

MEANINGLESS = ("traceparent", "tracestate", "specversion", "datacontenttype")
"""Attributes that say how an event travelled, not what it means: they are left out of the canonical digest."""

_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:\d{2})", re.ASCII)


def identity_key(publisher: str, source: str, id: str, version: str | None) -> bytes:  # noqa: A002
    """The 16 bytes under which an event is remembered. None of the parts holds a control character."""
    return sha256(f"{publisher}\x1f{source}\x1f{id}\x1f{version or ''}".encode()).digest()[:IDENTITY_BYTES]


def utc_instant(text: str) -> str | None:
    """An RFC 3339 time with offset as a UTC instant, with the fraction digits it needs (0 to 9); None if it is none.

    `2026-11-22T10:00:00.500+01:00` and `2026-11-22T09:00:00.5Z` are one instant. A leap second (:60) is none.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    digits = (fraction or "").rstrip("0")
    return f"{moment.replace(tzinfo=None).isoformat()}{'.' if digits else ''}{digits}Z"


def instant_us(text: str) -> int | None:
    """An RFC 3339 time with offset as microseconds since 1970 (finer digits are cut); None if it is none."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
