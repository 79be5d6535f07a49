"""Small sound documents of every type, to be made unsound."""

from __future__ import annotations

import struct
import zlib


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg(extra: bytes = b"", size: tuple[int, int] = (8, 8)) -> bytes:
    """The outline of a baseline JPEG; nobody decodes its pixels."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, size[1], size[0], 1) + b"\x01\x11\0")
    scan = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\xff\0\x34\xff\xd0\x56"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + extra + frame + scan + b"\xff\xd9"


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def text_chunk(content: bytes) -> bytes:
    return chunk(b"tEXt", b"Comment\0" + content)


def png(extra: bytes = b"", size: tuple[int, int] = (1, 1), idat: bytes = b"x\x9cc`\0\0\0\2\0\1") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def pdf(*objects: bytes, comment: bytes = b"", root: bytes = b"", trailer: bytes = b"", page: bytes = b"") -> bytes:
    """A PDF of one page (ISO 32000-1 §7.5). `objects` get the numbers from 4; `root`, `page` and `trailer` are more
    members of the catalogue, of the page and of the trailer."""
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R" + root + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]" + page + b">>",
        *objects,
    ]
    return numbered(bodies, comment=comment, trailer=trailer)


def numbered(bodies: list[bytes], *, comment: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF whose objects are these, from number 1, the catalogue first."""
    out, places = bytearray(b"%PDF-1.7\n%" + comment + b"\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(bodies) + 1
    return bytes(
        out + b"xref\n0 %d\n0000000000 65535 f \n" % count + table
        + b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, len(out))
    )  # fmt: skip


def stream(content: bytes, members: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n" % (len(content), members) + content + b"\nendstream"
