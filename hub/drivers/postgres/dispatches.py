"""Dispatches in PostgreSQL, each as one value beside its steps and the columns that it is found by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.core.dispatch import Dispatch, Sent, Step
from hub.drivers.postgres.database import Database
from hub.ports.dispatches import Place

_SENT = "body, written_us, read_us, overdue_us, acknowledged_us, acknowledged_by, signature"
_ADD = "INSERT INTO dispatch (id, sender, own, sent_us, due_us, body) VALUES ($1, $2, $3, $4, $5, $6)"
_PAGE = """
SELECT {sent} FROM dispatch WHERE ($1::text IS NULL OR sender = $1) AND {asked} AND (sent_us, id) < ($2, $3)
ORDER BY sent_us DESC, id DESC LIMIT $4
"""
_WAITING = "SELECT body FROM dispatch WHERE written_us = 0 ORDER BY sent_us, id LIMIT $1"
_DUE = """
SELECT body FROM dispatch WHERE due_us > 0 AND acknowledged_us = 0 AND overdue_us = 0 AND due_us <= $1
ORDER BY due_us, id LIMIT $2
"""
_MARK = "UPDATE dispatch SET {step}_us = $2 WHERE id = ANY($1::text[]) AND {step}_us = 0"
_ACKNOWLEDGE = """
UPDATE dispatch SET acknowledged_us = $2, acknowledged_by = $3, signature = $4 WHERE id = $1 AND acknowledged_us = 0
"""
_PURGE = "WITH gone AS (DELETE FROM dispatch WHERE sent_us < $1 RETURNING 1) SELECT count(*) FROM gone"
_EVER = (1 << 62), ""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Dispatch).decode


class PostgresDispatches:
    """A `Dispatches`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, dispatches: Sequence[Dispatch]) -> bool:
        rows = [(each.id, each.sender, each.own, each.sent_us, each.due_us, _encode(each)) for each in dispatches]
        async with self._database.transaction() as connection:
            # Who sends the same at the same moment waits here for the other's end.
            if not await connection.fetch(f"{_ADD} ON CONFLICT (id) DO NOTHING RETURNING id", *rows[0]):
                return False
            await connection.executemany(_ADD, rows[1:])
        return True

    async def get(self, id: str) -> Sent | None:  # noqa: A002
        found = await self._found(f"SELECT {_SENT} FROM dispatch WHERE id = $1", id)  # noqa: S608 (constants)
        return found[0] if found else None

    async def sent_as(self, sender: str, own: str) -> Sequence[Sent]:
        return await self._found(f"SELECT {_SENT} FROM dispatch WHERE sender = $1 AND own = $2", sender, own)  # noqa: S608

    async def page(
        self, sender: str | None, *, step: Step | None = None, before: Place | None, limit: int
    ) -> Sequence[Sent]:
        asked = f"{step}_us > 0" if step is not None else "true"
        return await self._found(_PAGE.format(sent=_SENT, asked=asked), sender, *(before or _EVER), limit)

    async def waiting(self, limit: int) -> Sequence[Dispatch]:
        return await self._dispatches(_WAITING, limit)

    async def due(self, now_us: int, limit: int) -> Sequence[Dispatch]:
        return await self._dispatches(_DUE, now_us, limit)

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        if ids:
            await self._database.write(_MARK.format(step=step), sorted(ids), time_us)

    async def acknowledge(self, id: str, time_us: int, *, by: str, signature: str) -> None:  # noqa: A002
        await self._database.write(_ACKNOWLEDGE, id, time_us, by, signature)

    async def count(self, sender: str, since_us: int) -> int:
        statement = "SELECT count(*) FROM dispatch WHERE sender = $1 AND sent_us >= $2"
        return int((await self._database.read(statement, sender, since_us))[0][0])

    async def purge(self, before_us: int) -> int:
        return int((await self._database.write(_PURGE, before_us))[0][0])

    async def _found(self, statement: str, *given: object) -> list[Sent]:
        return [Sent(_decode(row[0]), *row[1:]) for row in await self._database.read(statement, *given)]

    async def _dispatches(self, statement: str, *given: object) -> list[Dispatch]:
        return [_decode(row[0]) for row in await self._database.read(statement, *given)]
