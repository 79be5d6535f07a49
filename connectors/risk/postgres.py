"""Where a reader stands, in the engine's own PostgreSQL. Needs the extra `postgres` (asyncpg)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from connectors.risk.checkpoint import MESSAGES_DAYS, Overtaken
from connectors.risk.group import Group

_TABLES = """
create table if not exists checkpoint (feed text primary key, token text not null);
create table if not exists message (feed text, id text, at timestamptz not null default now(), primary key (feed, id));
"""
_FIRST = "insert into checkpoint values ($1, $2) on conflict do nothing"
_NEXT = "update checkpoint set token = $2 where feed = $1 and token = $3"
_ANY = "insert into checkpoint values ($1, $2) on conflict (feed) do update set token = excluded.token"
_MESSAGE = "insert into message (feed, id) values ($1, $2) on conflict do nothing"
_FORGET = "delete from message where at < now() - $1 * interval '1 day'"


class PostgresCheckpoint:
    """Two tables in the engine's own database, through the connection that it works with."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def prepare(self) -> None:
        """Make the tables, if they are not there."""
        await self._connection.execute(_TABLES)

    async def load(self, feed: str) -> str | None:
        token: str | None = await self._connection.fetchval("select token from checkpoint where feed = $1", feed)
        return token

    @asynccontextmanager
    async def work(self, group: Group) -> AsyncIterator[tuple[dict[str, Any], ...]]:
        """One transaction: what the engine writes within it and the group's token are stored together, or neither.

        Yields the records that are still to be worked off: none where a webhook's message comes again. Raises
        `Overtaken` before anything is done; who works on the same place meanwhile is waited for.
        """
        async with self._connection.transaction():
            if group.message:
                await self._connection.execute(_FORGET, MESSAGES_DAYS)
                is_new = await self._moved(_MESSAGE, group.place, group.message)
                await self._connection.execute(_ANY, group.place, group.token)
                yield group.records if is_new else ()
                return
            if group.since is None:
                is_ours = await self._moved(_FIRST, group.place, group.token)
            else:
                is_ours = await self._moved(_NEXT, group.place, group.token, group.since)
            if not is_ours:
                raise Overtaken(group.place)
            yield group.records

    async def _moved(self, statement: str, *values: str) -> bool:
        """Whether it changed a row."""
        return str(await self._connection.execute(statement, *values)).endswith(" 1")
