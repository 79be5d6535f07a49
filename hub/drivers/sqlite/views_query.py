"""One page of a question to `views.db`: which index leads, what is left to look at row by row, where it goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from hub.core.record import Position
from hub.ports.views import KnownEvent, Page, Place, Query
from schemas.identity import IDENTITY_BYTES

COLUMNS = """
event.received_us, event.number, event.occurred_us, event.consigned, event.publisher, event.type, event.version,
event.generation, event.partition, event.offset, event.objects, event.series, event.header, event.value
"""


def event_of(row: Sequence[Any]) -> KnownEvent:
    """An event out of its `COLUMNS`."""
    received_us, _, occurred_us, consigned, publisher, type_, version, generation, partition, offset = row[:10]
    objects, series, header, value = row[10:]
    return KnownEvent(
        Position(generation, partition, offset),
        publisher,
        type_,
        received_us,
        occurred_us,
        version,
        tuple(series[start : start + IDENTITY_BYTES] for start in range(0, len(series), IDENTITY_BYTES)),
        tuple(orjson.loads(objects)),
        bool(consigned),
        header,
        value,
    )


def _conditions(table: str, names: Sequence[str]) -> list[str]:
    return [f"{table}.{name} = :{name}" for name in names]


class Scan:
    """Goes along one index in the order of places; what the index does not say is looked up in each row."""

    def __init__(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> None:
        self._limit = limit
        self._bytes_max = bytes_max
        self._looked_at_max = looked_at_max
        self._given: dict[str, object] = {}
        self._order = "DESC" if query.newest_first else "ASC"
        self._led, self._leading, rest = self._choose(query)
        self._leading += self._span("lead.received_us", query.received_us) + self._behind(query)
        self._rest = " AND ".join([*rest, *self._span("event.occurred_us", query.occurred_us)]) or "1"

    def _choose(self, query: Query) -> tuple[str, list[str], list[str]]:
        """The table and index that lead, its conditions, and those that are left."""
        wanted = {"publisher": query.publisher, "type": query.type, "consigned": query.consigned}
        left = [name for name, value in wanted.items() if value is not None]
        self._given |= wanted | {"name": query.object}
        if query.object is not None:
            own = [name for name in left if name == "publisher"]
            left = [name for name in left if name != "publisher"]
            leading = ["lead.name = :name", *_conditions("lead", own)]
            return "object AS lead JOIN event USING (number)", leading, _conditions("event", left)
        index, leading = "event_received", []
        if query.publisher is not None or query.type is not None:
            name = left.pop(0)
            index, leading = f"event_{name}", _conditions("lead", [name])
        elif query.consigned is False:
            left.remove("consigned")
            index, leading = "event_unconsigned", ["lead.consigned = 0"]
        table = f"event AS lead INDEXED BY {index}"
        if left or query.occurred_us:
            table += " JOIN event USING (number)"
        return table, leading, _conditions("event", left)

    def _span(self, column: str, span: tuple[int, int] | None) -> list[str]:
        if span is None:
            return []
        name = column.rpartition(".")[2]
        self._given |= {f"{name}_from": span[0], f"{name}_until": span[1]}
        return [f"{column} >= :{name}_from AND {column} < :{name}_until"]

    def _behind(self, query: Query) -> list[str]:
        if query.after is None:
            return []
        self._given |= {"after_us": query.after.received_us, "after_number": query.after.number}
        return [f"(lead.received_us, lead.number) {'<' if query.newest_first else '>'} (:after_us, :after_number)"]

    def run(self, connection: sqlite3.Connection) -> Page:
        looked_at = f"""
            SELECT lead.received_us, lead.number, {self._rest} AS fits FROM {self._led}
            WHERE {" AND ".join(self._leading) or "1"}
            ORDER BY lead.received_us {self._order}, lead.number {self._order}
        """  # noqa: S608 (parts made here)
        found = f"""
            SELECT received_us, number FROM ({looked_at} LIMIT {self._looked_at_max}) WHERE fits LIMIT {self._limit + 1}
        """  # noqa: S608
        places = [Place(*row) for row in connection.execute(found, self._given)]
        if len(places) > self._limit:
            del places[self._limit :]
            return self._page(connection, places, places[-1], self._limit)
        ends = f"{looked_at} LIMIT 2 OFFSET {self._looked_at_max - 1}"
        last = connection.execute(ends, self._given).fetchall()
        return self._page(connection, places, Place(*last[0][:2]) if len(last) == 2 else None, self._looked_at_max)

    def _page(
        self, connection: sqlite3.Connection, places: Sequence[Place], go_on: Place | None, looked_at: int
    ) -> Page:
        statement = f"SELECT {COLUMNS} FROM json_each(?) AS each JOIN event ON number = each.value ORDER BY each.key"  # noqa: S608
        numbers = orjson.dumps([place.number for place in places]).decode()
        events, whole = within(connection.execute(statement, (numbers,)), self._bytes_max)
        # What was purged between two statements is gone from the page as well.
        kept = [Place(event.received_us, number) for number, event in events]
        if not whole:
            go_on, looked_at = kept[-1], len(kept)
        return Page([event for _, event in events], kept, go_on, looked_at)


def within(rows: Iterable[Sequence[Any]], bytes_max: int) -> tuple[list[tuple[int, KnownEvent]], bool]:
    """Events with their numbers, from the first on, as far as the bytes of their values go; and whether that is all."""
    found: list[tuple[int, KnownEvent]] = []
    left = bytes_max
    for row in rows:
        left -= len(row[-1])
        if found and left < 0:
            return found, False
        found.append((row[1], event_of(row)))
    return found, True
