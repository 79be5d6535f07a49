"""What every way of delivery brings, and what each of them is to a risk engine.

    async with aclosing(source.groups()) as groups:
        async for group in groups:
            with checkpoint.work(group) as records:      # one transaction: the engine's work and its place
                engine.take(records)
            await source.done(group)                     # only after the commit

A crash at any moment then undoes both or neither, and the group comes again or does not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace


class Group(Struct, frozen=True):
    """Records to be worked off together, and the token that says so."""

    records: tuple[dict[str, Any], ...]
    """CloudEvents (`schemas/formats/feed-record.md`), in the order of the feed within each source."""
    token: str
    after_gap: bool = False
    """Before these, something was purged before it was read: it is not among the records."""
    place: str = ""
    """What a checkpoint keeps the token under: the feed's name, of its urgent lane `name/urgent`."""
    since: str | None = None
    """The token of the group before, None at first: a checkpoint that holds another one was moved by somebody else."""
    message: str = ""
    """Of a webhook, its id: by that a message that comes again is known. Empty: the token tells."""


class Source(Protocol):
    """One lane of one feed, in one of the ways in which it arrives."""

    @property
    def place(self) -> str:
        """What a checkpoint keeps its tokens under."""

    def groups(self) -> AsyncGenerator[Group, None]:
        """Groups in order. MUST NOT read ahead of who asks: a slow engine is a slow reader. Ends only where a range is
        read. Close it if you leave it early (`contextlib.aclosing`)."""

    async def done(self, group: Group) -> None:
        """The group is worked off and stored. What is lost of this is covered by the next one."""


async def chained(groups: AsyncGenerator[Group, None], place: str, since: str | None) -> AsyncGenerator[Group, None]:
    """The groups of `place`, each with the token of the one before; `since` is that of the first."""
    async with aclosing(groups):
        async for group in groups:
            yield replace(group, place=place, since=since)
            since = group.token
