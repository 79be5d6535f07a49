"""Workbooks of a few KiB that would cost a careless reader all its memory, or hours: each is refused at once.

Where calamine finds no memory it ends the process, and no `except` helps: so they are read in a process of its own,
with little memory and little time of the processor, and told from there.
"""

from __future__ import annotations

import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.unit.tabular.tables import HEADS, ROW, xlsx_of

MEMORY_BYTES_MAX = 768 * 1024 * 1024
"""Room for the catalogue and its libraries, and not for a workbook of a thousand million cells."""
PROCESSOR_SECONDS_MAX = 60

SHEET, STRINGS, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
LINKS = "xl/_rels/workbook.xml.rels"
FIRST = b'<row r="1"><c r="A1"><v>1</v></c></row>'
CORNER = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
STRAY = b'<c r="XFC1"/><c><v>1</v></c></row>'

Change = Callable[[bytes], bytes]


def workbook(changes: dict[str, Change], also: dict[str, bytes] | None = None) -> bytes:
    source = zipfile.ZipFile(io.BytesIO(xlsx_of({"container.gate_in": [HEADS, ROW]})))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for info in source.infolist():
            change, content = changes.get(info.filename), source.read(info)
            made.writestr(info.filename, change(content) if change else content)
        for name, content in (also or {}).items():
            made.writestr(name, content)
    return buffer.getvalue()


def of_rows(rows: bytes) -> dict[str, Change]:
    """The sheet with other rows."""

    def change(content: bytes) -> bytes:
        return content[: content.index(b"<sheetData>") + 11] + rows + content[content.index(b"</sheetData>") :]

    return {SHEET: change}


def replaced(old: bytes, new: bytes) -> Change:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


def linked() -> bytes:
    """A sheet whose link leads out of the folder of sheets, beside one of the same name that is harmless."""
    sheet = b'<sheets><sheet name="container.gate_in" sheetId="9" r:id="rId99"/>'
    link = b'<Relationship Id="rId99" Type="worksheet" Target="far.xml"/></Relationships>'
    far = b"<worksheet><sheetData>" + FIRST + CORNER + b"</sheetData></worksheet>"
    return workbook(
        {BOOK: replaced(b"<sheets>", sheet), LINKS: replaced(b"</Relationships>", link)}, {"xl/far.xml": far}
    )


def listed(times: int) -> bytes:
    """One sheet of many rows, listed many times under names of their own."""
    sheets = b"".join(b'<sheet name="T%d" sheetId="%d" r:id="rId1"/>' % (at, at) for at in range(2, times + 1))
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (at, at) for at in range(1, 90_000))
    return workbook({BOOK: replaced(b"</sheets>", sheets + b"</sheets>"), **of_rows(rows)})


def of_one_name() -> bytes:
    """Two sheets of one name: asked for by it, a reader gives the first one twice."""
    sheet = b'<sheet name="container.gate_in" sheetId="9" r:id="rId99"/></sheets>'
    link = b'<Relationship Id="rId99" Type="worksheet" Target="worksheets/other.xml"/></Relationships>'
    other = b"<worksheet><sheetData>" + FIRST + b"</sheetData></worksheet>"
    return workbook(
        {BOOK: replaced(b"</sheets>", sheet), LINKS: replaced(b"</Relationships>", link)},
        {"xl/worksheets/other.xml": other},
    )


def linked_twice() -> bytes:
    """Two links of one Id, which two readers follow to two members."""
    link = b'<Relationship Id="rId1" Type="worksheet" Target="worksheets/other.xml"/></Relationships>'
    other = b"<worksheet><sheetData>" + FIRST + b"</sheetData></worksheet>"
    return workbook({LINKS: replaced(b"</Relationships>", link)}, {"xl/worksheets/other.xml": other})


def repeated() -> bytes:
    """One text of ten million characters, shown in a thousand cells."""
    text = replaced(b"</sst>", b"<si><t>" + b"x" * 10_000_000 + b"</t></si></sst>")
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>%d</v></c></row>' % (at, at, 11) for at in range(1, 1_000))
    texts = zipfile.ZipFile(io.BytesIO(workbook({}))).read(STRINGS).count(b"<si>")
    return workbook({STRINGS: text, **of_rows(rows.replace(b"<v>11<", b"<v>%d<" % texts))})


HOSTILE: dict[str, Callable[[], bytes]] = {
    "cells at two corners": lambda: workbook(of_rows(FIRST + CORNER)),
    "one cell, at the far corner": lambda: workbook(of_rows(CORNER)),
    "a column at the far right": lambda: workbook(
        of_rows(b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (at, at) for at in range(1, 5_000)))
    ),
    "a cell of another row before one without a reference": lambda: workbook(
        of_rows(FIRST + b'<row r="1048576">' + STRAY)
    ),
    "two numbers of one row": lambda: workbook(
        of_rows(FIRST + b'<row xmlns:x="x" r="1048576" x:r="1">' + STRAY)
    ),
    "rows within rows": lambda: workbook(
        of_rows(FIRST + b'<row r="1">' * 900_000 + b"</row>" * 900_000 + b"<row>" + STRAY)
    ),
    "a row within a cell": lambda: workbook(
        of_rows(FIRST + b'<row r="1048576"><c r="XFC1048576"><row r="1"/></c><c><v>1</v></c></row>')
    ),
    "a table of texts that declares too many": lambda: workbook(
        {STRINGS: replaced(b' uniqueCount="', b' uniqueCount="42949672')}
    ),
    "a long text in many cells": repeated,
    "a sheet where no sheet is": linked,
    "one sheet, listed twice": lambda: listed(2),
    "one sheet, listed as often as may be": lambda: listed(63),
    "two sheets of one name": of_one_name,
    "two links of one Id": linked_twice,
}  # fmt: skip
HARMLESS: dict[str, Callable[[], bytes]] = {
    "a declared dimension of the whole sheet": lambda: workbook(
        {SHEET: replaced(b'<dimension ref="A1:F2"', b'<dimension ref="A1:XFD1048576"')}
    ),
    "a format at the far corner": lambda: workbook(
        {SHEET: replaced(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')}
    ),
    "rows and cells without references": lambda: workbook(
        {SHEET: lambda content: re.sub(rb'(<(?:c|row)) r="[A-Z0-9]+"', rb"\1", content)}
    ),
}


def tell(document: bytes) -> list[str]:
    """The faults of translating a document, and whether the marked workbook of it came back."""
    from schemas.translate.item import Context
    from schemas.translate.tabular import translate
    from schemas.translate.tabular.marked import marked_workbook

    found = translate(document, Context(event_type="customs.container.gate_in"))
    faults = found if isinstance(found, list) else [each for item in found.items for each in item.faults]
    return [*(each.code for each in faults), marked_workbook(document, {}, "en")[:2].decode()]


@cache
def answers() -> dict[str, list[str]]:
    """What a small process says of each, up to where it ends."""
    command = [sys.executable, "-m", "tests.unit.tabular.test_workbook_bounds"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    return dict(json.loads(line) for line in run.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_workbook_that_would_cost_all_memory_is_refused(name: str) -> None:
    assert answers().get(name) in (["TABLE_TOO_LARGE", "PK"], ["TABLE_UNREADABLE", "PK"])


@pytest.mark.parametrize("name", HARMLESS)
def test_a_workbook_that_only_declares_much_is_read(name: str) -> None:
    assert answers().get(name) == ["PK"]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS_MAX, PROCESSOR_SECONDS_MAX))
    for name, make in {**HARMLESS, **HOSTILE}.items():
        print(json.dumps([name, tell(make())]), flush=True)
