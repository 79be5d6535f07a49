"""An Excel workbook (.xlsx, ISO/IEC 29500) as tables: guarded first, then read by calamine.

Theory of operation. Nothing of a stranger's archive is handed to calamine as it came. `archive` unpacks the few members
that hold cells, within bounds, and packs them anew; `sheet` goes through the XML of each of them on the way and says
how far the cells reach (calamine keeps a full rectangle), which are errors or formulas without a result (calamine
shows both as empty), and which are merged. Formulas are never evaluated: their saved results are read.
"""

from __future__ import annotations

import io
import posixpath
from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from msgspec import Struct
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from schemas.faults import Fault, fault
from schemas.translate.tabular.archive import Bounded, packed, unpacked
from schemas.translate.tabular.labels import key
from schemas.translate.tabular.sheet import (
    CELLS_MAX,
    TEXT_CHARACTERS_MAX,
    Attributes,
    Reader,
    Referred,
    Strings,
    Survey,
    bare,
    too_large,
)
from schemas.translate.tabular.table import Cell, Row, Table

T = TypeVar("T")

FORMAT = "xlsx/1"
SHEETS_MAX = 64

_NOTES = frozenset({
    "notes", "note", "help", "readme", "instructions", "lists", "example", "examples", "legend",
    "aide", "lisezmoi", "modedemploi", "listes", "exemple", "exemples", "legende",
})  # fmt: skip
"""Sheets of these names are for people."""


def open_workbook(file: BinaryIO) -> list[Table] | Fault:
    """The sheets that are to hold events: not the hidden ones, the empty ones, charts, and notes for people."""
    try:
        contents = _guarded(file)
        book = _asked(lambda: CalamineWorkbook.from_filelike(contents.archive))
        tables = [_table(book, named, contents) for named in contents.sheets if not named.passed_over]
    except Bounded as e:
        return e.wrong
    found = [table for table in tables if table is not None]
    return found or fault("EMPTY", "", "no sheet with rows", "a visible sheet with a row of column names")


class _Named(Struct, frozen=True):
    """A sheet as the workbook lists it."""

    name: str
    link: str
    hidden: bool

    @property
    def passed_over(self) -> bool:
        return self.hidden or key(self.name) in _NOTES


class _Listing(Reader):
    """`xl/workbook.xml`: the sheets in their order."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.sheets: list[_Named] = []

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            own = bare(attributes)
            self.sheets.append(_Named(own.get("name", ""), own.get("id", ""), own.get("state", "visible") != "visible"))
            if len(self.sheets) > SHEETS_MAX:
                raise too_large(self.name, f"more than {SHEETS_MAX} sheets")


class _Links(Reader):
    """`xl/_rels/workbook.xml.rels`: the member that each sheet's link leads to."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.targets: dict[str, str] = {}

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            own = bare(attributes)
            target = own.get("Target", "").replace("\\", "/")
            path = target if target.startswith("/") else f"xl/{target}"
            if own.get("Id", "") in self.targets:
                raise _unreadable("two links of one Id")
            self.targets[own.get("Id", "")] = posixpath.normpath(path).lstrip("/").lower()


class _Contents(Struct):
    archive: io.BytesIO
    sheets: list[_Named]
    targets: dict[str, str]
    surveys: dict[str, Survey]


def _guarded(file: BinaryIO) -> _Contents:
    """Unpack, look at and pack anew all that holds cells. Raises `Bounded`."""
    parts = unpacked(file)
    found = _Contents(io.BytesIO(), [], {}, {})
    lengths = array("L")
    for name, text in parts.items():
        reader = _reader(name)
        reader.read(text)
        if isinstance(reader, _Listing):
            found.sheets = reader.sheets
        elif isinstance(reader, _Links):
            found.targets = reader.targets
        elif isinstance(reader, Strings):
            lengths = reader.lengths
        elif isinstance(reader, Survey):
            found.surveys[name] = reader
            if sum(each.area() for each in found.surveys.values()) > CELLS_MAX:
                raise too_large(name, f"cells as far as a rectangle of {reader.area()}")
    _check_apart(found)
    longest = max(lengths, default=0)
    for name, survey in found.surveys.items():
        if survey.shared * longest > TEXT_CHARACTERS_MAX:  # One long remark among many short codes is no harm.
            Referred(name, lengths).read(parts[name])
    found.archive = packed(parts)
    return found


def _check_apart(contents: _Contents) -> None:
    """Each sheet has a name and a member of its own: else one member would be read as often as it is listed, or another
    one than was looked at. Raises `Bounded`."""
    names = [sheet.name for sheet in contents.sheets]
    members = [contents.targets[sheet.link] for sheet in contents.sheets if sheet.link in contents.targets]
    if len(set(names)) < len(names) or len(set(members)) < len(members):
        raise _unreadable("two sheets of one name or on one member")


def _unreadable(found: str) -> Bounded:
    return Bounded(fault("TABLE_UNREADABLE", "", found, "an .xlsx workbook that Excel can open"))


def _reader(name: str) -> Reader:
    if name == "xl/workbook.xml":
        return _Listing(name)
    if name.endswith("workbook.xml.rels"):
        return _Links(name)
    if name == "xl/sharedstrings.xml":
        return Strings(name)
    return Survey(name) if "sheets/" in name else Reader(name)


def _table(book: CalamineWorkbook, named: _Named, contents: _Contents) -> Table | None:
    survey = contents.surveys.get(contents.targets.get(named.link, ""))
    if survey is None or not survey.area():
        return None
    sheet = _asked(lambda: book.get_sheet_by_name(named.name))
    return Table(rows=_rows(sheet, survey), sheet=named.name)


def _rows(sheet: CalamineSheet, survey: Survey) -> Iterator[Row]:
    """The rows as Excel numbers them. What calamine shows as empty and is an error is put in its place."""
    if sheet.start is None:
        return
    by_row: dict[int, list[int]] = {}
    for row, column in survey.broken:
        by_row.setdefault(row, []).append(column)
    left = sheet.start[1]  # It pads the rows above the first cell, and not the columns before it.
    for number, values in enumerate(sheet.iter_rows()):
        cells: list[Cell] = [*[""] * left, *values]
        for column in by_row.get(number, ()):
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = survey.broken[number, column]
        yield Row(number + 1, cells, (), survey.merged.get(number, ()))


def _asked(call: Callable[[], T]) -> T:
    """What calamine answers. Raises `Bounded` where it cannot read the workbook, whichever way it says so."""
    try:
        return call()
    except (CalamineError, ValueError, OSError) as e:
        raise Bounded(fault("TABLE_UNREADABLE", "", str(e), "an .xlsx workbook that Excel can open")) from e
    except BaseException as e:
        # A panic of the library comes as an exception that is none of `Exception`.
        if type(e).__name__ != "PanicException":
            raise
        raise Bounded(fault("TABLE_UNREADABLE", "", "a workbook that breaks its reader", "one saved by Excel")) from e
