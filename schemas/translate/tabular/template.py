"""Templates: an empty table of one event type, as a workbook or as separated values, in English or French.

In the workbook codes are preset as text, so that Excel leaves their zeros and digits alone; times are shown to the
second beside the column of their offset; allowed values are drop-down lists; each header has its description. How to
fill it, with an example, is on a sheet of its own, which is passed over when the workbook is sent.
"""

from __future__ import annotations

import csv
import io
from typing import Literal

from msgspec import Struct
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from schemas.catalogue import EventType
from schemas.translate.tabular.columns import Column, Kind, Need, columns_of
from schemas.translate.tabular.labels import Language, label, sheet_name, type_label
from schemas.translate.tabular.words import choice_words, description, example, notes

ROWS_PRESET = 10_000
"""Rows whose lists are offered; whole columns are preset as text or time."""
LIST_CHARACTERS_MAX = 255
"""Of a drop-down list that is written into the cell rule (Excel's limit)."""


def template(event_type: EventType, form: Literal["xlsx", "csv"], lang: Language) -> bytes:
    """The file that a person fills in. CSV is UTF-8 with a byte-order mark; in French parted by semicolons, as Excel
    there expects."""
    columns = [column for column in columns_of(event_type) if column.shown]
    return _csv(columns, lang) if form == "csv" else _xlsx(event_type, columns, lang)


def header(column: Column, lang: Language) -> str:
    """A header as a template writes it: `*` must be filled; `(*)` one of a group must."""
    mark = column.need.value
    return f"{label(column, lang)} {mark}" if mark else label(column, lang)


def _csv(columns: list[Column], lang: Language) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";" if lang == "fr" else ",").writerow(header(column, lang) for column in columns)
    return text.getvalue().encode("utf-8-sig")


class _Formats(Struct, frozen=True):
    needed: Format
    one_of: Format
    optional: Format
    text: Format
    moment: Format
    plain: Format
    wrapped: Format
    bold: Format

    def header(self, need: Need) -> Format:
        return {Need.ALWAYS: self.needed, Need.ONE_OF: self.one_of, Need.OPTIONAL: self.optional}[need]


def _xlsx(event_type: EventType, columns: list[Column], lang: Language) -> bytes:
    buffer = io.BytesIO()
    book = Workbook(buffer, {"in_memory": True, **SAFE})
    formats = _formats(book)
    sheet = book.add_worksheet(sheet_name(event_type.name))
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        _column(sheet, index, column, formats, lang)
    _notes(book.add_worksheet("Notes" if lang == "en" else "Aide"), event_type, columns, formats, lang)
    book.close()
    return buffer.getvalue()


TEXT = 49
"""The built-in number format `@` (ECMA-376-1 §18.8.30)."""
SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""A text is written as text, whatever it begins with."""


def _formats(book: Workbook) -> _Formats:
    head = {"bold": True, "border": 1, "text_wrap": True, "valign": "top"}
    return _Formats(
        needed=book.add_format({**head, "bg_color": "#F4B183"}),
        one_of=book.add_format({**head, "bg_color": "#FFE699"}),
        optional=book.add_format({**head, "bg_color": "#DDEBF7"}),
        text=book.add_format({"num_format": TEXT}),
        moment=book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        plain=book.add_format(),
        wrapped=book.add_format({"text_wrap": True, "valign": "top"}),
        bold=book.add_format({"bold": True}),
    )


def _column(sheet: Worksheet, index: int, column: Column, formats: _Formats, lang: Language) -> None:
    title = header(column, lang)
    kinds = {Kind.INSTANT: formats.moment, Kind.NUMBER: formats.plain, Kind.INTEGER: formats.plain}
    sheet.set_column(index, index, max(12, min(len(title) + 2, 28)), kinds.get(column.kind, formats.text))
    sheet.write_string(0, index, title, formats.header(column.need))
    sheet.write_comment(0, index, description(column, lang), {"x_scale": 2, "y_scale": 1.2})
    choices = ["TRUE", "FALSE"] if column.kind is Kind.BOOLEAN and lang == "en" else list(column.choices)
    if column.kind is Kind.BOOLEAN and lang == "fr":
        choices = ["VRAI", "FAUX"]
    if choices and len(",".join(choices)) <= LIST_CHARACTERS_MAX:
        sheet.data_validation(1, index, ROWS_PRESET, index, {"validate": "list", "source": choices})


def _notes(sheet: Worksheet, event_type: EventType, columns: list[Column], formats: _Formats, lang: Language) -> None:
    """How to fill the table: rules, then every column with what it means, what is allowed, and an example."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 48, formats.wrapped)
    titles, rules = notes(lang)
    sheet.write_string(0, 0, type_label(event_type.name, lang), formats.bold)
    for row, rule in enumerate(rules, 1):
        sheet.write_string(row, 0, rule)
    top = len(rules) + 2
    for at, title in enumerate(titles):
        sheet.write_string(top, at, title, formats.bold)
    for row, column in enumerate(columns, top + 1):
        sheet.write_string(row, 0, header(column, lang))
        sheet.write_string(row, 1, description(column, lang))
        sheet.write_string(row, 2, choice_words(column, lang))
        sheet.write_string(row, 3, example(column))
