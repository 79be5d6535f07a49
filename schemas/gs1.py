"""GS1 keys as URIs: EPC URN and GS1 Digital Link, one into the other, and the identifier of ours that each of them is.

GS1 EPC Tag Data Standard 2.0 §6 (URNs), GS1 Digital Link URI Syntax 1.3 §4 (paths, percent-encoding), CBV 2.0 §8
(which of both stand in EPCIS events). A Digital Link is taken from any domain; its canonical form is at
`https://id.gs1.org` and constrained as the CBV does: the finest level of identification alone, without consumer product
variant, query and fragment.

An EPC URN shows where the GS1 Company Prefix ends, a Digital Link does not, and no list of prefixes is shipped: from
Digital Link to URN the length has to be given. An EPC URN has no check digit, so it is computed on the way to a Digital
Link; a Digital Link with a wrong one is canonical all the same, but has no URN, which would hide the mistake.

Nothing here raises, whatever the text; what is no GS1 key is None.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from schemas.check_digits import gs1_digit

CANONICAL = "https://id.gs1.org"
URI_CHARACTERS_MAX = 2_048
"""Longer text is no key: the longest canonical Digital Link has some 200 characters."""

_X = r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"""
"""GS1 AI encodable character set 82 (GS1 General Specifications §7.11), as a character class."""
_Y = r"[#\-/0-9A-Z]"
"""GS1 AI encodable character set 39."""
_PREFIXED = r"(?=\d{4})"
"""Each key begins with a GS1 Company Prefix, at least four digits: `/401/thanks` of some web site is no key."""


class _Key(NamedTuple):
    """A primary key of Digital Links."""

    fits: re.Pattern[str]
    """Its value, percent-decoded."""
    checked: int
    """How many characters from the start are a number that ends in a check digit; 0: there is none."""
    qualifiers: tuple[str, ...] = ()
    """Qualifiers that may follow, in this order."""


_KEYS = {
    ai: _Key(re.compile(form, re.ASCII), checked, tuple(qualifiers.split()))
    for ai, form, checked, qualifiers in (
        ("00", r"\d{18}", 18, ""),
        ("01", r"\d{8}|\d{12,14}", 14, "22 10 21 235"),
        ("253", rf"\d{{13}}{_X}{{0,17}}", 13, ""),
        ("255", r"\d{13,25}", 13, ""),
        ("401", rf"{_PREFIXED}{_X}{{4,30}}", 0, ""),
        ("402", r"\d{17}", 17, ""),
        ("414", r"\d{13}", 13, "254 7040"),
        ("417", r"\d{13}", 13, "7040"),
        ("8003", rf"0\d{{13}}{_X}{{0,16}}", 14, ""),
        ("8004", rf"{_PREFIXED}{_X}{{4,30}}", 0, "7040"),
        ("8006", r"\d{18}", 14, "22 10 21"),
        ("8010", rf"{_PREFIXED}{_Y}{{4,30}}", 0, "8011"),
        ("8013", rf"{_PREFIXED}{_X}{{4,25}}", 0, ""),
        ("8017", r"\d{18}", 18, "8019"),
        ("8018", r"\d{18}", 18, "8019"),
    )
}
_QUALIFIERS = {
    ai: re.compile(form, re.ASCII)
    for ai, form in (
        ("10", rf"{_X}{{1,20}}"),
        ("21", rf"{_X}{{1,20}}"),
        ("22", rf"{_X}{{1,20}}"),
        ("235", rf"{_X}{{1,28}}"),
        ("254", rf"{_X}{{1,20}}"),
        ("7040", rf"\d{_X}{{3}}"),
        ("8011", r"\d{1,12}"),
        ("8019", r"\d{1,10}"),
    )
}


