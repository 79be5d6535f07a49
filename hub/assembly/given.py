"""Who was given what, read from the access journal beside a hub that may run: for operators and auditors, all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec.structs import replace

from hub.assembly.state import accesses_beside
from hub.core.settings import Settings
from hub.operate.accesses import told
from hub.operate.views import Plain
from hub.ports.access_journal import Entry, Query
from hub.ports.system import Clock

ENTRIES_AT_ONCE = 1_000


async def given(settings: Settings, clock: Clock, query: Query) -> AsyncIterator[Entry]:
    """The entries that it means, newest first. Raises `HubError`."""
    async with accesses_beside(settings, clock) as journal:
        while page := await journal.entries(query, limit=ENTRIES_AT_ONCE):
            for entry in page:
                yield entry
            query = replace(query, before=page[-1].number)


async def listed(settings: Settings, clock: Clock, query: Query, *, limit: int) -> tuple[list[Plain], bool]:
    """At most `limit` of them, and whether there are more."""
    items: list[Plain] = []
    async for entry in given(settings, clock, query):
        if len(items) == limit:
            return items, True
        items.append(told(entry.access))
    return items, False
