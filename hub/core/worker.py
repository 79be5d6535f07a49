"""Which of a hub's processes this is."""

from __future__ import annotations

from msgspec import Struct


class Worker(Struct, frozen=True, kw_only=True):
    """One of the processes that serve partners together; all of them answer every route."""

    number: int = 0
    of: int = 1
    """How many there are."""
    starts: int = 1
    """How often the worker of this number was started since the hub was."""

    @property
    def leads(self) -> bool:
        """Whether it has the roles that run once: fan-out, views, jobs, retention, watches, the admin socket."""
        return self.number == 0

    @property
    def is_alone(self) -> bool:
        return self.of == 1


ALONE = Worker()
