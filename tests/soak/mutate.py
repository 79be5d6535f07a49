"""Documents changed at random: in their bytes, in what they say, in the members of a zip."""

from __future__ import annotations

from random import Random

from tests.soak.by_bytes import OF_TEXT
from tests.soak.by_member import OF_ZIP
from tests.soak.by_segment import OF_SEGMENTS
from tests.soak.by_tree import OF_JSON
from tests.soak.mutation import BYTES_MAX, Mutation
from tests.soak.seeds import Seed, one_of

KEPT_READABLE_SHARE = 0.7
"""Of the documents, those that are changed in what they say and not in how it is written: the others go no further than
the parser, most of them."""


def mutated(seed: int, number: int) -> tuple[Seed, bytes]:
    """The document of a number: the same for the same seed and the same samples."""
    chance = Random(f"{seed}:{number}")
    origin = one_of(chance)
    return origin, changed(chance, origin.content, _kinds(origin.content))


def changed(chance: Random, content: bytes, kinds: tuple[Mutation, ...]) -> bytes:
    """A document after a few mutations; the first of them is the one that leaves it readable."""
    if chance.random() < KEPT_READABLE_SHARE:
        kinds = kinds[:1]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        content = chance.choice(kinds)(chance, content)[:BYTES_MAX]
    return content


def _kinds(content: bytes) -> tuple[Mutation, ...]:
    if content.startswith(b"PK"):
        return OF_ZIP
    if content.startswith((b"UNA", b"UNB", b"UNH")):
        return OF_SEGMENTS
    return OF_JSON if content.lstrip(b"\xef\xbb\xbf \n")[:1] in (b"{", b"[") else OF_TEXT
