"""When each credential was used last, and from where: so that one that nobody uses, or somebody else does, is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Use(Struct, frozen=True):
    credential: str
    time: int
    """Seconds since 1970."""
    address: str = ""
    agent: str = ""
    """Of the request's `User-Agent`. Address and agent are empty where they were forgotten, or there was none."""


class LastUse(Protocol):
    """MAY lose what was noted in the last seconds with a crash: nothing is decided by it."""

    async def note(self, uses: Sequence[Use]) -> None:
        """Keep each, in place of an earlier one of its credential. MUST keep the latest, whoever notes it first.

        `uses` names each credential once. Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """

    async def all(self) -> Mapping[str, Use]:
        """The last use of every credential, by its id. Raises `StorageUnavailable`."""

    async def forget(self, before: int) -> None:
        """Forget from where those of before then (seconds since 1970) came; that they were used is kept."""
