"""Identifiers: forms from the naming table, check digits from the standards, published examples of each."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import ANY

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.check_digits import container_digit, gs1_digit, imo_company_digit, lei_digits
from schemas.codes import COUNTRIES
from schemas.faults import FAULTS, Severity
from schemas.identifiers import SCHEMES, Objection, Scheme, objection

GOOD = [
    ("iso6346", "CSQU3054383"),  # ISO 6346 itself
    ("iso6346", "MSKU1234565"),
    ("iso6346", "TEXU3070079"),
    ("size_type", "22G1"),
    ("size_type", "L5R1"),
    ("size_type", "4310"),  # of 1985
    ("ilu", "HAMA0010106"),
    ("imo", "9074729"),
    ("imo", "9319466"),
    ("imo", "8814275"),
    ("mmsi", "244660000"),
    ("flight", "KL0835"),
    ("flight", "U21234"),
    ("gtin", "09506000134352"),
    ("gtin", "614141999996"),
    ("gln", "9506000134376"),
    ("sscc", "106141412345678908"),
    ("awb", "123-12345675"),
    ("awb", "12312345675"),
    ("lei", "529900T8BM49AURSDO55"),
    ("unlocode", "NAWDH"),
    ("unlocode", "XZFPO"),  # an installation in international waters
    ("eori", "XI123456789000"),
    ("tin", "GB4711000815"),
    ("mrn", "06DE586600006143E1"),
    ("mrn", "10NL5663962BE1E825"),
    ("hs", "010121"),
    ("un_number", "0004"),
    ("scac", "MAEU"),
    ("country", "NA"),
    ("currency", "XCG"),
    ("equipment", "NONE 0042/A"),
    ("digital_link", "https://id.gs1.org/01/09506000134352/21/2017"),
    ("digital_link", "https://id.gs1.org/8004/4000001111"),
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
        ("mrn", "06DE586600006143E2", "1"),
        ("digital_link", "https://id.gs1.org/01/09506000134353/21/2017", "2 inside"),
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
        ("mmsi", "199000000"),
        ("flight", "121234"),
        ("digital_link", "https://id.gs1.org/01/9506000134352/21"),
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


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("un_number", "8000"), ("un_number", "0003"), ("currency", "HRK"), ("eori", "US123"), ("size_type", "2X00")],
)
def test_a_code_that_its_list_does_not_have_is_warned_about(scheme: str, value: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert wrong.code == "CODE_UNASSIGNED"


def test_the_number_of_a_company_is_told_from_that_of_a_ship() -> None:
    """IMO 0309317 is a company, and both have seven digits."""
    wrong = objection(SCHEMES["imo"], "0309317")

    assert imo_company_digit("0309317") == "7"
    assert wrong is not None
    assert wrong.code == "CHECK_DIGIT_WRONG"
    assert wrong.expected.endswith("as the number of a company it would be right")


@pytest.mark.parametrize(
    "value", ["https://id.gs1.org/01/9506000134352", "https://id.gs1.org/01/09506000134352/10/A/21/2017"]
)
def test_a_digital_link_that_is_not_canonical_shows_the_one_that_is(value: str) -> None:
    wrong = objection(SCHEMES["digital_link"], value)

    assert wrong is not None
    assert wrong.code == "IDENTIFIER_MALFORMED"
    assert wrong.expected.startswith("the canonical form https://id.gs1.org/01/09506000134352")


@pytest.mark.parametrize(
    ("scheme", "value", "meant"),
    [
        ("iso6346", "MSKU 123456-5", "MSKU1234565: without blanks, dots or dashes"),
        ("iso6346", "msku1234565", "MSKU1234565: in capitals"),
        ("iso6346", "OOLU12345O5", "OOLU1234505: with digits in place of the letters O, I or L"),
        ("iso6346", "MSKU１234565", "MSKU1234565: in plain letters and digits, with nothing around them"),
        ("iso6346", " MSKU1234565", "MSKU1234565: in plain letters and digits, with nothing around them"),
        ("hs", "8703.23", "870323: without blanks, dots or dashes"),
        ("hs", "10121", "010121: with the leading zeros that spreadsheets drop"),
        ("hs", "1012100", "01012100: with the leading zeros that spreadsheets drop"),
        ("hs", "870323.0", "870323: as text, where a spreadsheet made it a number"),
        ("un_number", "4", "0004: with the leading zeros that spreadsheets drop"),
        ("un_number", "UN 0004", "0004: the number alone"),
        ("imo", "IMO 9074729", "9074729: the number alone"),
        ("imo", "IMO9074729", "9074729: the number alone"),
        ("unlocode", "NL RTM", "NLRTM: without blanks, dots or dashes"),
        ("awb", "074 1234 5675", "07412345675: without blanks, dots or dashes"),
        ("digital_link", "urn:epc:id:giai:4000001.111", "https://id.gs1.org/8004/4000001111: in canonical form"),
        ("digital_link", "http://a.nl/8004/4000001111?x=1", "https://id.gs1.org/8004/4000001111: in canonical form"),
    ],
)
def test_a_usual_mistake_is_answered_with_what_was_meant(scheme: str, value: str, meant: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert wrong.code == "IDENTIFIER_MALFORMED"
    assert wrong.expected.endswith(f"; perhaps {meant}")


@pytest.mark.parametrize(
    ("scheme", "value"), [("imo", "90747"), ("hs", "8703"), ("iso6346", "M" * 1_000), ("gln", "x")]
)
def test_nothing_is_guessed_where_nothing_explains_it(scheme: str, value: str) -> None:
    wrong = objection(SCHEMES[scheme], value)

    assert wrong is not None
    assert "perhaps" not in wrong.expected


PROMISED = [("gtin", 14, gs1_digit), ("gln", 13, gs1_digit), ("sscc", 18, gs1_digit), ("lei", 20, lei_digits)]


@given(st.sampled_from(PROMISED), st.integers(0, 10**18 - 1), st.integers(0, 19), st.integers(1, 9))
def test_one_changed_digit_is_always_caught_where_the_standard_promises_it(
    scheme: tuple[str, int, Callable[[str], str]], number: int, place: int, by: int
) -> None:
    name, length, compute = scheme
    digits = f"{number:018}"[: length - len(compute("0" * length))]
    digits += compute(digits + "0" * (length - len(digits)))
    place %= length
    changed = f"{digits[:place]}{(int(digits[place]) + by) % 10}{digits[place + 1 :]}"

    assert objection(SCHEMES[name], digits) is None
    assert objection(SCHEMES[name], changed) == Objection("CHECK_DIGIT_WRONG", ANY)


@given(st.from_regex(r"[A-Z]{3}U[0-9]{6}", fullmatch=True), st.integers(4, 9), st.integers(1, 9))
def test_one_changed_digit_of_a_container_is_caught_but_where_remainders_share_a_digit(
    number: str, place: int, by: int
) -> None:
    digit = container_digit(number + "0")
    changed = f"{number[:place]}{(int(number[place]) + by) % 10}{number[place + 1 :]}"
    assume("0" not in (digit, container_digit(changed + "0")))

    assert objection(SCHEMES["iso6346"], number + digit) is None
    assert objection(SCHEMES["iso6346"], changed + digit) == Objection("CHECK_DIGIT_WRONG", ANY)


@given(st.sampled_from([*SCHEMES.values()]), st.text())
def test_whatever_the_text_every_scheme_has_an_answer(scheme: Scheme, text: str) -> None:
    wrong = objection(scheme, text)

    assert wrong is None or wrong.code in FAULTS


@given(st.data())
def test_what_has_the_form_of_its_scheme_is_never_malformed_but_for_a_digital_link(data: st.DataObject) -> None:
    scheme = data.draw(st.sampled_from([each for each in SCHEMES.values() if each.name != "digital_link"]))
    value = data.draw(st.from_regex(scheme.fits.__self__, fullmatch=True))  # type: ignore[attr-defined]

    wrong = objection(scheme, value)

    assert wrong is None or FAULTS[wrong.code].severity is Severity.WARNING


def test_namibia_and_northern_ireland_are_countries() -> None:
    assert {"NA", "XI"} <= COUNTRIES
    assert len(COUNTRIES) == 250


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_the_example_of_every_scheme_passes_its_own_rules(scheme: Scheme) -> None:
    assert objection(scheme, scheme.example) is None
