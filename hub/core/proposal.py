"""What an operator wants to change, as one value: the noun behind every admin act, signed by one (later two) people."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from hub.core.errors import HubError
from hub.core.registry import Registered, kind_of, object_id
from schemas.canonical import canonical_bytes


class Proposal(Struct, frozen=True):
    """A set of objects as they are to be from the next revision on, and what the author saw when writing it."""

    based_on: int
    """The revision that the author saw; another head in between makes the proposal stale."""
    changes: tuple[Registered, ...]
    actor: str
    act: str
    """The verb of the act, from the CLI's words: `partner.suspend`, `key.rotate`, …"""
    reason: str = ""


class Conflict(HubError):
    """The registry moved on since the proposal was written; nothing was written."""

    code = "REGISTRY_MOVED"


def audit_event(proposal: Proposal, *, revision: int, time_us: int) -> bytes:
    """What the audit trail keeps of a proposal that became `revision`: RFC 8785 JSON, version 1."""
    changes = [
        {"kind": kind_of(item), "id": object_id(item), "object": msgspec.to_builtins(item)} for item in proposal.changes
    ]
    return canonical_bytes(
        {
            "format": 1,
            "revision": revision,
            "based_on": proposal.based_on,
            "time_us": time_us,
            "actor": proposal.actor,
            "act": proposal.act,
            "reason": proposal.reason,
            "changes": changes,
        }
    )
