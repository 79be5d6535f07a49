"""Identifiers of the trade: their forms, from the naming table, and what their standards let one check beyond.

A wrong form is an error: the value cannot be what it claims to be. A wrong check digit is a warning that names the
expected one: published documents of every standard hold real boxes and ships whose digit is wrong. A code that its
list does not have, so far as this release knows, is a warning too: lists grow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import NamedTuple

import orjson

from schemas import gs1
from schemas.check_digits import awb_digit, container_digit, gs1_digit, imo_company_digit, imo_digit, lei_digits
from schemas.codes import COUNTRIES, CURRENCIES, EORI_ISSUERS
from schemas.mistakes import guess


class Objection(NamedTuple):
    """What is wrong with an identifier: a fault code, and what was expected."""

    code: str
    expected: str


Rule = Callable[[str], Objection | None]
"""What a scheme asks beyond its form; called with values of the right form only."""


class Scheme(NamedTuple):
    """One row of the naming table, ready to use."""

    name: str
    fits: Callable[[str], object]
    example: str
    standard: str
    meaning: str
    rule: Rule | None
    check_digit: Callable[[str], str] | None
    """What the last character should be, where the form has a check digit; the rule looks at it already."""


def objection(scheme: Scheme, value: str) -> Objection | None:
    """What is wrong with an identifier of this scheme, or None."""
    if not scheme.fits(value):
        return Objection("IDENTIFIER_MALFORMED", form_of(scheme, value))
    return None if scheme.rule is None else scheme.rule(value)


def form_of(scheme: Scheme, value: str) -> str:
    """The form that was expected instead of this value, and where a usual mistake explains it, what was meant."""
    standard = f" ({scheme.standard})" if scheme.standard else ""
    form = f"{scheme.name} in a form like {scheme.example}{standard}"
    if scheme.name == "digital_link" and (link := gs1.digital_link(value)) is not None:
        return f"{form}; perhaps {link}: in canonical form"
    meant = guess(value, scheme.fits, zeros_max=_ZEROS_MAX if scheme.name in _ZEROS_LEAD else 0)
    return form if meant is None else f"{form}; perhaps {meant.value}: {meant.reason}"


_ZEROS_LEAD = frozenset({"awb", "gln", "gtin", "hs", "sscc", "un_number"})
"""Schemes in which numbers begin with zeros."""
_ZEROS_MAX = 3


def _check_digit(compute: Callable[[str], str], standard: str, value: str) -> Objection | None:
    digit = compute(value)
    return None if value.endswith(digit) else Objection("CHECK_DIGIT_WRONG", f"check digit {digit} ({standard})")


def _ship(standard: str, value: str) -> Objection | None:
    """A ship's number; that of a company or registered owner has seven digits too, under another rule."""
    digit = imo_digit(value)
    if value.endswith(imo_company_digit(value)) and not value.endswith(digit):
        expected = f"check digit {digit} ({standard}); as the number of a company it would be right"
        return Objection("CHECK_DIGIT_WRONG", expected)
    return _check_digit(imo_digit, standard, value)


def _country(_standard: str, value: str) -> Objection | None:
    return None if value[:2] in COUNTRIES else _UNKNOWN_COUNTRY


def _location(_standard: str, value: str) -> Objection | None:
    """XZ is UN/LOCODE's own: installations in international waters (UNECE Recommendation 16, §1.5)."""
    return None if value[:2] in COUNTRIES or value.startswith("XZ") else _UNKNOWN_COUNTRY


def _movement(standard: str, value: str) -> Objection | None:
    wrong = _check_digit(container_digit, standard, value)
    return wrong or (
        None if value[2:4] in COUNTRIES else Objection("COUNTRY_UNKNOWN", "the country in letters 3 and 4")
    )


def _operator(standard: str, value: str) -> Objection | None:
    if value[:2] not in COUNTRIES:
        return _UNKNOWN_COUNTRY
    return None if value[:2] in EORI_ISSUERS else Objection("CODE_UNASSIGNED", f"a member state, XI or GB ({standard})")


def _currency(standard: str, value: str) -> Objection | None:
    return None if value in CURRENCIES else Objection("CODE_UNASSIGNED", f"a currency of {standard}")


def _dangerous(standard: str, value: str) -> Objection | None:
    """0001 to 0003 were never used; 3560 is the highest of the 23rd revised edition, and each edition adds some."""
    return (
        None if "0004" <= value < "3600" else Objection("CODE_UNASSIGNED", f"a number from 0004 to 3599 ({standard})")
    )


def _size_type(standard: str, value: str) -> Objection | None:
    """Length, height with width, and group of types, or the four digits of the edition of 1985, still on old boxes."""
    known = _SIZE_TYPE.fullmatch(value)
    return None if known else Objection("CODE_UNASSIGNED", f"length, height and type of {standard}")


_SIZE_TYPE = re.compile(r"[1-4A-HK-NP](?:[024-689C-FL-NP][ABGHKNPRSTUV][A-Z0-9]|[0-9]{3})")


def _digital_link(standard: str, value: str) -> Objection | None:
    """A key in canonical form, and the check digit inside it."""
    key = gs1.parse(value)
    if key is None:
        return Objection("IDENTIFIER_MALFORMED", f"a key with its qualifiers ({standard})")
    if key.digital_link != value:
        return Objection("IDENTIFIER_MALFORMED", f"the canonical form {key.digital_link}")
    digit = key.check_digit
    return None if digit is None else Objection("CHECK_DIGIT_WRONG", f"check digit {digit} inside ({standard})")


_UNKNOWN_COUNTRY = Objection("COUNTRY_UNKNOWN", "a country of ISO 3166-1 alpha-2 in the first two letters")
_CHECK_DIGITS: dict[str, Callable[[str], str]] = {
    "iso6346": container_digit, "ilu": container_digit, "mrn": container_digit, "imo": imo_digit, "awb": awb_digit,
    "gtin": gs1_digit, "gln": gs1_digit, "sscc": gs1_digit, "lei": lei_digits,
}  # fmt: skip
_RULES: dict[str, Callable[[str, str], Objection | None]] = {
    **{name: partial(_check_digit, compute) for name, compute in _CHECK_DIGITS.items()},
    "imo": _ship,
    "mrn": _movement,
    "size_type": _size_type,
    "digital_link": _digital_link,
    "country": _country,
    "unlocode": _location,
    "tin": _country,
    "eori": _operator,
    "currency": _currency,
    "un_number": _dangerous,
}
"""What schemes ask beyond their form, given the standard and the value."""


def _load(rows: list[dict[str, str]]) -> dict[str, Scheme]:
    return {
        (name := row["scheme"]): Scheme(
            name,
            re.compile(row["pattern"], re.ASCII).fullmatch,
            row["example"],
            row["standard"],
            row["meaning"],
            partial(_RULES[name], row["standard"]) if name in _RULES else None,
            _CHECK_DIGITS.get(name),
        )
        for row in rows
    }


_NAMING = orjson.loads(resources.files("schemas").joinpath("naming.json").read_bytes())
SCHEMES = _load(_NAMING["schemes"])
PATTERNS: dict[str, str] = {row["scheme"]: row["pattern"] for row in _NAMING["schemes"]}
OBJECTS: dict[str, list[str]] = _NAMING["objects"]
"""What events are about, each with the schemes that name it, the best first."""
