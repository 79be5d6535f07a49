"""Several lanes and feeds as one iterator, the urgent ones first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from connectors.risk.group import Group, Source


class Following:
    """A `Source` made of others, of which those named first go first:

        following = Following(Reader(session, "gates", lane="urgent"), Reader(session, "gates"))

    Each of them reads at most one group ahead of what is worked off: however slow the engine, nothing piles up here.
    A refusal of one of them ends them all.
    """

    place = ""
    """Each group has that of its source."""

    def __init__(self, *sources: Source) -> None:
        self._sources = {source.place: source for source in sources}
        if len(self._sources) < len(sources):
            raise ValueError("two sources keep their place under the same name")

    async def groups(self) -> AsyncGenerator[Group, None]:
        """Groups as they come; of those that wait, one of the first source that has any."""
        open_ = {place: source.groups() for place, source in self._sources.items()}
        next_ = {place: asyncio.ensure_future(_next(groups)) for place, groups in open_.items()}
        try:
            while next_:
                await asyncio.wait(next_.values(), return_when=asyncio.FIRST_COMPLETED)
                place = next(place for place in self._sources if place in next_ and next_[place].done())
                group = next_.pop(place).result()
                if group is not None:
                    next_[place] = asyncio.ensure_future(_next(open_[place]))
                    yield group
        finally:
            for task in next_.values():
                task.cancel()
            await asyncio.gather(*next_.values(), return_exceptions=True)
            for groups in open_.values():
                await groups.aclose()

    async def done(self, group: Group) -> None:
        """As the group's source does it."""
        await self._sources[group.place].done(group)


async def _next(groups: AsyncGenerator[Group, None]) -> Group | None:
    """None: it has ended, as the reading of a range does."""
    return await anext(groups, None)
