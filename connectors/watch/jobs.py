"""What the hub judges after it has answered: asked for, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connectors.session import HubSession, accepted
from connectors.watch.reply import ITEMS_MAX, NotNow

UPLOAD_SECONDS_MAX = 90.0
"""The hub gives a table, or EDIFACT, 60 s to come, and answers 8 s later at the latest."""
POLL_SECONDS = 1.0
POLL_COUNT_MAX = 600
"""A hub that judges longer is asked again later: the document is not sent again."""
_OPEN = frozenset(("UNKNOWN", "NOT_ATTEMPTED", "HELD"))


async def told(session: HubSession, path: str, **query: str) -> dict[str, Any] | None:
    """A job as it is; None: the hub has forgotten it. Raises `HubRefused`, `HubUnreachable`."""
    answer = await session.request("GET", path, query=query)
    return None if answer.status == 404 else accepted(answer).json()


async def finished(session: HubSession, path: str, ended: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A job once it has ended. Raises `NotNow` as well."""
    for _ in range(POLL_COUNT_MAX):
        job = await told(session, path)
        if job is None:
            break
        if ended(job):
            return job
        await asyncio.sleep(POLL_SECONDS)
    raise NotNow(f"the hub is still judging {path}", of_file=True)


async def items_of(session: HubSession, path: str) -> list[dict[str, Any]]:
    """What became of the items of a job, at most `ITEMS_MAX` of them."""
    items: list[dict[str, Any]] = []
    cursor: str | None = "0"
    while cursor is not None and len(items) < ITEMS_MAX:
        page = await told(session, path, cursor=cursor) or {"items": [], "next": None}
        items += page["items"]
        cursor = page["next"] if page["items"] else None
    return items


def unsettled(counts: Mapping[str, int], note_job: Callable[[str], None]) -> None:
    """Raises `NotNow` if the hub cannot tell whether it has all: it is to be sent anew, what it has is a DUPLICATE."""
    if open_count := sum(counts.get(verdict, 0) for verdict in _OPEN):
        note_job("")
        raise NotNow(f"of {open_count} events the hub cannot tell whether they are stored", of_file=True)
