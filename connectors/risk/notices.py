"""Answer companies about what a feed showed (`schemas/formats/notice.md`), and see how far the answers came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from connectors.session import HubSession, accepted

SCOPE = "notices:write"
PATH = "/v1/notices"
NAMES = ("source", "id", "publisher", "receivedtime")
Kind = Literal[
    "received", "information-requested", "hold", "release", "inspection-appointment", "recall", "disruption", "advice",
    "data-quality",
]  # fmt: skip
Defect = Literal["missing", "malformed", "wrong-code", "implausible", "contradictory", "outdated", "late", "duplicate"]


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent. `id` is the engine's own: kept with its work, it makes sending again harmless."""

    id: str
    kind: Kind
    feed: str
    text: str
    language: str
    event: Mapping[str, str] | None = None
    """As `about` takes it from a record."""
    object: Mapping[str, str] | None = None
    """Instead: scheme and value of a subject that records show."""
    publisher: str = ""
    """With `object`: to this company alone, as records name it."""
    deadline: str = ""
    """RFC 3339: until when it is to be acknowledged."""
    acknowledge: bool = False
    defect: Defect | None = None
    pointer: str = ""
    """With `defect`: a JSON Pointer into the event."""


def about(record: Mapping[str, Any]) -> dict[str, str]:
    """What names a record of the feed."""
    return {name: record[name] for name in NAMES}


async def send(session: HubSession, notice: Notice) -> list[dict[str, Any]]:
    """Send it, once however often: each notice that came of it, with its state.

    Raises `HubRefused`, `HubUnreachable`.
    """
    headers = {"Content-Type": "application/json"}
    answer = await session.request("POST", PATH, body=msgspec.json.encode(notice), headers=headers)
    items: list[dict[str, Any]] = accepted(answer).json()["items"]
    return items


async def sent(session: HubSession, *, overdue: bool = False) -> AsyncGenerator[dict[str, Any], None]:
    """What this engine's partner sent, newest first, with its state. Raises `HubRefused`, `HubUnreachable`."""
    query = {"overdue": "yes"} if overdue else {}
    while True:
        page = await session.get(f"{PATH}/sent", query)
        for each in page["items"]:
            yield each
        if page["next"] is None:
            return
        query["cursor"] = page["next"]
