"""What the hub says, in French: its own texts beside those of the schemas (`schemas/words.py`)."""

from __future__ import annotations

from functools import cache

from schemas.words import Words, table


@cache
def words() -> Words:
    """The words of everything that the hub answers."""
    return Words(table("schemas"), table("hub.core"))
