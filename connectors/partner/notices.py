"""What customs tells a partner: notices (`schemas/formats/notice.md`), oldest first; and that they were read."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from hashlib import sha256
from typing import Any

import orjson
from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.keys import SigningKey
from connectors.session import KEY_HISTORY_PATH, HubRefused, HubSession, accepted
from schemas.canonical import canonical_bytes

SCOPE = "receipts:read"
ACK_FORMAT = "customs-hub-notice-ack/1"
ACK_TYPE = "customs-hub-ack+jws"


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


class NoSuchNotice(ConnectorError, ValueError):
    """The hub has no notice of this id for this partner."""


async def acknowledge(session: HubSession, notice: str) -> str:
    """Say that it was read, signed with the session's key where it has one; return when the hub first heard so.

    Raises `NoSuchNotice`, `HubRefused`, `HubUnreachable`.
    """
    body: dict[str, Any] = {}
    if (key := session.signing_key) is not None:
        hub = str(orjson.loads(await session.public(KEY_HISTORY_PATH))["hub"])
        body = signed(await _found(session, notice), hub, key, now=int(time.time()))
    path, headers = f"/v1/notices/{notice}/acknowledge", {"Content-Type": "application/json"}
    answer = await session.request("POST", path, body=orjson.dumps(body), headers=headers)
    return str(accepted(answer).json()["acknowledged"])


def signed(notice: Mapping[str, Any], hub: str, key: SigningKey, *, now: int) -> dict[str, Any]:
    """What is sent of a notice as it was read; `now` in seconds since 1970."""
    read = sha256(canonical_bytes(notice)).hexdigest()
    text = {"format": ACK_FORMAT, "hub": hub, "notice": notice["notice"], "notice_sha256": read, "time": now}
    return {"time": now, "signature": key.jws(canonical_bytes(text), ACK_TYPE)}


async def _found(session: HubSession, notice: str) -> Mapping[str, Any]:
    async for page in notices(session):
        for each in page.notices:
            if each.get("notice") == notice:
                return each
    raise NoSuchNotice(f"the hub has no notice {notice} for you")
