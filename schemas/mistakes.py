"""What an identifier of the wrong form was probably meant to be: the mistakes that people and spreadsheets make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

CHARACTERS_MAX = 64
"""Of longer text nothing is guessed."""


class Guess(NamedTuple):
    """What was probably meant, and in words what was changed last to get there."""

    value: str
    reason: str


def guess(value: str, fits: Callable[[str], object], *, zeros_max: int) -> Guess | None:
    """The first text that fits, made by putting right one usual mistake after the other; None if none does.

    `zeros_max`: how many zeros may have been lost in front. None of a ship's number: a part of one, filled up, is
    another ship.
    """
    if len(value) > CHARACTERS_MAX:
        return None
    text = value
    for put_right, reason in _MISTAKES:
        if (changed := put_right(text)) != text:
            text = changed
            if fits(text):
                return Guess(text, reason)
    for zeros in range(1, zeros_max + 1):
        if text.isdecimal() and fits("0" * zeros + text):
            return Guess("0" * zeros + text, "with the leading zeros that spreadsheets drop")
    return None


_LOOKALIKES = re.compile(r"(?<=[0-9])[OIL]+|[OIL]+(?=[0-9])")
_DIGITS = str.maketrans("OIL", "011")
_LABEL = re.compile(r"(?:IMO|MMSI|UN|HS|EORI|TIN|LEI|MRN|LRN|AWB|SSCC|GTIN|GLN|SCAC):?#?(?=[A-Z]*[0-9])", re.I)


def _plain(text: str) -> str:
    """Full-width digits, no-break spaces and the like in their plain form (Unicode NFKC), nothing around."""
    return unicodedata.normalize("NFKC", text).strip()


def _unlabelled(text: str) -> str:
    return text[match.end() :] if (match := _LABEL.match(text)) else text


def _digits_for_letters(text: str) -> str:
    """Letters that were read for digits, where they stand beside one: in `OOLU12345O5` the last alone."""
    return _LOOKALIKES.sub(lambda each: each[0].translate(_DIGITS), text)


_MISTAKES: tuple[tuple[Callable[[str], str], str], ...] = (
    (_plain, "in plain letters and digits, with nothing around them"),
    (lambda text: text.removesuffix(".0"), "as text, where a spreadsheet made it a number"),
    (str.upper, "in capitals"),
    (lambda text: re.sub(r"[ ./_–—-]", "", text), "without blanks, dots or dashes"),
    (_unlabelled, "the number alone"),
    (_digits_for_letters, "with digits in place of the letters O, I or L"),
)
