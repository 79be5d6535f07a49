"""From the row of headers to what each column is; and every fault of the headers at once.

The headers are the first row with two names that are known, among the first `ROWS_ABOVE_MAX` that hold anything:
people put a title above.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from itertools import groupby

from msgspec import Struct

from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault, fault
from schemas.translate.tabular.columns import RESULT, Column, Need, columns_of
from schemas.translate.tabular.labels import headers_of, key, label, type_names
from schemas.translate.tabular.table import COLUMNS_MAX, Row, Table, is_blank
from schemas.translate.tabular.values import text_of

ROWS_ABOVE_MAX = 10
GUESSES_MAX = 10
"""A guess takes a millisecond: not for a file that has a hundred strange columns."""


class Header(Struct, frozen=True):
    """The row of headers of one table."""

    number: int
    texts: tuple[str, ...]
    type_index: int | None
    """The column that names each row's event type."""
    merged: tuple[tuple[int, int, str], ...] = ()


class Plan(Struct, frozen=True):
    """What each column of a table is to events of one type."""

    event_type: EventType
    columns: tuple[tuple[int, Column], ...]
    """Index in the row, and the column; in the order of the table."""
    unknown: tuple[tuple[int, str], ...]
    """Index and header of what no schema names."""
    faults: tuple[Fault, ...]
    """Errors: the table cannot be read as events of this type."""
    strange: Mapping[int, Fault]
    """A warning for each unknown column, by its index."""


def find_header(table: Table, event_type: EventType | None) -> Header | list[Fault]:
    """Read the table up to its headers; the rows after them are left in it."""
    known = headers_of(event_type).keys() if event_type is not None else _all_headers()
    first: Row | None = None
    above = 0
    for row in table.rows:
        if row.faults:
            return list(row.faults)
        if all(is_blank(cell) for cell in row.cells):
            continue
        first = first or row
        names = [cell for cell in row.cells if isinstance(cell, str) and key(cell) in known]
        if len(names) >= 2 or (names and _filled(row) == 1):
            return _header(table, row)
        if (above := above + 1) == ROWS_ABOVE_MAX:
            break
    if first is None:
        return [fault("EMPTY", table.sheet or "", "an empty table", "a row of column names, and rows of events")]
    found = ", ".join(text_of(cell) for cell in first.cells[:COLUMNS_MAX] if not is_blank(cell))
    return [fault("HEADER_MISSING", table.row_place(first.number), found, _wanted(event_type))]


def _filled(row: Row) -> int:
    return sum(not is_blank(cell) for cell in row.cells)


def _wanted(event_type: EventType | None) -> str:
    if event_type is None:
        return "column names, among them type"
    needed = [column for column in columns_of(event_type) if column.need is Need.ALWAYS]
    return "column names such as " + ", ".join(label(column, "en") for column in needed[:3])


@cache
def _all_headers() -> frozenset[str]:
    return frozenset(name for event_type in catalogue().types for name in headers_of(event_type))


def _header(table: Table, row: Row) -> Header | list[Fault]:
    if len(row.cells) > COLUMNS_MAX:
        return [
            fault("TABLE_TOO_LARGE", table.row_place(row.number), f"{len(row.cells)} columns", f"at most {COLUMNS_MAX}")
        ]
    texts = tuple(text_of(cell) for cell in row.cells)
    types = [index for index, text in enumerate(texts) if key(text) in _TYPE_HEADERS]
    return Header(row.number, texts, types[0] if types else None, tuple(row.merged))


_TYPE_HEADERS = {key(text) for text in ("type", "event type", "type d'événement", "event", "événement")}


def plan(table: Table, header: Header, event_type: EventType) -> Plan:
    """What each column is, and what is wrong with the headers; warnings among the faults leave the table usable."""
    known = headers_of(event_type)
    columns: list[tuple[int, Column]] = []
    unknown: list[tuple[int, str]] = []
    for index, text in enumerate(header.texts):
        if column := known.get(key(text)):
            columns.append((index, column))
        elif text:
            unknown.append((index, text))
    strange, meant = _strange(table, header, event_type, unknown)
    faults = (
        *_merged(table, header),
        *_repeated(table, header, columns),
        *_missing(table, header, event_type, {column.name for _, column in columns}, meant),
    )
    return Plan(event_type, tuple(columns), tuple(unknown), faults, strange)


def _merged(table: Table, header: Header) -> Iterator[Fault]:
    for first, last, shared in header.merged:
        place = table.cell_place(header.number, first)
        yield fault("CELL_MERGED", place, f"{last - first + 1} columns under {shared}", "one name above each column")


def _repeated(table: Table, header: Header, columns: list[tuple[int, Column]]) -> Iterator[Fault]:
    by_name = sorted(columns, key=lambda each: each[1].name)
    for _, same in groupby(by_name, key=lambda each: each[1].name):
        (first, column), *others = same
        for index, _ in others if column is not RESULT else ():
            place = table.cell_place(header.number, index, header.texts[index])
            there = table.cell_place(header.number, first, header.texts[first])
            yield fault("COLUMN_REPEATED", place, header.texts[index], f"one column for {label(column, 'en')}: {there}")


def _strange(
    table: Table, header: Header, event_type: EventType, unknown: list[tuple[int, str]]
) -> tuple[Mapping[int, Fault], Mapping[str, str]]:
    """A warning for each header that is not known; and by column name the header that was perhaps meant for it."""
    known = headers_of(event_type)
    warnings: dict[int, Fault] = {}
    meant: dict[str, str] = {}
    for index, text in unknown:
        close = get_close_matches(key(text), known, n=1, cutoff=0.75) if len(warnings) < GUESSES_MAX else []
        expected = "a column of the template"
        if close:
            column = known[close[0]]
            meant.setdefault(column.name, text)
            expected = f"perhaps {label(column, 'en')} ({column.name})"
        warnings[index] = fault("COLUMN_UNKNOWN", table.cell_place(header.number, index, text), text, expected)
    return warnings, meant


def _missing(
    table: Table, header: Header, event_type: EventType, present: set[str], meant: Mapping[str, str]
) -> Iterator[Fault]:
    """Columns that every row needs and the table lacks, with the header that was perhaps meant."""
    for those in _needed(event_type):
        if present & {column.name for column in those}:
            continue
        shown = [column for column in those if column.shown] or those
        guess = next((meant[column.name] for column in those if column.name in meant), None)
        found = f"perhaps {guess!r} is meant for it" if guess else "no such column"
        named = " or ".join(f"{label(column, 'en')} ({column.name})" for column in shown[:6])
        yield fault("COLUMN_MISSING", table.row_place(header.number), found, named)


@cache
def _needed(event_type: EventType) -> tuple[list[Column], ...]:
    """Of each list every row needs one column."""
    groups: dict[str, list[Column]] = {}
    for column in columns_of(event_type):
        if column.need is not Need.OPTIONAL:
            groups.setdefault(column.group or column.name, []).append(column)
    return tuple(groups.values())


TYPE_EXPECTED = "an event type, such as container.gate_in"


def type_guess(text: str) -> str:
    """What to expect where a text names no event type."""
    close = get_close_matches(key(text), type_names(), n=1, cutoff=0.7)
    return f"perhaps {type_names()[close[0]]}" if close else TYPE_EXPECTED
