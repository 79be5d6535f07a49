"""The replay guard in PostgreSQL: of all workers, one is told that a key is good, and after a restart none is.

Each use is a commit of its own; the server makes one fsync of those that come together. A use also forgets a few keys
that have expired, so the table stays as large as the keys that are alive.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.core.errors import OutcomeUnknown, StorageUnavailable
from hub.drivers.postgres.database import Database

KEPT_SECONDS = 300
"""A key is kept this much longer than it must be: to a worker whose clock is behind it is still alive."""
FORGOTTEN_AT_ONCE = 8

_USE = f"""
WITH forgotten AS (
    DELETE FROM used WHERE key IN (
        SELECT key FROM used WHERE expires <= $3 - {KEPT_SECONDS} AND key <> $1
        ORDER BY expires LIMIT {FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO used AS known VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET expires = excluded.expires WHERE known.expires <= $3
RETURNING true
"""  # noqa: S608 (numbers)

_REVOKE = f"""
WITH forgotten AS (
    DELETE FROM revoked WHERE key IN (
        SELECT key FROM revoked WHERE expires <= $3 - {KEPT_SECONDS} AND key <> $1
        LIMIT {FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO revoked VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""  # noqa: S608 (numbers)


class PostgresReplayGuard:
    """A `ReplayGuard`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        """As the port says. Raises `StorageUnavailable` and `StorageFull`: then nobody is let in, kept or not."""
        try:
            return bool(await self._database.write(_USE, key, expires, now))
        except OutcomeUnknown as error:
            raise StorageUnavailable(str(error)) from error

    async def revoke(self, key: bytes, *, expires: int, now: int) -> None:
        """As the port says. Raises `StorageUnavailable` and `StorageFull`: then it may be revoked or not."""
        try:
            await self._database.write(_REVOKE, key, expires, now)
        except OutcomeUnknown as error:
            raise StorageUnavailable(str(error)) from error

    async def revoked(self, *, since: int, now: int) -> Sequence[bytes]:
        """As the port says. Raises `StorageUnavailable`."""
        rows = await self._database.read("SELECT key FROM revoked WHERE revoked >= $1 AND expires > $2", since, now)
        return [bytes(key) for (key,) in rows]
