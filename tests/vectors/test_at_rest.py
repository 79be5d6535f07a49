"""Bytes at rest, bound to golden bytes: `schemas/formats/document.md` fixes them, and they outlive the code."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson
import pytest

from hub.core.errors import BlobDamaged, BlobMissing
from hub.trust.at_rest import CHANCE_BYTES, HEADER_BYTES, Opener, Sealer

WRAPPING_KEY = bytes(range(32))
CHANCE = bytes(range(100, 100 + CHANCE_BYTES))
PLAIN = b"A commercial invoice, as it was handed in."


def sealed(plain: bytes, *, step: int = 7, owner: str = "delta", chunk_bytes: int = 16) -> bytes:
    sealer = Sealer(owner, number=3, wrapping_key=WRAPPING_KEY, chance=CHANCE, chunk_bytes=chunk_bytes)
    return b"".join(sealer.add(plain[at : at + step]) for at in range(0, len(plain), step)) + sealer.end()


def opened(blob: bytes, *, step: int = 11, owner: str = "delta") -> bytes:
    opener = Opener(owner, {3: WRAPPING_KEY}.__getitem__)
    return b"".join(opener.add(blob[at : at + step]) for at in range(0, len(blob), step)) + opener.end()


VECTORS = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())["at_rest"]


@pytest.mark.parametrize("vector", VECTORS)
def test_what_is_written_is_what_the_page_says_and_stays_readable(vector: dict[str, Any]) -> None:
    plain = vector["plain"].encode()
    wrapping_key, chance = bytes.fromhex(vector["wrapping_key"]), bytes.fromhex(vector["chance"])
    number, size = vector["number"], vector["chunk_bytes"]

    sealer = Sealer(vector["owner"], number=number, wrapping_key=wrapping_key, chance=chance, chunk_bytes=size)
    opener = Opener(vector["owner"], {number: wrapping_key}.__getitem__)

    assert (sealer.add(plain) + sealer.end()).hex() == vector["sealed"]
    assert opener.add(bytes.fromhex(vector["sealed"])) + opener.end() == plain


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 33, len(PLAIN)])
def test_what_is_sealed_opens_again_however_it_is_cut(size: int) -> None:
    for step in (1, 16, 1_000):
        assert opened(sealed(PLAIN[:size], step=step), step=step) == PLAIN[:size]


@pytest.mark.parametrize("at", [*range(0, HEADER_BYTES, 5), HEADER_BYTES, HEADER_BYTES + 40, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    blob = bytearray(sealed(PLAIN))
    blob[at] ^= 1

    with pytest.raises((BlobDamaged, KeyError)):  # A changed number names no key.
        opened(bytes(blob))


def test_what_was_cut_off_left_out_moved_or_added_is_noticed() -> None:
    blob, chunk = sealed(PLAIN), 32
    head, first, second, third = blob[:HEADER_BYTES], *(blob[HEADER_BYTES + chunk * n :][:chunk] for n in range(3))

    for wrong in (head, head + first, head + first + second, head + second + third, head + first + third,
                  head + second + first + third, head + first + second + third + third, blob[:-1], b""):  # fmt: skip
        with pytest.raises(BlobDamaged):
            opened(wrong)


def test_a_blob_opens_for_its_owner_alone() -> None:
    with pytest.raises(BlobDamaged):
        opened(sealed(PLAIN), owner="acme")


def test_a_destroyed_wrapping_key_erases() -> None:
    def destroyed(number: int) -> bytes:
        raise BlobMissing(f"there is no wrapping key {number}")

    with pytest.raises(BlobMissing):
        Opener("delta", destroyed).add(sealed(PLAIN))
