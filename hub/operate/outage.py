"""Noticing that the hub took no events for a while, so that partners may catch up with what they kept meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from hub.core.quota import QuotaSettings
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.ports.uptime import Uptime

LOOK_SECONDS = 1.0
PER_LOST_SECOND = 2
"""At three times the usual rate a partner sends in so many seconds what it sends in the lost one, beside its usual."""


class OutageWatch:
    """Writes down while events are taken; the first time after a gap, lets everyone catch up for a while."""

    def __init__(
        self,
        uptime: Uptime,
        *,
        accepting: Callable[[], bool],
        settings: QuotaSettings,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._uptime = uptime
        self._accepting = accepting
        self._settings = settings
        self._clock = clock
        self._observer = observer

    async def run(self) -> None:
        while True:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def look(self) -> None:
        if not self._accepting():
            return
        now, last = self._clock.now_us() // 1_000_000, self._uptime.accepting_at()
        settings = self._settings
        lost = now - last if last else 0
        if lost >= settings.outage_seconds_min:
            seconds = max(PER_LOST_SECOND * lost, settings.catch_up_seconds_min)
            until = now + min(seconds, settings.catch_up_seconds_max)
            self._uptime.let_catch_up(max(until, self._uptime.catch_up_until()))
            self._observer.event("outage_ended", seconds=lost, catch_up_until=until)
        self._uptime.accepts(now)