class GS1Key(NamedTuple):
    """What a URI says, constrained as the CBV does: a key, at most one qualifier, and what a URN says beyond."""

    ai: str
    """Application Identifier of the primary key, such as `01`."""
    value: str
    """Decoded, with check digit; a GTIN has 14 digits."""
    qualifier: tuple[str, str] | None = None
    """Application Identifier and decoded value, such as `("21", "2017")`."""
    prefix_length: int | None = None
    """Digits of the GS1 Company Prefix; None where it came from a Digital Link."""

    @property
    def digital_link(self) -> str:
        """The canonical Digital Link; every character but the unreserved ones of RFC 3986 is percent-encoded."""
        parts = (self.ai, self.value, *(self.qualifier or ()))
        return "/".join((CANONICAL, *(part if part.isalnum() else quote(part, safe="") for part in parts)))

    @property
    def identifier(self) -> tuple[str, str]:
        """Scheme and value in our naming table: the plain number where there is a scheme for it."""
        scheme = None if self.qualifier else _PLAIN.get(self.ai)
        return (scheme, self.value) if scheme else ("digital_link", self.digital_link)

    @property
    def check_digit(self) -> str | None:
        """The check digit that should be inside, or None if it is right or there is none."""
        number = self.value[: _KEYS[self.ai].checked]
        return digit if number and number[-1] != (digit := gs1_digit(number)) else None


_PLAIN = {"00": "sscc", "01": "gtin", "414": "gln", "417": "gln"}


def digital_link(uri: str) -> str | None:
    """The canonical, constrained GS1 Digital Link of an EPC URN or of a Digital Link."""
    key = parse(uri)
    return None if key is None else key.digital_link


def epc_urn(uri: str, prefix_length: int | None = None) -> str | None:
    """The EPC URN of a Digital Link whose GS1 Company Prefix has so many digits (6 to 12), or of an EPC URN.

    None without the length of the prefix, unless `uri` is a URN itself; None also for what has no URN: a wrong check
    digit, a qualifier or key that the Tag Data Standard has no scheme for, a prefix that is not all digits.
    """
    key = parse(uri)
    if key is None:
        return None
    length = key.prefix_length or prefix_length
    return None if length is None else _urn(key, length)


def identifier_of(uri: str) -> tuple[str, str]:
    """Scheme and value of our naming table for any URI: a container for an EPC of BIC, a plain number for a GTIN, GLN
    or SSCC, a canonical Digital Link for what else is GS1's, and `uri` as sent for all other."""
    key = parse(uri)
    if key is not None:
        return key.identifier
    if (number := _NUMBERS.fullmatch(uri)) is not None:
        freight, unit, ship = number.groups()
        return ("iso6346", freight) if freight else ("ilu", unit) if unit else ("imo", ship)
    return ("uri", uri)


_NUMBERS = re.compile(
    r"(?i:urn:epc):id:(?:bic:(?:([A-Z]{3}[UJZR][0-9]{7})|([A-Z]{3}[ABDEK][0-9]{7}))|imovn:([0-9]{7}))"
)
"""EPCs that are identifiers of others, without a Digital Link (Tag Data Standard §6.3.15, §6.3.16)."""


def parse(uri: str) -> GS1Key | None:
    """The GS1 key in an EPC URN (identity, class, or class-like pattern) or in a Digital Link of any domain."""
    if len(uri) > URI_CHARACTERS_MAX:
        return None
    if (urn := _URN.fullmatch(uri)) is not None:
        return _from_urn(*urn.groups())
    if (link := _LINK.fullmatch(uri)) is not None:
        return _from_path(link[1].rstrip("/").split("/"))
    return None


_URN = re.compile(r"(?i:urn:epc):((?:id|class|idpat):[a-z]+):([!-~]+)")
_LINK = re.compile(r"(?i:https?)://[^/?#\s]+((?:/[^/?#\s]*)+)(?:\?[^#\s]*)?(?:#\S*)?")


