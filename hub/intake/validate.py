"""Validate: an event against its schema and the rules of the trade, every fault at once; then it has an identity."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hub.core.errors import Refusal
from hub.core.evidence import Decoded, Permit, Principal, ValidEvent
from hub.core.partner import CheckDigits
from hub.core.record import partition_of
from hub.core.settings import IntakeSettings
from schemas import rules
from schemas.faults import Fault, Severity
from schemas.identity import identity_key, utc_instant
from schemas.rules import STRICT, Regard
from schemas.verdict import STATEMENT_ROOM_BYTES, unstatable

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

NATIVE, BINARY = "ce-json/1", "ce-binary/1"
_REJECTING = Regard(raised=frozenset({"CHECK_DIGIT_WRONG"}))


def regard_of(own: CheckDigits | None, bounds: IntakeSettings) -> Regard:
    """How strictly a partner's events are looked at: by what is set for it, else by what is set for all."""
    return _REJECTING if (own or bounds.check_digits) == CheckDigits.REJECT else STRICT


def validate(
    permit: Permit, decoded: Decoded, *, now_us: int, partitions: int, regard: Regard = STRICT
) -> ValidEvent | Refusal:
    """Check one decoded event; `place` of every fault points into what the partner sent."""
    event = decoded.event
    found = rules.check(event, permit.kind, now_us=now_us, regard=regard)
    if found and any(each.severity is Severity.ERROR for each in found):
        return Refusal("EVENT_INVALID", faults=found)
    if (fault := unstatable(decoded.text("source"), decoded.text("id"))) is not None:
        return Refusal("EVENT_INVALID", faults=[*found, fault])
    native = NATIVE if decoded.attributes is None else BINARY
    return identified(permit, decoded, found, format=native, now_us=now_us, partitions=partitions)


def identified(
    permit: Permit,
    decoded: Decoded,
    warnings: Sequence[Fault],
    *,
    format: str,  # noqa: A002
    place: str = "",
    now_us: int,
    partitions: int,
) -> ValidEvent:
    """An event in which no error was found, with its identity, its partition and what is remembered of it."""
    event, kind = decoded.event, permit.kind
    publisher = permit.principal.partner.id
    source, id_ = decoded.text("source"), decoded.text("id")
    version = version_of(event)
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
        tuple(warnings),
        format,
        place,
    )


def unstatable_by(principal: Principal, source: str, id_: str) -> Refusal | None:
    """Whether a receipt that also states who sent the event in its publisher's place would be too long."""
    if principal.agent is None:
        return None
    room = STATEMENT_ROOM_BYTES - len(f',"submitted_by":"{principal.system.id}"')
    fault = unstatable(source, id_, room=room)
    return None if fault is None else Refusal("EVENT_INVALID", faults=[fault])


def version_of(event: dict[str, object]) -> str | None:
    """`data.updated_at` as a UTC instant; the schema has already refused what is not a time with an offset."""
    data = event.get("data")
    updated_at = data.get("updated_at") if isinstance(data, dict) else None
    return utc_instant(updated_at) if isinstance(updated_at, str) else None


def _traceparent(decoded: Decoded) -> str | None:
    """W3C Trace Context §3.2, to be passed on; what is no such thing is not worth refusing an event."""
    text = decoded.text("traceparent")
    return text if _TRACEPARENT.fullmatch(text) else None
