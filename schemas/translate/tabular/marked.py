"""The workbook that goes back: the sender's own values, the wrong cells coloured, comments that say why.

It can be corrected and sent again: the column of results is passed over, and a wrong cell is preset as text, so that
what is typed there is kept as typed. Texts are written as texts: none starts a formula, whatever it begins with.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, count
from typing import BinaryIO

from msgspec import Struct
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_cell_to_rowcol
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault, Severity
from schemas.translate.tabular.columns import RESULT
from schemas.translate.tabular.header import Header, find_header
from schemas.translate.tabular.labels import WORDS, Language, key, label, sheet_name, type_named
from schemas.translate.tabular.table import Broken, Cell, Row, Table, is_blank
from schemas.translate.tabular.template import SAFE, TEXT
from schemas.translate.tabular.translate import open_tables
from schemas.translate.tabular.values import spoilt
from schemas.words import words

ROWS_MAX = 10_000
"""Of a longer table only the rows that are to be corrected are given back, and of those no more."""
CELLS_MAX = 400_000
"""Of all sheets together; what stands below is left out. A cell on its way back takes some 200 bytes."""
LINES_MAX = 1_048_576
"""Rows of a sheet; so far a table is gone through, be it blank."""
COMMENTS_MAX = 10_000
COMMENT_CHARACTERS_MAX = 1_000
TEXT_CHARACTERS_MAX = 32_000
"""A cell holds 32,767 characters."""

NAME_UNITS_MAX = 31
"""Of a sheet's name: UTF-16 code units, as Excel counts them."""
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")
"""What Excel refuses in one, and what no XML holds."""
_RESERVED = frozenset({"notes", "aide", "history"})

_GOOD = frozenset({"ACCEPTED", "DUPLICATE", "HELD", "NOT_SHARED"})
_RESULTS = frozenset(key(label(RESULT, lang)) for lang in ("en", "fr"))


_STAND_INS = {"CELL_ERROR": "#N/A", "CELL_NOT_COMPUTED": "=#N/A"}
"""For what a spreadsheet destroyed and left no text of that is refused again."""
_EPOCH = datetime(1899, 12, 30)
_MOMENTS = ((datetime, "datetime "), (date, "date "), (time, "time "), (timedelta, "duration "))
_MOMENT_FORMATS: Mapping[str, dict[str, object]] = {
    "datetime": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "date": {"num_format": "yyyy-mm-dd"},
    "time": {"num_format": "hh:mm:ss"},
    "duration": {"num_format": "[h]:mm:ss"},
}


class RowVerdict(Struct, frozen=True):
    """What became of one row: the verdict, and its faults with places in the document."""

    verdict: str
    faults: Sequence[Fault] = ()


def marked_workbook(
    document: bytes | BinaryIO, verdicts: Mapping[str, RowVerdict], lang: Language, event_type: str | None = None
) -> bytes:
    """The table as an .xlsx workbook, marked. `verdicts` goes by the place of each item (`row 5`, `<sheet>!5`); what is
    wrong with the whole document stands under an empty place. `event_type` as it was named with the upload."""
    opened = open_tables(document)
    tables = [] if isinstance(opened, Fault) else opened[1]
    buffer = io.BytesIO()
    book = Workbook(buffer, {"in_memory": True, **SAFE})
    marking = _Marking(book, verdicts, lang)
    for number, table in enumerate(tables, 1):
        asked = type_named(table.sheet or "") or type_named(event_type or "")
        found = catalogue().find(asked)
        known = found if isinstance(found, EventType) else None
        marking.sheet(table, known, sheet_name(known.name) if known else f"Table {number}")
    marking.summary()
    book.close()
    return buffer.getvalue()


