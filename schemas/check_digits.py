"""Check digits of the trade's identifiers, each as its standard computes it.

Every function takes an identifier of the right form, its last character being the check digit (of a LEI the last two),
and returns the digit that should stand there. What stands there is not looked at.
"""

from __future__ import annotations

from operator import mul
from string import ascii_uppercase


def container_digit(number: str) -> str:
    """ISO 6346:2022 Annex A: letters count 10 to 38 without multiples of 11, weights 2^i, modulo 11, 10 becomes 0.

    EN 13044-1 uses the same digit for ILU codes. So does the MRN of Union customs, over its first 17 characters
    (DGXXI/0879/99, "Check character algorithm for the MRN and GRN"; Regulation (EU) 2015/2447, Annex B). Because a
    remainder of 10 shares the digit of 0, not every single mistake is caught.
    """
    return str(sum(map(mul, map(_LETTERS.__getitem__, number[:-1]), _POWERS)) % 11 % 10)


_LETTERS = {str(digit): digit for digit in range(10)} | dict(
    zip(ascii_uppercase, (value for value in range(10, 39) if value % 11), strict=True)
)
_POWERS = [1 << place for place in range(17)]


def imo_digit(number: str) -> str:
    """IMO Resolution A.1117(30), Annex: the first six digits times 7 to 2, modulo 10."""
    return str(sum(map(mul, map(int, number[:6]), (7, 6, 5, 4, 3, 2))) % 10)


def imo_company_digit(number: str) -> str:
    """IMO Resolution A.1117(30): company and owner numbers, weights 8, 6, 4, 2, 9, 7; 11 less the sum modulo 11."""
    return str((11 - sum(map(mul, map(int, number[:6]), (8, 6, 4, 2, 9, 7))) % 11) % 10)


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
