"""Accept: make events durable before anyone is told, many requests to one append (group commit).

Theory of operation. Each partition of `hub.events` has one lane. What arrives while the lane's append is under way
waits and shares the next one, so the linger is 0 when idle and as long as an append when busy. A flush looks the
identities up (one batched read: known repeats and conflicts leave here), builds headers and statements of the rest,
seals them, and appends records and seal as one batch. The parts of the requests are answered from that batch alone.

Intake writes nothing but the log. A worker's cache holds an identity only after a clean acknowledgement and only ever
says "repeat": content that differs from it is appended and left to the judge, since 409 is given on the index's word
alone, or on the request's own: of two events in it that contradict each other the second is refused. An append whose
outcome is not clean, or during which the worker's confirmation of the registry lapsed, is *unknown* for everything in
it (design §3, core protocol, rules 1, 2, 6 and 7).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat

from msgspec import Struct

from hub.core.errors import HubError, Overloaded, Refusal, StaleRegistry, StorageUnavailable, Unknown, place_of
from hub.core.evidence import Receipt, ValidEvent
from hub.core.fairness import FairQueue, FairRoom
from hub.core.permission import ended_meanwhile
from hub.core.record import EVENTS, Position
from hub.core.registry import Snapshot
from hub.core.settings import IntakeSettings
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.key_ring import KeyRing
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.trust.batch import SealedBatch
from hub.trust.statement import SALT_BYTES

Standing = Callable[[], int | None]
"""The number of the unbroken run of registry confirmations that this worker is in; None while it is stale."""


class Accepted(Struct, frozen=True, gc=False):
    """It is in the log, durably; the receipt says so."""

    receipt: Receipt


class Repeat(Struct, frozen=True, gc=False):
    """It was accepted before, at `position`."""

    position: Position


class Conflicting(Struct, frozen=True, gc=False):
    """The index names other content as the first under this identity."""


Outcome = Accepted | Repeat | Conflicting | Refusal | Unknown | HubError


class _Part(Struct, eq=False):
    """The events of one request for one partition, in request order; they share a flush and an answer."""

    events: Sequence[ValidEvent]
    answer: asyncio.Future[Sequence[Outcome]]
    said: dict[bytes, bytes] | None
    """By identity, the digest of what the request said first; None where each identity stands in it once."""
    bytes: int
    since: float
    """When it began to wait, by the monotonic clock."""


class Acceptor:
    """All lanes of this worker; `run` owns their tasks, from before the first request until after the last."""

    def __init__(
        self,
        *,
        log: EventLog,
        index: FirstOccurrence,
        keys: KeyRing,
        standing: Standing,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        hub: str,
        partitions: int,
        bounds: IntakeSettings,
    ) -> None:
        self.log, self.index, self.keys = log, index, keys
        self.standing, self.snapshot = standing, snapshot
        self.clock, self.entropy, self.observer = clock, entropy, observer
        self.hub, self.bounds = hub, bounds
        self.recent = _Recent(bounds.recent_ids_max)
        self.room = FairRoom(bounds.waiting_records_max)
        """For events that wait for an append, shared fairly by their publishers."""
        self.failure: tuple[str, float] | None = None
        """Why the last append took nothing, and when (by the monotonic clock); None after one that did."""
        self._lanes = [_Lane(self, partition) for partition in range(partitions)]

    def failed(self, error: HubError) -> None:
        """Storage took nothing: kept for whoever asks whether the hub is ready, and logged when it begins."""
        if self.failure is None:
            self.observer.event("append_failed", error=f"{error.code}: {error}")
        self.failure = (error.code, self.clock.monotonic())

    @property
    def partitions(self) -> int:
        return len(self._lanes)

    @property
    def waiting_records(self) -> int:
        return self.room.held

    async def run(self) -> None:
        """Flush lanes until cancelled. What waits then is answered *unknown*."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run())
                tasks.create_task(lane.turn_away())

    async def accept(self, partition: int, events: Sequence[ValidEvent]) -> Sequence[Outcome]:
        """Make the events durable, in order; one outcome each. Raises `Overloaded` before anything is taken.

        All events are of one partition. They are cut to what one append takes; after a cut that did not get through,
        the outcomes stop short: what has none was not attempted.
        """
        if not self.room.admits(publisher_of(events), len(events)):
            raise Overloaded(f"{self.waiting_records} events are waiting for storage")
        outcomes: list[Outcome] = []
        alone = len({event.identity for event in events}) == len(events)
        said: dict[bytes, bytes] | None = None if alone else {}
        for cut in self._cuts(events):
            answered = await self._lanes[partition].submit(cut, said)
            outcomes.extend(answered)
            if any(isinstance(outcome, Unknown | HubError) for outcome in answered):
                break
        return outcomes

    async def conflicts(self, events: Sequence[ValidEvent]) -> Sequence[bool]:
        """Which events of one request would be a conflict, by the word of the index or by that of an earlier one.

        Raises StorageUnavailable.
        """
        said = {event.identity: event.canonical_digest for event in events if self.recent.repeat_of(event) is not None}
        try:
            async with self.clock.deadline(LOOK_UP_SECONDS_MAX):
                firsts = await self.index.look_up([event.identity for event in events])
        except TimeoutError as e:
            raise StorageUnavailable("the index did not answer in time") from e
        said |= {first.identity: first.digest for first in firsts if first is not None}
        return [said.setdefault(event.identity, event.canonical_digest) != event.canonical_digest for event in events]

    def _cuts(self, events: Sequence[ValidEvent]) -> list[Sequence[ValidEvent]]:
        """Runs of events that fit one append by count and bytes; an event alone always fits (checked at decode)."""
        bytes_max = self.log.append_bytes_max
        if len(events) == 1 or sum(_size(event) for event in events) <= bytes_max:
            return [events]
        cuts: list[Sequence[ValidEvent]] = []
        start = size = 0
        for index, event in enumerate(events):
            if index > start and size + _size(event) > bytes_max:
                cuts.append(events[start:index])
                start, size = index, 0
            size += _size(event)
        return [*cuts, events[start:]]