class _Marking:
    """One workbook on its way back."""

    def __init__(self, book: Workbook, verdicts: Mapping[str, RowVerdict], lang: Language) -> None:
        self._book = book
        self._verdicts = verdicts
        self._lang = lang
        self._at = 0 if lang == "en" else 1
        self._comments = 0
        self._cells = 0
        self._cut = False
        """Whether rows were left out that hold something."""
        self._by_place: dict[str, list[Fault]] = {}
        for verdict in verdicts.values():
            for each in verdict.faults:
                self._by_place.setdefault(each.place, []).append(each)
        self._only_wrong = len(verdicts) > ROWS_MAX
        self._formats: dict[str, dict[str, object]] = {
            "text": {"num_format": TEXT},
            "head": {"num_format": TEXT, "bold": True, "text_wrap": True, "valign": "top"},
            "error": {"num_format": TEXT, "bg_color": "#FF9999"},
            "warning": {"num_format": TEXT, "bg_color": "#FFEB9C"},
            "good": {"num_format": TEXT, "font_color": "#00682F"},
        }
        self._made: dict[str, Format] = {}

    def sheet(self, table: Table, event_type: EventType | None, name: str) -> None:
        """Write one table, row by row; of a blank row nothing, and no more than the bounds say."""
        sheet = self._book.add_worksheet(self._title(table.sheet or name))
        header = _read_header(table, event_type)
        results = _result_column(header)
        line = 0
        merged: dict[str, tuple[int, int]] = {}
        for row, verdict in self._wanted(table, header):
            if not self._only_wrong or header is None or row.number <= header.number:
                line = row.number - 1
            self._row(sheet, line, table, row, header)
            if header is not None:
                self._result(sheet, line, results, table, row, header, verdict)
            for first, last, shared in row.merged:
                if self._only_wrong and header is not None and row.number > header.number:
                    # The row of the value may be missing: the cell says where it was, and is refused again.
                    sheet.write_string(line, first, f"={shared}", self._format("error"))
                merged[shared] = (line, last)
            line += 1
        if not self._only_wrong:
            _merge(sheet, merged)
        sheet.freeze_panes(header.number if header else 0, 0)
        sheet.set_column(0, results, 18)

    def _wanted(self, table: Table, header: Header | None) -> Iterator[tuple[Row, RowVerdict | None]]:
        """The rows that go back, with what became of each; none after the last that was looked at of a long table."""
        left = ROWS_MAX
        for row in table.rows:
            if row.number > LINES_MAX or not left or self._cells > CELLS_MAX:
                self._cut = True
                return
            verdict = self._verdicts.get(table.row_place(row.number))
            below = header is not None and row.number > header.number
            if self._only_wrong and below and (verdict is None or verdict.verdict in _GOOD):
                continue
            if verdict is None and all(is_blank(cell) for cell in row.cells):
                continue
            left -= below or header is None
            self._cells += len(row.cells)
            yield row, verdict

    def _title(self, name: str) -> str:
        """A name that Excel allows for a sheet, and that no other one has."""
        plain = _cut(_NOT_IN_NAMES.sub(" ", name).strip("' "), NAME_UNITS_MAX).rstrip("' ") or "Table"
        taken = {_regardless_of_case(sheet.get_name()) for sheet in self._book.worksheets()} | _RESERVED
        titles = chain([plain], (f"{_cut(plain, NAME_UNITS_MAX - 7)} ({number})" for number in count(2)))
        return next(title for title in titles if _regardless_of_case(title) not in taken)

    def _row(self, sheet: Worksheet, line: int, table: Table, row: Row, header: Header | None) -> None:
        texts: Sequence[str] = ()
        if header is not None and row.number >= header.number:
            texts = header.texts
        is_head = header is not None and row.number == header.number
        for at in range(max(len(row.cells), len(texts))):
            faults = self._by_place.get(table.cell_place(row.number, at, texts[at] if at < len(texts) else ""))
            cell = row.cells[at] if at < len(row.cells) else ""
            self._cell(sheet, line, at, cell, faults, "head" if is_head else "text")
            if faults:
                self._comment(sheet, line, at, faults)

    def _cell(self, sheet: Worksheet, line: int, at: int, cell: Cell, faults: list[Fault] | None, usual: str) -> None:
        mark = _gravest(faults) if faults else ""
        if isinstance(cell, str | Broken):
            text = _unread(cell) if isinstance(cell, Broken) else cell
            if text:
                sheet.write_string(line, at, text[:TEXT_CHARACTERS_MAX], self._format(mark or usual))
            elif mark:
                sheet.write_blank(line, at, None, self._format(mark))
        elif isinstance(cell, bool):
            sheet.write_boolean(line, at, cell, self._format(mark) if mark else None)
        elif isinstance(cell, int | float) and math.isfinite(cell):
            sheet.write_number(line, at, cell, self._format(mark) if mark else None)
        elif not isinstance(cell, int | float) and (not mark or _was_code(faults)):
            self._moment(sheet, line, at, cell, mark)
        else:  # A wrong date is written as text, so that what is typed over it is kept as typed.
            sheet.write_string(line, at, str(cell), self._format(mark or usual))

    def _moment(self, sheet: Worksheet, line: int, at: int, cell: date | time | timedelta, mark: str) -> None:
        """A date or time stays one, and so as wrong as it was where a code was meant."""
        kind = next(name for kind, name in _MOMENTS if isinstance(cell, kind))
        if isinstance(cell, date) and cell.year < 1900:
            days = (datetime(cell.year, cell.month, cell.day) - _EPOCH) / timedelta(days=1)
            sheet.write_number(line, at, days, self._format(kind + mark))
        else:
            sheet.write_datetime(line, at, cell, self._format(kind + mark))

    def _result(
        self, sheet: Worksheet, line: int, at: int, table: Table, row: Row, header: Header, verdict: RowVerdict | None
    ) -> None:
        """The verdict, and on it what is wrong with the row and with none of its cells."""
        if row.number == header.number:
            sheet.write_string(line, at, label(RESULT, self._lang), self._format("head"))
            return
        place = table.row_place(row.number)
        if verdict is None:
            return
        text = self._said(verdict.verdict)
        if self._only_wrong:
            text = f"{text} ({self._place(place)})"
        mark = "good" if verdict.verdict in _GOOD else "error"
        sheet.write_string(line, at, text, self._format(mark))
        if faults := self._by_place.get(place):
            self._comment(sheet, line, at, faults)

    def _said(self, verdict: str) -> str:
        texts = WORDS["verdicts"].get(verdict)
        return str(texts[self._at]) if texts else verdict

    def _place(self, place: str) -> str:
        return words().said(place, self._lang)

    def _comment(self, sheet: Worksheet, line: int, at: int, faults: list[Fault]) -> None:
        if self._comments < COMMENTS_MAX:
            self._comments += 1
            text = "\n\n".join(_told(each, self._lang) for each in faults)
            sheet.write_comment(line, at, text[:COMMENT_CHARACTERS_MAX], {"x_scale": 2.5, "y_scale": 1.5, "author": ""})

    def _format(self, name: str) -> Format:
        if name not in self._made:
            kind, _, mark = name.partition(" ")
            self._made[name] = self._book.add_format(
                self._formats.get(mark or kind, {}) | _MOMENT_FORMATS.get(kind, {})
            )
        return self._made[name]

    def summary(self) -> None:
        """How many rows have which verdict, what is wrong with the file as a whole, and what the colours mean."""
        sheet = self._book.add_worksheet("Notes" if self._lang == "en" else "Aide")
        sheet.set_column(0, 0, 100)
        for line, text in enumerate(self._lines()):
            sheet.write_string(line, 0, text[:TEXT_CHARACTERS_MAX])

    def _lines(self) -> Iterator[str]:
        counts: dict[str, int] = {}
        for place, verdict in self._verdicts.items():
            if place:
                counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
        yield from (f"{self._said(verdict)}: {count}" for verdict, count in counts.items())
        yield from (str(each[self._at]) for each in WORDS["marked"]["legend"])
        if self._only_wrong:
            yield str(WORDS["marked"]["cut"][self._at])
        if self._cut:
            yield str(WORDS["marked"]["left_out"][self._at])
        if whole := self._verdicts.get(""):
            yield from (f"{self._place(each.place)}: {_told(each, self._lang)}".lstrip(": ") for each in whole.faults)


