"""Dispatches: what customs answers companies, from when it was asked to until long after it was acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hub.core.dispatch import Dispatch, Sent, Step

Place = tuple[int, str]
"""`sent_us` and id of a dispatch."""


class Dispatches(Protocol):
    """MUST keep its promises over a SIGKILL and the loss of power."""

    async def add(self, dispatches: Sequence[Dispatch]) -> bool:
        """Keep them, all of them or none; False, and none, where the first one's id is known: they were sent before.

        MUST be durable when it returns. Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """

    async def get(self, id: str) -> Sent | None:  # noqa: A002
        """The dispatch of this id."""

    async def sent_as(self, sender: str, own: str) -> Sequence[Sent]:
        """Those that a sender sent under an id of its own."""

    async def page(
        self, sender: str | None, *, step: Step | None = None, before: Place | None, limit: int
    ) -> Sequence[Sent]:
        """The newest of a sender (None: of all), newest first; with `step` those alone that have come to it."""

    async def waiting(self, limit: int) -> Sequence[Dispatch]:
        """The oldest that are not written yet, oldest first."""

    async def due(self, now_us: int, limit: int) -> Sequence[Dispatch]:
        """The oldest whose deadline has passed by now, without an acknowledgement, and that are not overdue yet."""

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        """Note when they came to a step. MUST keep the first time of each; ids of none are passed over."""

    async def acknowledge(self, id: str, time_us: int, *, by: str, signature: str) -> None:  # noqa: A002
        """Note who acknowledged it. MUST keep the first acknowledgement as it was; MUST be durable when it returns."""

    async def count(self, sender: str, since_us: int) -> int:
        """How many a sender has sent from then on."""

    async def purge(self, before_us: int) -> int:
        """Forget those that were sent before then; return how many."""
