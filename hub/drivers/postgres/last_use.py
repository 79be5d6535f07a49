"""The last uses of credentials in PostgreSQL: each worker notes what it saw, and the latest stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.drivers.postgres.database import Database
from hub.ports.last_use import Use

_NOTE = """
INSERT INTO last_use AS known SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
ORDER BY 1 -- in one order, so that no two workers wait for each other
ON CONFLICT (credential) DO UPDATE
SET time = excluded.time, address = excluded.address, agent = excluded.agent WHERE known.time <= excluded.time
"""
_ALL = "SELECT credential, time, address, agent FROM last_use"
_FORGET = "UPDATE last_use SET address = '', agent = '' WHERE time < $1 AND (address <> '' OR agent <> '')"


class PostgresLastUse:
    """A `LastUse`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, uses: Sequence[Use]) -> None:
        columns = zip(*((use.credential, use.time, use.address, use.agent) for use in uses), strict=True)
        if uses:
            await self._database.write(_NOTE, *map(list, columns))

    async def all(self) -> Mapping[str, Use]:
        return {row[0]: Use(*row) for row in await self._database.read(_ALL)}

    async def forget(self, before: int) -> None:
        await self._database.write(_FORGET, before)
