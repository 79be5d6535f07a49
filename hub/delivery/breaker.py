"""Leaving an address alone that takes nothing: after some failures in a row one message at a time finds out whether it
is back, at growing distance."""

from __future__ import annotations

from hub.delivery.outbox import RETRY_AFTER_SECONDS_MAX

FAILURES_MAX = 5
FIRST_SECONDS, LAST_SECONDS = 5.0, 300.0


class Breaker:
    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES_MAX

    def waits(self, now: float) -> bool:
        """Whether nothing at all is tried at `now`, by the monotonic clock."""
        return now < self._until

    def failed(self, now: float, retry_after: int | None) -> None:
        """`retry_after`: seconds for which whoever answered does not want to be asked."""
        self._failures += 1
        seconds = float(min(retry_after or 0, RETRY_AFTER_SECONDS_MAX))
        if self.is_open:
            seconds = max(seconds, min(FIRST_SECONDS * 2 ** min(self._failures - FAILURES_MAX, 10), LAST_SECONDS))
        self._until = max(self._until, now + seconds)

    def succeeded(self) -> bool:
        """Whether it had been open."""
        was_open, self._failures, self._until = self.is_open, 0, 0.0
        return was_open
