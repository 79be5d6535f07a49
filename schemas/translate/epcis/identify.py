"""What the URIs in EPCIS events identify: our scheme and value, level (one object or a class), and well-formedness."""

from __future__ import annotations

import re
from functools import lru_cache

from schemas import gs1
from schemas.identifiers import SCHEMES

REMEMBERED_CHARACTERS = 256
_key_of = lru_cache(maxsize=1_024)(gs1.parse)


def key_of(uri: str) -> gs1.GS1Key | None:
    """The GS1 key in a URI; the same few are checked, hashed and translated, one after the other."""
    return _key_of(uri) if len(uri) <= REMEMBERED_CHARACTERS else gs1.parse(uri)


_EPC = re.compile(r"(?i:urn:epc):(id|class|idpat):([a-z]+):")
_GS1 = frozenset({
    "sgtin", "sscc", "sgln", "pgln", "grai", "giai", "gsrn", "gsrnp", "gdti", "cpi", "sgcn", "ginc", "gsin", "itip",
    "upui",
})  # fmt: skip
_CLASSES = _GS1 & {"sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui"}
_CONTAINER = re.compile(r"(?:.*[^A-Za-z0-9])?([A-Z]{3}[UJZR][0-9]{7}|[A-Z]{3}[ABDEK][0-9]{7})", re.DOTALL)
_SHIP = re.compile(r"(?i)(?:.*[^a-z0-9])?imo[:/#=-]?([0-9]{7})", re.DOTALL)


def objection(uri: str, *, instance: bool) -> str | None:
    """What was expected instead of an EPC URN whose scheme is known and whose form is not that scheme's (TDS 2.0 §6),
    or that is of a class where one object is to be named, or the other way round."""
    match = _EPC.match(uri)
    if match is None:
        return None
    level, name = match.groups()
    known = name in _GS1 if level == "id" else name == "lgtin" if level == "class" else name in _CLASSES
    if known and key_of(uri) is None:
        return f"an EPC URN of scheme {name}"
    if (level == "id") == instance:
        return None
    return "an EPC of one object" if instance else "an EPC class or pattern"


def identified(uri: str) -> tuple[str, str]:
    """Scheme and value of our naming table: GS1 keys by their numbers, a URI that ends in a container's number as the
    container, in an IMO number as the ship, any other as it is."""
    return _remembered(uri) if len(uri) <= REMEMBERED_CHARACTERS else _identified(uri)


def _identified(uri: str) -> tuple[str, str]:
    scheme, value = gs1.identifier_of(uri)
    if scheme != "uri":
        return scheme, value
    if (container := _CONTAINER.fullmatch(uri)) is not None:
        number = container[1]
        return ("iso6346", number) if SCHEMES["iso6346"].fits(number) else ("ilu", number)
    if (ship := _SHIP.fullmatch(uri)) is not None:
        return "imo", ship[1]
    return scheme, value


_remembered = lru_cache(maxsize=1_024)(_identified)
