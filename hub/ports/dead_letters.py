"""The dead letters: what `hub.quarantine` holds, each record once, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.core.dead_letter import DeadLetter, LetterState, Run
from hub.core.record import Position


class Which(Struct, frozen=True, kw_only=True):
    """Every condition that is given must hold."""

    cause: str | None = None
    partner: str | None = None
    agent: str | None = None
    """Who sent it in its publisher's place."""
    state: LetterState | None = None
    feed: str | None = None
    """With its lane: which could not show it, or whose endpoint did not take it."""


class Group(Struct, frozen=True):
    """The letters of one cause and partner in one state."""

    cause: str
    partner: str
    state: LetterState
    count: int
    oldest_us: int
    newest_us: int


After = tuple[int, str]
"""`since_us` and id of the last letter of a page."""


class DeadLetters(Protocol):
    """MUST keep its promises over a SIGKILL and the loss of power."""

    async def mark(self, generation: int, partition: int) -> int | None:
        """The offset of `hub.quarantine` below which everything was taken in; None before the first."""

    async def take(self, letters: Sequence[DeadLetter], mark: Position) -> None:
        """Enter those whose id is not known, and move the partition's mark: both or neither. MUST leave a letter that
        is known as it is, settled or not. MUST NOT return before it survives."""

    async def forget_marks(self) -> None:
        """Of a log that was replaced: all is taken in anew, and what was taken stays."""

    async def get(self, id: str) -> DeadLetter | None: ...  # noqa: A002

    async def page(self, which: Which, *, after: After | None, limit: int) -> Sequence[DeadLetter]:
        """Those that it means, the oldest first by (`since_us`, id); those behind `after` only."""

    async def groups(self) -> Sequence[Group]:
        """All letters, by cause, partner and state, in this order."""

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        """Put the letter in place of the one of its id, and the run in place of the one of its key: both or neither.
        MUST do nothing with a letter that is not known. MUST NOT return before it survives."""

    async def run(self, key: str) -> Run | None: ...

    async def keep(self, run: Run) -> None:
        """MUST NOT return before it survives."""

    async def purge(self, *, before_us: int, kept_max: int) -> int:
        """Forget letters that were settled before then, and of each partner those settled longest ago beyond
        `kept_max` letters in all; return how many. MUST NOT forget one that waits."""
