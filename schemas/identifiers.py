"""Identifiers of the trade: their forms, from the naming table, and their check digits.

A wrong form is an error: the value cannot be what it claims to be. A wrong check digit is a warning that names the
expected one: published documents of every standard hold real boxes and ships whose digit is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from typing import NamedTuple

import orjson

from schemas.check_digits import awb_digit, container_digit, gs1_digit, imo_digit, lei_digits


class Objection(NamedTuple):
    """What is wrong with an identifier: a fault code, and what was expected."""

    code: str
    expected: str


_CHECK_DIGITS: dict[str, Callable[[str], str]] = {
    "iso6346": container_digit, "ilu": container_digit, "mrn": container_digit, "imo": imo_digit, "awb": awb_digit,
    "gtin": gs1_digit, "gln": gs1_digit, "sscc": gs1_digit, "lei": lei_digits,
}  # fmt: skip

# ISO 3166-1 alpha-2 of 2026, and XI, which Union customs use for Northern Ireland (Decision 2020/1475).
COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
    YT ZA ZM ZW XI
    """.split()  # noqa: SIM905 -- a list of 250 quoted codes is no easier to read
)
_COUNTRY_FIRST = frozenset({"country", "unlocode", "eori"})


class Scheme(NamedTuple):
    """One row of the naming table, ready to use."""

    name: str
    fits: Callable[[str], object]
    example: str
    standard: str
    check_digit: Callable[[str], str] | None
    country_first: bool


def _load() -> dict[str, Scheme]:
    rows = orjson.loads(resources.files("schemas").joinpath("naming.json").read_bytes())["schemes"]
    return {
        (name := row["scheme"]): Scheme(
            name,
            re.compile(row["pattern"], re.ASCII).fullmatch,
            row["example"],
            row["standard"],
            _CHECK_DIGITS.get(name),
            name in _COUNTRY_FIRST,
        )
        for row in rows
    }


SCHEMES = _load()


def objection(scheme: Scheme, value: str) -> Objection | None:
    """What is wrong with an identifier of this scheme, or None."""
    if not scheme.fits(value):
        standard = f" ({scheme.standard})" if scheme.standard else ""
        return Objection("IDENTIFIER_MALFORMED", f"{scheme.name} in a form like {scheme.example}{standard}")
    if scheme.check_digit is not None:
        digit = scheme.check_digit(value)
        if not value.endswith(digit):
            return Objection("CHECK_DIGIT_WRONG", f"check digit {digit} ({scheme.standard})")
    if scheme.country_first and value[:2] not in COUNTRIES:
        return Objection("COUNTRY_UNKNOWN", "a country of ISO 3166-1 alpha-2 in the first two letters")
    return None
