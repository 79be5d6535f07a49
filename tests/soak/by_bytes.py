"""Mutations of a document's bytes, and of the encoding of its text."""

from __future__ import annotations

from random import Random

from tests.soak.mutation import Mutation


def flip(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _truncate(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _duplicate(chance: Random, content: bytes) -> bytes:
    start, end = some_slice(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 50)) + content[end:]


def _delete(chance: Random, content: bytes) -> bytes:
    start, end = some_slice(chance, content)
    return content[:start] + content[end:]


def _swap(chance: Random, content: bytes) -> bytes:
    start, end = some_slice(chance, content)
    middle = (start + end) // 2
    return content[:start] + content[middle:end] + content[start:middle] + content[end:]


def _insert(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(_MORSELS) + content[at:]


def _grow(chance: Random, content: bytes) -> bytes:
    """Much of the same, seldom: large documents cost time."""
    if chance.random() > 0.05 or not content:
        return content
    start, end = some_slice(chance, content)
    piece = content[start:end] or b"["
    return content[:start] + piece * (chance.choice((100_000, 1_000_000, 4_000_000)) // len(piece)) + content[end:]


def _recode(chance: Random, content: bytes) -> bytes:
    coding = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7"))
    return content.decode("utf-8", "replace").encode(coding, "replace")


def some_slice(chance: Random, content: bytes) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + int(chance.expovariate(1 / 40)))


_MORSELS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"', b"\\", b"{", b"}", b"[", b"]",
    b",", b":", b"\n", b"\r\n", b"\t", b";", b"null", b"NaN", b"-Infinity", b"1e999", b"-0", b"1e-400", b"9" * 400,
    b'"id":1,', b'"eventID":"x",', b"[" * 70, b"[" * 5_000, b'{"a":' * 70, b"\xf0\x9f\x9a\xa2", b"\xc3", b"\x1f",
    b"=1+1", b"@SUM(A1)", b"1.23E+17", b"31/12/2026", b"12/11/2026 10:00", b"NA", b"\xa0", "é".encode("cp1252"),
)  # fmt: skip
OF_BYTES: tuple[Mutation, ...] = (flip, _truncate, _duplicate, _delete, _swap, _insert, _grow)
OF_TEXT: tuple[Mutation, ...] = (*OF_BYTES, _recode)
