"""Failures at the door, a log line each: who did not prove himself, and who asked for what he may not have.

A line says where, from which address and why, and nothing of what was sent: no token, no name that was only claimed.
Whoever fails on purpose writes no more than a bounded log: an address has its pace, and all of them together have one.
What had no line of its own is counted, and the next line says how many those were.
"""

from __future__ import annotations

from hub.core.fairness import Pace
from hub.ports.observer import Observer
from hub.ports.system import Clock

LINES_PER_SECOND_OF_ADDRESS = 0.2
LINES_PER_SECOND = 16
BURST_LINES_OF_ADDRESS, BURST_LINES = 10, 128


class FailureLog:
    """Of one worker. Addresses are told apart by `prefix`, as whose failures are counted together."""

    def __init__(self, *, addresses_max: int, clock: Clock, observer: Observer) -> None:
        self._of_address = Pace(LINES_PER_SECOND_OF_ADDRESS, accounts_max=addresses_max)
        self._of_all = Pace(LINES_PER_SECOND, accounts_max=1)
        self._clock = clock
        self._observer = observer
        self._unwritten_count = 0

    def tell(self, event: str, prefix: str, **facts: str) -> None:
        """Write one line, if there is room for it. `facts`: of closed sets, and who was proven."""
        if not self._has_room(prefix):
            self._unwritten_count += 1
            self._observer.count("failures_not_logged")
            return
        self._observer.event(event, **facts, not_logged_before=self._unwritten_count)
        self._unwritten_count = 0

    def _has_room(self, prefix: str) -> bool:
        now = self._clock.monotonic()
        if self._of_address.ahead(prefix, now) >= BURST_LINES_OF_ADDRESS / LINES_PER_SECOND_OF_ADDRESS:
            return False
        if self._of_all.ahead("", now) >= BURST_LINES / LINES_PER_SECOND:
            return False
        self._of_address.step(prefix, now)
        self._of_all.step("", now)
        return True
