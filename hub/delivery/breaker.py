"""Leaving an address alone that takes nothing: after some failures in a row one message at a time finds out whether it
is back, at growing distance."""

from __future__ import annotations

from hub.delivery.outbox import RETRY_AFTER_SECONDS_MAX

FAILURES_MAX = 5
FIRST_SECONDS, LAST_SECONDS = 5.0, 300.0


class Breaker:
    def __init__(self) -> None:
        self._failures = 0
        self.until = 0.0
        """Before, nothing at all is tried; by the monotonic clock."""

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES_MAX

    def failed(self, now: float, retry_after: int | None) -> None:
        """An attempt at `now` was in vain. `retry_after`: seconds for which nothing more is wanted there."""
        self._failures += 1
        seconds = float(min(retry_after or 0, RETRY_AFTER_SECONDS_MAX))
        if self.is_open:
            seconds = max(seconds, min(FIRST_SECONDS * 2 ** min(self._failures - FAILURES_MAX, 10), LAST_SECONDS))
        self.until = max(self.until, now + seconds)

    def succeeded(self) -> bool:
        """Whether it had been open."""
        was_open, self._failures, self.until = self.is_open, 0, 0.0
        return was_open
