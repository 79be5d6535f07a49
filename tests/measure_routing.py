"""What routing costs: `python -m tests.measure_routing` prints each figure beside its bound; `--kafka` routes into one.

- An event on the memory log, with 1,000 agreements, 500 feeds and 10,000 partners beside the same with 10, 5 and 10:
  in either, the same five feeds show each event. The same again where all feeds are shown their share of the events:
  then a batch is 500 appends, not five, which is what is to be seen there.
- A projection and a filter, of an event that nobody has opened yet.
- With `--kafka`: feed records a second of one router with five feeds, on a real Kafka and a real PostgreSQL.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter, process_time

import orjson
from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, Provider, Purpose
from hub.core.event import Event
from hub.core.feed import Feed
from hub.core.filter import matcher
from hub.core.partner import Partner, Role, Tier
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, StoredRecord, Stream
from hub.core.registry import Registered
from hub.core.settings import FanoutSettings, KafkaSettings
from hub.drivers.kafka.event_log import KafkaEventLog
from hub.drivers.postgres.state import PostgresState
from hub.drivers.system.clock import SystemClock
from hub.fanout.router import Fanout
from hub.lab.kafka import running_kafka
from hub.trust.project import Cut, compile_projection, seen_whole
from schemas.headers import EventHeader, pack, unpack
from tests.faults import virtual
from tests.faults.fanout_world import SEALER, SECRET, FanoutWorld, event_record, sealed
from tests.faults.virtual import ListObserver
from tests.measure_registry import told
from tests.postgres import running_postgres
from tests.world import GATE_IN, event

RATIO_MAX, PROJECTION_US_MAX, FILTER_US_MAX, RECORDS_PER_SECOND_MIN = 1.5, 15.0, 5.0, 15_000
SHOWN = 5
"""Feeds that show each event."""
BATCH, BATCHES, ROUNDS = 1_000, 12, 4
KAFKA_EVENTS = 30_000
FIELDS = ("/id", "/source", "/subject", "/publisher", "/data/subjects", "/data/place", "/data/seals")
FILTER = "place in (NLRTM, DEHAM) and /data/empty = false and not tier = sandbox"


class Size(Struct, frozen=True):
    partners: int
    feeds: int
    """Each rests on two agreements."""
    spread: bool = False
    """Partners are of as many countries as there are fives of feeds; otherwise of the first one."""

    @property
    def countries(self) -> int:
        return self.feeds // SHOWN

    def country_of(self, partner: int) -> str:
        return country(partner % self.countries if self.spread else 0)


LARGE, SPREAD, SMALL = Size(10_000, 500), Size(10_000, 500, spread=True), Size(10, 5)


def country(number: int) -> str:
    return f"{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}"


def objects(size: Size) -> Iterator[Registered]:
    """Five feeds for each country: an agreement with all its partners, and one with a partner about other types."""
    for number in range(size.partners):
        yield Partner(f"p{number:05}", f"Partner {number}", "NL", (Role.TERMINAL,), Tier.AEO)
    for number in range(size.feeds):
        to, why = f"customs{number}", Purpose.SECURITY_RISK
        yield Partner(to, to, "NL", (Role.AUTHORITY,), Tier.TRUSTED)
        of_class = Provider(country=country(number % size.countries))
        yield Agreement(f"all{number}", of_class, ("*",), to, why, ("*",), valid_from=0)
        one = Provider(partner=f"p{number % size.partners:05}")
        yield Agreement(f"one{number}", one, ("customs.seal.*",), to, why, ("*",), valid_from=0)
        yield Feed(f"feed{number}", to, why)


def records(size: Size, begin: int, count: int) -> list[LogRecord]:
    """From one partner after the other."""
    return [_record(size, number) for number in range(begin, begin + count)]


def _record(size: Size, number: int) -> LogRecord:
    partner = number % size.partners
    value = orjson.dumps(event(str(number)))
    record = event_record(str(number), publisher=f"p{partner:05}", event_type=GATE_IN, content=str(number), value=value)
    header = unpack(record.header)
    assert isinstance(header, EventHeader)
    facts = ("aeo", size.country_of(partner), ("terminal",), None)
    return replace(record, header=pack(replace(header, facts=facts)))


class Routing:
    """A router on the memory log, and what its registry is like."""

    def __init__(self, size: Size) -> None:
        self.size, self.world = size, FanoutWorld()
        self._sent = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Routing]:
        await self.world.declare()
        self.world.register(*objects(self.size))
        async with self.world.running():
            await self.world.elapse(5)
            yield self

    async def seconds(self) -> float:
        """CPU time of one event, judged and routed."""
        begins = range(self._sent, self._sent + BATCHES * BATCH, BATCH)
        batches = [sealed(records(self.size, begin, BATCH)) for begin in begins]
        self._sent += BATCHES * BATCH
        begun = process_time()
        for batch in batches:
            await self.world.truth.append(EVENTS, 0, batch)
            await self.world.elapse(0.2)
        return (process_time() - begun) / (BATCHES * BATCH)

    async def check(self) -> None:
        bounds = [await self.world.truth.bounds(f"hub.feed.feed{number}", 0) for number in range(self.size.feeds)]
        assert sum(bound.end for bound in bounds) == SHOWN * self._sent, "not everything was routed"


async def routing_seconds() -> list[float]:
    """Of each registry, by turns, once their indices know everybody; each one's best."""
    async with AsyncExitStack() as stack:
        sizes = (LARGE, SPREAD, SMALL)
        routings = [await stack.enter_async_context(Routing(size).running()) for size in sizes]
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)  # As the hub does.
        rounds = [[await each.seconds() for each in routings] for _ in range(ROUNDS + 1)]
        for each in routings:
            await each.check()
    return [min(column) for column in zip(*rounds[1:], strict=True)]


