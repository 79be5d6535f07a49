"""Writing notices that are about no single record: each once, in spite of any crash.

Theory of operation. Whoever writes for an output holds its lease. What is due follows from the registry or the clock up
to a mark; the mark is stored behind the append. After a crash between the two the same notices are due again under the
same ids: those that are found in the stream's tail are not written a second time. An append whose outcome is unknown
may land after that look, so a reader may meet an id twice, and knows it (`schemas/formats/notice.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import orjson
from msgspec import Struct

from hub.core.errors import StorageUnavailable, Unknown
from hub.core.record import NOTICES, LogRecord
from hub.operate.log_pages import first_since, pages
from hub.ports.event_log import EventLog
from hub.ports.positions import FeedPosition, Positions
from schemas.headers import NoticeHeader, pack, unpack

PARTITION = 0
"""Of the stream: what is about no record lies in the first one."""
LEASE_SECONDS = 30.0
_CLOCKS_SECONDS = 60
"""How far the log's clock may be from the one that decided."""


class Notice(Struct, frozen=True):
    id: str
    """The same whenever it is due again; says nothing to whom it is not for."""
    partner: str
    cause: str
    members: Mapping[str, object]
    agent: str = ""
    """Who is told as well; empty: nobody else."""

    def record(self, generation: int) -> LogRecord:
        header = NoticeHeader(self.partner, self.cause, generation, PARTITION, -1, self.id, self.agent)
        body = {"code": self.cause, "notice": self.id, **self.members}
        return LogRecord(self.partner.encode(), pack(header), orjson.dumps(body))


def notice_id(*parts: str) -> str:
    """Of a notice that means just this."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class NoticeDesk:
    """Writes the notices of some outputs, and remembers how far each of them has come."""

    def __init__(self, log: EventLog, positions: Positions, *, holder: str) -> None:
        self._log = log
        self._positions = positions
        self._holder = holder

    async def mark(self, output: str) -> int:
        """Up to where notices of this output were written; 0 before the first."""
        stored = await self._positions.load(output, self._log.generation, PARTITION)
        return stored.source_offset if stored is not None else 0

    async def write(self, output: str, notices: Sequence[Notice], *, since: int, mark: int) -> bool:
        """Write what was not written yet, then move the mark; False: another process does. None of them can have been
        written before `since` (seconds since 1970). Raises `StorageUnavailable`, `StorageFull`, `LeaseLost`."""
        lease = await self._positions.acquire(output, self._holder, LEASE_SECONDS)
        if lease is None:
            return False
        end = (await self._log.bounds(NOTICES, PARTITION)).end
        if notices:
            there = await self._written(since, end)
            end = await self._append([notice for notice in notices if notice.id not in there], end)
        await self._positions.store(lease, output, self._log.generation, PARTITION, FeedPosition(mark, end))
        return True

    async def _written(self, since: int, end: int) -> set[str]:
        """The ids of the notices that the stream holds from then on."""
        found: set[str] = set()
        async with self._log.reader(NOTICES) as reader:
            start = (await self._log.bounds(NOTICES, PARTITION)).start
            begin = await first_since(reader, PARTITION, start, end, (since - _CLOCKS_SECONDS) * 1_000_000)
            async for page in pages(reader, PARTITION, begin, end):
                headers = (unpack(record.header) for record in page)
                found.update(header.id for header in headers if isinstance(header, NoticeHeader) and header.id)
        return found

    async def _append(self, notices: Sequence[Notice], end: int) -> int:
        """One append each: there are few of them, and each may be long."""
        for notice in notices:
            landed = await self._log.append(NOTICES, PARTITION, [notice.record(self._log.generation)])
            if isinstance(landed, Unknown):
                raise StorageUnavailable(f"a notice may have been written or not: {landed.reason}")
            end = landed + 1
        return end
