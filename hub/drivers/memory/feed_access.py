"""The access of readers in memory: what a hub without brokers would tell them."""

from __future__ import annotations

from collections.abc import Collection, Set

from hub.core.finding import Finding
from hub.ports.feed_access import GROUPS_MAX, Committed, Right


class MemoryFeedAccess:
    def __init__(self) -> None:
        self._rights: set[Right] = set()
        self.passwords: dict[str, str] = {}
        """By user."""
        self.offsets: dict[str, dict[tuple[str, int], int]] = {}
        """What groups committed."""

    async def rights(self) -> Set[Right]:
        return frozenset(self._rights)

    async def allow(self, rights: Collection[Right]) -> None:
        self._rights.update(rights)

    async def refuse(self, rights: Collection[Right]) -> None:
        self._rights.difference_update(rights)

    async def users(self) -> Set[str]:
        return frozenset(self.passwords)

    async def enrol(self, user: str, password: str) -> None:
        self.passwords[user] = password

    async def dismiss(self, users: Collection[str]) -> None:
        for user in users:
            self.passwords.pop(user, None)

    async def committed(self, prefix: str) -> Committed:
        names = sorted(name for name in self.offsets if name.startswith(prefix))[:GROUPS_MAX]
        return {name: dict(self.offsets[name]) for name in names}

    async def examine(self) -> list[Finding]:
        return []
