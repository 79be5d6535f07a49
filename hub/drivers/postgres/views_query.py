"""One page of a question to what is known: which index leads, what is looked at row by row, where it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from hub.core.record import Position
from hub.drivers.postgres.database import Connection, Row
from hub.ports.views import KnownEvent, Page, Place, Query

KEY_BYTES = 16
COLUMNS = """
event.received_us, event.number, event.occurred_us, event.consigned, event.publisher, event.type, event.version,
event.generation, event.partition, event.log_offset, event.objects, event.series, event.header, event.value
"""


def event_of(row: Row) -> KnownEvent:
    """An event out of its `COLUMNS`."""
    received_us, _, occurred_us, consigned, publisher, type_, version, generation, partition, offset = row[:10]
    objects, series, header, value = row[10:]
    names = tuple([name.decode() for name in objects])
    position = Position(generation, partition, offset)
    return KnownEvent(
        position, publisher, type_, received_us, occurred_us, version, tuple(series), names, consigned, header, value
    )


def bounded(these: str, order: str) -> str:
    """The events that meet a condition, in order: the first, and as many more as $1 bytes of values hold.

    The server adds them up by what it knows of each value's length, without reading it.
    """
    return f"""
        SELECT {COLUMNS} FROM (
            SELECT *, row_number() OVER place AS place, sum(octet_length(value)) OVER place AS bytes FROM view_event
            WHERE {these} WINDOW place AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)
        ) AS event WHERE bytes <= $1 OR place = 1 ORDER BY place
    """  # noqa: S608 (parts made here)


class Scan:
    """Goes along one index in the order of places; what the index does not say is looked at row by row."""

    def __init__(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> None:
        self._limit, self._looked_at_max, self._bytes_max = limit, looked_at_max, bytes_max
        self._given: list[object] = []
        order = "DESC" if query.newest_first else "ASC"
        led, leading, rest = self._choose(query)
        if query.received_us is not None:
            leading += self._span("lead.received_us", query.received_us)
        if query.after is not None:
            received_us, number = map(self._put, query.after)
            sign = "<" if query.newest_first else ">"
            leading.append(f"(lead.received_us, lead.number) {sign} ({received_us}, {number})")
        self._looked_at = f"""
            SELECT lead.received_us, lead.number, {" AND ".join(rest) or "true"} AS fits
            FROM {led} WHERE {" AND ".join(leading) or "true"}
            ORDER BY lead.received_us {order}, lead.number {order}
        """  # noqa: S608 (parts made here; what was asked for goes apart)

    def _choose(self, query: Query) -> tuple[str, list[str], list[str]]:
        """The table that leads, the conditions that its index meets, and those that are left."""
        leading = []
        if query.object is not None:
            led, event = "view_object AS lead JOIN view_event AS event USING (number)", "event"
            leading.append(f"lead.key = {self._put(key_of(query.object))}")
            by_index = {"publisher"}
        else:
            led, event = "view_event AS lead", "lead"
            by_index = {next((name for name in ("publisher", "type") if getattr(query, name) is not None), "consigned")}
        rest = []
        for name in ("publisher", "type", "consigned"):
            value = getattr(query, name)
            if value is None:
                continue
            if name in by_index and value is not True:
                leading.append(self._condition("lead", name, value))
            else:
                rest.append(self._condition(event, name, value))
        if query.occurred_us is not None:
            rest += self._span(f"{event}.occurred_us", query.occurred_us)
        return led, leading, rest

    def _condition(self, table: str, name: str, value: str | bool) -> str:
        if isinstance(value, bool):  # As text, so that the planner sees what an index of some rows is for.
            return f"{'' if value else 'NOT '}{table}.{name}"
        return f"{table}.{name} = {self._put(value)}"

    def _span(self, column: str, span: tuple[int, int]) -> list[str]:
        return [f"{column} >= {self._put(span[0])}", f"{column} < {self._put(span[1])}"]

    def _put(self, value: object) -> str:
        """The parameter that stands for a value."""
        self._given.append(value)
        return f"${len(self._given)}"

    async def run(self, connection: Connection) -> Page:
        looked_at, given, most = self._looked_at, self._given, f"${len(self._given) + 1}::bigint"
        found = f"""
            SELECT received_us, number FROM ({looked_at} LIMIT {most}) AS looked_at WHERE fits LIMIT {self._limit + 1}
        """  # noqa: S608
        places = [Place(*row) for row in await connection.fetch(found, *given, self._looked_at_max)]
        if len(places) > self._limit:
            del places[self._limit :]
            return await self._page(connection, places, places[-1], self._limit)
        ends = await connection.fetch(f"{looked_at} LIMIT 2 OFFSET {most} - 1", *given, self._looked_at_max)
        return await self._page(
            connection, places, Place(*ends[0][:2]) if len(ends) == 2 else None, self._looked_at_max
        )

    async def _page(self, connection: Connection, places: Sequence[Place], go_on: Place | None, looked_at: int) -> Page:
        these = bounded("number = ANY ($2::bigint[])", "array_position($2::bigint[], number)")
        rows = await connection.fetch(these, self._bytes_max, [place.number for place in places])
        kept = [Place(*row[:2]) for row in rows]
        if kept and kept[-1] != places[-1]:  # Its bytes ended it, or what was behind has been purged meanwhile.
            go_on, looked_at = kept[-1], len(kept)
        return Page([event_of(row) for row in rows], kept, go_on, looked_at)


def key_of(name: str) -> bytes:
    """What `view_object` knows a name by."""
    return sha256(name.encode()).digest()[:KEY_BYTES]
