"""Cells: what people and spreadsheets write, what spreadsheets destroy, and the one reading of each that is taken."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from schemas.faults import Severity
from schemas.translate.item import Item
from schemas.translate.tabular.columns import UTC_OFFSET
from schemas.translate.tabular.labels import label
from schemas.words import words
from tests.unit.tabular.tables import HEADS, ROW, csv_of, items, judged, row_with, told, xlsx_of

GATE = "customs.container.gate_in"
STUFFED = "customs.container.stuffed"
FILED = "customs.filing.pre_loading"
FILING = {
    "filing.country": "NL", "filing.kind": "ENS", "filing.reference": "1", "consignor.name": "A", "consignee.name": "B",
    "goods.1.description": "fireworks", "goods.1.hs": "360410", "goods.1.pieces": "1", "goods.1.gross_mass_kg": "1",
}  # fmt: skip


def in_csv(event_type: str = "customs.container.gate_in", **cells: str) -> Item:
    (item,) = items(csv_of(*row_with(**cells), separator=";"), event_type=event_type)
    return item


def in_xlsx(event_type: str = "container.gate_in", **cells: Any) -> Item:
    (item,) = items(xlsx_of({event_type: row_with(**cells)}))
    return item


def data(item: Item) -> dict[str, Any]:
    assert item.event is not None
    found: dict[str, Any] = item.event["data"]
    return found


def codes(item: Item) -> list[str]:
    return [each.code for each in item.faults]


# Identifiers.


@pytest.mark.parametrize(
    ("header", "text", "code"),
    [
        ("SSCC", "3.40123E+17", "CELL_ROUNDED"),
        ("SSCC", "3,40123E+17", "CELL_ROUNDED"),
        ("SSCC", "340123450000123000", "CELL_ROUNDED"),
        ("SSCC", "340123450000000000", "CELL_MAYBE_ROUNDED"),
        ("Seal 1: number", "1.23E+17", "CELL_ROUNDED"),
        ("HS code", "10121", "CELL_ZEROS_LOST"),
        ("UN number", "4", "CELL_ZEROS_LOST"),
        ("GTIN", "614141000036", None),
        ("GTIN", "1234567", "CELL_ZEROS_LOST"),
        ("GLN", "614141000012", "CELL_ZEROS_RESTORED"),
        ("Air waybill number", "7412345675", "CELL_ZEROS_RESTORED"),
        ("Place: UN/LOCODE", "#N/A", "CELL_ERROR"),
        ("Place: UN/LOCODE", "#NOM?", "CELL_ERROR"),
        ("Date and time", "########", "CELL_ERROR"),
    ],
)
def test_what_a_spreadsheet_destroys_in_a_file_of_values_is_told(header: str, text: str, code: str | None) -> None:
    names = {"SSCC": "contents.1.identifier.sscc", "GTIN": "contents.1.identifier.gtin", "GLN": "place.gln"}
    names |= {"HS code": "goods.1.hs", "UN number": "goods.1.dangerous_un", "Air waybill number": "references.awb"}
    name = names.get(header, header)
    event_type = FILED if "goods" in name else STUFFED if "contents" in name else GATE

    item = in_csv(event_type, **{**(FILING if event_type == FILED else {}), name: text})

    assert [each for each in codes(item) if each != "COLUMN_UNKNOWN"] == ([code] if code else [])


def test_lost_zeros_are_told_with_the_likely_original_and_not_put_back() -> None:
    item = in_xlsx("filing.pre_loading", **{**FILING, "goods.1.hs": 10121, "goods.1.dangerous_un": 4})

    lost = [each for each in item.faults if each.code == "CELL_ZEROS_LOST"]

    assert [each.expected for each in lost] == [
        "6 digits; it was probably 010121",
        "4 digits; it was probably 0004",
    ]
    assert {each.severity for each in lost} == {Severity.ERROR}
    assert "hs" not in data(item)["goods"][0]


def test_zeros_that_a_check_digit_proves_are_put_back_with_a_warning() -> None:
    item = in_xlsx(**{"Place: GLN": 614141000012})

    assert data(item)["place"]["gln"] == "0614141000012"
    assert [(each.code, each.severity) for each in item.faults] == [("CELL_ZEROS_RESTORED", Severity.WARNING)]


@pytest.mark.parametrize("number", [340123450000000123, 1.0e15, 123456789012345678901234567890.0])
def test_a_code_that_was_a_number_of_more_than_15_digits_is_lost(number: float) -> None:
    item = in_xlsx(**{"Booking number": number})

    assert told(item.faults) == [("CELL_ROUNDED", "container.gate_in!G2")]


def test_a_text_of_18_digits_in_a_workbook_is_as_it_was_written() -> None:
    item = in_xlsx("container.stuffed", **{"contents.1.identifier.sscc": "340123450000000000"})

    assert data(item)["contents"][0]["identifier"]["value"] == "340123450000000000"
    assert codes(item) == ["COLUMN_UNKNOWN"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [(date(2026, 3, 1), "CELL_NOT_TEXT"), (datetime(2026, 3, 1, 12), "CELL_NOT_TEXT"), (8703.23, "CELL_NOT_TEXT")],
)
def test_a_code_that_became_a_date_or_a_fraction_is_told(cell: Any, code: str) -> None:
    assert codes(in_xlsx(**{"Seal 1: number": cell})) == [code]


def test_a_code_that_is_a_whole_number_is_taken_as_its_digits() -> None:
    assert data(in_xlsx(**{"Seal 1: number": 123456.0}))["seals"] == [{"number": "123456"}]


@pytest.mark.parametrize(
    "written",
    ["MSKU1234565", "msku1234565", "MSKU 123456-5", " MSKU1234565\u00a0", "MSKU\u00a0123\u202f456‑5", "'MSKU1234565"],
)
def test_a_container_number_is_read_however_it_is_grouped(written: str) -> None:
    (found,) = judged(csv_of(*row_with(**{"Container number": written})))

    assert found.faults == []
    assert data(found.item)["subjects"] == [{"scheme": "iso6346", "value": "MSKU1234565"}]


def test_blanks_and_points_of_codes_are_dropped_and_those_of_names_kept() -> None:
    item = in_csv(STUFFED, **{"Place: name": "\u00a0Forêt\u00a0Noire ", "contents.1.description": "“new” parts"})

    assert data(item)["place"]["name"] == "Forêt Noire"
    assert data(item)["contents"][0]["description"] == "“new” parts"


def test_namibia_is_a_country_and_nothing_is_null() -> None:
    found = data(in_csv(**{"Place: country": "NA", "Remarks": "null", "Booking number": "None"}))

    assert found["place"]["country"] == "NA"
    assert (found["remarks"], found["references"]) == ("null", [{"scheme": "booking", "value": "None"}])


def test_an_apostrophe_that_keeps_a_text_from_being_a_formula_is_taken_off() -> None:
    found = data(in_csv(**{"Remarks": "'=not a formula", "Place: name": "'s-Hertogenbosch"}))

    assert (found["remarks"], found["place"]["name"]) == ("=not a formula", "'s-Hertogenbosch")


# Numbers and booleans.


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("14250", 14250), ("14250.5", 14250.5), ("14250,5", 14250.5), ("14250,500", 14250.5), ("0,500", 0.5),
        ("14 250,5", 14250.5), ("14\u202f250,5", 14250.5), ("14'250.5", 14250.5), ("14.250,5", 14250.5),
        ("14,250.5", 14250.5), ("1,234,567", 1234567), ("1.234.567,8", 1234567.8), ("12 500", 12500),
    ],
)  # fmt: skip
def test_a_number_is_read_in_its_one_reading(text: str, number: float) -> None:
    assert data(in_csv(**{"Verified gross mass (kg)": text}))["weighed_mass_kg"] == number


@pytest.mark.parametrize("text", ["12,500", "12.500", "1,234"])
def test_a_separator_of_three_digits_has_two_readings_and_is_a_fault(text: str) -> None:
    assert told(in_csv(**{"Verified gross mass (kg)": text}).faults) == [
        ("NUMBER_AMBIGUOUS", "row 2, column G (Verified gross mass (kg))")
    ]


def test_bounds_and_whole_numbers_settle_a_reading() -> None:
    assert data(in_csv(**{"Place: latitude": "51.949", "Place: longitude": "4,145"}))["place"]["latitude"] == 51.949
    assert data(in_csv(FILED, **FILING | {"goods.1.pieces": "1,234"}))["goods"][0]["pieces"] == 1234


@pytest.mark.parametrize("text", ["12 kg", "twelve", "1,2,3", "--1", "1e999"])
def test_what_is_no_number_is_told(text: str) -> None:
    assert codes(in_csv(**{"Verified gross mass (kg)": text})) == ["TYPE_WRONG"]


@pytest.mark.parametrize("yes", ["TRUE", "true", "VRAI", "Oui", "yes", "Y", "1", "x"])
def test_yes_is_understood_in_both_languages(yes: str) -> None:
    assert data(in_csv(Empty=yes))["empty"] is True


@pytest.mark.parametrize("no", ["FALSE", "faux", "NON", "no", "n", "0"])
def test_no_is_understood_in_both_languages(no: str) -> None:
    assert data(in_csv(Empty=no))["empty"] is False


def test_neither_yes_nor_no_is_told() -> None:
    (found,) = judged(csv_of(*row_with(Empty="maybe")))

    assert told(found.faults) == [("VALUE_NOT_ALLOWED", "row 2, column F (Empty)")]


def test_an_allowed_value_is_understood_by_its_words() -> None:
    first = in_csv(**{"Kind of time": "prévu", "Seal 1: number": "A1", "Seal 1: applied by": "Douane"})

    assert data(first)["time_kind"] == "PLANNED"
    assert data(first)["seals"] == [{"number": "A1", "source": "CUS"}]


# Dates and times.


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T10:00:00+01:00", "2026-11-22T10:00:00+01:00"),
        ("2026-11-22T10:00:00.250Z", "2026-11-22T10:00:00.25Z"),
        ("2026-11-22 10:00", "2026-11-22T10:00:00-05:00"),
        ("22/11/2026 10:00", "2026-11-22T10:00:00-05:00"),
        ("11/22/2026 2:30 PM", "2026-11-22T14:30:00-05:00"),
        ("22.11.2026 10:00:30", "2026-11-22T10:00:30-05:00"),
        ("03.04.2026 10:00", "2026-04-03T10:00:00-05:00"),
        ("05/05/2026 10h30", "2026-05-05T10:30:00-05:00"),
        ("22/11/2026 à 10h", "2026-11-22T10:00:00-05:00"),
        ("2026/11/22 10:00 +0100", "2026-11-22T10:00:00+01:00"),
        ("2026-11-22 10:00 UTC", "2026-11-22T10:00:00Z"),
    ],
)
def test_a_time_is_read_in_its_one_reading(text: str, instant: str) -> None:
    assert data(in_csv(**{"Date and time": text, "UTC offset": "-05:00"}))["occurred_at"] == instant


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("03/04/2026 10:00", "DATE_AMBIGUOUS", "the year first: 2026-04-03 or 2026-03-04"),
        ("45987.5", "DATE_SERIAL", "a date; it was probably 2025-11-26 12:00:00"),
        ("45987,5", "DATE_SERIAL", "a date; it was probably 2025-11-26 12:00:00"),
        ("22/11/26 10:00", "TIME_INVALID", "a year of four digits"),
        ("2026-11-22", "TIME_INVALID", "a time of day as well, such as 2026-11-22 10:00"),
        ("31/02/2026 10:00", "TIME_INVALID", None),
        ("2026-11-22 25:00", "TIME_INVALID", None),
        ("yesterday", "TIME_INVALID", None),
    ],
)
def test_a_time_with_no_or_two_readings_is_told(text: str, code: str, expected: str | None) -> None:
    (found,) = judged(csv_of(*row_with(**{"Date and time": text}), separator=";"))

    assert told(found.faults) == [(code, "row 2, column B (Date and time)")]
    assert expected in (None, found.faults[0].expected)


def test_a_date_cell_is_a_local_time_and_takes_the_offset_beside_it() -> None:
    item = in_xlsx(**{"Date and time": datetime(2026, 11, 22, 9, 59, 59, 999_000)})

    assert data(item)["occurred_at"] == "2026-11-22T09:59:59.999+01:00"
    assert "time_zone_source" not in data(item)


def test_seconds_that_day_fractions_miss_by_a_hair_are_whole() -> None:
    for minute in range(60):
        assert data(in_xlsx(**{"Date and time": datetime(2026, 11, 22, 9, minute)}))["occurred_at"].endswith(
            f"T09:{minute:02}:00+01:00"
        )


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (date(2026, 11, 22), "TIME_INVALID"),
        (46348.41, "DATE_SERIAL"),
        (time(10), "TIME_INVALID"),
        (True, "TIME_INVALID"),
    ],
)
def test_a_cell_that_is_no_moment_is_told(cell: Any, code: str) -> None:
    assert codes(in_xlsx(**{"Date and time": cell})) == [code]


def test_without_an_offset_the_zone_of_the_partner_is_assumed_and_the_event_says_so() -> None:
    document = csv_of(*row_with(**{"UTC offset": "", "Date and time": "2026-07-01 10:00"}))

    (assumed,) = items(document, time_zone="Europe/Paris")
    (missing,) = items(document)

    assert data(assumed)["occurred_at"] == "2026-07-01T10:00:00+02:00"
    assert data(assumed)["time_zone_source"] == "ASSUMED"
    assert told(missing.faults) == [("OFFSET_MISSING", "row 2, column B (Date and time)")]


@pytest.mark.parametrize(
    ("cell", "code"), [("03/04/2026 10:00", "DATE_AMBIGUOUS"), ("45987.5", "DATE_SERIAL"), ("", "")]
)
def test_of_a_wrong_time_the_empty_cell_of_the_id_is_not_told_as_well(cell: str, code: str) -> None:
    (found,) = judged(csv_of(*row_with(**{"Date and time": cell, "Event id": ""})))

    assert told(found.faults) == [(code or "MEMBER_MISSING", "row 2, column B (Date and time)")]


@pytest.mark.parametrize(("head", "cell"), [("Place: country", "Chine"), ("Place: UN/LOCODE", "Le Havre")])
def test_what_is_no_code_is_told_as_it_was_written(head: str, cell: str) -> None:
    (found,) = judged(csv_of(*row_with(**{head: cell})))

    assert [each.found for each in found.faults] == [cell]


@pytest.mark.parametrize(("language", "named"), [("en", "UTC offset"), ("fr", "Décalage UTC")])
def test_a_missing_offset_names_the_column_as_the_template_of_the_language_does(language: str, named: str) -> None:
    (found,) = judged(csv_of(*row_with(**{"UTC offset": ""})))
    document = words().fault(found.faults[0], language)

    assert label(UTC_OFFSET, "fr" if language == "fr" else "en") == named
    assert (named in document["expected"], named in document["fix"]) == (True, True)


def test_an_offset_that_is_stated_outranks_the_zone_of_the_partner() -> None:
    (item,) = items(csv_of(HEADS, ROW), time_zone="America/New_York")

    assert data(item)["occurred_at"] == "2026-11-22T10:00:00+01:00"
    assert "time_zone_source" not in data(item)


@pytest.mark.parametrize("zone", ["+01:00", "+0100", "+1", "UTC+1", "gmt +01:00", "Europe/Paris"])
def test_an_offset_is_read_with_its_sign_or_by_the_name_of_a_zone(zone: str) -> None:
    assert data(in_csv(**{"UTC offset": zone}))["occurred_at"] == "2026-11-22T10:00:00+01:00"


@pytest.mark.parametrize("zone", ["1", "01:00", "Paris", "Europe/Atlantis", "../../etc/passwd", "+25:00", "CET"])
def test_an_offset_without_sign_or_an_unknown_zone_is_told(zone: str) -> None:
    item = in_csv(**{"UTC offset": zone})

    assert told(item.faults)[0] == ("VALUE_MALFORMED", "row 2, column C (UTC offset)")


def test_an_offset_that_became_a_time_of_day_is_told() -> None:
    assert codes(in_xlsx(**{"UTC offset": time(1)}))[0] == "VALUE_MALFORMED"


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_an_hour_that_is_twice_or_never_needs_its_offset(text: str) -> None:
    item = in_csv(**{"UTC offset": "Europe/Paris", "Date and time": text})

    assert codes(item) == ["TIME_INVALID"]
    assert "twice or never" in item.faults[0].expected
