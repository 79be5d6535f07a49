"""Digital copies of documents as the hub keeps them: what was asked, the event that says so, and what was found.

The page is `schemas/formats/document.md`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

from schemas.faults import Fault

FORMAT = "document/1"
SUBMITTED = "customs.document.submitted"
AMENDED = "customs.document.amended"
WITHDRAWN = "customs.document.withdrawn"
DEFAULT_SOURCE = "documents"

Event = dict[str, Any]


class Asked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request says of a copy; what it does not say is None."""

    kind: str
    """UNTDID 1001."""
    reference: str
    subjects: tuple[str, ...] = ()
    """`scheme:value`, beside the reference."""
    title: str | None = None
    issued_at: str | None = None
    source: str | None = None
    id: str | None = None
    updated_at: str | None = None
    replaces: str | None = None
    """SHA-256 (hex) of the copy that this one takes the place of."""
    reason: str | None = None

    @property
    def is_new_version(self) -> bool:
        """Whether it may say something else of bytes that are known already."""
        return self.updated_at is not None or self.replaces is not None


class Version(Struct, frozen=True, kw_only=True):
    """The newest version of a document that is there: what the next one takes up."""

    source: str
    id: str
    updated_at_us: int
    """Microseconds since 1970; 0: none."""
    kind: str
    reference: str
    sha256: str
    subjects: tuple[Event, ...]


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lies beside a copy; without it nobody is given the copy."""

    format: int = 1
    asked: Asked
    event: Event
    bytes: int
    media_type: str
    quarantined: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """What was found in the copy."""
        return frozenset(each.code for each in self.faults)

    @property
    def credentials(self) -> list[Event]:
        """Whose word the copy is, where it is a wrapped trade document; as in the event's extension."""
        found: list[Event] = self.event["data"].get("extensions", {}).get("credentials", [])
        return found


class Outcome(StrEnum):
    RELEASED = "released"
    REFUSED = "refused"


class CopyDecision(Struct, frozen=True, kw_only=True):
    """What an officer decided of a copy that was set apart."""

    partner: str
    sha256: str
    event_id: str
    outcome: Outcome
    reason: str
    """For its publisher to read."""
    decided: int
    """Seconds since 1970."""
    codes: tuple[str, ...]
    """What had been found in it: a release answers for no more than this."""

    @property
    def id(self) -> str:
        return decision_id(self.partner, self.sha256)


def decision_id(partner: str, sha256: str) -> str:
    return f"{partner}/{sha256}"


class Standing(StrEnum):
    """What may be done with a copy now."""

    CLEAN = "clean"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    REFUSED = "refused"


def standing_of(entry: Entry, decision: CopyDecision | None) -> Standing:
    """`decision`: the newest one of these bytes of its publisher. A refusal holds whatever an examination says."""
    if decision is not None and decision.outcome is Outcome.REFUSED:
        return Standing.REFUSED
    if not entry.quarantined:
        return Standing.CLEAN
    return Standing.RELEASED if decision is not None and entry.codes <= {*decision.codes} else Standing.QUARANTINED


class Quarantined(Struct, frozen=True):
    """A copy in which something was found that set it apart, whatever was decided of it."""

    partner: str
    sha256: str
    entry: Entry

    @property
    def id(self) -> str:
        return decision_id(self.partner, self.sha256)


class Upload(Struct, frozen=True):
    """Bytes that were received and are kept for now."""

    name: str
    digest: bytes
    bytes: int

    @property
    def sha256(self) -> str:
        return self.digest.hex()


def event_of(asked: Asked, *, sha256: str, media_type: str, size: int, replaced: Version | None, now: str) -> Event:
    """The event that says that a copy was handed in. `now`: RFC 3339; for a version that replaces another it is
    `updated_at` too, where the request names none."""
    document = {
        "kind": asked.kind,
        "reference": asked.reference,
        "sha256": sha256,
        "media_type": media_type,
        "size_bytes": size,
        "title": asked.title,
        "issued_at": asked.issued_at,
    }
    given = [dict(zip(("scheme", "value"), each.split(":", 1), strict=False)) for each in asked.subjects]
    data: Event = {
        "occurred_at": now,
        "time_kind": "ACTUAL",
        "updated_at": asked.updated_at or (now if replaced is not None else None),
        "subjects": [{"scheme": "document", "value": asked.reference}, *given],
        "document": {name: value for name, value in document.items() if value is not None},
        "replaces": _name(replaced) if replaced is not None else None,
        "reason": {"text": asked.reason} if asked.reason is not None and replaced is not None else None,
    }
    series = (replaced.source, replaced.id) if replaced is not None else (asked.source, asked.id)
    kind = SUBMITTED if replaced is None else AMENDED
    return _event(kind, series[0] or DEFAULT_SOURCE, series[1] or f"sha256:{sha256}", now, data)


def withdrawal_of(version: Version, reason: Event, *, now: str) -> Event:
    """The event that says that no version of a document counts any more."""
    data = {
        "occurred_at": now,
        "time_kind": "ACTUAL",
        "updated_at": now,
        "subjects": list(version.subjects),
        "document": _name(version),
        "reason": reason,
    }
    return _event(WITHDRAWN, version.source, version.id, now, data)


def _name(version: Version) -> Event:
    return {"kind": version.kind, "reference": version.reference, "sha256": version.sha256}


def _event(kind: str, source: str, id_: str, now: str, data: Event) -> Event:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": kind,
        "time": now,
        "data": {name: value for name, value in data.items() if value is not None},
    }


PLACES = {
    "/id": "id",
    "/source": "source",
    "/data/updated_at": "updated_at",
    "/data/subjects/0": "reference",
    "/data/subjects": "subject",
    "/data/document/kind": "kind",
    "/data/document/reference": "reference",
    "/data/document/title": "title",
    "/data/document/issued_at": "issued_at",
    "/data/reason": "reason",
}
"""Where what stands in the event came from: the request's parameters."""
