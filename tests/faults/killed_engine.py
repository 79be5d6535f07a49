"""A risk engine of a few lines over the reader kit, that kills itself: `python -m tests.faults.killed_engine`.

Arguments: store (a SQLite file, or a PostgreSQL URL), hub, system, key file, feed, how to read, what to die at, how
many events there are. It dies once at its moment, before the records of its second group are stored or after, and ends
when all have been worked off.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import asyncpg

from connectors.keys import read_key
from connectors.risk import Group, Reader, SQLiteCheckpoint
from connectors.risk.postgres import PostgresCheckpoint
from connectors.session import HubSession

EFFECTS = "create table if not exists effect (id text)"


class SQLiteStore:
    """Effects and checkpoint in one file."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute(EFFECTS)
        self._checkpoint = SQLiteCheckpoint(self._database)

    async def load(self, feed: str) -> str | None:
        return self._checkpoint.load(feed)

    async def work(self, group: Group, death: Death) -> int:
        with self._checkpoint.work(group) as records:
            self._database.executemany("insert into effect values (?)", [(record["id"],) for record in records])
            death.at("before the commit")
        death.at("after the commit")
        return int(self._database.execute("select count(*) from effect").fetchone()[0])


class PostgresStore:
    """Effects and checkpoint in one database."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection, self._checkpoint = connection, PostgresCheckpoint(connection)

    async def load(self, feed: str) -> str | None:
        await self._connection.execute(EFFECTS)
        await self._checkpoint.prepare()
        return await self._checkpoint.load(feed)

    async def work(self, group: Group, death: Death) -> int:
        async with self._checkpoint.work(group) as records:
            rows = [(record["id"],) for record in records]
            await self._connection.executemany("insert into effect values ($1)", rows)
            death.at("before the commit")
        death.at("after the commit")
        return int(await self._connection.fetchval("select count(*) from effect"))


class Death:
    """By SIGKILL, at the second time that its moment comes; and never again, which a file remembers."""

    def __init__(self, moment: str, mark: Path) -> None:
        self._moment, self._mark, self._times = moment, mark, 0

    def at(self, moment: str) -> None:
        if moment == self._moment and not self._mark.exists():
            self._times += 1
            if self._times == 2:
                self._mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def opened(store: str) -> AsyncIterator[SQLiteStore | PostgresStore]:
    if "://" not in store:
        yield SQLiteStore(store)
        return
    connection = await asyncpg.connect(store)
    try:
        yield PostgresStore(connection)
    finally:
        await connection.close()


async def main(store: str, hub: str, system: str, key: str, feed: str, way: str, moment: str, count: str) -> None:
    death = Death(moment, Path(key).with_name("died"))
    session = HubSession(hub, client_id=system, key=read_key(Path(key)), scope="feeds:read")
    async with opened(store) as kept, session:
        reader = Reader(session, feed, token=await kept.load(feed), push=way == "stream", limit=3)
        async with aclosing(reader.groups()) as groups:
            async for group in groups:
                done_count = await kept.work(group, death)
                await reader.done(group)
                if done_count >= int(count):
                    return


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
