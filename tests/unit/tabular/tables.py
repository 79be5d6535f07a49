"""Tables made by hand for the tests, as a person or a product would make them; and what becomes of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from xlsxwriter import Workbook

from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault
from schemas.translate.item import Context, Item
from schemas.translate.tabular import translate
from schemas.verdict import Judged, judge

NOW_US = 1_795_342_200_000_000
"""2026-11-22T10:10:00Z."""

GATE_IN = "customs.container.gate_in"
HEADS = ("Container number", "Date and time", "UTC offset", "Kind of time", "Place: UN/LOCODE", "Empty")
ROW = ("MSKU1234565", "2026-11-22 10:00:00", "+01:00", "ACTUAL", "NLRTM", "no")


def kind(name: str) -> EventType:
    found = catalogue().find(name)
    assert isinstance(found, EventType)
    return found


def csv_of(*rows: Sequence[str], separator: str = ",", end: str = "\r\n") -> bytes:
    return "".join(separator.join(row) + end for row in rows).encode()


def xlsx_of(
    sheets: Mapping[str, Sequence[Sequence[Any]]], also: Callable[[Workbook, Mapping[str, Any]], None] | None = None
) -> bytes:
    """A workbook as Excel saves it: texts as texts, numbers as numbers, dates as dates."""
    buffer = io.BytesIO()
    book = Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    moment, day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"}), book.add_format({"num_format": "dd/mm/yyyy"})
    made = {}
    for name, rows in sheets.items():
        made[name] = sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime | date | time):
                    sheet.write_datetime(at, column, cell, moment if isinstance(cell, datetime) else day)
                else:
                    sheet.write(at, column, cell)
    if also is not None:
        also(book, made)
    book.close()
    return buffer.getvalue()


def items(document: bytes, **context: Any) -> list[Item]:
    """The items of a document that could be opened."""
    translation = translate(document, Context(**{"event_type": GATE_IN, **context}))
    assert not isinstance(translation, list), translation
    return list(translation.items)


def refused(document: bytes, **context: Any) -> list[Fault]:
    """The faults of a document in which nothing could be looked at."""
    translation = translate(document, Context(**{"event_type": GATE_IN, **context}))
    assert isinstance(translation, list), list(translation.items)
    return translation


def judged(document: bytes, **context: Any) -> list[Judged]:
    """The items with the verdict that the hub would give."""
    translation = translate(document, Context(**{"event_type": GATE_IN, **context}))
    assert not isinstance(translation, list), translation
    return [judge(item, translation, catalogue(), now_us=NOW_US) for item in translation.items]


def told(faults: Sequence[Fault]) -> list[tuple[str, str]]:
    """Code and place of each fault."""
    return [(each.code, each.place) for each in faults]


def row_with(**cells: Any) -> tuple[list[str], list[Any]]:
    """Headers and a valid row, with some cells replaced or added, by header (`_` stands for a blank)."""
    by_head = dict(zip(HEADS, ROW, strict=True)) | {name.replace("_", " "): cell for name, cell in cells.items()}
    return list(by_head), list(by_head.values())
