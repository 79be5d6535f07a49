"""What systems under enrolment show by themselves, noted in the registry once: the checklist turns green on its own.

Where something is seen costs a look into memory; it is written behind, by one task. What is lost in a crash is seen
again, since a system goes on with what it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hub.core.enrolment import Step
from hub.core.errors import HubError, Refusal
from hub.core.proposal import Authority
from hub.core.registry import Snapshot
from hub.operate.registrar import Registrar
from hub.ports.observer import Observer
from hub.ports.system import Clock

RETRY_SECONDS = 1.0
ACTOR = "enrolment"
"""The rule that notes, in the audit trail."""


class Progress:
    def __init__(
        self,
        registrar: Registrar,
        *,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        clock_skew_seconds: int,
    ) -> None:
        self._registrar = registrar
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._clock_skew_seconds = clock_skew_seconds
        self._seen: dict[tuple[str, Step], int | None] = {}
        """At most one for each step of each system under enrolment; with the clock's offset where it is about that."""
        self._wake = asyncio.Event()

    def clock(self, system: str, offset_seconds: int) -> None:
        """An assertion of the system was accepted, made so many seconds ahead of the hub's clock."""
        if abs(offset_seconds) <= self._clock_skew_seconds:
            self._note(system, Step.CLOCK, offset_seconds)

    def event(self, system: str) -> None:
        self._note(system, Step.EVENT)

    async def receipt(self, system: str) -> None:
        """Written when it returns. Raises the registry's errors."""
        await self._write(system, Step.RECEIPT, None)

    async def run(self) -> None:
        """Write what was seen, for ever; an owner runs it as a task and cancels it."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                for system in {system for system, _ in self._seen}:
                    await self.settle(system)
            except HubError as e:
                self._observer.event("enrolment_not_noted", error=type(e).__name__)
                self._wake.set()
                await self._clock.sleep(RETRY_SECONDS)

    async def settle(self, system: str) -> None:
        """Write what was seen of a system and is not written yet. Raises the registry's errors."""
        for step in Step:
            if (system, step) in self._seen:
                await self._write(system, step, self._seen[system, step])
                self._seen.pop((system, step), None)

    def _note(self, system: str, step: Step, offset: int | None = None) -> None:
        enrolment = self._snapshot().enrolments.get(system)
        if enrolment is not None and enrolment.reached(step) is None:
            self._seen[system, step] = offset
            self._wake.set()

    async def _write(self, system: str, step: Step, offset: int | None) -> None:
        request = {"system": system, "step": step, "clock_offset_seconds": offset}
        outcome = await self._registrar.perform("enrolment.step", request, actor=ACTOR, authority=Authority.HUB)
        if isinstance(outcome, Refusal):
            self._observer.event("enrolment_not_noted", error=outcome.code)
