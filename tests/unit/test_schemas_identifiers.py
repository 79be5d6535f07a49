"""Identifiers: forms from the naming table, check digits from the standards, published examples of each."""

from __future__ import annotations

import pytest

from schemas.identifiers import COUNTRIES, SCHEMES, objection

GOOD = [
    ("iso6346", "CSQU3054383"),  # ISO 6346 itself
    ("iso6346", "MSKU1234565"),
    ("iso6346", "TEXU3070079"),
    ("ilu", "HAMA0010106"),
    ("imo", "9074729"),
    ("gtin", "09506000134352"),
    ("gtin", "614141999996"),
    ("gln", "9506000134376"),
    ("sscc", "106141412345678908"),
    ("awb", "123-12345675"),
    ("awb", "12312345675"),
    ("lei", "529900T8BM49AURSDO55"),
    ("unlocode", "NAWDH"),
    ("eori", "XI123456789000"),
    ("seal", "NL 00123/A-1.2"),
]


@pytest.mark.parametrize(("scheme", "value"), GOOD)
def test_published_identifiers_pass(scheme: str, value: str) -> None:
    assert objection(SCHEMES[scheme], value) is None


@pytest.mark.parametrize(
    ("scheme", "value", "digit"),
    [
        ("iso6346", "CSQU3054384", "3"),
        ("iso6346", "MSKU1234566", "5"),
        ("ilu", "HAMA0010107", "6"),
        ("imo", "9074728", "9"),
        ("gln", "9506000134377", "6"),
        ("sscc", "106141412345678900", "8"),
        ("awb", "123-12345676", "5"),
        ("lei", "529900T8BM49AURSDO56", "55"),
        ("mrn", "26NL00000000000011", "0"),
    ],
)
def test_a_wrong_check_digit_names_the_expected_one(scheme: str, value: str, digit: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert wrong.code == "CHECK_DIGIT_WRONG"
    assert wrong.expected.startswith(f"check digit {digit} (")


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("iso6346", "MSKU123456"),
        ("iso6346", "MSKX1234565"),
        ("iso6346", "mskU1234565"),
        ("iso6346", "MSKU1234565\n"),
        ("iso6346", "MSKU１234565"),  # a full-width digit
        ("imo", "IMO9074729"),
        ("mmsi", "000000000"),
        ("unlocode", "NL RTM"),
        ("hs", "7324.10"),
        ("hs", "770110"),
        ("hs", "001012"),
        ("seal", "1234567890123456"),
        ("seal", ""),
        ("eori", "123456789"),
        ("awb", "123 12345675"),
    ],
)
def test_a_wrong_form_shows_what_a_right_one_looks_like(scheme: str, value: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert wrong.code == "IDENTIFIER_MALFORMED"
    assert SCHEMES[scheme].example in wrong.expected


def test_a_remainder_of_ten_is_the_check_digit_zero() -> None:
    """ISO 6346 advises against such numbers, real boxes bear them."""
    assert objection(SCHEMES["iso6346"], "ABCU0000070") is None


@pytest.mark.parametrize(("scheme", "value"), [("country", "UK"), ("unlocode", "UKLON"), ("eori", "EL123456789")])
def test_a_country_that_does_not_exist_is_warned_about(scheme: str, value: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert wrong.code == "COUNTRY_UNKNOWN"


def test_namibia_and_northern_ireland_are_countries() -> None:
    assert {"NA", "XI"} <= COUNTRIES
    assert len(COUNTRIES) == 250


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_the_example_of_every_scheme_passes_its_own_rules(scheme: object) -> None:
    assert objection(scheme, scheme.example) is None  # type: ignore[attr-defined,arg-type]
