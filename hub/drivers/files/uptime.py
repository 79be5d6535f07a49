"""`Uptime` in a file of two words that all workers of a machine map."""

from __future__ import annotations

from pathlib import Path

from hub.drivers.files.shared import shared_memory

FILE = "uptime"
_ACCEPTING_AT, _CATCH_UP_UNTIL = 0, 1


class FileUptime:
    """Keeps the `Uptime` port. Raises HubError."""

    def __init__(self, directory: Path) -> None:
        self._words = shared_memory(directory / FILE, 16).cast("Q")

    def accepting_at(self) -> int:
        return self._words[_ACCEPTING_AT]

    def accepts(self, now: int) -> None:
        self._words[_ACCEPTING_AT] = now

    def catch_up_until(self) -> int:
        return self._words[_CATCH_UP_UNTIL]

    def let_catch_up(self, until: int) -> None:
        self._words[_CATCH_UP_UNTIL] = until
