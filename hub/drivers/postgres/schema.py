"""Makes the tables, or brings those of an older program to what this one knows; refuses those of a newer one.

A start looks at one row. Where that is not enough, alembic runs the migrations in one transaction, under a lock of the
database, so that of many workers that start at once one does it and the others wait.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg

from hub.core.errors import HubError, StorageUnavailable
from hub.core.settings import PostgresSettings
from hub.drivers.postgres.database import Database, connect_options, name_of

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""All migrations in order: their numbers in `migrations/versions`."""
MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x63_75_73_74_6F_6D_73
"""Of `pg_advisory_xact_lock`: `customs` in ASCII."""


async def bring_up(settings: PostgresSettings, database: Database) -> None:
    """Raises `HubError` for a newer layout and a database that is not in UTF-8; `StorageUnavailable`."""
    [(encoding,)] = await database.read("SHOW server_encoding")
    if encoding != "UTF8":
        raise HubError(f"the database {name_of(settings)} is in {encoding}, expected UTF8")
    found = await _revision(database)
    if found is not None and found not in REVISIONS:
        raise HubError(
            f"the database {name_of(settings)} has layout {found}, this program knows layout {REVISIONS[-1]}: "
            "run the program that wrote it, or a newer one"
        )
    if found != REVISIONS[-1]:
        await _migrate(settings)


async def _revision(database: Database) -> str | None:
    [(known,)] = await database.read("SELECT to_regclass('alembic_version') IS NOT NULL")
    rows = await database.read("SELECT version_num FROM alembic_version") if known else []
    return rows[0][0] if rows else None


async def _migrate(settings: PostgresSettings) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> Any:
        return await asyncpg.connect(**connect_options(settings))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            await connection.run_sync(_upgrade)
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", error)  # Without the statement.
        raise StorageUnavailable(f"the tables of {name_of(settings)} cannot be made: {cause}") from error


def _upgrade(connection: Any) -> None:
    """What others did while this one waited for the lock is not done again."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise HubError(f"another program has just made the tables anew: {error}") from error
