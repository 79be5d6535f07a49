"""The workbook that goes back: the sender's values, the wrong cells marked, and nothing that starts a formula."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter.workbook import Workbook

from schemas.translate.tabular import marked
from schemas.translate.tabular.labels import Language
from schemas.translate.tabular.marked import RowVerdict, marked_workbook
from schemas.translate.tabular.table import Table
from tests.unit.tabular.tables import GATE_IN, HEADS, ROW, csv_of, items, judged, refused, xlsx_of

WRONG = ("MSKU12", "03/04/2026 10:00", "+01:00", "ACTUAL", "NLRTM", "no")


def back(document: bytes, lang: Language = "en", **context: Any) -> bytes:
    verdicts = {each.item.place: RowVerdict(each.verdict, each.faults) for each in judged(document, **context)}
    return marked_workbook(document, verdicts, lang, GATE_IN)


def rows_of(workbook: bytes, sheet: int = 0) -> list[list[Any]]:
    return (
        CalamineWorkbook.from_filelike(io.BytesIO(workbook)).get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    )


def part(workbook: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return archive.read(name).decode()


def test_every_row_has_its_verdict_and_every_value_is_the_senders_own() -> None:
    rows = rows_of(back(csv_of(HEADS, ROW, WRONG)))

    assert rows == [[*HEADS, "Result"], [*ROW, "Accepted"], [*WRONG, "Rejected"]]


def test_numbers_and_dates_of_a_workbook_stay_what_they_were() -> None:
    row = [ROW[0], datetime(2026, 11, 22, 10, 0), *ROW[2:5], False, 14250.5]

    rows = rows_of(back(xlsx_of({"Gate in": [[*HEADS, "VGM"], row]}), "fr"))

    assert rows[1] == [*row, "Accepté"]


def test_wrong_cells_are_coloured_and_their_comments_explain() -> None:
    document = back(csv_of(HEADS, ROW, WRONG), "fr")
    comments = part(document, "xl/comments1.xml")
    cells = dict(re.findall(r'<c r="([A-Z]+[0-9]+)" s="([0-9]+)"', part(document, "xl/worksheets/sheet1.xml")))

    assert re.findall(r'<comment ref="([A-Z]+[0-9]+)"', comments) == ["A3", "B3"]
    assert "Jour et mois peuvent se lire de deux façons" in comments or "jour et le mois" in comments.lower()
    assert cells["A3"] == cells["B3"] != cells["C3"] == cells["A2"]


def test_the_corrected_workbook_is_read_again() -> None:
    document = back(csv_of(HEADS, ROW, WRONG), "fr")
    again = [[*row] for row in rows_of(document)]
    again[2][:2] = ["MSKU1234570", "2026-04-03 10:00"]

    found = judged(xlsx_of({"container.gate_in": again}), event_type=None)

    assert [each.verdict for each in found] == ["ACCEPTED", "ACCEPTED"]
    assert [[fault.code for fault in each.faults] for each in judged(document, event_type=None)] == [
        [],
        [fault.code for fault in judged(csv_of(HEADS, WRONG))[0].faults],
    ]


def test_a_second_round_writes_its_verdicts_over_those_of_the_first() -> None:
    once = back(csv_of(HEADS, ROW), "fr")
    twice = marked_workbook(once, {"container.gate_in!2": RowVerdict("DUPLICATE")}, "en")

    assert rows_of(twice) == [[*HEADS, "Result"], [*ROW, "Already known"]]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "\t=1", "http://example.com"]
)
def test_nothing_starts_a_formula_or_a_link(text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    document = back(csv_of((*HEADS, "Remarks", quoted), (*ROW, quoted, quoted)))
    sheet = part(document, "xl/worksheets/sheet1.xml")

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert rows_of(document)[1][6] == text


def test_what_is_wrong_with_the_row_stands_on_its_verdict_and_of_the_file_on_the_notes() -> None:
    row = marked_workbook(
        csv_of(HEADS, ROW, ROW), {"row 3": RowVerdict("ACCEPTED", items(csv_of(HEADS, ROW, ROW))[1].faults)}, "en"
    )
    whole = marked_workbook(b"\0", {"": RowVerdict("REJECTED", refused(b"\0"))}, "en")

    assert re.findall(r'<comment ref="([A-Z]+[0-9]+)"', part(row, "xl/comments1.xml")) == ["G3"]
    assert "cannot be read as a table" in str(rows_of(whole))


def test_of_a_long_table_only_what_is_to_be_corrected_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marked, "ROWS_MAX", 2)

    rows = rows_of(back(csv_of(HEADS, ROW, WRONG, ("MSKU1234570", *ROW[1:]), WRONG, WRONG)))

    assert [row[-1] for row in rows] == ["Result", "Rejected (row 3)", "Rejected (row 5)"]


@pytest.mark.parametrize(("bound", "shown"), [("ROWS_MAX", 4), ("CELLS_MAX", 2), ("LINES_MAX", 3)])
def test_no_more_of_a_table_goes_back_than_the_bounds_say(
    monkeypatch: pytest.MonkeyPatch, bound: str, shown: int
) -> None:
    monkeypatch.setattr(marked, bound, 3)

    document = marked_workbook(csv_of(HEADS, *[ROW] * 9), {}, "en", GATE_IN)

    assert len(rows_of(document)) == shown - (bound == "CELLS_MAX")
    assert "was left out" in str(rows_of(document, 1))


def test_blank_rows_cost_nothing_and_leave_the_others_in_their_place() -> None:
    document = marked_workbook(csv_of(HEADS, *[()] * 50, ROW), {"row 52": RowVerdict("ACCEPTED")}, "en", GATE_IN)

    assert rows_of(document)[51] == [*ROW, "Accepted"]


odd_cells = st.sampled_from([None, 0, 1.5, True, "", " ", "x", "=1", datetime(2026, 1, 1), *HEADS[:3], *ROW[:3]])
spots = st.tuples(st.integers(0, 12) | st.sampled_from([999, 5_000]), st.integers(0, 12), odd_cells)
spans = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.integers(0, 3))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.lists(spots, max_size=12), st.none() | spans), min_size=1, max_size=3), st.booleans())
def test_whatever_stands_where_in_a_workbook_it_goes_back(
    sheets: list[tuple[list[tuple[int, int, Any]], tuple[int, int, int, int] | None]], heads: bool
) -> None:
    def fill(book: Any, made: Any) -> None:
        for sheet, (cells, span) in zip(made.values(), sheets, strict=True):
            for row, column, value in cells:
                sheet.write(row, column, value)
            if span and any(span[2:]):
                sheet.merge_range(span[0], span[1], span[0] + span[2], span[1] + span[3], "x")

    document = xlsx_of({f"Table {at}": [HEADS] if heads else [] for at in range(len(sheets))}, fill)

    assert marked_workbook(document, {}, "fr", GATE_IN).startswith(b"PK")


def test_a_sheet_whose_name_excel_refuses_goes_back_under_another() -> None:
    document = xlsx_of({"Gate in": [HEADS, ROW], "Gate out": [HEADS, ROW]})
    source = zipfile.ZipFile(io.BytesIO(document))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for info in source.infolist():
            content = source.read(info).replace(b'name="Gate in"', b'name="History"')
            made.writestr(info.filename, content.replace(b'name="Gate out"', b'name="a/b:c?"'))

    workbook = marked_workbook(buffer.getvalue(), {}, "en", GATE_IN)

    assert CalamineWorkbook.from_filelike(io.BytesIO(workbook)).sheet_names == ["History (2)", "a b c", "Notes"]


def spoil(book: Any, sheets: Any) -> None:
    """In each row another thing that spreadsheets destroy, mostly where any text would be taken."""
    sheet = sheets["container.gate_in"]
    sheet.write_formula("G2", "=VLOOKUP(A2,X!A:B,2)", None, "")
    sheet.write_formula("G3", "=#REF!A1", None, "#REF!")
    sheet.write_datetime("G4", datetime(2026, 11, 22, 10), book.add_format({"num_format": "dd/mm/yyyy hh:mm"}))
    sheet.write_datetime("G5", time(10, 30), book.add_format({"num_format": "hh:mm"}))
    sheet.write_datetime("G6", timedelta(hours=30), book.add_format({"num_format": "[h]:mm:ss"}))
    sheet.write_number("H7", 340123450000000080)
    sheet.write_number("B8", 46348.41)
    sheet.merge_range("G9:G10", "B7")
    sheet.merge_range("G11:H11", "B7")
    sheet.write_string("G12", "#NOM?")
    sheet.write_datetime("B13", datetime(2026, 11, 22), book.add_format({"num_format": "dd/mm/yyyy"}))


DESTROYED = xlsx_of(
    {"container.gate_in": [(*HEADS, "Remarks", "References: SSCC"), *[(f"MSKU{n}", *ROW[1:]) for n in range(12)]]},
    spoil,
)
"""Of container numbers that are all wrong: so that every row is refused, whatever else is wrong with it."""


def test_what_a_spreadsheet_destroyed_is_refused_again_when_it_comes_back_as_it_is() -> None:
    first = [[each.code for each in row.faults] for row in judged(DESTROYED)]
    workbook = back(DESTROYED)

    again = [[each.code for each in row.faults] for row in judged(workbook)]

    assert again == first
    assert {code for row in first for code in row} >= {
        "CELL_NOT_COMPUTED", "CELL_ERROR", "CELL_NOT_TEXT", "CELL_ROUNDED", "DATE_SERIAL", "CELL_MERGED",
    }  # fmt: skip


def test_of_a_long_table_too_what_a_spreadsheet_destroyed_is_refused_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil_more(book: Any, sheets: Any) -> None:
        sheets["container.gate_in"].write_formula("G2", "=A1", None, "")
        sheets["container.gate_in"].merge_range("G3:G4", "B7")

    document = xlsx_of({"container.gate_in": [(*HEADS, "Remarks"), ROW, ROW, ROW]}, spoil_more)
    monkeypatch.setattr(marked, "ROWS_MAX", 2)

    assert [row.verdict for row in judged(back(document))] == ["REJECTED", "REJECTED"]


@pytest.mark.parametrize(
    ("cell", "code", "text"),
    [
        ('<c r="G2"><f t="shared" si="0"/></c>', "CELL_NOT_COMPUTED", "="),
        ('<c r="G2"><f>&gt; it</f></c>', "CELL_NOT_COMPUTED", "=#N/A"),
        ('<c r="G2"><f>== A1</f><v></v></c>', "CELL_NOT_COMPUTED", "=A1"),
        ('<c r="G2" t="e"><v></v></c>', "CELL_ERROR", "#N/A"),
    ],
)
def test_no_word_but_the_senders_or_that_of_a_spreadsheet_stands_in_a_spoilt_cell(
    cell: str, code: str, text: str
) -> None:
    source = zipfile.ZipFile(io.BytesIO(xlsx_of({"container.gate_in": [(*HEADS, "Remarks"), ROW]})))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for info in source.infolist():
            content = source.read(info).replace(b"</row></sheetData>", f"{cell}</row></sheetData>".encode())
            made.writestr(info.filename, content)

    workbook = back(buffer.getvalue())

    assert rows_of(workbook)[1][6] == text
    assert [[each.code for each in row.faults] for row in judged(workbook)] == [[code]]


@pytest.mark.parametrize("cell", ["=1+1", '="0012"', "=SUM(A1:A3)"])
def test_the_text_of_a_formula_is_no_value(cell: str) -> None:
    (found,) = judged(csv_of((*HEADS, "Remarks"), (*ROW, '"' + cell.replace('"', '""') + '"')))

    assert [each.code for each in found.faults] == ["CELL_NOT_COMPUTED"]


@pytest.mark.parametrize("cell", ["'=1+1", "=> Berth 7", "== urgent =="])
def test_a_text_that_begins_like_a_formula_and_is_none_is_taken(cell: str) -> None:
    (found,) = judged(csv_of((*HEADS, "Remarks"), (*ROW, cell)))

    assert found.verdict == "ACCEPTED"


def test_every_sheet_of_events_goes_back_under_its_name() -> None:
    document = xlsx_of({"Gate in": [HEADS, ROW], "Notes": [["x"]], "Gate out": [HEADS, WRONG]})

    names = CalamineWorkbook.from_filelike(io.BytesIO(back(document, event_type=None))).sheet_names

    assert names == ["Gate in", "Gate out", "Notes"]


SHEET_NAMES = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="aA'İΣςß 😀[]:*?/\\\x00\ufffe", max_size=40),
    st.sampled_from(["", "'", "History", "hiSTORY", "Notes", "a" * 30 + "'bc", "a" * 31 + "x", "😀" * 40, "\ud800"]),
)


@given(names=st.lists(SHEET_NAMES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_every_sheet_gets_a_name_that_excel_allows_whatever_it_was_called(names: list[str]) -> None:
    book = Workbook(io.BytesIO(), {"in_memory": True})
    marking = marked._Marking(book, {}, "en")

    for name in names:
        marking.sheet(Table(rows=iter(()), sheet=name), None, "Table 1")
    marking.summary()
    book.close()

    titles = [sheet.get_name() for sheet in book.worksheets()]
    assert len({title.casefold() for title in titles}) == len(names) + 1
    assert all(1 <= len(title.encode("utf-16-le")) <= 62 and title.casefold() != "history" for title in titles)
