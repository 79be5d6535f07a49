"""The registry as this process knows it: a snapshot kept current by polling, and when it was last confirmed.

A confirmation counts from before the head was asked for, never from when the answer came: what is said to be in force
was so at that moment at the earliest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from math import inf
from typing import TypeVar

from msgspec.structs import replace

from hub.core.errors import HubError, StorageUnavailable
from hub.core.proposal import Before, Conflict, Proposal
from hub.core.registry import Registered, Snapshot, Version, kind_of, object_id
from hub.ports.observer import Observer
from hub.ports.registry import Registry
from hub.ports.system import Clock

POLL_SECONDS = 0.3
"""Three polls fit into the second within which a change is in force everywhere (design §4.12)."""
STALE_SECONDS = 1.0
"""A process whose confirmation is older decides nothing, and an answer that takes longer confirms nothing."""

WRITES_MAX, READS_MAX = 10, 3
"""How often it is attempted to write, because another one came in between; and to read back what was written."""

Listener = Callable[[Sequence[Version]], None]
T = TypeVar("T")


class LiveRegistry:
    """Owns the process's `Snapshot`: stages read it from memory, never the registry itself."""

    def __init__(self, registry: Registry, *, clock: Clock, stale_seconds: float = STALE_SECONDS) -> None:
        self.snapshot = Snapshot()
        self._registry = registry
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._confirmed = -inf
        self._run = 0
        self._written = 0
        """The highest revision that this process wrote: nothing is decided on an older one."""
        self._listeners: list[Listener] = []

    def on_change(self, listener: Listener) -> None:
        """Call `listener` with the new versions, after they are in the snapshot: streams end, caches are dropped."""
        self._listeners.append(listener)

    def confirmed_within(self, seconds: float) -> bool:
        """Whether the registry confirmed the snapshot at most `seconds` ago; False before the first time."""
        return self.confirmed_seconds() <= seconds

    def confirmed_seconds(self) -> float:
        """The age of the last confirmation; infinite before the first."""
        return self._clock.monotonic() - self._confirmed

    def standing(self) -> int | None:
        """The number of the unbroken run of confirmations this process is in, or None while it is stale.

        What began and ended under one number was decided by a registry that was never out of touch meanwhile: only then
        may an append be answered ACCEPTED (design §3, core protocol, rule 6).
        """
        return self._run if self.confirmed_within(self._stale_seconds) else None

    async def refresh(self) -> None:
        """Take in what is newer, and confirm. Raises `StorageUnavailable`, also if there is no answer in time."""
        asked = self._clock.monotonic()
        try:
            async with self._clock.deadline(self._stale_seconds):
                if (head := await self._registry.head()) > self.snapshot.revision:
                    self._take_in(await self._registry.load(self.snapshot.revision))
                    self.snapshot.revision = max(self.snapshot.revision, head)  # A revision may change nothing.
        except TimeoutError as error:
            raise StorageUnavailable(f"the registry gave no answer within {self._stale_seconds} s") from error
        if not self.confirmed_within(self._stale_seconds):
            self._run += 1
        self._confirmed = max(asked, self._confirmed)

    async def follow(self, observer: Observer) -> None:
        """Refresh for ever; an owner runs it as a task and cancels it. A registry that is away makes it stale."""
        reachable = True
        while True:
            try:
                await self.refresh()
            except HubError as error:
                if reachable:
                    observer.event("registry.unreachable", error=type(error).__name__)
                reachable = False
            else:
                if not reachable:
                    observer.event("registry.reachable", revision=self.snapshot.revision)
                reachable = True
            observer.gauge("registry_revision", self.snapshot.revision)
            observer.gauge("registry_confirmed_seconds", self.confirmed_seconds())
            await self._clock.sleep(POLL_SECONDS)

    async def write(self, proposal: Proposal) -> int:
        """Write a proposal and take it in at once; what it replaces is looked up for the audit trail.

        Raises `Conflict`, `StorageFull`, `StorageUnavailable`.
        """
        proposal = replace(proposal, before=tuple(map(self._before, proposal.changes)))
        revision = await self._registry.write(proposal, time_us=self._clock.now_us())
        self._written = max(revision, self._written)
        for _ in range(READS_MAX):
            with suppress(HubError):  # It is written; if it cannot be read now, `follow` takes it in later.
                await self.refresh()
                break
        return revision

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Attempt what writes, again on what is newer where another came in between. Raises what `write` does."""
        for _ in range(WRITES_MAX - 1):
            with suppress(Conflict):
                return await self._attempt(attempt)
            await self.refresh()
        return await self._attempt(attempt)

    async def _attempt(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """On all that this process itself wrote: what it could not read back is asked for first."""
        if self.snapshot.revision < self._written:
            await self.refresh()
        return await attempt()

    async def audit(self, after_revision: int, limit: int) -> Sequence[bytes]:
        return await self._registry.audit(after_revision, limit)

    def _before(self, item: Registered) -> Before | None:
        """As the snapshot has it: of a proposal that is based on another revision nothing is written."""
        held, key = self.snapshot.of_kind(kind_of(item)), object_id(item)
        known = held.get(key)
        return None if known is None else (held.since(key), known)

    def _take_in(self, versions: Sequence[Version]) -> None:
        """Two refreshes may have loaded the same versions: only those still unknown are taken in, and told."""
        newer = [version for version in versions if version.revision > self.snapshot.revision]
        if not newer:
            return
        self.snapshot.apply(newer)
        for listener in self._listeners:
            listener(newer)
