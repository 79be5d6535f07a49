"""A registrar over the memory registry, with a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from hub.core.dead_letter import DeadLetter
from hub.core.endpoint import SECRETS_USE, Sending
from hub.core.errors import Refusal
from hub.core.kafka_access import Listeners, Proof
from hub.core.settings import MandateSettings
from hub.delivery.failures import told_failure
from hub.drivers.http.networks import is_open
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.memory.last_use import MemoryLastUse
from hub.drivers.memory.positions import MemoryPositions
from hub.drivers.memory.registry import MemoryRegistry
from hub.drivers.system.entropy import SystemEntropy
from hub.intake.copies import Copies
from hub.operate.acts import Apart
from hub.operate.follow import LiveRegistry
from hub.operate.letter_desk import LetterDesk
from hub.operate.own_keys import key_in_use
from hub.operate.registrar import Done, Registrar
from hub.ports.key_ring import KeyRing
from hub.trust.sealed_password import USE, sealing_key
from schemas.catalogue import catalogue

NAMES = ("customs.container.gate_in", "customs.seal.applied", "customs.seal.broken")
EVENT_TYPES: dict[str, list[dict[str, Any]]] = {
    "customs.container.loaded": [],  # As if it were planned.
    **{name: [kind.schema.flat for kind in catalogue().types if kind.name == name] for name in NAMES},
}
START = 1_767_225_600
"""2026-01-01T00:00:00Z."""


class HandClock:
    """Stands still until it is moved; a sleep moves it and gives way once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_us(self) -> int:
        return START * 1_000_000 + round(self.seconds * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def deadline(self, seconds: float) -> AbstractAsyncContextManager[object]:
        @asynccontextmanager
        async def none() -> AsyncIterator[None]:
            yield

        return none()


class Silent:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def event(self, name: str, **facts: str | int | float) -> None:
        self.events.append(name)


async def nothing_hinders(letter: DeadLetter, data: object) -> None:
    """Every letter would be released."""


class Desk:
    """An operator named ada, in front of a registrar."""

    def __init__(self, registry: MemoryRegistry | None = None) -> None:
        """`registry`: of another desk, as another process of the hub has it."""
        self.clock = HandClock()
        self.registry = MemoryRegistry() if registry is None else registry
        self.live = LiveRegistry(self.registry, clock=self.clock)
        self.copies = Copies(MemoryBlobStore(self.clock), clock=self.clock, entropy=SystemEntropy())
        self.letters = MemoryDeadLetters()
        self.positions = MemoryPositions(self.clock)
        self.blobs = MemoryBlobStore(self.clock)
        self.accesses = MemoryAccessJournal()
        self.letter_desk = LetterDesk(
            self.letters,
            log=MemoryEventLog(self.clock),
            index=MemoryFirstOccurrence(self.positions, slice_seconds=100),
            blobs=self.blobs,
            entropy=SystemEntropy(),
            foresee=nothing_hinders,
        )
        self.last_use = MemoryLastUse()
        self.keys: KeyRing = MemoryKeyRing(now=START)
        self.registrar = Registrar(
            self.live,
            hub="test-hub",
            apart=Apart(self.copies, self.letter_desk, partial(told_failure, self.positions), self.accesses),
            clock=self.clock,
            event_types=EVENT_TYPES,
            key_in_use=lambda ring: key_in_use(self.keys, ring),
            key_grace_seconds=3_600,
            key_validity_seconds=86_400,
            key_unused_seconds=3_600,
            last_use=self.last_use,
            mandates=MandateSettings(waiting_max=2, in_force_max=3),
            listeners=Listeners(
                {Proof.SCRAM: "kafka.example:9093", Proof.MTLS: "kafka.example:9094"},
                lambda: sealing_key(self.keys.secret(USE)),
                "north.",
            ),
            webhooks=Sending(
                lambda: sealing_key(self.keys.secret(SECRETS_USE)),
                self.keys.secret,
                connects=lambda address, tls: is_open(address, (), public=tls),
            ),
        )

    async def do(self, act: str, **request: Any) -> Done:
        outcome = await self.registrar.perform(act, request, actor="ada")
        assert isinstance(outcome, Done), outcome
        return outcome

    async def refused(self, act: str, **request: Any) -> dict[str, str]:
        """The codes of the faults, by place; checks that nothing was written."""
        before = await self.registry.head()
        outcome = await self.registrar.perform(act, request, actor="ada")
        assert isinstance(outcome, Refusal), outcome
        assert await self.registry.head() == before
        return {fault.place: fault.code for fault in outcome.faults}

    async def unseen(self, view: str, **request: Any) -> dict[str, str]:
        """The codes of the faults of what is looked at, by place."""
        outcome = await self.registrar.looks.view(view, request)
        assert isinstance(outcome, Refusal), outcome
        return {fault.place: fault.code for fault in outcome.faults}

    async def show(self, view: str, **request: Any) -> dict[str, Any]:
        answer = await self.registrar.looks.view(view, request)
        assert not isinstance(answer, Refusal), answer
        return answer

    async def enrol(self, name: str = "zephyr", *roles: str, **more: Any) -> Done:
        return await self.do(
            "partner.add", id=name, name=name.title(), country="NL", roles=roles or ("exporter",), **more
        )

    async def agree(self, name: str = "a1", **more: Any) -> Done:
        request = {
            "provider": {"role": "exporter"},
            "types": ["customs.seal.*"],
            "recipient": "risk",
            "purpose": "security-risk-assessment",
            "fields": ["*"],
        }
        return await self.do("agreement.add", id=name, **{**request, **more})


@pytest.fixture
def desk() -> Desk:
    return Desk()
