"""From a record of the log to what is known of its event."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from hub.core.record import Position, StoredRecord
from hub.ports.views import KnownEvent
from hub.views.named import identifies_consignment, names_of
from schemas.headers import EventHeader, pack
from schemas.identity import identity_key, instant_us

TAKES_BACK = {"customs.event.retracted": "retracts", "customs.event.corrected": "corrects"}
"""Types that take another event of the same publisher back, and the member of `data` that names it."""


def known_event(position: Position, record: StoredRecord, header: EventHeader) -> KnownEvent:
    """Raises ValueError where the record is not the event that intake accepted."""
    packed, value = record.header, record.value
    if header.attributes is not None:
        packed, value = _put_together(header, header.attributes, value)
    event = orjson.loads(value)
    data: dict[str, Any] = event["data"]
    names = names_of(event)
    return KnownEvent(
        position,
        header.publisher,
        header.type,
        header.received_us,
        _occurred_us(data, header.received_us),
        (header.version or "").removesuffix("Z"),
        _series(header, data),
        (*[f"{scheme}:{value}" for scheme, value in names], *_copies(data)),
        any(identifies_consignment(scheme) for scheme, _ in names),
        packed,
        value,
    )


def copy_of(sha256: str) -> str:
    """What an event is found by that names a digital copy."""
    return f"sha256:{sha256}"


def _copies(data: dict[str, Any]) -> tuple[str, ...]:
    document = data.get("document")
    sha256 = document.get("sha256") if isinstance(document, dict) else None
    return (copy_of(sha256),) if isinstance(sha256, str) else ()


def _put_together(header: EventHeader, attributes: dict[str, str], data: bytes) -> tuple[bytes, bytes]:
    """Binary mode (CloudEvents HTTP Protocol Binding 1.0.2 §3.1) in its structured form; data stays to the letter."""
    event = {"specversion": "1.0", **attributes, "data": orjson.Fragment(data)}
    return pack(replace(header, attributes=None)), orjson.dumps(event)


def _occurred_us(data: dict[str, Any], received_us: int) -> int:
    occurred_at = data.get("occurred_at")
    occurred_us = instant_us(occurred_at) if isinstance(occurred_at, str) else None
    return received_us if occurred_us is None else occurred_us


def _series(header: EventHeader, data: dict[str, Any]) -> tuple[bytes, ...]:
    own = identity_key(header.publisher, header.source, header.id, None)
    if (member := TAKES_BACK.get(header.type)) is None:
        return (own,)
    target = data.get(member)
    if not isinstance(target, dict):
        return (own,)
    other = identity_key(header.publisher, str(target.get("source")), str(target.get("id")), None)
    return (own,) if other == own else (own, other)
