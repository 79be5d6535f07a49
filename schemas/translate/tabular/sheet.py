"""The XML of a workbook, gone through once before calamine sees it: how far its cells reach, and what calamine hides.

It must be UTF-8 without a document type: no entity is ever declared, none expanded (SpreadsheetML has none). Element
names are compared without their prefix, as calamine does.

calamine makes room for the whole rectangle that the cells span, for as many texts as the table of texts declares, and
for a copy of a shared text in each cell; where there is no room it ends the process. So where a cell is must be beyond
doubt: cells stand in rows and nothing else nests, and a cell without a reference follows only such as stand in order.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat  # nosec: a document type is refused at its first byte

from schemas.faults import fault
from schemas.translate.tabular.archive import Bounded
from schemas.translate.tabular.table import Broken, letters

CELLS_MAX = 1_500_000
"""In the rectangle from A1 on, as calamine's rows begin there; and of elements that hold one: about 50 MiB."""
STRINGS_MAX = 1_500_000
TEXT_CHARACTERS_MAX = 64 * 1024 * 1024
"""Of a sheet's shared texts, each as often as a cell refers to it."""
MERGED_ROWS_MAX = 100_000
FORMULA_CHARACTERS_MAX = 8_192
"""As many as Excel allows."""
_ELEMENTS_MAX = 4 * CELLS_MAX
_REF = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)

Attributes = Mapping[str, str]


class Reader:
    """One member's XML. `element` is called for each start of an element, with its bare name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._elements = 0

    holds_cells = False

    def element(self, name: str, attributes: Attributes) -> None:
        """What there is to know of an element that begins."""

    def read(self, text: bytes) -> None:
        """Go through the whole text. Raises `Bounded`."""
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as e:
            raise Bounded(fault("TABLE_UNREADABLE", "", f"{self.name}: {e}", "XML as Excel writes it")) from e

    def hear(self, characters: Any) -> None:
        """Call `characters` with text from here on; None: with none."""
        self._parser.CharacterDataHandler = characters

    def _start(self, name: str, attributes: Attributes) -> None:
        self._elements += 1
        if self._elements > _ELEMENTS_MAX:
            raise too_large(self.name, f"more than {_ELEMENTS_MAX} elements")
        bare_name = name.rpartition(":")[2]
        if "uniqueCount" in attributes and _count(attributes["uniqueCount"]) > STRINGS_MAX:
            raise too_large(self.name, "more texts declared than may be there")
        if bare_name == "sheetData" and not self.holds_cells:
            raise self.unreadable("cells where no sheet is")
        self.element(bare_name, attributes)

    def _refuse(self, *_: object) -> None:
        raise self.unreadable("a document type")

    def unreadable(self, found: str) -> Bounded:
        return Bounded(fault("TABLE_UNREADABLE", "", f"{self.name}: {found}", "XML as Excel writes it"))


def _count(text: str) -> int:
    """What a count says; what is none says too much."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) else STRINGS_MAX + 1


def too_large(name: str, found: str) -> Bounded:
    return Bounded(fault("TABLE_TOO_LARGE", "", f"{name}: {found}", f"at most {CELLS_MAX} cells, as a rectangle"))


def bare(attributes: Attributes) -> dict[str, str]:
    """Attributes by their names without prefix."""
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}


