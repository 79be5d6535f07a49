"""Who a row is: its derived id, what it means, and its version. The page is `schemas/formats/translated.md`."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jiter
import orjson

from schemas.canonical import canonical_bytes
from schemas.identity import MEANINGLESS, utc_instant
from schemas.translate.item import Event

SOURCE = "table"
DERIVED = "row:"
"""How an id begins that was made from the row."""


def natural_id(type_: str, subjects: list[dict[str, str]], occurred_at: str) -> str:
    """`row:` and 32 hex digits over what a row is about; empty where it cannot be told.

    The RFC 8785 form of `[type, [[scheme, value], …] sorted, occurred_at as UTC instant]`.
    """
    instant = utc_instant(occurred_at)
    if instant is None:
        return ""
    named = sorted([each["scheme"], each["value"]] for each in subjects)
    return f"{DERIVED}{sha256(canonical_bytes([type_, named, instant])).hexdigest()[:32]}"


def meaning(event: Mapping[str, Any]) -> bytes:
    """The 32 bytes that two versions of one event share if they say the same: the canonical digest without
    `data.updated_at`, and without `time`, which follows from it; times are taken as the instants that they name, in
    whatever offset, except in `data.extensions`, which is kept as it was sent."""
    said = {name: each for name, each in event.items() if name not in MEANINGLESS and name != "time"}
    data = said.get("data")
    if isinstance(data, dict):
        said["data"] = {
            name: each if name == "extensions" else _as_instants(each)
            for name, each in data.items()
            if name != "updated_at"
        }
    # Fractions as decimals: canonical bytes are made of those.
    exact = jiter.from_json(orjson.dumps(said), float_mode="decimal")
    return sha256(canonical_bytes(exact)).digest()


def _as_instants(value: Any) -> Any:
    """The value with every time in it as a UTC instant. Events are shallow: the guard bounds their depth."""
    if isinstance(value, str):
        return (utc_instant(value) if value[10:11] in ("T", "t") else None) or value
    if isinstance(value, dict):
        return {name: _as_instants(each) for name, each in value.items()}
    return [_as_instants(each) for each in value] if isinstance(value, list) else value


def same_meaning(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two versions of one event say the same."""
    return meaning(one) == meaning(other)


def with_version(event: Event, updated_at: str) -> Event:
    """The event as the version made at `updated_at` (RFC 3339 with offset), which is then its `time` too."""
    return {**event, "time": updated_at, "data": {**event["data"], "updated_at": updated_at}}
