"""Named points at which a hub process ends itself, as a power cut would: decorators around real ports.

A point lies between two steps of the core protocol. The n-th time that the process passes the chosen one, it sends
itself SIGKILL; nothing is flushed, closed or answered after that. Production code knows nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from typing import Any, Self

from msgspec.structs import replace

from hub.assembly.grounds import Ports
from hub.core.access import Access
from hub.core.dead_letter import DeadLetter, Run
from hub.core.dispatch import Dispatch, Step
from hub.core.errors import Unknown
from hub.core.feed import Way
from hub.core.leak import Leak
from hub.core.proposal import Proposal
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, Position
from hub.ports.access_journal import AccessJournal
from hub.ports.blob_store import BlobKey, BlobStore, Stored
from hub.ports.dead_letters import DeadLetters
from hub.ports.dispatches import Dispatches
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence, Occurrence
from hub.ports.observer import Observer
from hub.ports.positions import FeedPosition, Lease, Positions
from hub.ports.registry import Registry

APPEND_BEGUN_SECONDS = 0.001
"""An append that is under way so long may be anywhere: not written, written, or about to be acknowledged."""

COMMON_POINTS = (
    "before-append",
    "during-append",
    "after-append",
    "before-answer",
    "after-judging",
    "after-mark",
    "before-feed-append",
    "during-feed-append",
    "after-feed-append",
)
RARE_POINTS = ("after-position", "after-quarantine", "after-notice")
"""Positions are stored now and then; the others are passed only when a conflict slipped past intake."""
DOCUMENT_POINTS = (
    "during-upload",
    "after-upload",
    "after-pending-entry",
    "after-quarantine-mark",
    "after-copy",
    "before-append",
    "during-append",
    "after-append",
    "before-answer",
    "after-entry",
)
"""On the way of a digital copy, in order; the mark is made of what is set apart alone."""
LEAK_POINTS = ("after-leak", "before-notice", "during-notice", "after-notice", "after-notice-mark")
"""From the report of a leaked key to what is told of it, in order."""
WEBHOOK_POINTS = ("before-keep", "after-keep", "before-note", "after-note")
"""Around each time that an endpoint's courier keeps what it has to know (messages made, messages done), and writes down
what it is about to send."""
DISPATCH_POINTS = ("after-dispatch", "before-notice", "during-notice", "after-notice", "after-dispatch-mark")
"""From what customs answers being kept, before its sender is told, to its being noted as written, in order."""
LETTER_POINTS = (
    *("before-append", "during-append", "after-append"),
    *("before-notice", "during-notice", "after-notice"),
    *("before-letter-mark", "after-letter-mark"),
)
"""From the new version of a dead letter that is released or repaired to its being marked as settled, in order."""
POINTS = tuple(
    dict.fromkeys(
        (
            *COMMON_POINTS,
            *RARE_POINTS,
            *DOCUMENT_POINTS,
            *LEAK_POINTS,
            *WEBHOOK_POINTS,
            *DISPATCH_POINTS,
            *LETTER_POINTS,
        )
    )
)


class KillSwitch:
    """Counts how often its point is passed. The text form is `point:passage`; empty: never."""

    def __init__(self, point: str = "", passage: int = 1) -> None:
        if point and point not in POINTS:
            raise ValueError(f"there is no point {point}")
        self._point, self._left = point, passage

    @classmethod
    def parse(cls, text: str) -> Self:
        point, _, passage = text.partition(":")
        return cls(point, int(passage or 1))

    def watches(self, point: str) -> bool:
        return point == self._point

    def reach(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def armed(ports: Ports, switch: KillSwitch) -> Ports:
    return replace(
        ports,
        log=ArmedLog(ports.log, switch),
        index=ArmedIndex(ports.index, switch),
        positions=ArmedPositions(ports.positions, switch),
        accesses=ArmedAccesses(ports.accesses, switch),
        registry=ArmedRegistry(ports.registry, switch),
        blobs=ArmedBlobs(ports.blobs, switch),
        dispatches=ArmedDispatches(ports.dispatches, switch),
        dead_letters=ArmedDeadLetters(ports.dead_letters, switch),
    )


class _Armed:
    """Whatever is not decorated is the port's own."""

    def __init__(self, port: Any, switch: KillSwitch) -> None:
        self._port, self._switch = port, switch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class ArmedLog(_Armed):
    _port: EventLog

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        name = _append_name(stream)
        self._switch.reach(f"before-{name}")
        if self._switch.watches(f"during-{name}"):
            work = asyncio.ensure_future(self._port.append(stream, partition, records))
            await asyncio.wait([work], timeout=APPEND_BEGUN_SECONDS)
            self._switch.reach(f"during-{name}")
            first = await work
        else:
            first = await self._port.append(stream, partition, records)
        self._switch.reach(f"after-{name}")
        return first


