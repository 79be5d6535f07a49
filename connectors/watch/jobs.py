"""What the hub judges after it has answered: asked for, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connectors.partner.client import not_taken
from connectors.session import Answer, HubSession, accepted, refusal
from connectors.watch.reply import ITEMS_MAX, NotNow

UPLOAD_SECONDS_MAX = 90.0
"""The hub gives a table, or EDIFACT, 60 s to come, and answers 8 s later at the latest."""
POLL_SECONDS = 1.0
POLL_COUNT_MAX = 600
"""A hub that judges longer is asked again later: the document is not sent again."""
DONE, FAILED = "done", "failed"
_OPEN = frozenset(("UNKNOWN", "NOT_ATTEMPTED", "HELD"))


async def judged(
    session: HubSession,
    path: str,
    document: bytes,
    media_type: str,
    query: Mapping[str, str],
    *,
    job: str,
    note_job: Callable[[str], None],
) -> tuple[str, dict[str, Any]]:
    """Send a document, or go on with `job`: its place below `path`, and the job as the hub tells it at its end.

    `note_job` is told of the job before it is waited for; by an empty one, that the document is to be sent anew.
    Raises `NotNow`, `DocumentRefused`, `HubRefused`, `HubUnreachable`.
    """
    if not job or await told(session, f"{path}/{job}") is None:
        answer = await posted(session, path, document, {"Content-Type": media_type}, query)
        said = answer.json() if answer.body[:1] == b"{" else {}
        named = said.get("id")  # One that failed is answered with a problem, which names it as well.
        if not isinstance(named, str):
            raise not_taken(refusal(answer))
        note_job(job := named)
    place = f"{path}/{job}"
    ended = await finished(session, place, lambda each: each["state"] in (DONE, FAILED))
    if ended["state"] == DONE:
        unsettled(ended["counts"], note_job)
    return place, ended


async def posted(
    session: HubSession, path: str, document: bytes, headers: Mapping[str, str], query: Mapping[str, str]
) -> Answer:
    return await session.request(
        "POST", path, body=document, headers=headers, query=query, answer_seconds_max=UPLOAD_SECONDS_MAX
    )


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
