"""The grounds of dead letters, and letters to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from hub.core.dead_letter import CONFLICT, DeadLetter
from hub.core.record import Position
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.sqlite.dead_letters import SQLiteDeadLetters
from hub.ports.dead_letters import DeadLetters
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in


@asynccontextmanager
async def _memory(directory: Path) -> AsyncIterator[DeadLetters]:
    yield MemoryDeadLetters()


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[DeadLetters]:
    async with SQLiteDeadLetters(directory / "dead-letters.db") as letters:
        yield letters


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[DeadLetters]:
    async with postgres_in(directory) as state:
        yield state.dead_letters


LETTER_GROUNDS: dict[str, Callable[[Path], AbstractAsyncContextManager[DeadLetters]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}
DURABLE_LETTER_GROUNDS = marked(("sqlite", "postgres"))
WITHOUT_FEEDS = ("DROP INDEX dead_letter_by_feed", "ALTER TABLE dead_letter DROP COLUMN feed")
"""What makes of the tables those of the layout before."""


def letter(offset: int, **members: Any) -> DeadLetter:
    """A conflict of the partner delta, set aside at that many seconds."""
    given = {"cause": CONFLICT, "partner": "delta", "since_us": offset * 1_000_000, "header": b"h", "value": b"{}"}
    return DeadLetter(position=Position(1, 0, offset), **{**given, **members})


def behind(offset: int) -> Position:
    return Position(1, 0, offset)
