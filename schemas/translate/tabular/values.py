"""From a cell to the value of a member: what spreadsheets and people write, and what spreadsheets destroy.

Nothing is guessed. What can be read in one way is read; a code that has lost digits is a fault that says what it
probably was. Lost zeros are put back, with a warning, only where a check digit proves them (GTIN, GLN, SSCC, AWB): an
HS code or UN number has none, and a digit that was forgotten looks the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

from schemas.faults import Fault, fault
from schemas.identifiers import SCHEMES, objection
from schemas.translate.tabular.columns import Column, Kind
from schemas.translate.tabular.labels import choices_of, key
from schemas.translate.tabular.table import Broken, Cell

DIGITS_KEPT = 15
"""Significant digits of a number in a spreadsheet (IEEE 754 double, as Excel keeps it)."""
INTEGER_MAX = 2**53 - 1

_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " ") | dict.fromkeys(map(ord, "\u200b\ufeff"), None)
_QUOTES = {
    ord(each): plain
    for many, plain in (("\u2018\u2019\u201a\u2032", "'"), ("\u201c\u201d\u201e\u2033", '"'))
    for each in many
}
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_PLAIN = _BLANKS | _QUOTES | _DASHES
_ERRORS = frozenset({
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA",
    "#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!",
})  # fmt: skip
_HASHES = re.compile(r"#{3,}")
"""What a column that is too narrow shows, and some exports write."""
_FORMULA = re.compile(r"=(?![=<>\s]).*", re.DOTALL)
"""The text of a formula: nobody computed it. What is a text and begins so has an apostrophe before it."""
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[Ee]\+\d{1,3}", re.ASCII)
_COMPACT = frozenset({
    "iso6346", "ilu", "imo", "mmsi", "gtin", "gln", "sscc", "lei", "eori", "mrn", "unlocode", "country", "hs", "scac",
    "un_number", "currency", "flight",
})  # fmt: skip
"""Schemes whose values have neither blanks nor small letters: people group them as they are read aloud."""
_PREFIXES = {"imo": "IMO", "un_number": "UN"}
_DIGITS = {
    "hs": (6, 8, 10), "un_number": (4,), "gtin": (8, 12, 13, 14), "gln": (13,), "sscc": (18,), "awb": (11,),
    "imo": (7,), "mmsi": (9,),
}  # fmt: skip
"""How many digits the codes of a scheme have that are nothing but digits."""
_LEADING_ZEROS = frozenset({"hs", "un_number", "gtin", "gln", "sscc", "awb"})
_TRUE = frozenset({"true", "vrai", "yes", "y", "oui", "o", "1", "x"})
_FALSE = frozenset({"false", "faux", "no", "n", "non", "0"})


def text_of(cell: Cell) -> str:
    """A cell as text without what is not seen: blanks around, non-breaking ones, and the apostrophe that marks text."""
    if isinstance(cell, str):
        text = (cell if cell.isascii() else cell.translate(_BLANKS)).strip()
        return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r") else text
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    return cell.text if isinstance(cell, Broken) else str(cell)


def spoilt(cell: Cell, place: str) -> Fault | None:
    """The fault of a cell that has no value at all, whatever is asked of it."""
    if isinstance(cell, str):
        if cell[:1] == "#" and ((text := cell.strip()) in _ERRORS or _HASHES.fullmatch(text)):
            return fault("CELL_ERROR", place, text, "a value")
        if cell[:1] == "=" and _FORMULA.fullmatch(cell):
            return fault("CELL_NOT_COMPUTED", place, cell, "a value")
        return None
    return fault(cell.code, place, cell.text, "a value") if isinstance(cell, Broken) else None


def value_of(cell: Cell, column: Column, place: str, faults: list[Fault], *, typed: bool) -> Any:
    """The value that a cell which is not blank has for a column that is no instant; None: it has none, and `faults`
    say why. A text that has not the form of its column is handed on: the schema has its say. `typed`: the table keeps
    texts and numbers apart, so that a text is as it was written."""
    if column.kind is Kind.CODE:
        return _code(cell, column, place, faults, typed=typed)
    if column.kind in (Kind.NUMBER, Kind.INTEGER):
        return _number(cell, column, place, faults)
    if column.kind is Kind.BOOLEAN:
        return _boolean(cell, place, faults)
    if isinstance(cell, date | time | timedelta):
        faults.append(fault("CELL_NOT_TEXT", place, str(cell), column.description))
        return None
    return _choice(text_of(cell), column) if column.kind is Kind.CHOICE else text_of(cell)


def _choice(text: str, column: Column) -> str:
    return choices_of(column).get(key(text), text)


def _boolean(cell: Cell, place: str, faults: list[Fault]) -> bool | None:
    if isinstance(cell, bool):
        return cell
    word = key(text_of(cell))
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    faults.append(
        fault("VALUE_NOT_ALLOWED", place, text_of(cell), "TRUE or FALSE, yes or no, VRAI ou FAUX, oui ou non")
    )
    return None


def _code(cell: Cell, column: Column, place: str, faults: list[Fault], *, typed: bool) -> str | None:
    wrong: Fault | None = None
    text = _plain(cell, column)
    if isinstance(cell, date | time | timedelta):
        wrong = fault("CELL_NOT_TEXT", place, str(cell), _example(column))
    elif _SCIENTIFIC.fullmatch(text):
        wrong = fault("CELL_ROUNDED", place, text, _example(column))
    elif isinstance(cell, float):
        if abs(cell) >= 10**DIGITS_KEPT:
            wrong = fault("CELL_ROUNDED", place, f"{cell:.0f}", _example(column))
        elif not cell.is_integer():
            wrong = fault("CELL_NOT_TEXT", place, text, _example(column))
    if wrong is not None:
        faults.append(wrong)
        return None
    read = _digits(text, column.scheme, place, faults, typed=typed) if column.scheme in _DIGITS else text
    scheme = SCHEMES.get(column.scheme or "")
    # What is no such code is told as it was written.
    return read if read is None or scheme is None or scheme.fits(read) else text_of(cell)


def _plain(cell: Cell, column: Column) -> str:
    """A code as its scheme writes it: plain quotes and dashes, and no grouping where the scheme has none."""
    text = text_of(cell)
    text = (text if text.isascii() else text.translate(_PLAIN)).strip().removeprefix("'")
    if column.scheme not in _COMPACT:
        return text
    text = text.upper()
    compact = text.replace(" ", "").replace("-", "")
    if column.scheme == "hs":
        compact = compact.replace(".", "") if isinstance(cell, str) else compact
    prefix = _PREFIXES.get(column.scheme or "")
    return compact.removeprefix(prefix) if prefix else compact


def _example(column: Column) -> str:
    scheme = SCHEMES.get(column.scheme or "")
    return f"{scheme.name} in a form like {scheme.example}" if scheme else column.description


def _digits(text: str, scheme: str, place: str, faults: list[Fault], *, typed: bool) -> str | None:
    """A code of digits alone: whether digits were lost at its beginning or its end."""
    bare = text.replace("-", "") if scheme == "awb" else text
    lengths = _DIGITS[scheme]
    if not (bare.isascii() and bare.isdigit()) or len(bare) > lengths[-1]:
        return text
    rounded = len(bare) > DIGITS_KEPT and not bare[DIGITS_KEPT:].strip("0")
    if rounded and not (typed and objection(SCHEMES[scheme], text) is None):
        return _zeros_at_the_end(text, scheme, place, faults)
    if len(bare) in lengths or scheme not in _LEADING_ZEROS:
        return text
    length = next(each for each in lengths if each > len(bare))
    likely = bare.zfill(length)
    if SCHEMES[scheme].check_digit is not None and objection(SCHEMES[scheme], likely) is None and bare.strip("0"):
        faults.append(fault("CELL_ZEROS_RESTORED", place, text, f"{likely}: {scheme} has {length} digits"))
        return likely
    if length - len(bare) <= 3:
        faults.append(fault("CELL_ZEROS_LOST", place, text, f"{length} digits; it was probably {likely}"))
        return None
    return text


def _zeros_at_the_end(text: str, scheme: str, place: str, faults: list[Fault]) -> str | None:
    proven = objection(SCHEMES[scheme], text) is None
    code = "CELL_MAYBE_ROUNDED" if proven else "CELL_ROUNDED"
    faults.append(fault(code, place, text, f"{scheme}, {len(text)} digits, as it is on the original"))
    return text if proven else None


_GROUPED = re.compile(r"[+-]?\d{1,3}([ ',.])\d{3}(?:\1\d{3})*", re.ASCII)
_BOTH = re.compile(r"[+-]?\d{1,3}(?:([ ',.])\d{3})+(?!\1)[.,]\d{1,18}", re.ASCII)
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,18})?(?:[Ee][+-]?\d{1,2})?", re.ASCII)


def _number(cell: Cell, column: Column, place: str, faults: list[Fault]) -> int | float | None:
    """A number: decimal point or comma; thousands parted in any way that leaves one reading."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return _integral(float(cell))
    if isinstance(cell, date | time):
        faults.append(fault("CELL_NOT_TEXT", place, str(cell), "a number, such as 14250 or 12.5"))
        return None
    text = text_of(cell).translate(_PLAIN)
    every = sorted(set(_readings(text)))
    readings = [each for each in every if _fits(each, column)] or every[:1]
    if len(readings) == 1:
        return _integral(readings[0])
    if readings:
        faults.append(
            fault("NUMBER_AMBIGUOUS", place, text, f"{readings[1]:.0f}, or {readings[0]:.4f} in four decimals")
        )
    else:
        faults.append(fault("TYPE_WRONG", place, text, "a number, such as 14250 or 12.5"))
    return None


def _readings(text: str) -> Iterator[float]:
    """Every number that a text may mean: `12,500` is twelve and a half, or twelve thousand five hundred."""
    if _PLAIN_NUMBER.fullmatch(text):
        yield float(text.replace(",", "."))
    if match := _GROUPED.fullmatch(text):
        if match[1] not in ",." or text.lstrip("+-")[0] != "0":
            yield float(text.replace(match[1], ""))
    elif match := _BOTH.fullmatch(text):
        yield float(text.replace(match[1], "").replace(",", "."))


def _fits(number: float, column: Column) -> bool:
    low, high = column.bounds
    return low <= number <= high and (column.kind is Kind.NUMBER or number.is_integer())


def _integral(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) <= INTEGER_MAX else number