class Strings(Reader):
    """The shared texts: that they are not too many, and how long each is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.lengths = array("L")
        """In characters, phonetic ones among them."""
        self.hear(self._characters)

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self.lengths.append(0)
            if len(self.lengths) > STRINGS_MAX:
                raise too_large(self.name, f"more than {STRINGS_MAX} texts")

    def _characters(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text)


class Referred(Reader):
    """A sheet gone through once more: how many characters its cells refer to in the shared texts."""

    holds_cells = True

    def __init__(self, name: str, lengths: array[int]) -> None:
        super().__init__(name)
        self._lengths = lengths
        self._characters = 0

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self.hear(self._refer if attributes.get("t") == "s" else None)

    def _refer(self, text: str) -> None:
        if text.isdecimal() and len(text) < 10 and int(text) < len(self._lengths):
            self._characters += self._lengths[int(text)]
        if self._characters > TEXT_CHARACTERS_MAX:
            raise too_large(self.name, f"more than {TEXT_CHARACTERS_MAX} characters in its cells")


class Survey(Reader):
    """A sheet: where its cells are. Rows and columns count from 0."""

    holds_cells = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._parser.EndElementHandler = self._end
        self.shared = 0
        """Cells that refer to a shared text."""
        self._number = -1
        """Of the row that is open, or was the last."""
        self._in_row = self._in_cell = False
        self._astray = self._implied = False
        """Whether any cell names another row than its own; whether any has no reference."""
        self.broken: dict[tuple[int, int], Broken] = {}
        self.merged: dict[int, list[tuple[int, int, str]]] = {}
        self._row = self._column = -1
        self._type = ""
        self._formula = self._in_value = False
        self._bottom = self._right = -1
        self._held = 0
        self._merged_rows = 0

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._cell(attributes)
        elif name == "v" or name == "is":
            self._value()
        elif name == "f":
            self._has_formula()
        elif name == "row":
            self._row_begins(attributes.get("r"))
        elif name == "mergeCell":
            self._merge(bare(attributes).get("ref", ""))

    def area(self) -> int:
        """Of the rectangle from A1 that holds every cell with content."""
        return (self._bottom + 1) * (self._right + 1)

    def _row_begins(self, number: str | None) -> None:
        if self._in_row:
            raise self.unreadable("a row within a row")
        self._in_row = True
        self._number = self._number + 1 if number is None else self._at(f"A{number}")[0]
        self._column = -1

    def _cell(self, attributes: Attributes) -> None:
        if self._in_cell or not self._in_row:
            raise self.unreadable("a cell within a cell, or in no row")
        self._in_cell = True
        reference = attributes.get("r")
        if reference is None:
            self._row, self._column, self._implied = self._number, self._column + 1, True
        else:
            self._row, self._column = self._at(reference)
            self._astray = self._astray or self._row != self._number
        if self._astray and self._implied:
            raise self.unreadable("cells of other rows beside cells without references")
        self._type = attributes.get("t", "")
        if self._type == "s":
            self.shared += 1
        self._in_value = False
        if self._formula:
            self._formula = False
            self.hear(None)

    def _end(self, name: str) -> None:
        bare_name = name.rpartition(":")[2]
        if bare_name == "c":
            self._in_cell = False
        elif bare_name == "row":
            self._in_row = False
        elif bare_name == "f":
            self.hear(None)

    def _at(self, reference: str) -> tuple[int, int]:
        """Row and column of a reference. What is none is refused: the reader might take it for one, far away."""
        match = _REF.fullmatch(reference)
        if match is None:
            expected = "cells as Excel names them, A1 to XFD1048576"
            raise Bounded(fault("TABLE_UNREADABLE", "", f"{self.name}: {reference}", expected))
        return int(match[2]) - 1, column_of(match[1])

    def _value(self) -> None:
        self._reach()
        at = (self._row, self._column)
        if self._formula and self._type == "str":
            self.broken.pop(at, None)  # A formula whose result is the empty text has been computed.
        if self._formula or self._type == "e":
            self._in_value = True
            self.hear(self._characters)
            if self._type == "e":
                self.broken[at] = Broken("CELL_ERROR", "#")

    def _has_formula(self) -> None:
        self._reach()
        self._formula = True
        self.broken[(self._row, self._column)] = Broken("CELL_NOT_COMPUTED", "=")
        self._in_value = False
        self.hear(self._formula_goes_on)

    def _formula_goes_on(self, text: str) -> None:
        """Its text, as the sender sees it; of a formula shared with cells above there is none."""
        at = (self._row, self._column)
        if at in self.broken:
            so_far = self.broken[at].text
            more = text.lstrip("= \n") if so_far == "=" else text
            self.broken[at] = Broken("CELL_NOT_COMPUTED", (so_far + more)[:FORMULA_CHARACTERS_MAX])

    def _characters(self, text: str) -> None:
        if not self._in_value or not text.strip():
            return
        at = (self._row, self._column)
        if self._type == "e":
            self.broken[at] = Broken("CELL_ERROR", text[:32])
        else:
            self.broken.pop(at, None)
        self._in_value = False  # Before the parser is told to stop: it then hands over once more what it has buffered.
        if not self._formula:
            self.hear(None)

    def _reach(self) -> None:
        row, column = self._row, self._column
        self._held += 1
        if row > self._bottom:
            self._bottom = row
        if column > self._right:
            self._right = column
        if self._held > CELLS_MAX or len(self.broken) > CELLS_MAX // 10:
            raise too_large(self.name, f"more than {CELLS_MAX} cells, or a tenth as many errors")

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        start, end = _REF.fullmatch(first), _REF.fullmatch(last)
        if start is None or end is None:
            return
        top, bottom, left, right = int(start[2]) - 1, int(end[2]) - 1, column_of(start[1]), column_of(end[1])
        self._merged_rows += max(bottom - top + 1, 1)
        if self._merged_rows > MERGED_ROWS_MAX:
            raise too_large(self.name, f"more than {MERGED_ROWS_MAX} rows in merged cells")
        shared = f"{letters(left)}{top + 1}"
        for row in range(top, bottom + 1):
            begin = left + 1 if row == top else left
            if begin <= right:
                self.merged.setdefault(row, []).append((begin, right, shared))


def column_of(text: str) -> int:
    """The column of its letters, from 0."""
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - 64
    return number - 1
