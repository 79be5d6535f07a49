"""Who was given what, read from the access journal beside a hub that may run: for operators and auditors, all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from msgspec.structs import replace

from hub.assembly.state import accesses_beside
from hub.core.access import Access, run_list
from hub.core.settings import Settings
from hub.ports.access_journal import Entry, Query
from hub.ports.system import Clock
from hub.trust.statement import utc_text

Plain = dict[str, Any]
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


def told(access: Access) -> Plain:
    """All that is known of it."""
    return {
        "time": utc_text(access.time_us),
        "step": access.step.value,
        "way": access.way,
        "recipient": access.recipient,
        "purpose": access.purpose,
        "feed": f"{access.feed}/{access.lane}" if access.lane else access.feed,
        "reader": access.reader,
        "credential": access.credential,
        "agreements": list(access.agreements),
        "revision": access.revision,
        "generation": access.generation,
        "partition": access.partition,
        "offsets": _spans(run_list(access.runs)),
        "events": sum(count for _, count in run_list(access.runs)),
        "signature": access.signature,
        "restriction": access.restriction,
    }


def _spans(runs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """First and last."""
    return [[first, first + count - 1] for first, count in runs]
