"""The structure of JPEG (ISO/IEC 10918-1, annex B) and PNG (ISO/IEC 15948, §5) files, without decoding a pixel."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from mmap import mmap

from schemas.documents.foreign import markup, padding
from schemas.faults import Fault, fault

Document = bytes | mmap

JPEG_START = b"\xff\xd8\xff"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS_MAX = 300_000_000
"""An A0 sheet scanned at 300 dpi has 140 million; a file of a few bytes can claim four billion."""

PARTS_MAX = 100_000
"""Segments or chunks: an image in strips of 8 KiB has a thousand."""

_FILL = re.compile(rb"\xff*")
"""Fill bytes before a marker (B.1.1.2)."""
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""In coded data: FF 00 is a byte FF, FF D0 to FF D7 restart (B.1.1.2, B.1.1.5)."""
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_EOI, _SOS, _APP2, _COM = 0xD9, 0xDA, 0xE2, 0xFE
_CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")
_TEXT_CHUNKS = frozenset({b"tEXt", b"iTXt", b"eXIf"})


class _Broken(Exception):
    """Nothing behind this place can be looked at. `args[0]` is the fault."""


def jpeg(document: Document) -> Iterator[Fault]:
    """Segment by segment from SOI to EOI. A second image after the first stands where the first one announces it
    (CIPA DC-007: Multi-Picture Format, which most telephones write)."""
    frames, scans, pictures, start = 0, 0, False, 0
    try:
        for marker, start, end in _segments(document):
            scans += marker == _SOS
            if marker in _FRAMES:
                frames += 1
                yield from _pixels(document, start + 5, start + 3, 2)
            if marker == _COM or 0xE0 <= marker <= 0xEF:
                pictures = pictures or (marker == _APP2 and document[start + 2 : start + 6] == b"MPF\0")
                if (found := markup(document, start, end)) is not None:
                    yield found
    except _Broken as e:
        yield e.args[0]
        return
    if not frames or not scans:
        yield fault("DOCUMENT_BROKEN", f"byte {start}", "no image", "a frame and its scan before the end of the image")
    if not (pictures and document[start : start + 3] == JPEG_START):
        yield from _nothing_after(document, start)


def _segments(document: Document) -> Iterator[tuple[int, int, int]]:
    """Each marker with where its content, the length first, begins and ends; the last one is EOI, without content."""
    at, marker, parts = 2, 0, 0
    while marker != _EOI:
        if (parts := parts + 1) > PARTS_MAX:
            raise _Broken(_crowded(at))
        if document[at : at + 1] != b"\xff":
            raise _Broken(_off(document, at, "a marker"))
        at = _past_fill(document, at)
        if at >= len(document):
            raise _Broken(_truncated(document))
        marker, at = document[at], at + 1
        size = 0 if marker == _EOI else int.from_bytes(document[at : at + 2], "big")
        if size < 2 and marker != _EOI:
            raise _Broken(_off(document, at, "the length of a segment"))
        if at + size > len(document):
            raise _Broken(_truncated(document))
        yield marker, at, at + size
        at += size
        if marker == _SOS:
            if (following := _MARKER.search(document, at)) is None:
                raise _Broken(_truncated(document))
            at = following.start()


def png(document: Document) -> Iterator[Fault]:
    """Chunk by chunk from IHDR to IEND, each with its checksum."""
    at, last, pictured, parts = len(PNG_SIGNATURE), b"", False, 0
    while last != b"IEND":
        if (parts := parts + 1) > PARTS_MAX:
            yield _crowded(at)
            return
        size, name = int.from_bytes(document[at : at + 4], "big"), document[at + 4 : at + 8]
        if at + size + 12 > len(document):
            yield _truncated(document)
            return
        if not _CHUNK_NAME.fullmatch(name) or (not last and (name, size) != (b"IHDR", 13)):
            yield _off(document, at, "a chunk, the first one IHDR")
            return
        content = at + 8
        if name == b"IHDR":
            yield from _pixels(document, content, content + 4, 4)
        if zlib.crc32(document[at + 4 : content + size]) != int.from_bytes(
            document[content + size : content + size + 4], "big"
        ):
            yield fault("DOCUMENT_BROKEN", f"byte {at}", "another checksum", "the checksum of the chunk")
            return
        if name in _TEXT_CHUNKS and (found := markup(document, content, content + size)) is not None:
            yield found
        pictured = pictured or (name == b"IDAT" and size > 0)
        at, last = content + size + 4, name
    if not pictured:
        yield fault("DOCUMENT_BROKEN", f"byte {at}", "no image", "IDAT before IEND")
    yield from _nothing_after(document, at)


def _nothing_after(document: Document, end: int) -> Iterator[Fault]:
    if padding(document, end):
        yield fault("DOCUMENT_PADDED", f"byte {end}", f"{len(document) - end} bytes", "nothing after the image")


def _pixels(document: Document, width_at: int, height_at: int, size: int) -> Iterator[Fault]:
    width, height = (int.from_bytes(document[at : at + size], "big") for at in (width_at, height_at))
    if not width or (not height and size == 4):  # A JPEG may tell its height later, by DNL (B.2.5).
        yield fault("DOCUMENT_BROKEN", f"byte {width_at}", f"{width} × {height}", "the size of the image")
    elif width * height > PIXELS_MAX:
        yield fault("IMAGE_TOO_LARGE", f"byte {width_at}", f"{width} × {height}", f"at most {PIXELS_MAX} pixels")


def _off(document: Document, at: int, expected: str) -> Fault:
    if at >= len(document):
        return _truncated(document)
    return fault("DOCUMENT_BROKEN", f"byte {at}", document[at : at + 8].hex(" ").upper(), expected)


def _past_fill(document: Document, at: int) -> int:
    fill = _FILL.match(document, at)
    return at if fill is None else fill.end()


def _crowded(at: int) -> Fault:
    return fault("DOCUMENT_BROKEN", f"byte {at}", "more and more parts", f"at most {PARTS_MAX} parts")


def _truncated(document: Document) -> Fault:
    return fault("DOCUMENT_TRUNCATED", f"byte {len(document)}", "no end", "the rest of the image")
