"""Lawful restriction: that a company is not told, or not yet, who was given its data. Everything is journalled."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from hub.core.access import Access, Step


class Telling(StrEnum):
    """What a company is told of an access as long as it may not know who it was."""

    AUTHORITY = "authority"
    """That an authority was given its data, and when."""
    NOTHING = "nothing"


class Restriction(Struct, frozen=True, omit_defaults=True):
    """On what a recipient is given, or on kinds of access, or on both together; times in seconds since 1970."""

    id: str
    legal_basis: str
    begins: int
    ends: int
    """Exclusive; accesses after it are told as any other."""
    review: int
    """When somebody has to look whether it is still needed."""
    recipient: str = ""
    """Empty: whoever it is."""
    steps: tuple[Step, ...] = ()
    """Empty: every kind."""
    tells: Telling = Telling.AUTHORITY
    embargo: int | None = None
    """From then on all is told; None: never."""
    lifted: bool = False
    """It was ended by an act: all is told."""

    def binds(self, access: Access, now: int) -> bool:
        return (
            not self.lifted
            and self.begins <= now < self.ends
            and self.recipient in ("", access.recipient)
            and (not self.steps or access.step in self.steps)
        )

    def hides(self, now: int) -> bool:
        """Whether what it was noted in is not to be told at `now`."""
        return not self.lifted and (self.embargo is None or now < self.embargo)


def all_that_bind(restrictions: Iterable[Restriction], access: Access, now: int) -> str:
    """Their ids, separated by spaces: when one of them is over, the others still hide."""
    return " ".join(each.id for each in restrictions if each.binds(access, now))
