"""The last uses of credentials in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.ports.last_use import Use


class MemoryLastUse:
    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}

    async def note(self, uses: Sequence[Use]) -> None:
        for use in uses:
            known = self._uses.get(use.credential)
            if known is None or known.time <= use.time:
                self._uses[use.credential] = use

    async def all(self) -> Mapping[str, Use]:
        return dict(self._uses)

    async def forget(self, before: int) -> None:
        self._uses |= {name: Use(name, use.time) for name, use in self._uses.items() if use.time < before}
