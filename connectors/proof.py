"""The Merkle arithmetic of receipts (RFC 9162 §2.1), written for the partner's side alone.

A leaf is SHA-256(0x00 ‖ statement), a node SHA-256(0x01 ‖ left ‖ right); a tree of n > 1 leaves splits at the largest
power of two below n. Nothing here is shared with the hub: the golden vectors in `schemas/formats` bind the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256


class ProofError(ValueError):
    """The proof does not have the shape that its tree asks for."""


def leaf_hash(statement: bytes) -> bytes:
    return sha256(b"\x00" + statement).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf at `index` and its inclusion path (from the leaf upwards) lead to. Raises `ProofError`."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    sides = _sides(index, size)
    if len(sides) != len(path):
        raise ProofError(f"leaf {index} of {size} needs a path of {len(sides)} hashes, not {len(path)}")
    node = leaf
    for goes_right, sibling in zip(reversed(sides), path, strict=True):
        node = node_hash(sibling, node) if goes_right else node_hash(node, sibling)
    return node


def _sides(index: int, size: int) -> list[bool]:
    """The turns from the root down to a leaf: True where the leaf lies in the right half."""
    sides = []
    while size > 1:
        left = _left_size(size)
        sides.append(index >= left)
        index, size = (index - left, size - left) if index >= left else (index, left)
    return sides


def _left_size(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


class RangeTree:
    """The part of a tree that a range of leaves and its range proof determine: its root, and a path for each leaf."""

    def __init__(self, leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes]) -> None:
        """`leaves` are leaf hashes by position, side by side. Raises `ProofError` if leaves and proof do not fit."""
        self._first, self._end, self._size = min(leaves), max(leaves) + 1, size
        if not (self._first >= 0 and self._end <= size and self._end - self._first == len(leaves)):
            raise ProofError(f"leaves {self._first} to {self._end - 1} do not stand side by side in a tree of {size}")
        self._leaves = leaves
        self._nodes: dict[tuple[int, int], bytes] = {}
        rest = list(reversed(proof))
        self.root = self._fill(0, size, rest)
        if rest:
            raise ProofError("the range proof is longer than its tree")

    def path(self, index: int) -> list[bytes]:
        """The inclusion path of one leaf of the range, from the leaf upwards."""
        path, low, high = [], 0, self._size
        while high - low > 1:
            middle = low + _left_size(high - low)
            if index < middle:
                path.append(self._nodes[middle, high])
                high = middle
            else:
                path.append(self._nodes[low, middle])
                low = middle
        return path[::-1]

    def _fill(self, low: int, high: int, rest: list[bytes]) -> bytes:
        if self._end <= low or high <= self._first:
            if not rest:
                raise ProofError("the range proof is shorter than its tree")
            node = rest.pop()
        elif high - low == 1:
            node = self._leaves[low]
        else:
            middle = low + _left_size(high - low)
            left = self._fill(low, middle, rest)
            node = node_hash(left, self._fill(middle, high, rest))
        self._nodes[low, high] = node
        return node
