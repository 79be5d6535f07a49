"""Identifiers of the trade: their forms, from the naming table, and their check digits.

A wrong form is an error: the value cannot be what it claims to be. A wrong check digit is a warning that names the
expected one: published documents of every standard hold real boxes and ships whose digit is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from operator import mul
from string import ascii_uppercase
from typing import NamedTuple

import orjson


class Objection(NamedTuple):
    """What is wrong with an identifier: a fault code, and what was expected."""

    code: str
    expected: str


def container_digit(number: str) -> str:
    """ISO 6346:2022 Annex A: letters count 10 to 38 without multiples of 11, weights 2^i, modulo 11, 10 becomes 0.

    EN 13044-1 uses the same digit for ILU codes, and the MRN of Union customs too, over its 17 characters.
    """
    return str(sum(map(mul, map(_LETTERS.__getitem__, number[:-1]), _POWERS)) % 11 % 10)


_LETTERS = {str(digit): digit for digit in range(10)} | dict(
    zip(ascii_uppercase, (value for value in range(10, 39) if value % 11), strict=True)
)
_POWERS = [1 << place for place in range(17)]


def imo_digit(number: str) -> str:
    """IMO Resolution A.1117(30), Annex: the first six digits times 7 to 2, modulo 10."""
    return str(sum(map(mul, map(int, number[:6]), (7, 6, 5, 4, 3, 2))) % 10)


def gs1_digit(number: str) -> str:
    """GS1 General Specifications §7.9.1: weights 3 and 1 in turn from the right, up to the next multiple of 10."""
    digits = list(map(int, number[-2::-1]))
    return str(-(3 * sum(digits[::2]) + sum(digits[1::2])) % 10)


def awb_digit(number: str) -> str:
    """IATA Resolution 600a: the seven digits of the serial number modulo 7."""
    return str(int(number[-8:-1]) % 7)


def lei_digits(number: str) -> str:
    """ISO 17442-1 with ISO/IEC 7064 MOD 97-10: the two digits that leave a remainder of 1."""
    return f"{98 - int(''.join(str(int(each, 36)) for each in number[:18]) + '00') % 97:02}"


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
