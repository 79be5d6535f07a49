"""What a document is, told by its own bytes, and whether that is what its sender claims.

A document has one type: that of its first bytes, and its structure bears it out from the first byte to the last. What
two programs could take for two things (a PDF that is a ZIP as well, XML that a browser shows as a page) is a fault.
PDF is looked at from outside only; what is in it is for a jailed process to say (`hub/ports/document_judge.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from mmap import mmap
from typing import Final

from msgspec import Struct

from schemas.documents import images, jose, texts
from schemas.documents.foreign import foreign, padding
from schemas.faults import Fault, Severity, capped, fault

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
XML: Final = "application/xml"
JSON: Final = "application/json"
VC_JWT: Final = jose.VC_JWT
VP_JWT: Final = jose.VP_JWT

_TAIL_BYTES = 1_024
"""Readers look for the end-of-file marker this far back (Adobe's implementation notes on ISO 32000-1, §7.5.5)."""

Document = bytes | mmap


class Sniffed(Struct, frozen=True):
    """What a document is: one of the media types above, or None where its first bytes tell none; and what is wrong."""

    media_type: str | None
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        return not any(each.severity is Severity.ERROR for each in self.faults)


def sniff(document: Document, claimed: str = "") -> Sniffed:
    """Look at a whole document, in constant memory. `claimed` is a media type as its sender wrote it; empty: none.

    Takes about 1 s for 10 MiB of XML, far less for all else. `mmap` serves for a file that is not to be read into
    memory; it must not be empty (an empty file cannot be mapped) and must not change meanwhile.
    """
    if not len(document):
        return Sniffed(None, (fault("DOCUMENT_EMPTY", "", "0 bytes", "a document"),))
    media_type = _kind(document)
    if media_type is None:
        found = document[:8].hex(" ").upper()
        unknown = fault(
            "DOCUMENT_TYPE_UNKNOWN", "byte 0", found, "a PDF, JPEG, PNG, XML or JSON document, or a credential as JWT"
        )
        return Sniffed(None, (unknown, *foreign(document, PDF)))
    faults = chain(_claim(claimed, media_type), foreign(document, media_type), _STRUCTURES[media_type](document))
    return Sniffed(media_type, tuple(capped(list(faults))))


_BOM = b"\xef\xbb\xbf"
_UTF_16_XML = (b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?")
"""XML in UTF-16 (XML 1.0, appendix F.1)."""
_BLANK = b" \t\r\n"


def _kind(document: Document) -> str | None:
    head = document[:64]
    if head.startswith(images.JPEG_START):
        return JPEG
    if head.startswith(images.PNG_SIGNATURE):
        return PNG
    text = head.removeprefix(_BOM).lstrip(_BLANK)
    if text.startswith(b"%PDF-"):
        return PDF
    if text.startswith(b"<") or head.startswith(_UTF_16_XML):
        return XML
    if text.startswith((b"{", b"[")):
        return JSON
    if (signed := jose.kind(document)) is not None:
        return signed
    # Readers of PDF take a header that begins later (Adobe's notes, §7.5.2); what stands before it is told below.
    return PDF if document.find(b"%PDF-", 0, 1_024) >= 0 else None


_CLAIMS: Mapping[str, str] = {
    "text/xml": XML, "image/jpg": JPEG, "image/pjpeg": JPEG, "application/x-pdf": PDF,
    "application/vc-ld+jwt": VC_JWT, "application/vc+ld+jwt": VC_JWT,
    "application/vp-ld+jwt": VP_JWT, "application/vp+ld+jwt": VP_JWT,
}  # fmt: skip
"""Other names that the same types go by, or went by in drafts."""
_UNCLAIMED = frozenset({"", "application/octet-stream"})


def _claim(claimed: str, media_type: str) -> Iterator[Fault]:
    name = claimed.partition(";")[0].strip().lower()
    said = _CLAIMS.get(name, name)
    if said.endswith("+xml"):
        said = XML
    elif said.endswith("+json"):
        said = JSON
    if said not in _UNCLAIMED and said != media_type:
        yield fault("DOCUMENT_TYPE_DIFFERS", "", name, f"{media_type}, which is what the bytes are")


_PDF_HEADER = re.compile(rb"%PDF-[12]\.[0-9][\r\n \t]")


def _pdf(document: Document) -> Iterator[Fault]:
    """ISO 32000-1 §7.5.2, §7.5.5: the header comes first, `startxref` and `%%EOF` last."""
    start = document.find(b"%PDF-", 0, 1_024)
    if document[:start].removeprefix(_BOM).strip(_BLANK):
        yield fault("DOCUMENT_PADDED", "byte 0", f"{start} bytes before %PDF-", "%PDF- as the first bytes")
    if not _PDF_HEADER.match(document, start):
        yield fault("DOCUMENT_BROKEN", f"byte {start}", document[start : start + 10].hex(" "), "%PDF- and a version")
    end = document.rfind(b"%%EOF", 0, len(document))  # Without bounds, `mmap` looks from where it was last written.
    if end < 0 or document.rfind(b"startxref", 0, end) < 0:
        yield fault("DOCUMENT_TRUNCATED", f"byte {len(document)}", "no end", "startxref and %%EOF at the end of a PDF")
    elif len(document) - end > _TAIL_BYTES or padding(document, end + 5):
        yield fault("DOCUMENT_PADDED", f"byte {end + 5}", f"{len(document) - end - 5} bytes", "nothing after %%EOF")


_STRUCTURES: Mapping[str, Callable[[Document], Iterator[Fault]]] = {
    PDF: _pdf,
    JPEG: images.jpeg,
    PNG: images.png,
    XML: texts.xml,
    JSON: texts.json,
    VC_JWT: jose.jws,
    VP_JWT: jose.jws,
}
