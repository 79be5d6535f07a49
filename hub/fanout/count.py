"""How much a feed would have brought of the last day: the real decisions over the log, and only a rounded figure told.

What is counted is what a feed made now would show, event by event, so a count tells nothing that the feed would not. It
runs in steps between which others have their turn, one count at a time, and ends when its time is over. One more may
wait for it, of somebody else; whoever comes then is sent away at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from math import ceil, log10

from msgspec import Struct

from hub.core.access import Access, Step, runs_of
from hub.core.errors import Refusal, Trimmed, place_of
from hub.core.event import Event
from hub.core.feed import Feed
from hub.core.record import EVENTS, Position
from hub.core.registry import Snapshot
from hub.core.settings import DeliverySettings
from hub.core.terms import Agreements
from hub.fanout.route import Ruling
from hub.fanout.section import firsts_of, open_records
from hub.fanout.show import Showing
from hub.ports.event_log import LogReader, ReadableLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.statement import utc_text

SECONDS = 86_400
"""What is looked back on."""
STEP_RECORDS_MAX = 500
STEP_BYTES_MAX = 1_048_576
WAITING_MAX = 1
FEWEST = 10
"""Below, no figure is told."""


class Asker(Struct, frozen=True):
    """Who is told: a system with its key, or an operator."""

    reader: str
    credential: str = ""


class Count(Struct, frozen=True):
    events: int
    """As they were counted: never told, see `rounded`."""
    complete: bool
    since_us: int
    until_us: int


class Counter(Struct, frozen=True, kw_only=True):
    """What counting takes."""

    hub: str
    """Its name."""
    log: ReadableLog
    generation: int
    partitions: int
    index: FirstOccurrence
    snapshot: Callable[[], Snapshot]
    agreements: Callable[[], Agreements]
    secret: Callable[[str], bytes]
    note: Callable[[Sequence[Access]], Awaitable[None]]
    """Write down who is told of which events, before it is told. Raises `HubError`."""
    clock: Clock
    observer: Observer
    settings: DeliverySettings


class Counts:
    """Counts of one process."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._one = asyncio.Lock()
        self._under_way: set[str] = set()
        """Whose counts run or wait."""

    async def count(self, feed: Feed, asker: Asker) -> Count | Refusal:
        """What `feed` would show if it were made now. Raises `HubError`."""
        account = feed.recipient if asker.credential else asker.reader
        if (refusal := self.refusal(account)) is not None:
            return refusal
        self._under_way.add(account)
        try:
            async with self._one:
                return await _Counting(self._counter, feed, asker).run()
        finally:
            self._under_way.discard(account)

    def refusal(self, account: str) -> Refusal | None:
        """Why nothing can be counted for a recipient, or an operator, now."""
        seconds = ceil(self._counter.settings.count_seconds_max)
        if account in self._under_way:
            return Refusal("TOO_MANY_REQUESTS", "one count at a time", retry_after=seconds)
        if len(self._under_way) > WAITING_MAX:
            return Refusal("OVERLOADED", "counts", retry_after=seconds)
        return None


class _Counting:
    """One count."""

    def __init__(self, counter: Counter, feed: Feed, asker: Asker) -> None:
        self._counter = counter
        self._feed = feed
        self._asker = asker
        self._until_us = counter.clock.now_us()
        self._since_us = self._until_us - SECONDS * 1_000_000
        snapshot = counter.snapshot()
        terms = counter.agreements().between(feed.recipient, feed.purpose).standing(self._until_us // 1_000_000)
        self._ruling = Ruling(feed, created=snapshot.revision, first=0, terms=terms)
        self._showing = Showing(counter.secret(f"pseudonym:{feed.name}"), counter.hub)
        self._ends = counter.clock.monotonic() + counter.settings.count_seconds_max
        self._events = 0

    async def run(self) -> Count:
        counter, complete = self._counter, True
        async with counter.log.reader(EVENTS) as reader:
            for partition in range(counter.partitions):
                complete &= await self._partition(reader, partition)
        return Count(self._events, complete, self._since_us, self._until_us)

    async def _partition(self, reader: LogReader, partition: int) -> bool:
        """Whether it came to the end."""
        counter = self._counter
        bounds = await counter.log.bounds(EVENTS, partition)
        end = min(await counter.index.mark(counter.generation, partition), bounds.end)
        offset = await self._first(reader, partition, bounds.start, end)
        while offset < end:
            began = counter.clock.monotonic()
            if began >= self._ends:
                return False
            try:
                records = await reader.read(
                    partition, offset, records_max=min(STEP_RECORDS_MAX, end - offset), bytes_max=STEP_BYTES_MAX
                )
            except Trimmed as trimmed:
                offset = trimmed.start
                continue
            if not records:
                return True
            offset += len(records)
            await self._step(partition, open_records(records)[0])
            now = counter.clock.monotonic()
            await counter.clock.sleep(min(now - began, max(0.0, self._ends - now)))
        return True

    async def _first(self, reader: LogReader, partition: int, start: int, end: int) -> int:
        """The first offset of the day, by halves: the log took its records one after the other."""
        while start < end:
            middle = (start + end) // 2
            try:
                [record] = await reader.read(partition, middle, records_max=1, bytes_max=1)
            except Trimmed as trimmed:
                start = trimmed.start
                continue
            if record.time_us < self._since_us:
                start = middle + 1
            else:
                end = middle
        return start

    async def _step(self, partition: int, events: Sequence[Event]) -> None:
        """Count what is shown of these, and write it down."""
        wanted = [
            each for each in events if self._ruling.wants(each.header) and self._since_us <= each.header.received_us
        ]
        place = Position(self._counter.generation, partition, 0)
        shown: defaultdict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
        for event in await firsts_of(self._counter.index, place, wanted):
            if agreements := self._agreements(event):
                shown[self._ruling.revision(event.header), agreements].append(event.offset)
        await self._counter.note([self._access(partition, *key, offsets) for key, offsets in shown.items()])
        self._events += sum(map(len, shown.values()))

    def _agreements(self, event: Event) -> tuple[str, ...]:
        """Those that let the event be shown; none: it is not, or fan-out would set it aside."""
        try:
            shown = self._showing.show(self._ruling, event)
        except Exception as error:  # noqa: BLE001  Fan-out told of it, and set it aside: the count goes on.
            self._counter.observer.event("record_not_counted", feed=self._feed.name, error=place_of(error))
            return ()
        return shown.grant.agreements if shown is not None else ()

    def _access(self, partition: int, revision: int, agreements: tuple[str, ...], offsets: Sequence[int]) -> Access:
        feed = self._feed
        return Access(
            step=Step.COUNTED,
            time_us=0,
            recipient=feed.recipient,
            purpose=feed.purpose.value,
            feed=feed.name,
            lane="",
            way="count",
            reader=self._asker.reader,
            credential=self._asker.credential,
            agreements=agreements,
            revision=revision,
            generation=self._counter.generation,
            partition=partition,
            runs=runs_of(offsets),
        )


def told(count: Count) -> dict[str, object]:
    """What is said of it, and no more."""
    few = {"fewer_than": FEWEST} if count.events < FEWEST else {}
    since, until = utc_text(count.since_us), utc_text(count.until_us)
    return {"count": rounded(count.events), **few, "complete": count.complete, "since": since, "until": until}


def rounded(events: int) -> int:
    """To two significant digits, and to tens at the least; 0 below ten."""
    if events < FEWEST:
        return 0
    step = max(FEWEST, int(10 ** (int(log10(events)) - 1)))
    return (events + step // 2) // step * step
