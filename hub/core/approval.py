"""What operators sign, what waits for a second signature, and what waits to be looked at afterwards.

The formats are those of `schemas/formats/act.md`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from msgspec import Struct

from schemas.canonical import canonical_bytes

FORMAT = "customs-hub-act/1"
PROPOSAL_SECONDS = 72 * 3_600
REVIEW_SECONDS = 24 * 3_600

Named = tuple[str, str]
"""The kind and the id of a registry object."""


class ActStatement(Struct, frozen=True, forbid_unknown_fields=True):
    """One act as it is signed."""

    format: str
    hub: str
    act: str
    request: dict[str, Any]
    changes: tuple[Named, ...]
    """The objects that it makes or changes, in the order in which the act names them."""
    replaces: str
    """`replaced_digest` of those objects as they are now."""
    made: int
    """Seconds since 1970."""

    def canonical(self) -> bytes:
        return canonical_bytes(
            {
                "format": self.format,
                "hub": self.hub,
                "act": self.act,
                "request": exact(self.request),
                "changes": self.changes,
                "replaces": self.replaces,
                "made": self.made,
            }
        )


def statement_id(statement: bytes) -> str:
    return sha256(statement).hexdigest()


def replaced_digest(objects: list[tuple[str, str, int, Any]]) -> str:
    """SHA-256 over `[kind, id, since, object]` of each: the revision at which it became so, and the object as JSON
    values; 0 and None for one that is new. An object that changed and changed back is another one by its revision."""
    return sha256(canonical_bytes(exact([list(each) for each in objects]))).hexdigest()


def exact(value: Any) -> Any:
    """JSON values with fractional numbers as `canonical_bytes` takes them."""
    match value:
        case float():
            return Decimal(repr(value))
        case dict():
            return {name: exact(member) for name, member in value.items()}
        case list() | tuple():
            return [exact(item) for item in value]
    return value


class Signature(Struct, frozen=True):
    """One operator's signature over a statement: a JWS with detached content (RFC 7515, Appendix F)."""

    operator: str
    jws: str


class ProposalState(StrEnum):
    OPEN = "open"
    PERFORMED = "performed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    STALE = "stale"
    """What it was to replace changed before it was signed by a second."""


class PendingProposal(Struct, frozen=True, omit_defaults=True):
    """An act that one operator asked for and that a second has to sign. `id` is `statement_id` of its statement."""

    id: str
    act: str
    statement: str
    signatures: tuple[Signature, ...]
    """The first is its author's."""
    expires: int
    """Seconds since 1970, exclusive."""
    state: ProposalState = ProposalState.OPEN

    @property
    def author(self) -> str:
        return self.signatures[0].operator

    def is_open(self, now: int) -> bool:
        return self.state is ProposalState.OPEN and now < self.expires


class Review(Struct, frozen=True, omit_defaults=True):
    """An act of one person, or in haste, that another person looks at afterwards. `id` is the revision it made."""

    id: str
    act: str
    actors: tuple[str, ...]
    changes: tuple[Named, ...]
    due: int
    """Seconds since 1970."""
    reason: str = ""
    done_by: str = ""
    note: str = ""

    @property
    def done(self) -> bool:
        return bool(self.done_by)

    def overdue(self, now: int) -> bool:
        return not self.done and self.due <= now
