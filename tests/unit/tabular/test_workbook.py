"""Workbooks: which sheets are read, what stands in their cells, and archives that mean harm."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.translate.tabular import archive, sheet
from tests.unit.tabular.tables import HEADS, ROW, items, judged, refused, told, xlsx_of

GATE_IN = {"container.gate_in": [HEADS, ROW]}


def test_a_sheet_is_read_as_the_type_that_it_is_named_after_in_any_language() -> None:
    document = xlsx_of({"Gate in": [HEADS, ROW], "Sortie du portail": [HEADS, ROW]})

    found = items(document, event_type=None)

    assert [(each.event or {})["type"] for each in found] == ["customs.container.gate_in", "customs.container.gate_out"]
    assert [each.place for each in found] == ["Gate in!2", "Sortie du portail!2"]


def test_a_type_column_outranks_the_sheet_and_the_request() -> None:
    rows = [["Event type", *HEADS], ["Gate out", *ROW], ["", *ROW], ["Gait in", *ROW]]

    first, second, third = items(xlsx_of({"Sheet1": rows}))

    assert (first.event or {})["type"] == "customs.container.gate_out"
    assert (second.event or {})["type"] == "customs.container.gate_in"
    assert told(third.faults) == [("TYPE_UNKNOWN", "Sheet1!A4")]
    assert third.faults[0].expected == "perhaps customs.container.gate_in"


def test_a_sheet_without_a_type_is_told_and_the_others_are_read() -> None:
    first, second = items(xlsx_of({"Feuil1": [HEADS, ROW], **GATE_IN}), event_type=None)

    assert told(first.faults) == [("TABLE_TYPE_MISSING", "Feuil1!1")]
    assert second.faults == ()


def test_hidden_sheets_notes_and_empty_sheets_are_passed_over() -> None:
    def hide(book: Any, sheets: Mapping[str, Any]) -> None:
        sheets["container.gate_out"].hide()
        book.add_chartsheet("Chart")

    document = xlsx_of(
        {"Aide": [["read me"]], "container.gate_out": [["?"]], "Feuil2": [], **GATE_IN, "Mode d'emploi": [["x"]]}, hide
    )

    assert [each.place for each in items(document)] == ["container.gate_in!2"]


def test_a_workbook_of_nothing_but_notes_is_empty() -> None:
    assert told(refused(xlsx_of({"Notes": [["x"]], "Sheet1": []}))) == [("EMPTY", "")]


def test_cells_are_named_with_their_sheet_wherever_the_table_begins() -> None:
    rows = [[], [], ["", "", *HEADS], ["", "", "MSKU12", *ROW[1:]]]

    (found,) = judged(xlsx_of({"Gate moves": rows}))

    assert told(found.faults) == [("IDENTIFIER_MALFORMED", "Gate moves!C4")]


def test_a_formula_gives_its_saved_result_and_one_without_is_told() -> None:
    def formulas(book: Any, sheets: Mapping[str, Any]) -> None:
        sheets["container.gate_in"].write_formula("A2", '="MSKU"&"1234565"', None, "MSKU1234565")
        sheets["container.gate_in"].write_formula("E2", "=VLOOKUP(A2,X!A:B,2)", None, "")

    (found,) = judged(xlsx_of(GATE_IN, formulas))

    assert told(found.faults) == [("CELL_NOT_COMPUTED", "container.gate_in!E2")]


def test_an_error_of_the_spreadsheet_is_told_as_it_stands_in_the_cell() -> None:
    def formulas(book: Any, sheets: Mapping[str, Any]) -> None:
        sheets["container.gate_in"].write_formula("E2", "=#REF!A1", None, "#REF!")

    (found,) = judged(xlsx_of(GATE_IN, formulas))

    assert [(each.code, each.place, each.found) for each in found.faults] == [
        ("CELL_ERROR", "container.gate_in!E2", "#REF!")
    ]


def test_true_cells_and_numbers_are_taken_as_what_they_are() -> None:
    (found,) = judged(xlsx_of({"container.gate_in": [[*HEADS, "VGM"], [*ROW[:5], False, 14250.5]]}))

    assert found.faults == []
    assert found.item.event is not None
    assert (found.item.event["data"]["empty"], found.item.event["data"]["weighed_mass_kg"]) == (False, 14250.5)


def test_an_old_or_locked_workbook_and_another_archive_are_told() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as made:
        made.writestr("content.xml", "<office/>")

    assert told(refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))) == [("TABLE_UNREADABLE", "")]
    assert told(refused(other.getvalue())) == [("TABLE_UNREADABLE", "")]
    assert told(refused(xlsx_of(GATE_IN)[:-40])) == [("TABLE_UNREADABLE", "")]


# Archives that mean harm.


def changed(name: str, old: bytes, new: bytes) -> bytes:
    """A workbook in one of whose members something was replaced."""
    source = zipfile.ZipFile(io.BytesIO(xlsx_of(GATE_IN)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == name:
                assert old in content
                content = content.replace(old, new, 1)
            made.writestr(info.filename, content)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_member_that_unpacks_beyond_the_bound_is_refused() -> None:
    bomb = changed(SHEET, b"</sheetData>", b"</sheetData>" + b" " * (archive.UNPACKED_BYTES_MAX + 1))

    assert len(bomb) < 100_000
    assert told(refused(bomb)) == [("TABLE_TOO_LARGE", "")]


def test_a_member_that_declares_less_than_it_holds_is_refused() -> None:
    document = bytearray(changed(SHEET, b"</sheetData>", b"</sheetData>" + b" " * 1_000_000))
    with zipfile.ZipFile(io.BytesIO(document)) as made:
        size = made.getinfo(SHEET).file_size
    at = document.rindex(struct.pack("<L", size))
    document[at : at + 4] = struct.pack("<L", 500)

    assert told(refused(bytes(document))) == [("TABLE_UNREADABLE", "")]


def test_two_members_of_one_name_are_refused() -> None:
    buffer = io.BytesIO(xlsx_of(GATE_IN))
    with zipfile.ZipFile(buffer, "a") as made:
        made.writestr("XL/Worksheets/sheet1.xml", "<worksheet/>")

    assert told(refused(buffer.getvalue())) == [("TABLE_UNREADABLE", "")]


def test_a_directory_of_thousands_of_members_is_refused_unread() -> None:
    buffer = io.BytesIO(xlsx_of(GATE_IN))
    with zipfile.ZipFile(buffer, "a") as made:
        for number in range(archive.MEMBERS_MAX):
            made.writestr(f"x/{number}", b"")

    assert told(refused(buffer.getvalue())) == [("TABLE_TOO_LARGE", "")]


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE worksheet SYSTEM "file:///etc/passwd">',
        b"<worksheet>",
    ],
)
def test_a_document_type_and_broken_xml_are_refused(text: bytes) -> None:
    assert told(refused(changed(SHEET, b"<worksheet ", text + b"<worksheet "))) == [("TABLE_UNREADABLE", "")]


def test_a_cell_at_the_far_corner_is_refused_before_the_rectangle_is_made() -> None:
    far = changed(
        SHEET, b"</row></sheetData>", b'</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    unnamed = changed(
        SHEET, b"</row></sheetData>", b'</row><row r="1048576">' + b"<c><v>1</v></c>" * 16_000 + b"</row></sheetData>"
    )

    assert told(refused(far)) == [("TABLE_TOO_LARGE", "")]
    assert told(refused(unnamed)) == [("TABLE_TOO_LARGE", "")]


@pytest.mark.parametrize("reference", [b"A99999999999", b"a1", b"A0", b"AAAA1", b"", "Ａ1".encode()])
def test_a_reference_that_another_reader_might_take_for_a_far_cell_is_refused(reference: bytes) -> None:
    assert told(refused(changed(SHEET, b'r="A2"', b'r="' + reference + b'"'))) == [("TABLE_UNREADABLE", "")]


def test_empty_cells_with_a_format_do_not_count() -> None:
    wide = changed(SHEET, b"</row></sheetData>", b'</row><row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>')

    assert [each.faults for each in items(wide)] == [()]


def test_merged_cells_without_end_are_refused() -> None:
    merged = changed(SHEET, b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:B9999999"/></mergeCells>')

    assert told(refused(merged)) == [("TABLE_TOO_LARGE", "")]
    assert sheet.MERGED_ROWS_MAX < 9_999_999


def test_links_and_macros_never_reach_the_reader() -> None:
    buffer = io.BytesIO(xlsx_of(GATE_IN))
    with zipfile.ZipFile(buffer, "a") as made:
        made.writestr("xl/externalLinks/externalLink1.xml", "<not xml")
        made.writestr("xl/vbaProject.bin", "macro")
        made.writestr("xl/drawings/drawing1.xml", "<not xml")

    assert [each.faults for each in items(buffer.getvalue())] == [()]
