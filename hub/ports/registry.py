"""The registry: versions of what operators decided. Rows are inserted, never updated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hub.core.proposal import Proposal
from hub.core.registry import Version


class Registry(Protocol):
    async def head(self) -> int:
        """The newest revision; 0 if nothing was ever written. Raises `StorageUnavailable`."""

    async def load(self, after_revision: int) -> Sequence[Version]:
        """All versions newer than `after_revision`, in order of revision."""

    async def write(self, proposal: Proposal, *, time_us: int) -> int:
        """Make one revision out of a proposal's changes and return it; its audit event lies in the same transaction.

        MUST refuse with `Conflict` and write nothing if the head is no longer `proposal.based_on`.
        MUST survive the loss of power before it returns.
        """

    async def audit(self, after_revision: int, limit: int) -> Sequence[bytes]:
        """The audit events (canonical JSON) of the revisions after `after_revision`, oldest first, at most `limit`."""
