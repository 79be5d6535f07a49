"""The outbox: events that wait on the partner's own disk until the hub has them and their receipts are kept.

One SQLite file. `waiting` holds events in the order in which they were added; `refused` those that a person must look
at, with what the hub found. An event leaves `waiting` in the transaction that follows its receipt, so a crash between
the two sends it again, and the hub answers DUPLICATE with its receipt. One process runs an outbox at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.partner.client import Client
from connectors.partner.outcome import Outcome, OutgoingEvent

ROUND_COUNT_MAX = 500
"""Events that are read and sent between two commits."""

_SCHEMA = """
create table if not exists waiting (
    place integer primary key autoincrement, source text not null, id text not null, raw blob not null);
create table if not exists refused (
    place integer primary key, source text not null, id text not null, raw blob not null,
    code text not null, detail text not null, faults text not null, refused_at text not null);
create table if not exists holder (publisher text not null);
pragma user_version = 1;
"""


class OutboxOfAnother(ConnectorError):
    """An outbox holds events of one publisher; these are another's."""


class NoOutbox(ConnectorError):
    """The file is another's."""


class RefusedEvent(Struct, frozen=True):
    """An event that the hub does not take as it is, and why."""

    place: int
    """Which it is among all events of its outbox: two versions of an event have one source and id."""
    source: str
    id: str
    code: str
    detail: str
    faults: list[dict[str, Any]]
    refused_at: str
    raw: bytes


class Outbox:
    """The outbox in the file `path`, which is made if it is not there.

    `publisher`: whose events it holds, where they are sent for another partner; they are never sent as anybody else's.
    Raises `OutboxOfAnother`, `NoOutbox`. None: whoever's they are, to be looked at.
    """

    def __init__(self, path: Path, *, publisher: str | None = None) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._database.execute("pragma journal_mode = wal")
        except sqlite3.DatabaseError as e:
            self._database.close()
            if e.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise NoOutbox(f"{path} is no outbox") from e
            raise
        self._database.execute("pragma synchronous = full")
        self._database.executescript(_SCHEMA)
        if publisher is not None:
            self._take(publisher, path)

    def _take(self, publisher: str, path: Path) -> None:
        found = self._database.execute("select publisher from holder").fetchone()
        if found is None:
            held = self._database.execute(
                "select exists (select 1 from waiting) or exists (select 1 from refused)"
            ).fetchone()[0]
            found = ("",) if held else (publisher,)
            self._database.execute("insert into holder values (?)", found)
        if found != (publisher,):
            self._database.close()
            raise OutboxOfAnother(f"{path} holds events of {found[0] or 'your own'}: use another outbox for others'")

    def close(self) -> None:
        self._database.close()

    def add(self, *events: OutgoingEvent | bytes | Mapping[str, Any]) -> None:
        """Add events, all or none; they are on disk when this returns. Raises `EventUnsendable`."""
        outgoing = [event if isinstance(event, OutgoingEvent) else OutgoingEvent.of(event) for event in events]
        with self._database as transaction:
            transaction.execute("begin immediate")
            transaction.executemany(
                "insert into waiting (source, id, raw) values (?, ?, ?)", [(e.source, e.id, e.raw) for e in outgoing]
            )

    def __len__(self) -> int:
        """How many events wait."""
        count: int = self._database.execute("select count(*) from waiting").fetchone()[0]
        return count

    async def run(self, client: Client) -> AsyncIterator[Outcome]:
        """Send what waits, in order, and yield each event's outcome.

        Ends when nothing waits, or when the hub, after the client's own retries, took no more: the last outcome is then
        not final (`Outcome.open`, or HELD) and says why. Call again later.
        """
        while waiting := self._first():
            outcomes = await client.send(event for _, event in waiting)
            self._settle(waiting, outcomes)
            for outcome in outcomes:
                yield outcome
            if not any(outcome.taken or outcome.refused for outcome in outcomes):
                return

    def refused(self) -> list[RefusedEvent]:
        """What a person must look at, oldest first."""
        rows = self._database.execute(
            "select place, source, id, code, detail, faults, refused_at, raw from refused order by place"
        )
        return [RefusedEvent(p, s, i, c, d, orjson.loads(f), at, raw) for p, s, i, c, d, f, at, raw in rows]

    def send_again(self, refused: Iterable[RefusedEvent]) -> None:
        """Put refused events at the end of what waits, unchanged: their cause, such as a missing agreement, is gone."""
        with self._database as transaction:
            transaction.execute("begin immediate")
            for event in refused:
                self._drop_refused(event)
                transaction.execute(
                    "insert into waiting (source, id, raw) values (?, ?, ?)", (event.source, event.id, event.raw)
                )

    def drop(self, refused: Iterable[RefusedEvent]) -> None:
        """Forget refused events that were seen to."""
        with self._database as transaction:
            transaction.execute("begin immediate")
            for event in refused:
                self._drop_refused(event)

    def _drop_refused(self, event: RefusedEvent) -> None:
        self._database.execute("delete from refused where place = ?", (event.place,))

    def _first(self) -> list[tuple[int, OutgoingEvent]]:
        rows = self._database.execute(
            "select place, source, id, raw from waiting order by place limit ?", (ROUND_COUNT_MAX,)
        )
        return [(place, OutgoingEvent(source, id_, raw)) for place, source, id_, raw in rows]

    def _settle(self, waiting: list[tuple[int, OutgoingEvent]], outcomes: list[Outcome]) -> None:
        with self._database as transaction:
            transaction.execute("begin immediate")
            for (place, event), outcome in zip(waiting, outcomes, strict=True):
                if outcome.refused:
                    transaction.execute(
                        "insert or replace into refused values (?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            place,
                            event.source,
                            event.id,
                            event.raw,
                            *_why(outcome),
                            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                        ),
                    )
                if outcome.taken or outcome.refused:
                    transaction.execute("delete from waiting where place = ?", (place,))


def _why(outcome: Outcome) -> tuple[str, str, str]:
    if outcome.receipt_fault:
        return "RECEIPT_INVALID", outcome.receipt_fault, "[]"
    return outcome.code or outcome.verdict, outcome.detail, orjson.dumps(outcome.faults).decode()
