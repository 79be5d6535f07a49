"""The syntax of EDIFACT (ISO 9735, versions 1 to 4): separators, character sets, segments and their elements.

Lenient in: separators that a sender forgot to state are guessed from how the interchange begins, new lines between
segments are passed over, and text that is not of the character set that UNB names is read as what it most likely is.
A document is cut as Latin-1, one character a byte, and only what is not ASCII is decoded: in every character set of the
standard but ISO 2022 the separators are single bytes of their own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SEGMENT_CHARACTERS_MAX = 20_000
"""The longest segment of any directory is a free text of 2,560 characters."""

BLANKS = " \t\r\n"
_BLANK = re.compile(r"[ \t\r\n]*")


class Marks(NamedTuple):
    """The separators of an interchange (ISO 9735 §8, UNA). Empty: there is none."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    repetition: str = ""
    terminator: str = "'"


LEVEL_B = Marks("\x1f", "\x1d", "", "", "\x1c")
"""Of syntax level B where they are not stated (ISO 9735:1988 §7.3): IS 1, IS 3, IS 4."""

CHARACTER_SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "latin-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5", "UNOF": "iso8859-7",
    "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8", "UNOK": "iso8859-9",
    "UNOL": "iso8859-15", "UNOW": "utf-8", "UNOX": "iso2022_jp_2", "UNOY": "utf-8", "KECA": "euc_kr",
}  # fmt: skip
"""Data element 0001, syntax identifier (ISO 9735-1 annex; KECA is Korean)."""
_OF_MANY_BYTES = frozenset({"utf-8", "iso2022_jp_2", "euc_kr"})
_C1 = re.compile(r"[\x80-\x9f]")

_WIDE = {"utf-16-le": (b"\xff\xfe", b"U\x00N\x00"), "utf-16-be": (b"\xfe\xff", b"\x00U\x00N")}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
"""In no character set of the standard but as separators, or for ISO 2022 to switch by (ESC)."""
_FIRST = re.compile(r"UN[BGH]")
_MARKS = re.compile(r"UNA(.{4}[ *].|.{5}|.{6})[ \t\r\n]*(?=UN[BGH])", re.DOTALL)


def opened(document: bytes) -> str:
    """The document as text in which separators can be looked for."""
    if (wide := _wide(document)) is not None:
        # As UTF-8 from here on: `decoded` reads it as such.
        return wide.removeprefix("\ufeff").encode("utf-8", "replace").decode("latin-1")
    content = document.removeprefix(b"\xef\xbb\xbf")
    if b"\x1b" in content and b"UNOX" in content[:64]:
        # Under ISO 2022 the bytes of a separator may be half of a character: decoded first, cut then.
        return content.decode(CHARACTER_SETS["UNOX"], "replace")
    return content.decode("latin-1")


def _wide(document: bytes) -> str | None:
    """The text of a document in UTF-16, told by its byte-order mark or by how it begins; None: it is not."""
    for order, begins in _WIDE.items():
        if document.startswith(begins):
            return document.decode(order, "replace")
    return None


def marks_at(text: str, position: int) -> tuple[Marks, int]:
    """The separators of the interchange that begins here, and where its first segment does."""
    position = skip(text, position)
    if stated := _MARKS.match(text, position):
        # Where blanks were squeezed, the reserved fifth character of the six is lost (nerdocs/pydifact#56).
        component, element, _, release, *reserved = list(stated[1])
        repetition = reserved[0].strip() if len(reserved) == 2 else ""
        return Marks(component, element, release.strip(), repetition, reserved[-1]), stated.end()
    begin = text[position : position + 20]
    if begin[:3] == "UNB" and begin[3:4] == LEVEL_B.element:
        return LEVEL_B, position
    return _guessed(text, position, begin), position


def _guessed(text: str, position: int, begin: str) -> Marks:
    """The default separators; or, where the interchange does not begin with them, what stands in their place."""
    marks = Marks()
    if _FIRST.match(begin) and begin[3:4] not in ("", "+") and not begin[3].isalnum():
        marks = marks._replace(element=begin[3])
        if begin[:3] == "UNB" and begin[8:9] and not begin[8].isalnum():
            marks = marks._replace(component=begin[8])
    if marks.terminator not in text and "\n" in text[position:]:
        marks = marks._replace(terminator="\n")
    return marks


def skip(text: str, position: int) -> int:
    """Past blanks and new lines between segments."""
    match = _BLANK.match(text, position)
    return match.end() if match else position


def segment_end(text: str, start: int, marks: Marks) -> int:
    """Where the segment that starts here ends: at its terminator, one that is not released; -1: it has none."""
    end = text.find(marks.terminator, start)
    release = marks.release
    while end > start and release and text[end - 1] == release:
        before = end - 1
        while before >= start and text[before] == release:
            before -= 1
        if (end - before) % 2:  # An even count of release characters releases itself.
            break
        end = text.find(marks.terminator, end + 1)
    return end


def elements_of(raw: str, marks: Marks) -> list[list[str]]:
    """The elements of a segment, the tag first, each as its components. Of repetitions (version 4), the first."""
    if marks.release and marks.release in raw:
        return _released(raw, marks)
    elements, component, repetition = raw.split(marks.element), marks.component, marks.repetition
    if repetition and repetition in raw:
        elements = [each.partition(repetition)[0] for each in elements]
    return [each.split(component) if component in each else [each] for each in elements]


def _released(raw: str, marks: Marks) -> list[list[str]]:
    elements: list[list[str]] = [[""]]
    repeated = False
    characters = iter(raw)
    for character in characters:
        if character == marks.element:
            elements.append([""])
            repeated = False
        elif repeated:
            continue
        elif character == marks.component:
            elements[-1].append("")
        elif character == marks.repetition:
            repeated = True
        else:
            elements[-1][-1] += next(characters, "") if character == marks.release else character
    return elements


def decoded(text: str, syntax: str) -> tuple[str, str]:
    """Text that was cut as Latin-1 in the character set of its syntax identifier; and the name of the one that it was
    read in if it is not that, else empty.

    What is whole in UTF-8 is UTF-8, whatever is named: in a set of one byte a character it would be a row of signs that
    no word has. Signs where ISO 8859-1 has controls are those that Windows has there.
    """
    if text.isascii():
        return text, ""
    try:
        content = text.encode("latin-1")
    except UnicodeEncodeError:  # It came under ISO 2022 and is decoded.
        return text, ""
    named = CHARACTER_SETS.get(syntax, "ascii")
    for character_set in (named, "utf-8") if named in _OF_MANY_BYTES else ("utf-8", named):
        try:
            read = content.decode(character_set)
        except UnicodeDecodeError:
            continue
        if character_set != "latin-1" or not _C1.search(read):
            return read, "" if character_set == named else "UTF-8"
    if _C1.search(text):
        return content.decode("cp1252", "replace"), "Windows-1252"
    return text, "ISO 8859-1"


def control_in(text: str, marks: Marks) -> str:
    """The first control character of a text that is in no character set, as `U+0000`; empty: there is none."""
    for match in _CONTROL.finditer(text):
        if match[0] not in marks:
            return f"U+{ord(match[0]):04X}"
    return ""
