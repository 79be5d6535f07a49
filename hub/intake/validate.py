"""Validate: an event against its schema and the rules of the trade, every fault at once; then it has an identity."""

from __future__ import annotations

import re

from hub.core.errors import Refusal
from hub.core.evidence import Decoded, Permit, ValidEvent
from hub.core.record import partition_of
from schemas import rules
from schemas.faults import Severity, fault
from schemas.identity import identity_key, utc_instant

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

STATEMENT_ROOM_BYTES = 535
"""What is left of a statement's 1,024 bytes for source and id, escaped, beside its other members at their longest."""


def validate(permit: Permit, decoded: Decoded, *, now_us: int, partitions: int) -> ValidEvent | Refusal:
    """Check one decoded event; `place` of every fault points into what the partner sent."""
    event, kind = decoded.event, permit.kind
    found = rules.check(event, kind, now_us=now_us)
    if found and any(each.severity is Severity.ERROR for each in found):
        return Refusal("EVENT_INVALID", faults=found)
    publisher = permit.principal.partner.id
    source, id_ = decoded.text("source"), decoded.text("id")
    version = version_of(event)
    if _statement_share(source, id_) > STATEMENT_ROOM_BYTES:
        expected = "source and id with fewer quotes and backslashes to escape"
        return Refusal("EVENT_INVALID", faults=[*found, fault("IDENTITY_TOO_LONG", "/id", id_, expected)])
    return ValidEvent(
        permit,
        decoded.index,
        decoded.raw,
        decoded.raw_digest,
        decoded.canonical_digest,
        decoded.attributes,
        _traceparent(decoded),
        source,
        id_,
        version,
        identity_key(publisher, source, id_, version),
        partition_of(publisher, source, partitions),
        kind.object_key(event),
        rules.flags(event, now_us),
        now_us,
        tuple(found),
    )


def version_of(event: dict[str, object]) -> str | None:
    """`data.updated_at` as a UTC instant; the schema has already refused what is not a time with an offset."""
    data = event.get("data")
    updated_at = data.get("updated_at") if isinstance(data, dict) else None
    return utc_instant(updated_at) if isinstance(updated_at, str) else None


def _statement_share(source: str, id_: str) -> int:
    """Bytes of source and id in a statement: JSON escapes quotes and backslashes."""
    text = source + id_
    escaped = text.count('"') + text.count("\\")
    return (len(text) if text.isascii() else len(text.encode())) + escaped


def _traceparent(decoded: Decoded) -> str | None:
    """W3C Trace Context §3.2, to be passed on; what is no such thing is not worth refusing an event."""
    text = decoded.text("traceparent")
    return text if _TRACEPARENT.fullmatch(text) else None
