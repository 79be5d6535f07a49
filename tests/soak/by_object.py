"""Mutations of digital copies: of the objects of a PDF, of the parts of an image, of the tags of XML."""

from __future__ import annotations

import re
import zlib
from random import Random

from tests.soak.by_bytes import OF_BYTES, OF_TEXT, flip, some_slice
from tests.soak.mutation import GROWN_BYTES_MAX, Mutation


def _pdf(chance: Random, content: bytes) -> bytes:
    """One name, number, reference or object of it is another, or is there many times."""
    tokens = list(_PDF_TOKEN.finditer(content))
    if not tokens:
        return flip(chance, content)
    token = chance.choice(tokens)
    start, end = token.span()
    match chance.randrange(5):
        case 0:
            new = chance.choice(_PDF_MORSELS)
        case 1:
            new = chance.choice(tokens)[0]
        case 2:
            new = token[0] + b" " + chance.choice(_PDF_MORSELS)
        case 3:
            room = GROWN_BYTES_MAX // (len(token[0]) + 1)
            new = (token[0] + b" ") * min(room, chance.choice((2, 100, 20_000)))
        case _:
            new = token[0].replace(b"/", b"/#41") if token[0].startswith(b"/") else b"-" + token[0]
    return content[:start] + new + content[end:]


def _png(chance: Random, content: bytes) -> bytes:
    """One chunk is another, or elsewhere, or there many times; the checksums are right."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    chunks = _parts(chance, chunks, _PNG_NAMES)
    return content[:8] + b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )


def _jpeg(chance: Random, content: bytes) -> bytes:
    """The same of segments, each with its length."""
    segments, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        size = int.from_bytes(content[at + 2 : at + 4], "big")
        segments.append((content[at : at + 2], content[at + 4 : at + 2 + size]))
        at += size + 2 if size else len(content)
    segments = _parts(chance, segments, _JPEG_MARKERS)
    head = b"".join(marker + (len(body) % 65_534 + 2).to_bytes(2, "big") + body for marker, body in segments)
    return content[:2] + head + content[at:]


Part = tuple[bytes, bytes]


def _parts(chance: Random, parts: list[Part], names: tuple[bytes, ...]) -> list[Part]:
    if not parts:
        return parts
    index = chance.randrange(len(parts))
    name, body = parts[index]
    match chance.randrange(5):
        case 0:
            return parts[:index] + parts[index + 1 :]
        case 1:
            return parts[:index] + [parts[index]] * chance.choice((2, 1_000, 70_000)) + parts[index + 1 :]
        case 2:
            name = chance.choice(names)
        case 3:
            start, end = some_slice(chance, body)
            body = body[:start] + chance.choice(_BODIES) * chance.choice((1, 1_000)) + body[end:]
        case _:
            body = chance.choice(OF_BYTES)(chance, body)
    return [*parts[:index], (name, body[:GROWN_BYTES_MAX]), *parts[index + 1 :]]


def _xml(chance: Random, content: bytes) -> bytes:
    """One tag is another, or nested without end."""
    tags = list(_TAG.finditer(content))
    if not tags:
        return flip(chance, content)
    tag = chance.choice(tags)
    new = chance.choice((*_XML_MORSELS, chance.choice(tags)[0], tag[0] * chance.choice((2, 300, 20_000))))
    return content[: tag.start()] + new[:GROWN_BYTES_MAX] + content[tag.end() :]


_PDF_TOKEN = re.compile(rb"/[A-Za-z0-9#]+|\d+ \d+ R|\d+|<<|>>|\[|\]|\([^()]*\)|endobj|stream\n|endstream|xref|trailer")
_PDF_MORSELS = (
    b"1 0 R", b"4 0 R", b"99999 0 R", b"0 65535 R", b"99999999999999999999", b"-1", b"1e400", b"/JS", b"/JavaScript",
    b"/OpenAction", b"/Launch", b"/EmbeddedFile", b"/Encrypt", b"/XFA", b"/URI", b"/Next 1 0 R", b"/Kids[1 0 R 2 0 R]",
    b"/Filter/FlateDecode", b"/Filter[/FlateDecode/FlateDecode/ASCIIHexDecode/LZWDecode]", b"/Length 999999999",
    b"/DecodeParms<</Predictor 15/Columns 2147483647>>", b"/Prev 9", b"/XRefStm 9", b"/W[0 0 0]", b"/W[8 8 8]",
    b"/Index[0 99999999]", b"/Type/ObjStm/N 99999999/First 0", b"<<" * 3_000, b"[" * 3_000, b"(" * 3_000, b"%", b"null",
    b"<FEFF", b"#", b"endobj", b"stream\n", b"xref\n0 99999999\n", b"trailer", b"startxref\n0\n%%EOF", b"%PDF-1.7\n",
)  # fmt: skip
_PNG_NAMES = (b"IHDR", b"IDAT", b"IEND", b"tEXt", b"iTXt", b"zTXt", b"PLTE", b"acTL", b"\0\0\0\0", b"idat")
_JPEG_MARKERS = tuple(
    bytes((0xFF, each)) for each in (0xE0, 0xE1, 0xFE, 0xC0, 0xC2, 0xC4, 0xD8, 0xD9, 0xDD, 0xDB, 0x01)
)
_BODIES = (
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"<script>",
    b"<?php ",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"%PDF-1.7",
    b"MZ",
    b"\xff\xd9",
)
_TAG = re.compile(rb"<[^<>]*>")
_XML_MORSELS = (
    b"<!DOCTYPE a [<!ENTITY b 'cccccc'>]>", b"<!DOCTYPE a SYSTEM 'http://a/'>", b"&b;" * 1_000, b"<![CDATA[", b"]]>",
    b"<script>", b"<?xml-stylesheet href='a'?>", b"<a xmlns='http://www.w3.org/1999/xhtml'>", b"<a" + b" b='c'" * 5_000,
    b"<!--", b"-->", b"<a b='c' b='c'>", b"<?xml version='1.0' encoding='utf-7'?>", b"<svg onload='a'>", b"&#0;",
    b"<" * 5_000,
)  # fmt: skip
OF_PDF: tuple[Mutation, ...] = (*[_pdf] * 16, *OF_BYTES)
OF_PNG: tuple[Mutation, ...] = (*[_png] * 16, *OF_BYTES)
OF_JPEG: tuple[Mutation, ...] = (*[_jpeg] * 16, *OF_BYTES)
OF_XML: tuple[Mutation, ...] = (*[_xml] * 16, *OF_TEXT)
