"""Watches over what waits for people: overdue reviews, doors that were opened in haste or by one person, proposals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hub.core.approval import Review
from hub.core.operator import Effect
from hub.core.registry import Snapshot
from hub.operate.registrar import ACTS
from hub.ports.observer import Observer
from hub.ports.system import Clock

LOOK_SECONDS = 10.0


class SecondLook:
    """Tells of each review once a process: when it is overdue, and at once where somebody acted in haste, or alone
    where it takes two."""

    def __init__(self, snapshot: Callable[[], Snapshot], *, clock: Clock, observer: Observer) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._told: set[tuple[str, str]] = set()

    async def run(self) -> None:
        while True:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def look(self) -> None:
        now = self._clock.now_us() // 1_000_000
        for review in self._snapshot().reviews:
            act = ACTS.get(review.act)
            if not review.done and act is not None and act.in_haste:
                self._tell("break_glass", review)
            if not review.done and act is not None and act.effect is Effect.STARTS and len(review.actors) == 1:
                self._tell("operator_alone", review)
            if review.overdue(now):
                self._tell("review_overdue", review)
        for name, value in self.told().items():
            self._observer.gauge(name, value)

    def told(self) -> Mapping[str, int]:
        """How much waits: as gauges, and for `customs-hub status`."""
        now, snapshot = self._clock.now_us() // 1_000_000, self._snapshot()
        return {
            "reviews_open": sum(not review.done for review in snapshot.reviews),
            "reviews_overdue": sum(review.overdue(now) for review in snapshot.reviews),
            "proposals_open": sum(proposal.is_open(now) for proposal in snapshot.proposals),
        }

    def _tell(self, name: str, review: Review) -> None:
        if (name, review.id) in self._told:
            return
        self._told.add((name, review.id))
        self._alarm(name, review=review.id, act=review.act, actors=", ".join(review.actors))

    def _alarm(self, name: str, **facts: str) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)
