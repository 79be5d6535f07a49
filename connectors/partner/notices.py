"""What customs tells a partner of events that it had taken: notices (`schemas/formats/notice.md`), oldest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from msgspec import Struct

from connectors.session import HubRefused, HubSession

SCOPE = "receipts:read"


class NoticePage(Struct, frozen=True):
    """Notices to be seen to, and the cursor that stands behind them: keep it once they are."""

    notices: tuple[dict[str, Any], ...]
    cursor: str
    after_gap: bool
    """The cursor asked with had expired: what was purged before it was read is not among the notices."""


async def notices(session: HubSession, cursor: str | None = None) -> AsyncGenerator[NoticePage, None]:
    """Pages behind `cursor`, without one from the earliest kept; the last page is the first that is empty.

    An empty page has a cursor too: it may have passed over notices of others. Raises `HubRefused`, `HubUnreachable`.
    """
    after_gap = False
    while True:
        try:
            page = await session.get("/v1/notices", {} if cursor is None else {"cursor": cursor})
        except HubRefused as e:
            if after_gap or e.code != "CURSOR_EXPIRED" or "cursor" not in e.problem:
                raise
            cursor, after_gap = str(e.problem["cursor"]), True
            continue
        cursor = str(page["next"])
        yield NoticePage(tuple(page["items"]), cursor, after_gap)
        after_gap = False
        if not page["items"]:
            return
