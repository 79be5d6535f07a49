"""Separated values (CSV) as a table: encoding, separator and quotes, in memory bounded by the longest row.

Encoding: a byte-order mark says it (UTF-8, UTF-16); else it is UTF-8 where every byte fits, else Windows-1252. The
separator is the one that Excel's first line `sep=;` names, else the one of `,` `;` tab that parts the first line most.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from schemas.faults import Fault, fault
from schemas.translate.tabular.table import COLUMNS_MAX, Row, Table

FORMAT = "csv/1"

LINE_CHARACTERS_MAX = 1_048_576
CHUNK_BYTES = 65_536
_SEPARATORS = ",;\t"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def open_delimited(file: BinaryIO) -> Table | Fault:
    """The one table of a file of separated values; its rows are read when they are asked for."""
    encoding = _encoding(file)
    if isinstance(encoding, Fault):
        return encoding
    file.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(_Unclosed(file)), encoding, newline="")
    start = text.readline(LINE_CHARACTERS_MAX)
    named = start.rstrip("\r\n").casefold()
    if named.startswith("sep=") and len(named) == 5:
        return Table(rows=_rows(_lines(text, ""), named[4]))
    return Table(rows=_rows(_lines(text, start), _separator(start)))


class _Unclosed(io.RawIOBase):
    """The caller's file, which the caller closes: a text wrapper closes what it wraps when it is let go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _encoding(file: BinaryIO) -> str | Fault:
    """Go through the file once: which encoding all of it has."""
    file.seek(0)
    head = file.read(4)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    for candidate in (encoding,) if encoding else ("utf-8", "cp1252"):
        at = _undecodable(file, candidate)
        if at is None:
            return candidate
    return fault("TABLE_UNREADABLE", "", at, "UTF-8, UTF-16 with a byte-order mark, or Windows-1252")


def _undecodable(file: BinaryIO, encoding: str) -> str | None:
    """Where the file is not text of this encoding; None: it is."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    try:
        while chunk := file.read(CHUNK_BYTES):
            if "\0" in decoder.decode(chunk):
                return "NUL characters: this is no text"
            read += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as e:
        return f"bytes {e.object[e.start : e.start + 4].hex(' ').upper()} after about {read} bytes"
    return None


def _separator(line: str) -> str:
    """The one that parts the first line most, outside of quotes; a comma where none does."""
    bare = "".join(line.split('"')[::2])
    return max(_SEPARATORS, key=bare.count)


def _lines(text: io.TextIOWrapper, start: str) -> Iterator[str]:
    """Lines with their ends, none longer than the limit, which csv.Error says."""
    line = start or text.readline(LINE_CHARACTERS_MAX)
    while line:
        if len(line) >= LINE_CHARACTERS_MAX:
            raise csv.Error(f"a line longer than {LINE_CHARACTERS_MAX} characters")
        yield line
        line = text.readline(LINE_CHARACTERS_MAX)


def _rows(lines: Iterator[str], separator: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            expected = f"cells parted by {_name(separator)}, in quotes where they hold one"
            yield Row(number, (), (fault("ROW_MALFORMED", f"row {number}", str(e), expected),))
            if "expected after" not in str(e):  # Only a stray quote leaves the next line readable.
                return
            continue
        if len(cells) > COLUMNS_MAX:
            where = fault("TABLE_TOO_LARGE", f"row {number}", f"{len(cells)} cells", f"at most {COLUMNS_MAX}")
            yield Row(number, (), (where,))
            return
        yield Row(number, cells)


def _name(separator: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs"}.get(separator, repr(separator))