def _cut(text: str, units: int) -> str:
    """As much of the text as so many UTF-16 code units hold."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def _regardless_of_case(name: str) -> str:
    """Equal at least where xlsxwriter takes two names for one: it compares them in lower case."""
    return name.lower().casefold()


def _read_header(table: Table, event_type: EventType | None) -> Header | None:
    """The headers of a table, whose rows are all still to come."""
    seen: list[Row] = []
    rows = table.rows

    def passed() -> Iterator[Row]:
        for row in rows:
            seen.append(row)
            yield row

    table.rows = passed()
    header = find_header(table, event_type)
    table.rows = chain(seen, rows)
    return header if isinstance(header, Header) else None


def _result_column(header: Header | None) -> int:
    """Where the verdicts stand: in the column of an earlier upload, else after the last one."""
    texts = header.texts if header else ()
    return next((at for at, text in enumerate(texts) if key(text) in _RESULTS), len(texts))


def _unread(cell: Broken) -> str:
    """What the sender's cell held, as a text that is refused again for the same reason."""
    again = spoilt(cell.text, "")
    return cell.text if again is not None and again.code == cell.code else _STAND_INS[cell.code]


def _was_code(faults: list[Fault] | None) -> bool:
    return any(each.code == "CELL_NOT_TEXT" for each in faults or ())


def _merge(sheet: Worksheet, merged: Mapping[str, tuple[int, int]]) -> None:
    """Merge again what was: by the first cell, the last line and column. Each range stands as it came, and its cells
    are written already: `merge_range` would visit them all, of a range as wide as a sheet too."""
    for shared, (bottom, right) in merged.items():
        top, left = xl_cell_to_rowcol(shared)
        sheet.merge.append([top, left, bottom, right])


def _gravest(faults: list[Fault]) -> str:
    return "error" if any(each.severity is Severity.ERROR for each in faults) else "warning"


def _told(each: Fault, lang: Language) -> str:
    """A fault in one paragraph: what it is, what was expected, and what to do."""
    said = words().fault(each, lang)
    wanted = "Expected" if lang == "en" else "Attendu"
    return " ".join(
        filter(None, (said["text"], f"{wanted}: {said['expected']}." if said["expected"] else "", said.get("fix")))
    )
