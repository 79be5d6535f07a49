"""What a document holds of other formats: files that two programs take for two things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap

from schemas.faults import Fault, fault

Document = bytes | mmap

_PDF_HEADER_WITHIN = 1_024
"""How far into a file readers look for `%PDF-`."""
_SNIFFED_WITHIN = 1_445
"""How far into a file browsers look for what it is (WHATWG MIME Sniffing, §5.2)."""
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|object|embed|svg|\?php|%@)[\s>/]", re.IGNORECASE
)
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_ZIP_COMMENT_BYTES_MAX = 65_535
_PADDING = re.compile(rb"[\0\t\n\f\r \x1a]*\Z")


def foreign(document: Document, media_type: str) -> Iterator[Fault]:
    """The other formats that a document of this type could be taken for as well."""
    if media_type != "application/pdf" and (start := document.find(b"%PDF-", 0, _PDF_HEADER_WITHIN)) >= 0:
        yield polyglot(start, "a PDF header")
    if media_type not in ("application/xml", "application/json"):
        head = document[:_SNIFFED_WITHIN]
        if (markup := _MARKUP.search(head)) is not None:
            yield polyglot(markup.start(), "markup that a browser runs")
    if (end := zip_end(document)) is not None:
        yield polyglot(end, "a ZIP archive")


def polyglot(place: int, found: str) -> Fault:
    return fault("DOCUMENT_POLYGLOT", f"byte {place}", found, "one format, from the first byte to the last")


def markup(document: Document, start: int, end: int) -> Fault | None:
    """The markup in a comment or text of an image, if there is any."""
    found = _MARKUP.search(document, start, end)
    return None if found is None else polyglot(found.start(), "markup that a browser runs")


def padding(document: Document, start: int) -> bool:
    """Whether anything but blanks, NUL and the end-of-file of DOS follows."""
    return _PADDING.match(document, start) is None


def zip_end(document: Document) -> int | None:
    """Where the directory of a ZIP archive ends, if the tail holds one that leads somewhere (APPNOTE §4.3.16).

    Unpackers look for it from the end and make good for whatever stands before the archive.
    """
    first = max(len(document) - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES_MAX, 0)
    to = len(document)
    while (end := document.rfind(_ZIP_END, first, to)) >= 0:
        size = int.from_bytes(document[end + 12 : end + 16], "little")
        if size and end >= size and document[end - size : end - size + 4] == b"PK\x01\x02":
            return end
        to = end + len(_ZIP_END) - 1
    return None
