"""The registry in memory: the reference that the contract suite holds the other grounds against."""

from __future__ import annotations

from collections.abc import Sequence

from hub.core.proposal import Conflict, Proposal, audit_event
from hub.core.registry import Version


class MemoryRegistry:
    """Keeps every promise of `Registry` but survival: what it knows ends with the process."""

    def __init__(self) -> None:
        self._versions: list[Version] = []
        self._audit: list[bytes] = []

    async def head(self) -> int:
        return len(self._audit)

    async def load(self, after_revision: int) -> Sequence[Version]:
        return [version for version in self._versions if version.revision > after_revision]

    async def write(self, proposal: Proposal, *, time_us: int) -> int:
        if proposal.based_on != len(self._audit):
            raise Conflict(f"the proposal is based on revision {proposal.based_on}, the head is {len(self._audit)}")
        revision = proposal.based_on + 1
        self._audit.append(audit_event(proposal, revision=revision, time_us=time_us))
        self._versions.extend(
            Version(revision, item, proposal.actor, proposal.reason, time_us) for item in proposal.changes
        )
        return revision

    async def audit(self, after_revision: int, limit: int) -> Sequence[bytes]:
        return self._audit[after_revision : after_revision + limit]