def _from_path(segments: list[str]) -> GS1Key | None:
    """The key at the end of a path: pairs of Application Identifier and value, the first of them a primary key."""
    for start in range(len(segments) - 2, max(len(segments) - 10, -1), -2):
        primary = _SHORT_NAMES.get(segments[start], segments[start])
        if primary in _KEYS and (key := _from_pairs(segments[start:])) is not None:
            return key
    return None


_SHORT_NAMES = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414", "party": "417",
    "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gsrnp": "8017", "gsrn": "8018",
    "lot": "10", "ser": "21", "cpv": "22", "glnx": "254", "cpsn": "8011", "srin": "8019",
}  # fmt: skip
"""Names that Digital Link 1.0 and 1.1 allowed in place of numbers; links with them are still about."""


def _from_pairs(segments: list[str]) -> GS1Key | None:
    ai, *names = (_SHORT_NAMES.get(each, each) for each in segments[::2])
    value, *rest = map(_decoded, segments[1::2])
    if value is None or not _KEYS[ai].fits.fullmatch(value) or not _ordered(names, _KEYS[ai].qualifiers):
        return None
    finest = None
    for name, text in zip(names, rest, strict=True):
        if text is None or not _QUALIFIERS[name].fullmatch(text):
            return None
        if name != "22" and (name, text) != _NO_EXTENSION:
            finest = (name, text)
    return GS1Key(ai, value.zfill(14) if ai == "01" else value, finest)


_NO_EXTENSION = ("254", "0")
"""An SGLN whose extension is 0 is the GLN itself (Tag Data Standard §6.3.3)."""


def _ordered(names: list[str], allowed: tuple[str, ...]) -> bool:
    """Whether qualifiers are those of the key, each once, in its order; 235 and 7040 alone (Digital Link §4.8)."""
    ordered = names == [name for name in allowed if name in names]
    return ordered and (len(names) < 2 or names[-1] not in ("235", "7040"))


def _decoded(text: str) -> str | None:
    """A component without its percent-encoding; None if that is broken."""
    if "%" not in text:
        return text
    return unquote(text) if _ENCODED.fullmatch(text) else None


_ENCODED = re.compile(r"(?:[^%]|%[2-7][0-9A-Fa-f])*")
"""Every escape is of an ASCII character."""


class _Scheme(NamedTuple):
    """An EPC scheme with a Digital Link."""

    ai: str
    digits: int
    """Of prefix and reference together, without check digit; 0: the reference is text, 30 characters with prefix."""
    qualifier: str
    """Which qualifier the serial number is; `+`: it is the end of the key's value; empty: there is none."""
    indicator: bool = False
    """Whether the first digit of the reference stands before the prefix in the key (GTIN, SSCC)."""


_SCHEMES = {
    "id:sgtin": _Scheme("01", 13, "21", indicator=True),
    "id:sscc": _Scheme("00", 17, "", indicator=True),
    "id:sgln": _Scheme("414", 12, "254"),
    "id:pgln": _Scheme("417", 12, ""),
    "id:grai": _Scheme("8003", 12, "+"),
    "id:giai": _Scheme("8004", 0, ""),
    "id:gsrn": _Scheme("8018", 17, ""),
    "id:gsrnp": _Scheme("8017", 17, ""),
    "id:gdti": _Scheme("253", 12, "+"),
    "id:cpi": _Scheme("8010", 0, "8011"),
    "id:sgcn": _Scheme("255", 12, "+"),
    "id:ginc": _Scheme("401", 0, ""),
    "id:gsin": _Scheme("402", 16, ""),
    "id:itip": _Scheme("8006", 13, "21", indicator=True),
    "id:upui": _Scheme("01", 13, "235", indicator=True),
    "class:lgtin": _Scheme("01", 13, "10", indicator=True),
}
_PATTERNS = {f"idpat:{name}": f"id:{name}" for name in ("sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui")}
"""Patterns with `*` for the serial number alone: classes of objects (CBV 2.0 §8.3)."""