def microseconds(work: Callable[[Event], object]) -> float:
    """Of one event that nobody has opened."""
    made = []
    for number in range(BATCH):
        record = _record(SMALL, number)
        header = unpack(record.header)
        assert isinstance(header, EventHeader)
        made.append((header, StoredRecord(number, 0, record.key, record.header, record.value)))

    def once() -> float:
        events = [Event(header, record) for header, record in made]
        begun = process_time()
        for each in events:
            work(each)
        return (process_time() - begun) / BATCH * 1e6

    return min(once() for _ in range(10))


async def kafka_records_per_second(bootstrap: str, state: PostgresState, clock: SystemClock) -> tuple[float, float]:
    """Feed records by time, and by the router's own CPU time."""
    world = FanoutWorld()
    world.register(*objects(SMALL))
    settings = KafkaSettings(bootstrap=bootstrap, topic_prefix="routing.")
    async with KafkaEventLog(settings, clock=clock, event_bytes_max=262_144, group_records_max=BATCH) as log:
        for name in (EVENTS, NOTICES, QUARANTINE):
            await log.declare(Stream(name, 1))
        for begin in range(0, KAFKA_EVENTS, BATCH):
            await log.append(EVENTS, 0, sealed(records(SMALL, begin, BATCH - 1)))
        fanout = Fanout(
            log=log,
            index=state.occurrences,
            positions=state.positions,
            snapshot=lambda: world.snapshot,
            confirmed=lambda: True,
            secret=lambda use: SECRET,
            sealer=SEALER,
            clock=clock,
            observer=ListObserver(),
            settings=FanoutSettings(),
            events=Stream(EVENTS, 1),
            feed_retention_seconds=86_400,
            holder="one",
        )
        feeds = [f"hub.feed.feed{number}" for number in range(SMALL.feeds)]
        for feed in feeds:
            await log.declare(Stream(feed, 1, 86_400))
        return await _timed(fanout, log, feeds, KAFKA_EVENTS // BATCH * (BATCH - 1))


def _proven(cut: Cut, event: Event) -> bytes:
    _, value, left = cut.parts(event)
    return cut.proven(event, value, left, "hub")


async def _timed(fanout: Fanout, log: KafkaEventLog, feeds: Sequence[str], each: int) -> tuple[float, float]:
    begun, spent = perf_counter(), process_time()
    running = asyncio.create_task(fanout.run())
    for feed in feeds:
        while (await log.bounds(feed, 0)).end < each:
            await asyncio.sleep(0.05)
    figures = len(feeds) * each / (perf_counter() - begun), len(feeds) * each / (process_time() - spent)
    running.cancel()
    await asyncio.wait({running})
    return figures


def on_kafka() -> None:
    with TemporaryDirectory() as directory, running_kafka(Path(directory)) as kafka:
        home = Path(mkdtemp())  # PostgreSQL's own user has to reach it.
        with running_postgres(home) as cluster:

            async def measured() -> tuple[float, float]:
                clock = SystemClock()
                async with PostgresState(cluster.database("routing"), clock, log="one", slice_seconds=86_400) as state:
                    return await kafka_records_per_second(kafka.bootstrap, state, clock)

            by_time, by_cpu = asyncio.run(measured())
    verdict = "ok" if by_time >= RECORDS_PER_SECOND_MIN else "TOO FEW"
    print(f"{'feed records into Kafka':<34} {by_time:8.0f} /s  bound {RECORDS_PER_SECOND_MIN}  {verdict}")
    print(f"{'the same, of the router alone':<34} {by_cpu:8.0f} a second of its own CPU time")


def main() -> None:
    if "--kafka" in sys.argv[1:]:
        return on_kafka()
    large, spread, small = virtual.run(routing_seconds())
    print(f"an event costs {small * 1e6:.1f} us with 5 feeds, {large * 1e6:.1f} us with 500,", end=" ")
    print(f"{spread * 1e6:.1f} us where it goes to five others each time")
    told("500 feeds against 5", large / small, RATIO_MAX, "x")
    told("projection, everything", microseconds(compile_projection(("*",), SECRET)), PROJECTION_US_MAX, "us")
    told("projection, some fields", microseconds(compile_projection(FIELDS, SECRET)), PROJECTION_US_MAX, "us")
    cut = Cut(FIELDS, SECRET)
    told("projection, some fields, with proof", microseconds(lambda each: _proven(cut, each)), PROJECTION_US_MAX, "us")
    told("projection, nothing", microseconds(compile_projection((), SECRET)), PROJECTION_US_MAX, "us")
    none = Cut((), SECRET)
    told("projection, nothing, with proof", microseconds(lambda each: _proven(none, each)), PROJECTION_US_MAX, "us")
    passes = matcher(FILTER)
    told("filter", microseconds(lambda each: passes(seen_whole(each))), FILTER_US_MAX, "us")
    return None


if __name__ == "__main__":
    main()
