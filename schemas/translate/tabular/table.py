"""A table as both readers hand it on: rows of cells, with the way to name a cell as its sender sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from msgspec import Struct

from schemas.faults import Fault

COLUMNS_MAX = 500
HEADER_SHOWN_MAX = 60
"""Characters of a header in the place of a cell."""


class Broken(Struct, frozen=True):
    """A cell that has no value: an error of the spreadsheet, or a formula whose result was not saved."""

    code: str
    text: str


Cell = str | float | int | bool | date | datetime | time | timedelta | Broken


class Row(Struct, frozen=True):
    number: int
    """As the sender sees it: from 1, the header among them."""
    cells: Sequence[Cell]
    faults: tuple[Fault, ...] = ()
    """Of a line that could not be told apart into cells."""
    merged: Sequence[tuple[int, int, str]] = ()
    """Columns from and to, and the cell whose value they share, where cells of this row are merged into another row's
    or column's."""


class Table(Struct, kw_only=True):
    """One sheet, or one file of separated values."""

    rows: Iterator[Row]
    sheet: str | None = None
    """None: separated values."""

    def row_place(self, number: int) -> str:
        """`row 5`, or `<sheet>!5`."""
        return f"row {number}" if self.sheet is None else f"{self.sheet}!{number}"

    def cell_place(self, number: int, index: int, header: str = "") -> str:
        """`row 5, column C (Container number)`, or `<sheet>!C5`."""
        before, after = self.around(index, header)
        return f"{before}{number}{after}"

    def around(self, index: int, header: str) -> tuple[str, str]:
        """What stands before and after the row's number in the place of a cell of this column."""
        if self.sheet is not None:
            return f"{self.sheet}!{letters(index)}", ""
        named = f" ({header[:HEADER_SHOWN_MAX]})" if header else ""
        return "row ", f", column {letters(index)}{named}"


@lru_cache(maxsize=1_024)
def letters(index: int) -> str:
    """The letters of a column, from 0: A … Z, AA …"""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def is_blank(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()
