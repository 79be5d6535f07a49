"""What an operator wants to change, as one value: the noun behind every admin act, signed by one (later two) people."""

from __future__ import annotations

from msgspec import Struct

from hub.core.errors import HubError
from hub.core.registry import Registered


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

    code = "CONFLICT"
