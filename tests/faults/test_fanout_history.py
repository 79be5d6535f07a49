"""Random lives of fan-out, judged by a pure oracle: processes die, pause, lose their lease or the registry, appends
land late or unseen, agreements end or pause, feeds appear and change; in the end every lane of every feed shows exactly
what it should, once, in order.

A life is a function of its seed: `SEED=17 pytest tests/faults/test_fanout_history.py` plays that one again.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import orjson
import pytest
from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Provider, type_matches
from hub.core.errors import HubError
from hub.core.feed import Feed, FeedStart, Lane, lane_name, lanes_of, stream_of
from hub.core.partner import PartnerState
from hub.core.record import EVENTS, NOTICES, QUARANTINE, StoredRecord
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import FanoutSettings
from hub.fanout.router import Fanout
from schemas.headers import EventHeader, FeedHeader, NoticeHeader, unpack
from tests.faults import virtual
from tests.faults.fanout_world import (
    AGREEMENT,
    AUTHORITY,
    COMPANY,
    FEED,
    SEALER,
    SECRET,
    TYPE,
    FanoutWorld,
    by_reader_rule,
    event_record,
)
from tests.faults.ports import Fate, FatedClock, FatedIndex, FatedLog, FatedPositions

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(200)
LIFE_SECONDS = 10.0
CALM_SECONDS_MAX = 120.0
LEASE_SECONDS = 2.0
PUBLISHERS = ("acme", "borealis", "cygnus")
TYPES = (TYPE, "customs.seal.broken", "customs.seal.applied")


def agreement_of(publisher: str) -> Agreement:
    return replace(AGREEMENT, id=f"{publisher}-all", provider=Provider(partner=publisher))


class Process:
    """One hub process as fan-out sees it: its own ports, its own view of the registry, its own fate."""

    def __init__(self, life: Life, holder: str, trouble: float) -> None:
        self.fate = Fate(life.chance, trouble=trouble)
        self.cut_off = False
        self._life = life
        self._snapshot = Snapshot()
        self._confirmed = -1e9
        world = life.world
        self._fanout = Fanout(
            log=FatedLog(world.truth, self.fate),
            index=FatedIndex(world.memory, self.fate),
            positions=FatedPositions(world.leases, self.fate),
            snapshot=lambda: self._snapshot,
            confirmed=lambda: world.clock.monotonic() - self._confirmed <= 1.0,
            secret=lambda use: SECRET,
            sealer=SEALER,
            clock=FatedClock(world.clock, self.fate),
            observer=world.observer,
            settings=FanoutSettings(batch_records_max=4, lease_seconds=LEASE_SECONDS, wait_seconds=0.5),
            events=world.events,
            feed_retention_seconds=86_400,
            holder=holder,
        )
        self._tasks = [asyncio.create_task(work) for work in (self._fanout.run(), self._follow())]

    async def _follow(self) -> None:
        clock = FatedClock(self._life.world.clock, self.fate)
        while True:
            if not self.cut_off:
                asked = clock.monotonic()
                self._snapshot.apply([v for v in self._life.versions if v.revision > self._snapshot.revision])
                self._confirmed = asked
            await clock.sleep(0.3)

    async def kill(self) -> None:
        self.fate.dead = True
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)


class Life:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = FanoutWorld(self.chance.choice((1, 1, 2, 3)))
        self.versions: list[Version] = []
        self._trouble = self.chance.choice((0.0, 0.02, 0.08))
        self._processes: dict[str, Process] = {}
        self._published: list[tuple[str, str, str]] = []

    async def live(self) -> list[str]:
        """Run the life and say what was wrong with it."""
        world = await self.world.declare()
        self._register(AUTHORITY, agreement_of("acme"), agreement_of("borealis"), FEED)
        for holder in ("one", "two")[: self.chance.choice((1, 2, 2))]:
            self._processes[holder] = Process(self, holder, self._trouble)
        async with asyncio.TaskGroup() as group:
            for work in (self._publish(), self._publish(), self._decide(), self._strike()):
                group.create_task(work)
        for process in self._processes.values():
            process.fate.trouble, process.cut_off = 0.0, False
            process.fate.go_on()
        stuck = not await self._settled()
        for process in self._processes.values():
            await process.kill()
        return ["stuck"] if stuck else [*await Oracle(world).faults()]

    def _register(self, *items: Registered) -> None:
        revision = self.world.register(*items)
        self.versions += [Version(revision, item, "test", "", 0) for item in items]

    def _goes_on(self) -> bool:
        return self.world.clock.monotonic() < LIFE_SECONDS

    async def _publish(self) -> None:
        """A worker of intake: new events, repeats, conflicts; the registry revision it knows may be the one before."""
        while self._goes_on():
            batch = [self._event() for _ in range(self.chance.randint(1, 3))]
            source = self.chance.choice(("urn:a", "urn:b"))
            publisher = self.chance.choice(PUBLISHERS)
            revision = max(1, self.world.snapshot.revision - self.chance.choice((0, 0, 1)))
            self._published += [(publisher, source, event_id) for event_id, _ in batch]
            await self.world.publish(
                *[
                    event_record(
                        event_id,
                        publisher=publisher,
                        source=source,
                        event_type=TYPES[int(event_id[1:]) % len(TYPES)],
                        content=content,
                        revision=revision,
                    )
                    for event_id, content in batch
                ]
            )
            await self.world.elapse(self.chance.random() * 0.5)

    def _event(self) -> tuple[str, str]:
        number = self.chance.randint(0, 60)
        return f"e{number}", "x" if self.chance.random() < 0.9 else "y"

    async def _decide(self) -> None:
        """An operator: agreements begin, pause and end, feeds appear, change and end, the recipient is suspended."""
        late, urgent = replace(FEED, name="late"), replace(FEED, urgent=("customs.seal.*",), version=2)
        stories: list[list[Registered]] = [
            [late, replace(late, ended=True)],
            [replace(FEED, name="new", start=FeedStart.NOW)],
            [replace(agreement_of("acme"), state=AgreementState.ENDED)],
            [agreement_of("cygnus")],
            [replace(agreement_of("borealis"), state=AgreementState.SUSPENDED), agreement_of("borealis")],
            [
                urgent,
                replace(urgent, urgent=("customs.seal.broken",), types=("customs.seal.*",), version=3),
                replace(FEED, version=4),
            ],
            [replace(AUTHORITY, state=PartnerState.SUSPENDED), AUTHORITY],
            [replace(COMPANY, name="Acme again")],
        ]
        while self._goes_on() and stories:
            await self.world.elapse(self.chance.random() * 5)
            story = self.chance.choice(stories)
            self._register(story.pop(0))
            stories = [story for story in stories if story]
        self._register(AUTHORITY)

    async def _strike(self) -> None:
        while self._goes_on():
            await self.world.elapse(self.chance.random() * 3)
            holder = self.chance.choice(list(self._processes))
            process = self._processes[holder]
            match self.chance.choice(("kill", "pause", "cut off", "nothing")):
                case "kill":
                    await process.kill()
                    await self.world.elapse(self.chance.random() * 3)
                    self._processes[holder] = Process(self, holder, self._trouble)
                case "pause":
                    process.fate.pause()
                    await self.world.elapse(self.chance.random() * 2 * LEASE_SECONDS)
                    process.fate.go_on()
                case "cut off":
                    process.cut_off = True
                    await self.world.elapse(self.chance.random() * 3)
                    process.cut_off = False

    async def _settled(self) -> bool:
        """Whether everything comes to stand at the end of the log."""
        world = self.world
        while world.clock.monotonic() < LIFE_SECONDS + CALM_SECONDS_MAX:
            await world.elapse(7)  # Longer than a batch may land late.
            if await self._is_quiet():
                return True
        return False

    async def _is_quiet(self) -> bool:
        world = self.world
        for partition in range(world.events.partitions):
            end = (await world.truth.bounds(EVENTS, partition)).end
            if await world.memory.mark(1, partition) < end:
                return False
            for feed in world.snapshot.feeds:
                for lane in lanes_of(world.snapshot.feeds.versions(feed.name)):
                    position = await world.leases.load(stream_of(feed.name, lane), 1, partition)
                    if not feed.ended and (position.source_offset if position else 0) < end:
                        return False
        return True


class Happened(Struct, frozen=True):
    header: EventHeader
    content: str


class Oracle:
    """What every feed must and may show, from the log and the registry alone."""

    def __init__(self, world: FanoutWorld) -> None:
        self._world = world

    async def faults(self) -> list[str]:
        found = [f"alarm: {alarm}" for alarm in self._world.observer.alarms()]
        for partition in range(self._world.events.partitions):
            firsts, conflicts = _verdicts(await self._world.records(EVENTS, partition))
            for feed in self._world.snapshot.feeds:
                for lane in Lane:
                    faults = await self._of_lane(feed, lane, partition, firsts)
                    found += [f"{lane_name(feed.name, lane)}/{partition}: {fault}" for fault in faults]
            aside = {_stamp(record) for record in await self._world.records(QUARANTINE, partition)}
            told = [_stamp(record) for record in by_reader_rule(await self._world.records(NOTICES, partition))]
            if aside != set(conflicts) or told != conflicts:
                found.append(f"{partition}: conflicts {conflicts}, quarantined {aside}, told {told}")
        return found

    async def _of_lane(self, feed: Feed, lane: Lane, partition: int, firsts: Mapping[int, Happened]) -> Iterator[str]:
        """The reader rule makes stamps ascend; so what is left to ask is: only what may be, and all that must be."""
        records: list[StoredRecord] = []
        with suppress(HubError):  # A feed that ended before it began has no stream, most have no urgent one.
            records = await self._world.records(stream_of(feed.name, lane), partition)
        shown = {_stamp(record): record for record in by_reader_rule(records)}
        return (
            fault
            for offset in sorted(shown.keys() | firsts.keys())
            if (fault := self._fault(feed, lane, offset, shown.get(offset), firsts.get(offset))) is not None
        )

    def _fault(
        self, feed: Feed, lane: Lane, offset: int, record: StoredRecord | None, first: Happened | None
    ) -> str | None:
        if first is None:
            return f"{offset} is no first occurrence"
        version = self._version(feed, first.header)
        allowed = version.lane(first.header.type) is lane and self._is_allowed(version, first.header)
        if record is None:
            must = allowed and not feed.ended and self._has_always_held(first.header.publisher)
            return f"{offset} is lost" if must else None
        if not allowed:
            return f"{offset} is shown and was never allowed"
        stamp = unpack(record.header)
        assert isinstance(stamp, FeedHeader)
        if stamp.feed_version != version.version:
            return f"{offset} was decided by version {stamp.feed_version}, not {version.version}"
        content = orjson.loads(record.value)["data"]["content"]
        return None if content == first.content else f"{offset} shows {content}, not {first.content}"

    def _version(self, feed: Feed, header: EventHeader) -> Feed:
        """The one in force at max(the record's revision, the one that created the feed)."""
        feeds = self._world.snapshot.feeds
        version = feeds.at(feed.name, max(header.revision, feeds.created(feed.name)))
        assert version is not None
        return version

    def _is_allowed(self, version: Feed, header: EventHeader) -> bool:
        history = self._world.snapshot
        created = history.feeds.created(version.name)
        if version.start is FeedStart.NOW and header.revision < created:
            return False
        agreement = history.agreements.at(f"{header.publisher}-all", max(header.revision, created))
        own = history.agreements.at(f"{header.publisher}-all", header.revision)
        wanted = any(type_matches(pattern, header.type) for pattern in version.types)
        while_suspended = own is not None and own.state is AgreementState.SUSPENDED
        return wanted and agreement is not None and agreement.holds and not while_suspended

    def _has_always_held(self, publisher: str) -> bool:
        """What an agreement covers may have been passed over while it did not hold."""
        agreements = self._world.snapshot.agreements
        name = f"{publisher}-all"
        return agreements.get(name) is not None and all(version.holds for _, version in agreements.versions(name))


def _verdicts(log: Sequence[StoredRecord]) -> tuple[dict[int, Happened], list[int]]:
    """Of one partition: first occurrences by offset, and the offsets of conflicts."""
    first_of: dict[tuple[str, str, str], Happened] = {}
    firsts: dict[int, Happened] = {}
    conflicts: list[int] = []
    for record in log:
        header = unpack(record.header)
        if not isinstance(header, EventHeader):
            continue
        happened = Happened(header, orjson.loads(record.value)["data"]["content"])
        first = first_of.setdefault((header.publisher, header.source, header.id), happened)
        if first is happened:
            firsts[record.offset] = happened
        elif first.content != happened.content:
            conflicts.append(record.offset)
    return firsts, conflicts


def _stamp(record: StoredRecord) -> int:
    stamp = unpack(record.header)
    assert isinstance(stamp, FeedHeader | NoticeHeader)
    return stamp.offset


@pytest.mark.parametrize("seed", SEEDS)
def test_every_feed_shows_what_it_should_once_and_in_order_whatever_happens(seed: int) -> None:
    async def main() -> list[str]:
        return await Life(seed).live()

    assert virtual.run(main()) == []
