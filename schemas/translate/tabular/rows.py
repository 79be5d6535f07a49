"""From one row to one event, with the cell that each member came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from schemas.catalogue import EventType
from schemas.faults import Fault, fault
from schemas.faults import pointer as pointer_to
from schemas.translate.item import Event, Item
from schemas.translate.tabular.columns import ID, UTC_OFFSET, Column, Form, Kind
from schemas.translate.tabular.header import Header, Plan
from schemas.translate.tabular.identity import SOURCE, natural_id
from schemas.translate.tabular.moments import Zone, moment, zone
from schemas.translate.tabular.table import Row, Table, is_blank
from schemas.translate.tabular.values import spoilt, text_of, value_of

Path = tuple[str | int, ...]

_SUBJECTS: Path = ("data", "subjects")
_OCCURRED: Path = ("data", "occurred_at")


class RowReader:
    """Reads the rows of one table; `source` and `agreed` are the request's and the partner's."""

    def __init__(self, table: Table, header: Header, *, source: str | None, agreed: Zone | None) -> None:
        self._table = table
        self._header = header
        self._source = source or SOURCE
        self._agreed = agreed
        self.unnamed = [at for at, text in enumerate(header.texts) if not text]
        """Columns that have no header, but one to their right."""
        self._around = [table.around(at, text) for at, text in enumerate(header.texts)]

    def item(self, index: int, row: Row, plan: Plan, faults: list[Fault]) -> Item:
        """The event of a row; `faults` are those found of it so far."""
        reading = _Reading(self, row, faults)
        near = reading.zone(plan, self._agreed)
        for at, column in plan.columns:
            if at < len(row.cells) and not is_blank(row.cells[at]):
                reading.take(at, column, near)
        extra = {name: text for at, name in plan.unknown if (text := reading.unchecked(at))}
        reading.look_beyond()
        reading.look_at_merged()
        reading.look_for_time(plan)
        event = reading.event(plan, self._source, extra)
        return Item(
            index=index,
            place=self.row_place(row),
            event=event,
            faults=tuple(faults),
            origins=_Origins(reading, plan),
            id=event["id"],
        )

    def place(self, row: Row, at: int) -> str:
        if at >= self.width:
            return self._table.cell_place(row.number, at)
        before, after = self._around[at]
        return f"{before}{row.number}{after}"

    def row_place(self, row: Row) -> str:
        return self._table.row_place(row.number)

    @property
    def typed(self) -> bool:
        """Whether the table keeps texts and numbers apart."""
        return self._table.sheet is not None

    @property
    def width(self) -> int:
        return len(self._header.texts)

    def is_named(self, at: int) -> bool:
        return at < self.width and bool(self._header.texts[at])


class _Origins(Mapping[str, str]):
    """Where the members of a row came from, made when it is first asked for: of a row without a fault nobody asks."""

    def __init__(self, reading: _Reading, plan: Plan) -> None:
        self._reading = reading
        self._plan = plan

    @cached_property
    def _made(self) -> dict[str, str]:
        return self._reading.origins(self._plan)

    def __getitem__(self, pointer: str) -> str:
        return self._made[pointer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __bool__(self) -> bool:
        return True


class _Reading:
    """One row on its way to an event. Entries of arrays are kept by slot until all are known: people leave gaps."""

    def __init__(self, reader: RowReader, row: Row, faults: list[Fault]) -> None:
        self._reader = reader
        self._row = row
        self._faults = faults
        self._data: dict[Any, Any] = {}
        self._places: dict[Path, str] = {}
        self._wrong: dict[Path, str] = {}
        self._assumed = self._slotted = False
        self._id = ""

    def zone(self, plan: Plan, agreed: Zone | None) -> Zone | None:
        """The zone of the row's times: its own, else the one agreed with the partner."""
        for at, column in plan.columns:
            if column is UTC_OFFSET and at < len(self._row.cells) and not is_blank(self._row.cells[at]):
                cell, place = self._row.cells[at], self._reader.place(self._row, at)
                found = zone(text_of(cell), stated=True) if isinstance(cell, str) else None
                if found is None:
                    wrong = "an offset with its sign, such as +01:00, or a zone, such as Europe/Paris"
                    self._faults.append(spoilt(cell, place) or fault("VALUE_MALFORMED", place, text_of(cell), wrong))
                return found
        return agreed

    def take(self, at: int, column: Column, near: Zone | None) -> None:
        if column.form is Form.CONTROL:
            return
        cell, place = self._row.cells[at], self._reader.place(self._row, at)
        before = len(self._faults)
        value: Any = None
        if (broken := spoilt(cell, place)) is not None:
            self._faults.append(broken)
        elif column.kind is Kind.INSTANT:
            found = moment(text_of(cell) if isinstance(cell, str) else cell, near, place)
            if isinstance(found, Fault):
                self._faults.append(found)
            else:
                value = found.text
                self._assumed |= found.assumed and column.name == "occurred_at"
        else:
            value = value_of(cell, column, place, self._faults, typed=self._reader.typed)
        if value is None:
            self._wrong.setdefault(column.path, place)
        elif column.name == "id":
            self._id = value
            self._places[column.path] = place
        else:
            self._put(column, value, place, at, fresh=before == len(self._faults))

    def _put(self, column: Column, value: Any, place: str, at: int, *, fresh: bool) -> None:
        node = self._data
        for name in column.path[1:-1]:
            node = node.setdefault(name, {})
        last = column.path[-1]
        self._slotted = self._slotted or _has_slot(column.path)
        if column.form is Form.LISTED:
            entries = node.setdefault(last, [])
            self._places[(*column.path, len(entries))] = place
            entries.append({"scheme": column.scheme, "value": value})
        elif last in node:
            there = self._places.get(column.path, "")
            self._faults.append(fault("COLUMN_REPEATED", place, value, f"one identifier only; another is at {there}"))
        else:
            node[last] = value if column.form is Form.MEMBER else {"scheme": column.scheme, "value": value}
            self._places[column.path] = place

    def unchecked(self, at: int) -> str:
        """The text of a cell in a column that no schema names."""
        return text_of(self._row.cells[at]) if at < len(self._row.cells) else ""

    def look_beyond(self) -> None:
        """Values that stand under no header."""
        cells = self._row.cells
        for at in (*self._reader.unnamed, *range(self._reader.width, len(cells))):
            if at < len(cells) and not is_blank(cells[at]):
                place = self._reader.place(self._row, at)
                self._faults.append(fault("COLUMN_UNNAMED", place, text_of(cells[at]), "a header above each value"))
                return

    def look_at_merged(self) -> None:
        for first, last, shared in self._row.merged:
            if any(self._reader.is_named(at) for at in range(first, min(last + 1, self._reader.width))):
                place = self._reader.place(self._row, first)
                self._faults.append(fault("CELL_MERGED", place, f"the value is at {shared} only", "a value of its own"))

    def look_for_time(self, plan: Plan) -> None:
        """A row without a time has no id and no version either: told once, of the cell that its sender left empty."""
        if "occurred_at" not in self._data and _OCCURRED not in self._wrong:
            for at, column in plan.columns:
                if column.path == _OCCURRED:
                    place = self._reader.place(self._row, at)
                    self._faults.append(fault("MEMBER_MISSING", place, "nothing", column.description))

    def event(self, plan: Plan, source: str, extra: dict[str, str]) -> Event:
        data = _without_gaps(self._data) if self._slotted else self._data
        _fixed(plan.event_type, data)
        if self._assumed:
            data["time_zone_source"] = "ASSUMED"
        _subject_of_events(data, source)
        if extra:
            data["extensions"] = {"columns": extra}
        occurred_at = data.get("occurred_at", "")
        name = plan.event_type.name
        id_ = self._id
        if not id_ and _SUBJECTS not in self._wrong:
            id_ = natural_id(name, data.get("subjects", []), occurred_at)
        time = data.get("updated_at", occurred_at)
        return {"specversion": "1.0", "id": id_, "source": source, "type": name, "time": time, "data": data}

    def origins(self, plan: Plan) -> dict[str, str]:
        """Where each member came from; where one is missing, the cell that it should have stood in."""
        origins: dict[str, str] = {}
        moved = self._moved()
        for path, place in self._places.items():
            origins[_pointers(path, moved)[0]] = place
        for path, place in self._wrong.items():
            for pointer in _pointers(path, moved):
                origins.setdefault(pointer, place)
        for at, column in plan.columns:
            if column.form is not Form.CONTROL and column is not ID:
                pointers = _pointers(column.path, moved)
                if pointers[-1] not in origins or pointers[0] not in origins:
                    place = self._reader.place(self._row, at)
                    for pointer in pointers:
                        origins.setdefault(pointer, place)
        occurred = origins.get("/data/occurred_at", self._reader.row_place(self._row))
        for at, name in plan.unknown:
            origins[pointer_to("data", "extensions", "columns", name)] = self._reader.place(self._row, at)
        # Of a row without an id: what it cannot be derived from.
        origins.setdefault("/id", self._wrong.get(_SUBJECTS, occurred))
        origins["/time"] = origins["/data/updated_at"] if ("data", "updated_at") in self._places else occurred
        return origins

    def _moved(self) -> dict[Path, int]:
        """Of arrays whose entries had gaps between them: where an entry stands now."""
        seen = sorted(
            {path[: at + 1] for path in self._places for at, name in enumerate(path) if isinstance(name, int)}
        )
        count: dict[Path, int] = {}
        now: dict[Path, int] = {}
        for path in seen:
            now[path] = count[path[:-1]] = count.get(path[:-1], -1) + 1
        return {path: slot for path, slot in now.items() if path[-1] != slot}


