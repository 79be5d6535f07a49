"""When the hub last took events, as all workers of a machine know it, also after a restart."""

from __future__ import annotations

from typing import Protocol


class Uptime(Protocol):
    """Two numbers that survive the end of every process. Calls do not block."""

    def accepting_at(self) -> int:
        """Seconds since 1970 at which a worker last said that it takes events; 0: none ever did."""

    def accepts(self, now: int) -> None:
        """Say so. MAY be lost with the machine's power."""

    def catch_up_until(self) -> int:
        """Seconds since 1970 until which everyone may catch up; 0: no outage was noticed yet."""

    def let_catch_up(self, until: int) -> None:
        """Workers that notice the same outage at once MAY each say so; one of the times stays."""
