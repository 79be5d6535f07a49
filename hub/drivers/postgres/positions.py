"""Leases, positions and acknowledgements in PostgreSQL (theory of operation: `state.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from hub.core.errors import LeaseLost
from hub.drivers.postgres.database import Connection, Database
from hub.ports.positions import FeedPosition, Lease
from hub.ports.system import Clock

_ACQUIRE = """
INSERT INTO lease AS held VALUES ($1, $2, 1, $4)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, epoch = held.epoch + 1, expires_us = excluded.expires_us
WHERE held.holder IS NULL OR held.holder = excluded.holder OR held.expires_us <= $3
RETURNING epoch
"""
_RENEW = """
UPDATE lease SET expires_us = $3 WHERE name = $1 AND epoch = $2 AND holder IS NOT NULL RETURNING epoch
"""
_RELEASE = "UPDATE lease SET holder = NULL WHERE name = $1 AND epoch = $2"
HELD = "SELECT FROM lease WHERE name = $1 AND epoch = $2 AND holder IS NOT NULL FOR SHARE"
"""One row if the lease's epoch may write; its lock lets nobody take the lease before the transaction has ended."""
_STORE = f"""
WITH held AS ({HELD}), stored AS (
    INSERT INTO feed_position AS known
    SELECT output, $3::integer, $4::integer, source_offset, feed_offset
    FROM held, unnest($5::text[], $6::bigint[], $7::bigint[]) AS given (output, source_offset, feed_offset)
    ON CONFLICT (output, generation, partition) DO UPDATE
    SET source_offset = excluded.source_offset, feed_offset = excluded.feed_offset
    WHERE excluded.source_offset >= known.source_offset
)
SELECT count(*) FROM held
"""  # noqa: S608 (a constant)
_LOAD = "SELECT source_offset, feed_offset FROM feed_position WHERE output = $1 AND generation = $2 AND partition = $3"
_ACKNOWLEDGE = """
INSERT INTO acknowledged AS known VALUES ($1, $2, $3)
ON CONFLICT (reader, feed) DO UPDATE SET cursor = excluded.cursor WHERE known.cursor IS NOT DISTINCT FROM $4
RETURNING 1
"""
_KEEP = f"""
WITH held AS ({HELD}), kept AS (
    INSERT INTO acknowledged SELECT '', $1, $3::bytea FROM held
    ON CONFLICT (reader, feed) DO UPDATE SET cursor = excluded.cursor
)
SELECT count(*) FROM held
"""  # noqa: S608 (a constant)
"""What the holder of a lease keeps has no reader's name, and for that of a feed the lease's."""
_ACKNOWLEDGED = "SELECT cursor FROM acknowledged WHERE reader = $1 AND feed = $2"


class PostgresPositions:
    """A `Positions`; made by `PostgresState`.

    When a lease runs out is told by the clock of the worker that asks. Clocks that differ cost time, not safety: that
    rests on the epoch.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        now_us = self._clock.now_us()
        expires_us = now_us + round(seconds * 1e6)
        taken = await self._database.write(_ACQUIRE, name, holder, now_us, expires_us)
        return Lease(name, holder, taken[0][0], expires_us) if taken else None

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        expires_us = self._clock.now_us() + round(seconds * 1e6)
        if not await self._database.write(_RENEW, lease.name, lease.epoch, expires_us):
            raise _lost(lease)
        return Lease(lease.name, lease.holder, lease.epoch, expires_us)

    async def release(self, lease: Lease) -> None:
        await self._database.write(_RELEASE, lease.name, lease.epoch)

    async def load(self, output: str, generation: int, partition: int) -> FeedPosition | None:
        rows = await self._database.read(_LOAD, output, generation, partition)
        return FeedPosition(*rows[0]) if rows else None

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        await self.store_all(lease, generation, partition, {output: position})

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        ordered = sorted(positions.items())  # Two that write the same rows at once never wait for each other crosswise.
        outputs = [output for output, _ in ordered]
        sources, tails = ([each.source_offset for _, each in ordered], [each.feed_offset for _, each in ordered])
        await write_held(self._database, lease, _STORE, generation, partition, outputs, sources, tails)

    async def acknowledge(self, reader: str, feed: str, cursor: bytes, *, was: bytes | None) -> bool:
        return bool(await self._database.write(_ACKNOWLEDGE, reader, feed, cursor, was))

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        rows = await self._database.read(_ACKNOWLEDGED, reader, feed)
        return rows[0][0] if rows else None

    async def keep(self, lease: Lease, content: bytes) -> None:
        await write_held(self._database, lease, _KEEP, content)

    async def kept(self, name: str) -> bytes | None:
        return await self.acknowledged("", name)


async def write_held(database: Database, lease: Lease, statement: str, *given: object) -> None:
    """Run a statement that counts what `HELD` finds and writes only if that is one. Raises `LeaseLost`."""
    if await database.write(statement, lease.name, lease.epoch, *given) != [(1,)]:
        raise _lost(lease)


async def check_lease(connection: Connection, lease: Lease) -> None:
    """Raise `LeaseLost` unless the lease may write until the transaction that is under way has ended."""
    if not await connection.fetch(HELD, lease.name, lease.epoch):
        raise _lost(lease)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"the lease on {lease.name} is no longer held as epoch {lease.epoch}")
