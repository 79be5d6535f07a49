"""The Merkle tree over the statements of one batch (RFC 9162 §2.1.1), and proofs that part of it belongs to the root.

A leaf is SHA-256(0x00 ‖ statement), a node SHA-256(0x01 ‖ left ‖ right); a tree of n > 1 leaves splits at the largest
power of two below n. A range proof lists the roots of the largest subtrees outside the range, from left to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(statement: bytes) -> bytes:
    return sha256(b"\x00" + statement).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size` (size > 1)."""
    return 1 << (size - 1).bit_length() - 1


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf (hash) and its inclusion path lead to, by RFC 9162 §2.1.3.2; None: the path does not fit."""
    position, last, node = index, size - 1, leaf
    if position > last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = _node(sibling, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = _node(node, sibling)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


class Tree:
    """All levels over a batch's leaves, so that root and proofs of many requests cost one pass of hashing.

    Level k holds the roots of the complete subtrees of 2^k leaves, then at most one of what is left over: pairing
    neighbours and carrying an odd last one upwards gives the same tree as RFC 9162's recursive split.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """`leaves` are leaf hashes, at least one."""
        self.size = len(leaves)
        self._levels = [list(leaves)]
        while len(level := self._levels[-1]) > 1:
            above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) & 1:
                above.append(level[-1])
            self._levels.append(above)

    @property
    def root(self) -> bytes:
        return self._levels[-1][0]

    def leaf(self, index: int) -> bytes:
        return self._levels[0][index]

    def range_proof(self, first: int, count: int) -> list[bytes]:
        """The subtree roots that, with leaves `first` to `first + count - 1`, give the root. Empty: the whole tree."""
        proof: list[bytes] = []
        self._outside(0, self.size, first, first + count, proof)
        return proof

    def path(self, index: int) -> list[bytes]:
        """The range proof of a single leaf, ordered from the leaf to the root, as RFC 9162 §2.1.3.1 has it."""
        path = []
        for level in self._levels[:-1]:
            if (sibling := index ^ 1) < len(level):
                path.append(level[sibling])
            index >>= 1
        return path

    def _outside(self, low: int, high: int, first: int, last: int, proof: list[bytes]) -> None:
        if last <= low or high <= first:
            proof.append(self._root_of(low, high))
        elif not (first <= low and high <= last):
            middle = low + _split(high - low)
            self._outside(low, middle, first, last, proof)
            self._outside(middle, high, first, last, proof)

    def _root_of(self, low: int, high: int) -> bytes:
        """Aligned subtrees are on a level; `high` may end short of a power of two only at the tree's end."""
        height = (high - low - 1).bit_length()
        return self._levels[height][low >> height]