LOOK_UP_SECONDS_MAX = 0.5
"""How long a group waits for the index: it can do without, and an append takes its own time behind it."""
WAIT_SECONDS_MAX = 1.5
"""How long a part waits for the append before it: with look-up and append, every caller has an answer in 10 s."""
TURN_AWAY_SECONDS = 0.25
_STOPPED = Unknown("the hub stopped")
RECORD_OVERHEAD_BYTES = 2_560
"""At most: key and packed header with the longest identity and all warnings, and the leaf hash in the seal's value."""


def publisher_of(events: Sequence[ValidEvent]) -> str:
    """Whose events of one request they are."""
    return events[0].permit.principal.partner.id


def _waits_since(time: float, part: _Part) -> bool:
    return part.since < time


def _size(event: ValidEvent) -> int:
    attributes = sum(len(name) + 4 * len(value) + 8 for name, value in (event.attributes or {}).items())
    return len(event.raw) + attributes + RECORD_OVERHEAD_BYTES


class _Lane:
    """One partition: what waits, and the one flush under way."""

    def __init__(self, acceptor: Acceptor, partition: int) -> None:
        self._a = acceptor
        self._partition = partition
        self._waiting: FairQueue[_Part] = FairQueue()
        """In order for each publisher, by turns between them: nobody waits for all that another one sent."""
        self._arrived = asyncio.Event()
        self._stopped = False

    async def submit(self, events: Sequence[ValidEvent], said: dict[bytes, bytes] | None) -> Sequence[Outcome]:
        if self._stopped:
            return [_STOPPED] * len(events)
        answer: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        part = _Part(events, answer, said, sum(map(_size, events)), self._a.clock.monotonic())
        self._a.room.take(publisher := publisher_of(events), len(events))
        self._waiting.append(publisher, part)
        self._arrived.set()
        try:
            return await part.answer
        finally:
            self._a.room.give_back(publisher, len(events))

    async def run(self) -> None:
        group: list[_Part] = []
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    group = self._take_group()
                    await self._flush(group)
        finally:
            self._stopped = True
            for part in (*group, *self._waiting):
                self._answer(part, [_STOPPED] * len(part.events))

    async def turn_away(self) -> None:
        """What has waited too long while an append hangs is told so: certainly none of it is stored."""
        while True:
            await self._a.clock.sleep(TURN_AWAY_SECONDS)
            longest = self._a.clock.monotonic() - WAIT_SECONDS_MAX
            for part in self._waiting.pop_first(partial(_waits_since, longest)):
                self._answer(part, [Overloaded("storage is slow")] * len(part.events))

    def _take_group(self) -> list[_Part]:
        """As many waiting parts as one append takes, at least one."""
        group = [self._waiting.pop()]
        records, size = len(group[0].events), group[0].bytes
        while self._waiting:
            part = self._waiting.next()
            records, size = records + len(part.events), size + part.bytes
            if records > self._a.bounds.group_records_max or size > self._a.log.append_bytes_max:
                break
            group.append(self._waiting.pop())
        return group

    async def _flush(self, group: list[_Part]) -> None:
        """Look up, seal and append one group; every part is answered, whatever happens."""
        group = [part for part in group if not self._stopped_meanwhile(part)]
        if not group:
            return
        try:
            known = await self._look_up(group)
            for part, firsts in zip(group, known, strict=True):
                _contradict(part, firsts)
            fresh = [
                (part, index)
                for part, firsts in zip(group, known, strict=True)
                for index, first in enumerate(firsts)
                if first is None
            ]
            outcome = await self._append([part.events[index] for part, index in fresh]) if fresh else None
        except HubError as e:
            self._a.failed(e)
            for part in group:
                self._answer(part, [e] * len(part.events))
            return
        except Exception as e:  # noqa: BLE001 - one event that nobody foresaw must not stop the lane of all others
            self._a.observer.count("alarms", alarm="accept_failed")
            self._a.observer.event("alarm.accept_failed", error=place_of(e), partition=self._partition)
            for part in group:
                self._answer(part, [Unknown("an unexpected fault")] * len(part.events))
            return
        at = 0
        for part, firsts in zip(group, known, strict=True):
            outcomes, at = self._outcomes(part, firsts, outcome, at)
            self._answer(part, outcomes)

    def _stopped_meanwhile(self, part: _Part) -> bool:
        """Whether what its events were let in by came to an end while they waited; they are then answered so."""
        snapshot = self._a.snapshot()
        if part.events[0].permit.revision == snapshot.revision:
            return False
        refusal = ended_meanwhile(part.events, snapshot)
        if refusal is not None:
            self._answer(part, [refusal] * len(part.events))
        return refusal is not None

    async def _look_up(self, group: list[_Part]) -> list[list[Repeat | Conflicting | None]]:
        """What is known of each event: by the worker's cache first, then by one read of the index for the rest."""
        known: list[list[Repeat | Conflicting | None]] = []
        asked: list[tuple[int, int, ValidEvent]] = []
        for number, part in enumerate(group):
            row: list[Repeat | Conflicting | None] = []
            for event in part.events:
                position = self._a.recent.repeat_of(event)
                if position is None:
                    asked.append((number, len(row), event))
                row.append(None if position is None else Repeat(position))
            known.append(row)
        if asked:
            try:
                async with self._a.clock.deadline(LOOK_UP_SECONDS_MAX):
                    firsts = await self._a.index.look_up([event.identity for _, _, event in asked])
            except (StorageUnavailable, TimeoutError):
                # The look-up is a courtesy to the sender: without it a repeat is appended and the judge finds it.
                return known
            for (number, index, event), first in zip(asked, firsts, strict=True):
                if first is not None:
                    same = first.digest == event.canonical_digest
                    known[number][index] = Repeat(first.position) if same else Conflicting()
        return known

    async def _append(self, events: Sequence[ValidEvent]) -> SealedBatch | Unknown:
        """Seal and append; *unknown* unless acknowledged cleanly in time under one unbroken standing."""
        a = self._a
        standing = a.standing()
        if standing is None:
            raise StaleRegistry("the registry was not confirmed within its bound")
        key_id = a.keys.seal_key_id  # Asked first: it takes up a rotated key, and a seal is never older than its key.
        batch = SealedBatch.make(
            events,
            hub=a.hub,
            salts=a.entropy.bytes(SALT_BYTES * len(events)),
            time_us=max(a.clock.now_us(), a.keys.seal_keys()[0].valid_from * 1_000_000),
            key_id=key_id,
            sign=a.keys.sign_seal,
        )
        started = a.clock.monotonic()
        try:
            async with a.clock.deadline(a.bounds.append_seconds_max):
                first = await a.log.append(EVENTS, self._partition, batch.records)
        except TimeoutError:
            first = Unknown("storage did not answer in time")
        a.observer.observe("append_seconds", a.clock.monotonic() - started, stream=EVENTS)
        a.observer.observe("append_records", len(events), stream=EVENTS)
        if isinstance(first, int) and a.standing() != standing:
            first = Unknown("the registry's confirmation lapsed during the append")
        if isinstance(first, Unknown):
            a.observer.count("appends_unknown", stream=EVENTS)
            return first
        a.failure = None
        generation = a.log.generation
        for index, event in enumerate(events):
            a.recent.remember(event, Position(generation, self._partition, first + index))
        return batch

    def _outcomes(
        self, part: _Part, firsts: Sequence[Repeat | Conflicting | None], batch: SealedBatch | Unknown | None, at: int
    ) -> tuple[list[Outcome], int]:
        """The outcomes of one part, whose fresh events are the leaves from `at` on; and where the next part's start."""
        after = at + sum(first is None for first in firsts)
        accepted: Iterator[Outcome] = iter(())
        if isinstance(batch, Unknown):
            accepted = repeat(batch)
        elif batch is not None and after > at:
            accepted = map(Accepted, batch.receipts(at, after - at))
        return [next(accepted) if first is None else first for first in firsts], after

    def _answer(self, part: _Part, outcomes: Sequence[Outcome]) -> None:
        if not part.answer.done():
            part.answer.set_result(outcomes)


def _contradict(part: _Part, known: list[Repeat | Conflicting | None]) -> None:
    """Mark what contradicts another event of its request that is known, or that comes before it."""
    if (said := part.said) is None:
        return
    for event, first in zip(part.events, known, strict=True):
        if isinstance(first, Repeat):
            said[event.identity] = event.canonical_digest
    for index, event in enumerate(part.events):
        if known[index] is None and said.setdefault(event.identity, event.canonical_digest) != event.canonical_digest:
            known[index] = Conflicting()


class _Recent:
    """Identities that this worker saw acknowledged lately: bounded, oldest out first."""

    def __init__(self, ids_max: int) -> None:
        self._ids_max = ids_max
        self._known: OrderedDict[bytes, tuple[bytes, Position]] = OrderedDict()

    def repeat_of(self, event: ValidEvent) -> Position | None:
        """The position of an acknowledged event with the same identity and meaning; other content says nothing."""
        known = self._known.get(event.identity)
        return known[1] if known is not None and known[0] == event.canonical_digest else None

    def remember(self, event: ValidEvent, position: Position) -> None:
        if len(self._known) >= self._ids_max:
            self._known.popitem(last=False)
        self._known[event.identity] = (event.canonical_digest, position)