def _from_urn(name: str, rest: str) -> GS1Key | None:
    scheme = _SCHEMES.get(_PATTERNS.get(name, name))
    if scheme is None or not _ENCODED.fullmatch(rest):
        return None
    count = 2 + bool(scheme.qualifier) + 2 * (scheme.ai == "8006")
    prefix, *parts = rest.split(".", count - 1)
    if len(parts) != count - 1 or (name in _PATTERNS and parts[-1] != "*"):
        return None
    value = _value(scheme, prefix, unquote(parts[0]))
    if value is None:
        return None
    if scheme.ai == "8006":
        if len(parts[1]) != 2:
            return None
        value += parts[1] + parts[2]
    if not scheme.qualifier or name in _PATTERNS:
        return _checked(scheme, value, "", len(prefix))
    return _checked(scheme, value, unquote(parts[-1]), len(prefix)) if parts[-1] else None


def _value(scheme: _Scheme, prefix: str, reference: str) -> str | None:
    """The key's value, its check digit computed."""
    if not _PREFIX.fullmatch(prefix):
        return None
    if not scheme.digits:
        return prefix + reference if reference else None
    if len(prefix) + len(reference) != scheme.digits or not (reference.isdecimal() or not reference):
        return None
    number = reference[:1] + prefix + reference[1:] if scheme.indicator else prefix + reference
    number = "0" + number if scheme.ai == "8003" else number
    return number + gs1_digit(number + "0")


_PREFIX = re.compile(r"[0-9]{6,12}")


def _checked(scheme: _Scheme, value: str, serial: str, prefix_length: int) -> GS1Key | None:
    """The key, unless a part is longer than its Application Identifier allows or has characters that it does not."""
    if scheme.qualifier == "+":
        value, serial = value + serial, ""
    if (scheme.qualifier, serial) == _NO_EXTENSION:
        serial = ""
    if not _KEYS[scheme.ai].fits.fullmatch(value):
        return None
    if serial and not _QUALIFIERS[scheme.qualifier].fullmatch(serial):
        return None
    return GS1Key(scheme.ai, value, (scheme.qualifier, serial) if serial else None, prefix_length)


def _urn(key: GS1Key, prefix_length: int) -> str | None:
    """The URN of a key whose prefix has this length."""
    name = _NAMES.get((key.ai, key.qualifier[0] if key.qualifier else ""))
    if name is None or key.check_digit is not None or not 6 <= prefix_length <= 12:
        return None
    scheme = _SCHEMES[name]
    start = 1 if key.ai == "8003" or scheme.indicator else 0
    checked = _KEYS[key.ai].checked
    prefix = key.value[start : start + prefix_length]
    reference = key.value[start + prefix_length : checked - 1 if checked else None]
    if scheme.indicator:
        reference = key.value[0] + reference
    parts = [prefix, _escaped(reference)]
    if key.ai == "8006":
        parts += [key.value[14:16], key.value[16:18]]
    serial = key.qualifier[1] if key.qualifier else key.value[checked:] if scheme.qualifier == "+" else ""
    if scheme.qualifier == "254":
        serial = serial or "0"
    if scheme.qualifier:
        name = name if serial else name.replace("id:", "idpat:")
        parts.append(_escaped(serial) if serial else "*")
    urn = f"urn:epc:{name}:{'.'.join(parts)}"
    return urn if parse(urn) == key._replace(prefix_length=prefix_length) else None


_NAMES = {
    **{(each.ai, each.qualifier.strip("+")): name for name, each in _SCHEMES.items()},
    **{(each.ai, ""): name for name, each in _SCHEMES.items() if name not in ("id:upui", "class:lgtin")},
}
"""Which scheme a key and its qualifier are written in; without qualifier that of the pattern."""


def _escaped(text: str) -> str:
    """Tag Data Standard §6.3.1, Table A-1: the characters that a URN cannot carry as they are."""
    return "".join(f"%{ord(each):02X}" if each in '"#%&/<>?' else each for each in text)
