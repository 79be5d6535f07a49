"""Read a feed with proof: each cut record only once the hub's seal over it has come and holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from connectors.feed_seal import Sealed, SealedRecords, SealInvalid
from connectors.risk.group import Group
from connectors.risk.reader import GROUP_BYTES_MAX, Reader
from connectors.session import KEY_HISTORY_PATH, HubSession
from connectors.verify import KeyHistory


class SealCheck:
    """Takes pages, and looks the hub's keys up again where a seal is by one that is not known here."""

    def __init__(self, session: HubSession) -> None:
        self.records = SealedRecords(KeyHistory(None, {}))
        self.published = b""
        """The key history as it was read last."""
        self._session = session

    async def take(self, page: bytes) -> list[Sealed]:
        """The records that may be relied on now. Raises `SealInvalid`, `HubRefused`, `HubUnreachable`."""
        try:
            return self.records.take(page)
        except SealInvalid:
            self.published = await self._session.public(KEY_HISTORY_PATH)
            self.records.keys = KeyHistory.from_json(self.published)
            return self.records.take(page)


class ProvedReader(Reader):
    """A `Reader` that pulls; a group ends where no record waits for its seal any more. Raises `SealInvalid`."""

    def __init__(self, session: HubSession, feed: str, **options: Any) -> None:
        self._pages = list[bytes]()
        self._check = SealCheck(session)
        super().__init__(session, feed, on_page=self._pages.append, **options)

    async def groups(self) -> AsyncGenerator[Group, None]:
        since, after_gap, records, size = self._token, False, list[dict[str, Any]](), 0
        async with aclosing(self.pull()) as groups:
            async for group in groups:
                for page in self._pages:
                    records += [orjson.loads(each.record) for each in await self._check.take(page)]
                    size += len(page)
                self._pages.clear()
                after_gap |= group.after_gap
                if self._check.records.waiting and size > GROUP_BYTES_MAX:
                    raise SealInvalid(f"no seal has come over {self._check.records.waiting} records")
                if self._check.records.waiting or not records:
                    continue
                yield Group(tuple(records), group.token, after_gap, self.place, since)
                since, after_gap, records, size = group.token, False, [], 0
