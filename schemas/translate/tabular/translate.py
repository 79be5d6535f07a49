"""From a file of separated values or a workbook to items, one for each row that holds anything."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from msgspec.structs import replace

from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault, fault
from schemas.identity import utc_instant
from schemas.translate.item import Context, Event, Item, Translation
from schemas.translate.tabular.delimited import FORMAT as CSV
from schemas.translate.tabular.delimited import open_delimited
from schemas.translate.tabular.header import GUESSES_MAX, TYPE_EXPECTED, Header, Plan, find_header, plan, type_guess
from schemas.translate.tabular.identity import DERIVED, meaning
from schemas.translate.tabular.labels import type_named
from schemas.translate.tabular.moments import Zone, zone
from schemas.translate.tabular.rows import RowReader, column_type
from schemas.translate.tabular.table import Row, Table, is_blank
from schemas.translate.tabular.workbook import FORMAT as XLSX
from schemas.translate.tabular.workbook import open_workbook

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_TYPE_WAYS = (
    "a column `type`, a sheet named after an event type, or the type named with the upload: "
    "?type= at the hub, --type in the connector"
)


def translate(document: bytes | BinaryIO, context: Context) -> Translation | list[Fault]:
    """Open a table: `.xlsx` by its first bytes, else separated values. A file object must be seekable, and stay open
    while the items are gone through. Raises nothing but what reading the file object raises."""
    opened = open_tables(document)
    if isinstance(opened, Fault):
        return [opened]
    format_, tables = opened
    asked = type_named(context.event_type) if context.event_type else None
    if context.event_type and asked is None:
        return [fault("TYPE_UNKNOWN", "", context.event_type, type_guess(context.event_type))]
    sheets = [_Sheet.open(table, asked) for table in tables]
    if all(isinstance(sheet, list) for sheet in sheets):
        return [each for faults in sheets if isinstance(faults, list) for each in faults]
    agreed = zone(context.time_zone, stated=False) if context.time_zone else None
    return Translation(format=format_, items=_items(sheets, context, agreed), foreign=False)


def open_tables(document: bytes | BinaryIO) -> tuple[str, list[Table]] | Fault:
    """The format of a file, and the tables in it that are to hold events."""
    file = io.BytesIO(document) if isinstance(document, bytes) else document
    file.seek(0)
    head = file.read(4)
    if head == _OLE:
        return fault("TABLE_UNREADABLE", "", "an .xls workbook, or one with a password", "an open .xlsx workbook")
    if head == _ZIP:
        tables = open_workbook(file)
        return tables if isinstance(tables, Fault) else (XLSX, tables)
    table = open_delimited(file)
    return table if isinstance(table, Fault) else (CSV, [table])


@dataclass(slots=True)
class _Sheet:
    """One table whose headers are read."""

    table: Table
    header: Header
    event_type: str | None
    """Of rows that name none."""
    plans: dict[str, Plan] = field(default_factory=dict)
    guesses: dict[str, str] = field(default_factory=dict)
    """What was said of texts that name no type: guessing is slow, and every row may hold another."""

    @classmethod
    def open(cls, table: Table, asked: str | None) -> _Sheet | list[Fault]:
        event_type = (type_named(table.sheet) if table.sheet else None) or asked
        header = find_header(table, _type(event_type) if event_type else None)
        if isinstance(header, list):
            return header
        sheet = cls(table, header, event_type)
        if header.type_index is not None:
            return sheet
        if event_type is None:
            return [fault("TABLE_TYPE_MISSING", table.row_place(header.number), table.sheet or "no type", _TYPE_WAYS)]
        faults = sheet.plan(event_type).faults
        return [*faults, *sheet.plan(event_type).strange.values()] if faults else sheet

    def plan(self, name: str) -> Plan:
        if name not in self.plans:
            self.plans[name] = plan(self.table, self.header, _type(name))
        return self.plans[name]

    def rows(self) -> Iterator[Row]:
        return (row for row in self.table.rows if row.faults or not all(is_blank(cell) for cell in row.cells))

    def type_guess(self, text: str) -> str:
        if text not in self.guesses:
            if len(self.guesses) == GUESSES_MAX:
                return TYPE_EXPECTED
            self.guesses[text] = type_guess(text)
        return self.guesses[text]


def _type(name: str) -> EventType:
    found = catalogue().find(name)
    assert isinstance(found, EventType)
    return found


def _items(sheets: Iterable[_Sheet | list[Fault]], context: Context, agreed: Zone | None) -> Iterator[Item]:
    index = 0
    seen: dict[bytes, bytes] = {}
    for sheet in sheets:
        if isinstance(sheet, list):
            yield Item(index=index, place=sheet[0].place, faults=tuple(sheet))
            index += 1
            continue
        reader = RowReader(sheet.table, sheet.header, source=context.source, agreed=agreed)
        told: set[str] = set()
        for row in sheet.rows():
            if index >= context.items_max:
                wanted = f"at most {context.items_max} rows; nothing from here on was looked at"
                place = sheet.table.row_place(row.number)
                yield Item(index=index, place=place, faults=(fault("TOO_MANY_ITEMS", place, "more rows", wanted),))
                return
            yield _item(index, row, sheet, reader, told, seen)
            index += 1


def _item(index: int, row: Row, sheet: _Sheet, reader: RowReader, told: set[str], seen: dict[bytes, bytes]) -> Item:
    """The event of one row. `told` names the types whose strange columns were told of; `seen` the events so far."""
    place = sheet.table.row_place(row.number)
    if row.faults:
        return Item(index=index, place=place, faults=row.faults)
    text, cell = column_type(sheet.table, sheet.header, row)
    name = type_named(text) if text else sheet.event_type
    if name is None:
        wrong = fault("TABLE_TYPE_MISSING", place, "no type", "an event type in the column `type`")
        if text:
            wrong = fault("TYPE_UNKNOWN", cell, text, sheet.type_guess(text))
        return Item(index=index, place=place, faults=(wrong,))
    row_plan = sheet.plan(name)
    faults: list[Fault] = []
    if sheet.header.type_index is None:
        faults.extend(row_plan.strange.values() if name not in told else ())
        told.add(name)
    else:  # Of columns for other types: where a row of this type has a value in them.
        faults.extend(each for each in row_plan.faults if each.code != "COLUMN_MISSING")
        filled = (at for at in row_plan.strange if at < len(row.cells) and not is_blank(row.cells[at]))
        faults.extend(row_plan.strange[at] for at in filled)
    item = reader.item(index, row, row_plan, faults)
    return _beside_others(item, seen)


def _beside_others(item: Item, seen: dict[bytes, bytes]) -> Item:
    """The item, with a fault where another row of the file is about the same event."""
    if item.event is None or not item.id:
        return item
    said, who = meaning(item.event)[:16], sha256(f"{item.id}\x1f{_version(item.event)}".encode()).digest()[:16]
    before = seen.setdefault(who, said + item.place.encode())
    there = before[16:].decode()
    if there == item.place:
        return item
    code = "ROW_REPEATED" if before[:16] == said else "ROW_CONFLICT"
    found = fault(code, item.place, _called(item.event), f"this event once; it is in {there} too")
    return replace(item, faults=(*item.faults, found))


def _called(event: Event) -> str:
    """What a person knows the event by: the id that it was given, else what it is about, and when."""
    if not event["id"].startswith(DERIVED):
        return str(event["id"])
    subjects = ", ".join(each["value"] for each in event["data"].get("subjects", ()))
    return f"{subjects}, {event['data']['occurred_at']}"


def _version(event: Event) -> str:
    return utc_instant(event["data"].get("updated_at", "")) or ""
