"""An hourly pace for what costs more than a request: so much at once, then as much an hour."""

from __future__ import annotations

from hub.core.errors import Refusal
from hub.core.fairness import Pace
from hub.ports.system import Clock
from hub.web.problems import Refused

HOUR_SECONDS = 3_600
ACCOUNTS_MAX = 10_000


class Hourly:
    def __init__(self, per_hour_max: int, what: str, *, clock: Clock) -> None:
        """`what` it is that is bounded: the detail of the refusal."""
        self._what = what
        self._clock = clock
        self._seconds_each = HOUR_SECONDS / per_hour_max
        self._pace = Pace(1 / self._seconds_each, accounts_max=ACCOUNTS_MAX)

    def step(self, partner: str) -> None:
        """One more. Raises `Refused`."""
        now = self._clock.monotonic()
        if (early := self._pace.ahead(partner, now) - HOUR_SECONDS + self._seconds_each / 2) > 0:
            raise Refused(Refusal("TOO_MANY_REQUESTS", self._what, retry_after=int(early) + 1))
        self._pace.step(partner, now)
