"""Separated values: encodings, separators, quotes, and lines that cannot be told apart."""

from __future__ import annotations

import codecs
import io

import pytest

from schemas.translate.item import Context
from schemas.translate.tabular import translate
from tests.unit.tabular.tables import GATE_IN, HEADS, ROW, csv_of, items, judged, refused, told

FRENCH = ("Numéro de conteneur", "Date et heure", "Décalage UTC", "Nature de l'heure", "Lieu : nom", "Vide")
HAVRE = ("MSKU1234565", "22/11/2026 10:00", "+01:00", "ACTUAL", "Forêt « Œuvre »", "non")
TEXT = csv_of(FRENCH, HAVRE, separator=";").decode()


@pytest.mark.parametrize(
    "document",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("cp1252"),
    ],
    ids=["UTF-8", "UTF-8 with a mark", "UTF-16 LE", "UTF-16 BE", "Windows-1252"],
)
def test_every_encoding_that_excel_writes_is_read(document: bytes) -> None:
    (item,) = items(document)

    assert item.event is not None
    assert item.event["data"]["place"] == {"name": "Forêt « Œuvre »"}
    assert item.faults == ()


def test_bytes_that_are_no_text_are_refused_with_where_they_are() -> None:
    (binary,) = refused(b"\x00\x01\x02\x03")
    (undefined,) = refused(TEXT.encode("cp1252").replace(b"\xea", b"\x81"))

    assert (binary.code, undefined.code) == ("TABLE_UNREADABLE", "TABLE_UNREADABLE")
    assert undefined.found.startswith("bytes 81")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_told_from_the_header(separator: str) -> None:
    (found,) = judged(csv_of(HEADS, ROW, separator=separator))

    assert (found.verdict, found.faults) == ("ACCEPTED", [])


def test_the_separator_that_excel_names_goes_before_and_is_no_row() -> None:
    (item,) = items(b"sep=|\r\n" + csv_of(HEADS, ROW, separator="|"))

    assert item.place == "row 2"
    assert item.faults == ()


def test_separators_in_quoted_headers_do_not_count() -> None:
    heads = (*HEADS, '"Remarks"', '"a, b, c, d, e, f, g, h"')

    assert items(csv_of(heads, (*ROW, "x", "y"), separator=";"))[0].event["data"]["remarks"] == "x"  # type: ignore[index]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_quoted_cell_may_hold_new_lines_and_rows_are_counted_as_excel_shows_them(end: str) -> None:
    document = csv_of((*HEADS, "Remarks"), (*ROW, '"two\nlines, ""quoted"""'), (), ROW[:3], end=end)

    first, second = items(document)

    assert first.event is not None
    assert first.event["data"]["remarks"] == 'two\nlines, "quoted"'
    assert (first.place, second.place) == ("row 2", "row 4")


def test_a_stray_quote_spoils_its_row_only() -> None:
    first, second = items(csv_of(HEADS, ('"A" B', *ROW[1:]), ROW))

    assert told(first.faults) == [("ROW_MALFORMED", "row 2")]
    assert (second.place, second.faults) == ("row 3", ())


def test_a_quote_that_never_ends_is_told_with_the_row_in_which_it_begins() -> None:
    first, second = items(csv_of(HEADS, ROW, ('"MSKU', *ROW[1:]), ROW))

    assert first.faults == ()
    assert told(second.faults) == [("ROW_MALFORMED", "row 3")]


def test_a_decimal_comma_between_commas_makes_a_cell_too_many() -> None:
    (item,) = items(csv_of((*HEADS, "Verified gross mass (kg)"), (*ROW, "12,5")))

    assert told(item.faults) == [("COLUMN_UNNAMED", "row 2, column H")]


def test_a_cell_is_named_as_its_sender_sees_it() -> None:
    (found,) = judged(csv_of(HEADS, ("MSKU12", *ROW[1:])))

    assert told(found.faults) == [("IDENTIFIER_MALFORMED", "row 2, column A (Container number)")]


def test_an_endless_line_is_refused() -> None:
    (item,) = items(csv_of(HEADS) + b"x" * 2_000_000)

    assert told(item.faults) == [("ROW_MALFORMED", "row 2")]


def test_a_row_of_a_thousand_cells_is_refused() -> None:
    (item,) = items(csv_of(HEADS) + b"," * 1_000)

    assert told(item.faults) == [("TABLE_TOO_LARGE", "row 2")]


def test_nothing_and_headers_alone_are_told() -> None:
    assert told(refused(b"")) == [("EMPTY", "")]
    assert items(csv_of(HEADS)) == []


def test_rows_beyond_the_bound_are_not_looked_at() -> None:
    first, second, last = items(csv_of(HEADS, ROW, ROW, ROW, ROW), items_max=2)

    assert (first.place, second.place) == ("row 2", "row 3")
    assert told(last.faults) == [("TOO_MANY_ITEMS", "row 4")]


def test_a_file_is_read_as_its_rows_are_asked_for_and_stays_open() -> None:
    file = io.BytesIO(csv_of(HEADS, *[ROW] * 20_000))
    translation = translate(file, Context(event_type=GATE_IN))
    assert not isinstance(translation, list)

    next(iter(translation.items))

    assert file.tell() < 200_000
    del translation
    assert not file.closed