def _append_name(stream: str) -> str:
    return {EVENTS: "append", QUARANTINE: "quarantine", NOTICES: "notice"}.get(stream, "feed-append")


class ArmedIndex(_Armed):
    _port: FirstOccurrence

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        firsts = await self._port.judge(lease, occurrences)
        self._switch.reach("after-judging")
        return firsts

    async def set_mark(self, lease: Lease, position: Position) -> None:
        await self._port.set_mark(lease, position)
        self._switch.reach("after-mark")


class ArmedPositions(_Armed):
    _port: Positions

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        await self._port.store(lease, output, generation, partition, position)
        self._switch.reach("after-notice-mark" if output.startswith("notices/leaks/") else "after-position")

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        await self._port.store_all(lease, generation, partition, positions)
        self._switch.reach("after-position")

    async def keep(self, lease: Lease, content: bytes) -> None:
        self._switch.reach("before-keep")
        await self._port.keep(lease, content)
        self._switch.reach("after-keep")


class ArmedAccesses(_Armed):
    _port: AccessJournal

    async def add(self, entries: Sequence[Access]) -> None:
        is_brought = any(entry.way == Way.WEBHOOK.value for entry in entries)
        if is_brought:
            self._switch.reach("before-note")
        await self._port.add(entries)
        if is_brought:
            self._switch.reach("after-note")


class ArmedRegistry(_Armed):
    _port: Registry

    async def write(self, proposal: Proposal, *, time_us: int) -> int:
        revision = await self._port.write(proposal, time_us=time_us)
        if any(isinstance(item, Leak) for item in proposal.changes):
            self._switch.reach("after-leak")
        return revision


_PUT_POINTS = {"upload": "after-upload", "pending": "after-pending-entry", "quarantined": "after-quarantine-mark"}
_MOVE_POINTS = {"document": "after-copy", "entry": "after-entry"}


class ArmedBlobs(_Armed):
    """`hub.intake.copies` says what the names mean."""

    _port: BlobStore

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        stored = await self._port.put(key, self._watched(chunks) if key.name.startswith("upload-") else chunks)
        self._reach(key, _PUT_POINTS)
        return stored

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        await self._port.move(source, target)
        self._reach(target, _MOVE_POINTS)

    async def _watched(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            self._switch.reach("during-upload")  # The store wants more: it has written this one.

    def _reach(self, key: BlobKey, points: Mapping[str, str]) -> None:
        if point := points.get(key.name.partition("-")[0]):
            self._switch.reach(point)


class ArmedDispatches(_Armed):
    _port: Dispatches

    async def add(self, dispatches: Sequence[Dispatch]) -> bool:
        added = await self._port.add(dispatches)
        self._switch.reach("after-dispatch")
        return added

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        await self._port.mark(ids, step, time_us)
        if step is Step.WRITTEN:
            self._switch.reach("after-dispatch-mark")


class ArmedDeadLetters(_Armed):
    _port: DeadLetters

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        self._switch.reach("before-letter-mark")
        await self._port.store(letter, run)
        self._switch.reach("after-letter-mark")


class ArmedObserver(_Armed):
    """What was decided of a request is counted right before it is answered."""

    _port: Observer

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self._port.count(name, amount, **labels)
        if name == "intake_items":
            self._switch.reach("before-answer")
