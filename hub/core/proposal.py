"""What is to change in the registry, as one value: the noun behind every act, and the audit event that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from hub.core.approval import exact
from hub.core.errors import HubError
from hub.core.registry import Registered, kind_of, object_id
from schemas.canonical import canonical_bytes


class Authority(StrEnum):
    """On whose word the registry changed."""

    SETUP = "setup"
    """The user of the hub's machine, before there were operators."""
    LOCAL = "local"
    """The user of the hub's machine, alone: stopping acts only."""
    SIGNED = "signed"
    """Operators, by their signatures."""
    ISSUER = "issuer"
    """An administration about its own authorisations, by its signature."""
    TOKEN = "token"  # noqa: S105 (a word)
    """An operator by a token, who looked at what is confidential: nothing changes."""
    PARTNER = "partner"
    """A partner about what is its own, as proven by whoever asks."""
    HUB = "hub"
    """The hub itself, by a rule."""


Before = tuple[int, Registered]
"""An object as it was, and the revision at which it became so."""


class Proposal(Struct, frozen=True):
    """A set of objects as they are to be from the next revision on, and what the author saw when writing it."""

    based_on: int
    """The revision that the author saw; another head in between makes the proposal stale."""
    changes: tuple[Registered, ...]
    actor: str
    act: str
    """The verb of the act, from the CLI's words: `partner.suspend`, `key.rotate`, …"""
    reason: str = ""
    authority: Authority = Authority.SETUP
    statement: str = ""
    """What was signed (`schemas/formats/act.md`)."""
    signatures: tuple[str, ...] = ()
    """By the operators that `actor` names, in this order."""
    before: tuple[Before | None, ...] | None = None
    """What each change replaces, None for what is new; None: nobody looked."""


class Conflict(HubError):
    """The registry moved on since the proposal was written; nothing was written."""

    code = "REGISTRY_MOVED"


AT_ONCE_MAX = 500
"""Objects that are read or written at a stretch; more of them, on a thread, while others have their turn."""
AUDIT_FORMAT = 2
"""1 had neither `before` nor `authority` and signatures."""


def audit_event(proposal: Proposal, *, revision: int, time_us: int) -> bytes:
    """What the audit trail keeps of a proposal that became `revision`: RFC 8785 JSON (`schemas/formats/audit.md`)."""
    changes = [_change(index, item, proposal) for index, item in enumerate(proposal.changes)]
    event = {
        "format": AUDIT_FORMAT,
        "revision": revision,
        "based_on": proposal.based_on,
        "time_us": time_us,
        "actor": proposal.actor,
        "authority": proposal.authority.value,
        "act": proposal.act,
        "reason": proposal.reason,
        "changes": changes,
    }
    if proposal.signatures:
        event |= {"statement": proposal.statement, "signatures": list(proposal.signatures)}
    return canonical_bytes(exact(event))


def _change(index: int, item: Registered, proposal: Proposal) -> Mapping[str, Any]:
    change = {"kind": kind_of(item), "id": object_id(item), "object": msgspec.to_builtins(item)}
    if proposal.before is not None:
        before = proposal.before[index]
        change["since"] = before[0] if before is not None else 0
        change["before"] = msgspec.to_builtins(before[1]) if before is not None else None
    return change
