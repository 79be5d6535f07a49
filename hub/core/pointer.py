"""JSON Pointers (RFC 6901) as operators write them in agreements and filters."""

from __future__ import annotations

import re

_POINTER = re.compile(r"(?:/(?:[^~/\x00-\x1f]|~[01])*)+")
POINTER_CHARACTERS_MAX = 256
POINTER_DEPTH_MAX = 16


def is_pointer(text: str) -> bool:
    """A pointer to a member or item: not empty (the whole document), not `-` (RFC 6901 §4: what is not there), without
    control characters."""
    return (
        len(text) <= POINTER_CHARACTERS_MAX
        and _POINTER.fullmatch(text) is not None
        and text.count("/") <= POINTER_DEPTH_MAX
        and "-" not in tokens(text)
    )


def tokens(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a pointer, unescaped (RFC 6901 §4)."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def array_index(token: str) -> int | None:
    """The position that a token names in an array; None for a member's name (RFC 6901 §4: no leading zeros)."""
    if not (token.isascii() and token.isdigit()) or (len(token) > 1 and token[0] == "0"):
        return None
    return int(token)
