"""What the hub has of `hub.events`, wherever it is kept by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.core.record import Position, StoredRecord
from hub.core.replay import Track


class Stretch(Struct, frozen=True):
    """Records in offset order, and where to read on."""

    records: Sequence[StoredRecord]
    next: int
    archived: bool = False
    """They come from where only what agreements ask for is kept, and no repeats."""
    gap: bool = False
    """Before `next` there was something that is kept nowhere any more."""


class History(Protocol):
    async def between(self, from_us: int, to_us: int) -> Sequence[Track]:
        """What was received at `from_us` or later and before `to_us`, and was judged; perhaps somewhat more."""

    async def judged(self) -> Sequence[Position]:
        """Of every partition, in their order, the place up to which all is judged."""

    async def read(self, place: Position, end: int, *, records_max: int, bytes_max: int) -> Stretch:
        """From a place on, before `end`; MUST move on by one offset at least, or tell of what lies there.

        MUST go on where records are kept, past those that are kept no more. MUST return no record that is not what was
        accepted. Raises `StorageUnavailable`.
        """
