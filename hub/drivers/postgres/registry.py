"""The registry in PostgreSQL: what an operator decided, on every worker of every machine.

Theory of operation. `version` only ever grows: one row an object and revision, its body the object as JSON. `head` is
a single row; a write raises it by compare-and-set, which also locks it until the write has ended, so that of two
writers based on the same revision the second finds no row to raise and writes nothing. The audit event lies in the
same transaction. Workers ask for the head three times a second, on connections that nothing slow ever holds.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from functools import partial

import msgspec

from hub.core.proposal import AT_ONCE_MAX, Conflict, Proposal, audit_event
from hub.core.registry import KINDS, Version, kind_of, object_id
from hub.drivers.postgres.database import Database, Row

_HEAD = "SELECT revision FROM head"
_RAISE = "UPDATE head SET revision = $2 WHERE revision = $1 RETURNING revision"
_INSERT = """
INSERT INTO version
SELECT $1, place, kind, id, body, $5, $6, $7, $8
FROM unnest($2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY AS given (kind, id, body, place)
"""
_LOAD = "SELECT revision, kind, body, actor, reason, time_us FROM version WHERE revision > $1 ORDER BY revision, place"
_AUDIT = "SELECT event FROM audit WHERE revision > $1 ORDER BY revision LIMIT $2"


class PostgresRegistry:
    """A `Registry`; made by `PostgresState`, or on a database of its own for the CLI."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self) -> int:
        [(revision,)] = await self._database.read(_HEAD)
        return int(revision)

    async def load(self, after_revision: int) -> Sequence[Version]:
        rows = await self._database.read(_LOAD, after_revision)
        return await to_thread(_versions, rows) if len(rows) > AT_ONCE_MAX else _versions(rows)

    async def write(self, proposal: Proposal, *, time_us: int) -> int:
        """As the port says. Raises `OutcomeUnknown` where the answer was lost: the head and the audit trail tell."""
        revision = proposal.based_on + 1
        changes = proposal.changes
        kinds, ids = [kind_of(item) for item in changes], [object_id(item) for item in changes]
        bodies = [msgspec.json.encode(item) for item in changes]
        who = proposal.actor, proposal.act, proposal.reason.encode()
        audited = partial(audit_event, proposal, revision=revision, time_us=time_us)
        event = await to_thread(audited) if len(changes) > AT_ONCE_MAX else audited()
        async with self._database.transaction() as connection:
            if not await connection.fetch(_RAISE, proposal.based_on, revision):
                raise Conflict(f"revision {proposal.based_on} is no longer the head")
            await connection.execute(_INSERT, revision, kinds, ids, bodies, *who, time_us)
            await connection.execute("INSERT INTO audit VALUES ($1, $2)", revision, event)
        return revision

    async def audit(self, after_revision: int, limit: int) -> Sequence[bytes]:
        return [event for (event,) in await self._database.read(_AUDIT, after_revision, limit)]


def _versions(rows: Sequence[Row]) -> list[Version]:
    return [
        Version(revision, msgspec.json.decode(body, type=KINDS[kind]), actor, reason.decode(), time_us)
        for revision, kind, body, actor, reason, time_us in rows
    ]
