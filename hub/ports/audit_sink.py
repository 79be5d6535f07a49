"""Where the audit trail is exported to, and how far that has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.core.errors import HubError


class SinkUnavailable(HubError):
    """The collector cannot be reached, takes nothing, or has hung up."""

    code = "STORAGE_UNAVAILABLE"


class Place(Struct, frozen=True):
    """How far the export has come, by revision."""

    sent: int = 0
    """Everything up to here was handed over."""
    sending: int = 0
    """Everything up to here may have been: a process that ends in between does not know."""


class AuditSink(Protocol):
    """A collector of somebody else's. It confirms nothing: what it was given may be lost with it."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Hand messages over, in order, each whole. Raises `SinkUnavailable`; some of them may then have arrived."""

    async def close(self) -> None: ...


class AuditPlace(Protocol):
    def load(self) -> Place:
        """`Place()` if nothing was ever exported. Raises HubError."""

    def store(self, place: Place) -> None:
        """MUST survive the end of the process before it returns. Raises HubError."""
