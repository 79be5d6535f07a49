"""The XML of a workbook, gone through once before calamine sees it: how far its cells reach, and what calamine hides.

It must be UTF-8 without a document type: no entity is ever declared, none expanded (SpreadsheetML has none). Element
and attribute names are compared without their prefix, as calamine does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat  # nosec: a document type is refused at its first byte

from schemas.faults import fault
from schemas.translate.tabular.archive import Bounded
from schemas.translate.tabular.table import Broken, letters

CELLS_MAX = 1_500_000
"""In the full rectangle of a sheet, and of elements that hold one: about 50 MiB in calamine."""
STRINGS_MAX = 1_500_000
MERGED_ROWS_MAX = 100_000
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
        self.element(name.rpartition(":")[2], attributes)

    def _refuse(self, *_: object) -> None:
        raise Bounded(fault("TABLE_UNREADABLE", "", f"{self.name}: a document type", "XML as Excel writes it"))


def too_large(name: str, found: str) -> Bounded:
    return Bounded(fault("TABLE_TOO_LARGE", "", f"{name}: {found}", f"at most {CELLS_MAX} cells, as a rectangle"))


def bare(attributes: Attributes) -> dict[str, str]:
    """Attributes by their names without prefix."""
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}


class Strings(Reader):
    """The shared strings: that they are not too many."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._count = 0

    def element(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self._count += 1
            if self._count > STRINGS_MAX:
                raise too_large(self.name, f"more than {STRINGS_MAX} texts")


class Survey(Reader):
    """A sheet: where its cells are. Rows and columns count from 0."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.broken: dict[tuple[int, int], Broken] = {}
        self.merged: dict[int, list[tuple[int, int, str]]] = {}
        self._row = self._column = -1
        self._type = ""
        self._formula = self._in_value = False
        self._top = self._left = 1 << 30
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
            number = bare(attributes).get("r")
            self._row = self._row + 1 if number is None else self._at(f"A{number}")[0]
            self._column = -1
        elif name == "mergeCell":
            self._merge(bare(attributes).get("ref", ""))

    def area(self) -> int:
        """Of the rectangle that holds every cell with content."""
        return (self._bottom - self._top + 1) * (self._right - self._left + 1) if self._held else 0

    def _cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        if reference is None:
            reference = bare(attributes).get("r")
        if reference is None:
            self._column += 1
        else:
            self._row, self._column = self._at(reference)
        self._type = attributes.get("t") or bare(attributes).get("t", "")
        self._in_value = False
        if self._formula:
            self._formula = False
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
        self.broken[(self._row, self._column)] = Broken("CELL_NOT_COMPUTED", "a formula without a result")
        self._in_value = False

    def _characters(self, text: str) -> None:
        if not self._in_value or not text.strip():
            return
        at = (self._row, self._column)
        if self._type == "e":
            self.broken[at] = Broken("CELL_ERROR", text[:32])
        else:
            self.broken.pop(at, None)
        if not self._formula:
            self.hear(None)
        self._in_value = False

    def _reach(self) -> None:
        row, column = self._row, self._column
        self._held += 1
        if row < self._top:
            self._top = row
        if row > self._bottom:
            self._bottom = row
        if column < self._left:
            self._left = column
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
