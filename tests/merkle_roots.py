"""The other half of the tree: what a receiver computes from a proof, written apart from the code that makes proofs."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def root_from_range(leaves: Sequence[bytes], first: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that these leaves, standing at `first` in a tree of `size`, and the proof give; None if they do not."""
    if not leaves or first < 0 or first + len(leaves) > size:
        return None
    rest = iter(proof)
    last = first + len(leaves)

    def root(low: int, high: int) -> bytes:
        if last <= low or high <= first:
            return next(rest)
        if high - low == 1:
            return leaves[low - first]
        middle = low + split(high - low)
        return node_of(root(low, middle), root(middle, high))

    try:
        found = root(0, size)
    except StopIteration:
        return None
    return found if next(rest, None) is None else None


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf at `index` in a tree of `size` and its inclusion path give; None if they do not fit."""
    if not 0 <= index < size:
        return None
    node, last, rest = leaf, size - 1, list(path)
    while last > 0:
        if index & 1 or index < last:
            if not rest:
                return None
            sibling = rest.pop(0)
            node = node_of(sibling, node) if index & 1 else node_of(node, sibling)
        index >>= 1
        last >>= 1
    return node if not rest else None


def node_of(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below `size` (RFC 9162 §2.1.1)."""
    half = 1
    while half * 2 < size:
        half *= 2
    return half
