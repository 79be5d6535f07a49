"""Templates: what a person fills in is read again without a fault, for every type, in both languages."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime
from typing import Literal

import pytest
from xlsxwriter import Workbook

from schemas.catalogue import EventType, catalogue
from schemas.translate.item import Context
from schemas.translate.tabular import translate
from schemas.translate.tabular.columns import Column, Form, Kind, columns_of
from schemas.translate.tabular.labels import Language, sheet_name
from schemas.translate.tabular.template import header, template
from schemas.translate.tabular.words import choice_words, description, example
from tests.unit.tabular.tables import GATE_IN, judged, kind, told

TYPES = [pytest.param(each, id=each.name) for each in catalogue().types]
LANGUAGES: tuple[Language, ...] = ("en", "fr")


def filled(event_type: EventType, lang: Language) -> list[tuple[Column, str]]:
    """Every column with its example, but one scheme only where there is room for one identifier."""
    cells, taken = [], set()
    for column in columns_of(event_type):
        if column.shown:
            full = column.form is Form.IDENTIFIER and column.path in taken
            taken.add(column.path)
            cells.append((column, "" if full else example(column)))
    return cells


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("event_type", TYPES)
def test_a_filled_template_of_separated_values_is_read_without_a_fault(event_type: EventType, lang: Language) -> None:
    document = template(event_type, "csv", lang)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";" if lang == "fr" else ",").writerow(cell for _, cell in filled(event_type, lang))

    (found,) = judged(document + text.getvalue().encode(), event_type=event_type.name)

    assert (found.verdict, found.faults) == ("ACCEPTED", [])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("event_type", TYPES)
def test_a_filled_workbook_is_read_without_a_fault(event_type: EventType, lang: Language) -> None:
    """The headers of the template, and cells of the kind that Excel makes of what is typed into its columns."""
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet(sheet_name(event_type.name))
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for at, (column, cell) in enumerate(filled(event_type, lang)):
            sheet.write_string(0, at, header(column, lang))
            if cell and column.kind is Kind.INSTANT:
                sheet.write_datetime(1, at, datetime.fromisoformat(cell), moment)
            elif cell and column.kind in (Kind.NUMBER, Kind.INTEGER):
                sheet.write_number(1, at, float(cell))
            elif cell:
                sheet.write_string(1, at, cell)

    (found,) = judged(buffer.getvalue(), event_type=None)

    assert (found.verdict, found.faults) == ("ACCEPTED", [])


@pytest.mark.parametrize("event_type", TYPES)
def test_the_headers_of_a_template_make_a_table_of_no_rows(event_type: EventType) -> None:
    for lang in LANGUAGES:
        opened = translate(template(event_type, "xlsx", lang), Context())

        assert not isinstance(opened, list)
        assert list(opened.items) == []


def parts(document: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_code_columns_are_preset_as_text_and_times_to_the_second() -> None:
    found = parts(template(kind(GATE_IN), "xlsx", "en"))
    styles = found["xl/styles.xml"].partition("<cellXfs")[2]
    formats = re.findall(r'<xf numFmtId="(\d+)"', styles)
    columns = re.findall(
        r'<col min="(\d+)" max="\d+" width="[0-9.]+"(?: style="(\d+)")?', found["xl/worksheets/sheet1.xml"]
    )
    by_column = {int(at) - 1: formats[int(style or 0)] for at, style in columns}

    assert by_column[0] == "49"  # ECMA-376-1 §18.8.30: 49 is "@".
    assert by_column[2] == "164"
    assert 'numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"' in found["xl/styles.xml"]


def test_allowed_values_are_lists_and_headers_have_comments() -> None:
    found = parts(template(kind(GATE_IN), "xlsx", "fr"))

    assert '"ACTUAL,ESTIMATED,PLANNED,REQUESTED"' in found["xl/worksheets/sheet1.xml"]
    assert '"VRAI,FAUX"' in found["xl/worksheets/sheet1.xml"]
    assert "obligatoire" in found["xl/comments1.xml"]


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_the_same_template_is_the_same_bytes_of_headers(form: Literal["xlsx", "csv"]) -> None:
    one, other = (template(kind(GATE_IN), form, "en") for _ in range(2))

    assert (
        parts(one)["xl/sharedStrings.xml"] == parts(other)["xl/sharedStrings.xml"] if form == "xlsx" else one == other
    )


def test_a_french_template_is_in_french() -> None:
    first = template(kind(GATE_IN), "csv", "fr").decode("utf-8-sig").splitlines()[0]

    assert first.startswith("Numéro de conteneur (*);Code UTI (*);Date et heure *;Décalage UTC;Nature de l'heure *;")


@pytest.mark.parametrize("event_type", TYPES)
def test_every_column_of_a_template_is_described_in_both_languages(event_type: EventType) -> None:
    for column in columns_of(event_type):
        if column.shown:
            assert description(column, "en")
            if column.form in (Form.MEMBER, Form.CONTROL):
                assert description(column, "fr") != description(column, "en"), column.name
            assert not column.choices or column.choices[0] in choice_words(column, "fr")


def test_a_row_that_is_left_empty_is_no_event() -> None:
    document = template(kind(GATE_IN), "csv", "en") + b",,,,,\r\n\r\n"

    assert told([each for found in judged(document) for each in found.faults]) == []
