"""Read a feed with proof, in whatever way it arrives: each cut record only once the hub's seal over it holds.

kafka = Proved(session, lambda on_page: KafkaReader(consumer, "gates", on_page=on_page), waits=True)
async with aclosing(kafka.groups()) as groups:
    ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import chain
from typing import Any

from msgspec.structs import replace

from connectors.feed_seal import Sealed, SealedRecords, SealInvalid
from connectors.risk.group import Group, Source
from connectors.risk.reader import GROUP_BYTES_MAX, Reader
from connectors.session import KEY_HISTORY_PATH, HubSession
from connectors.verify import KeyHistory


class SealCheck:
    """Takes pages, and looks the hub's keys up again where a seal is by one that is not known here."""

    def __init__(self, session: HubSession, lane: str = "") -> None:
        """`lane`: as `SealedRecords` takes it."""
        self.records = SealedRecords(KeyHistory(None, {}), lane)
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


class Proved:
    """A source of which a group is given once no record waits for its seal any more. Raises `SealInvalid`.

    Over HTTP each answer brings its own seals. Read from Kafka one may come later (`waits`): then groups are joined.
    """

    def __init__(
        self,
        session: HubSession,
        source: Callable[[Callable[[bytes], None]], Source],
        *,
        lane: str = "",
        waits: bool = False,
    ) -> None:
        """`source` makes it, with the `on_page` that it is to call; `lane`: of another one no seal is taken."""
        self._pages = list[bytes]()
        self._source = source(self._pages.append)
        self._check = SealCheck(session, lane)
        self._bytes_max = GROUP_BYTES_MAX if waits else 0

    @property
    def place(self) -> str:
        return self._source.place

    async def groups(self) -> AsyncGenerator[Group, None]:
        held, size, borne, records = list[Group](), 0, 0, self._check.records
        async with aclosing(self._source.groups()) as groups:
            async for group in groups:
                held.append(group)
                while self._pages:
                    page = self._pages.pop(0)
                    size += len(page)
                    borne += len(await self._check.take(page))
                if records.waiting and size > self._bytes_max:
                    raise SealInvalid(f"no seal has come over {records.waiting} records")
                if records.waiting:
                    continue
                joined = _joined(held)
                if len(joined.records) > borne:
                    raise SealInvalid(f"of {len(joined.records)} records only {borne} were in what is proved")
                yield joined
                held, size, borne = [], 0, 0

    async def done(self, group: Group) -> None:
        await self._source.done(group)


class ProvedReader(Proved):
    """A `Reader` with proof, that pulls or is pushed to."""

    def __init__(self, session: HubSession, feed: str, **options: Any) -> None:
        place = f"{feed}/{lane}" if (lane := options.get("lane")) else feed
        super().__init__(session, lambda on_page: Reader(session, feed, on_page=on_page, **options), lane=place)


def _joined(groups: Sequence[Group]) -> Group:
    records = tuple(chain.from_iterable(group.records for group in groups))
    after_gap = any(group.after_gap for group in groups)
    return replace(groups[-1], records=records, after_gap=after_gap, since=groups[0].since)
