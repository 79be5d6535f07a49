"""Codes that are shown once and kept as digests (`schemas/formats/enrolment.md`).

Each is 130 bits of chance in Crockford's base32, in capitals, behind a prefix that says what it is for. So much chance
needs no slow hash: whoever reads every digest learns no code.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from hashlib import sha256
from zlib import crc32

INVITATION, REVOCATION, API_KEY, KAFKA_PASSWORD = "chi_", "chr_", "chk_", "chp_"
CHANCE_BYTES = 17
"""Of which 130 bits are taken."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_CHARACTERS, _CHECK_CHARACTERS, _SPOKEN_CHARACTERS = 26, 7, 20
_SPOKEN_GROUP = 4
_DIGEST = re.compile("[0-9a-f]{64}")


def make_code(prefix: str, chance: bytes) -> str:
    """A code out of `CHANCE_BYTES` of chance."""
    return prefix + _base32(int.from_bytes(chance[:CHANCE_BYTES], "big") >> 6, _CODE_CHARACTERS)


def make_api_key(chance: bytes) -> str:
    """A code with a check part, so that a scanner can tell an API key that leaked from what only looks like one."""
    code = make_code(API_KEY, chance)
    return f"{code}_{_check(code)}"


def is_api_key(text: str) -> bool:
    """Whether it is in the form of an API key, its check part right."""
    code, _, check = text.rpartition("_")
    return is_code(code, API_KEY) and check == _check(code)


def is_code(text: str, prefix: str) -> bool:
    return (
        text.startswith(prefix)
        and len(text) == len(prefix) + _CODE_CHARACTERS
        and all(character in _ALPHABET for character in text[len(prefix) :])
    )


def digest_of(code: str) -> str:
    """What is kept of a code: SHA-256 in hexadecimal."""
    return sha256(code.encode(errors="surrogatepass")).hexdigest()


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def spoken(key_id: str) -> str:
    """What two people compare by telephone: the first 100 bits of a key's thumbprint (RFC 7638), in five groups."""
    text = _base32(int.from_bytes(urlsafe_b64decode(key_id + "="), "big") >> 156, _SPOKEN_CHARACTERS)
    return " ".join(text[i : i + _SPOKEN_GROUP] for i in range(0, _SPOKEN_CHARACTERS, _SPOKEN_GROUP))


def as_heard(text: str) -> str:
    """What was written down of `spoken`, in its one spelling: letters that are easily taken for digits are digits."""
    plain = "".join(text.upper().replace("-", "").split()).translate(str.maketrans("OIL", "011"))
    return " ".join(plain[i : i + _SPOKEN_GROUP] for i in range(0, len(plain), _SPOKEN_GROUP))


def _check(code: str) -> str:
    return _base32(crc32(code.encode()), _CHECK_CHARACTERS)


def _base32(number: int, characters: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(characters)))