def _pointers(path: Path, moved: dict[Path, int]) -> tuple[str, ...]:
    """The JSON Pointers of a member, and of all that holds it under `data`; the innermost first."""
    if moved:
        path = tuple(moved.get(path[: at + 1], name) for at, name in enumerate(path))
    return _written(path)


@lru_cache(maxsize=8_192)
def _written(path: Path) -> tuple[str, ...]:
    lengths = range(len(path), min(len(path), 2) - 1, -1)
    return tuple("".join(f"/{name}" for name in path[:length]) for length in lengths)


@lru_cache(maxsize=8_192)
def _has_slot(path: Path) -> bool:
    return any(isinstance(name, int) for name in path)


def _without_gaps(node: Any) -> Any:
    """The data with its slots as arrays, in their order."""
    if not isinstance(node, dict):
        return node
    if node and all(isinstance(name, int) for name in node):
        return [_without_gaps(node[slot]) for slot in sorted(node)]
    return {name: _without_gaps(inner) for name, inner in node.items()}


def _fixed(event_type: EventType, data: dict[str, Any]) -> None:
    """What can only be said in one way, such as `time_kind` of a fact, has no column."""
    for name, member in event_type.schema.flat["properties"]["data"]["properties"].items():
        if "const" in member:
            data.setdefault(name, member["const"])


def _subject_of_events(data: dict[str, Any], source: str) -> None:
    """What retracts or corrects an event is about that event; the source is the table's own if none is named."""
    for name in ("retracts", "corrects"):
        other = data.get(name)
        if isinstance(other, dict) and "id" in other:
            other.setdefault("source", source)
            data.setdefault("subjects", [{"scheme": "event", "value": f"{other['source']} {other['id']}"}])


def column_type(table: Table, header: Header, row: Row) -> tuple[str, str]:
    """What a row's own type column says, and its cell; empty where it says nothing."""
    at = header.type_index
    if at is None or at >= len(row.cells) or is_blank(row.cells[at]):
        return "", ""
    return text_of(row.cells[at]), table.cell_place(row.number, at, header.texts[at])
