"""What leaves the hub is written down first: entries of all who wait go to storage together, and nobody gets anything
that was not written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from hub.core.access import Access, Step, runs_of
from hub.core.errors import HubError, StorageUnavailable
from hub.core.feed import Feed
from hub.core.registry import Snapshot
from hub.core.restriction import all_that_bind
from hub.ports.access_journal import AccessJournal
from hub.ports.system import Clock
from schemas.headers import FeedHeader, Header


class Reader(Struct, frozen=True):
    """Who asked: a system or endpoint, and the key by which it proved itself."""

    id: str
    credential: str


class _Group:
    def __init__(self) -> None:
        self.entries: dict[Access, None] = {}
        self.is_written = False
        self.error: HubError | None = None


class Journal:
    """The access journal of one process.

    Theory of operation. While one group of entries is being written the next one gathers; who comes first of a group
    writes it for all, and whoever finds it written goes on. So a thousand readers who are given the same events at once
    cost one commit, and a reader alone waits for nobody. A writer who goes away leaves his group to the next in it:
    what he wrote may then be there twice.
    """

    def __init__(self, kept: AccessJournal, *, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self.kept = kept
        self._snapshot = snapshot
        self._clock = clock
        self._gathering = _Group()
        self._writing = asyncio.Lock()

    async def add(self, entries: Iterable[Access]) -> None:
        """Write entries down; what is equal in one group, once. Their time is that of the writing, where it is 0.

        A lawful restriction that is in force is noted in them. Durable when it returns; raises `StorageUnavailable`:
        then nothing may leave.
        """
        group = self._gathering
        group.entries.update(dict.fromkeys(entries))
        if not group.entries:
            return
        async with self._writing:
            if not group.is_written:
                self._gathering = _Group() if self._gathering is group else self._gathering
                await self._write(group)
        if group.error is not None:
            raise group.error

    async def _write(self, group: _Group) -> None:
        now_us, snapshot = self._clock.now_us(), self._snapshot()
        stamped = [_stamped(entry, now_us, snapshot) for entry in group.entries]
        try:
            await self.kept.add(stamped)
        except HubError as error:
            group.error = StorageUnavailable(f"who is given what cannot be written down: {error}")
            group.error.__cause__ = error
        group.is_written = True


def _stamped(entry: Access, now_us: int, snapshot: Snapshot) -> Access:
    time_us = entry.time_us or now_us
    restriction = entry.restriction or all_that_bind(snapshot.restrictions, entry, time_us // 1_000_000)
    return replace(entry, time_us=time_us, restriction=restriction)


def given(
    feed: Feed, stamps: Iterable[Header], reader: Reader, *, way: str, lane: str = "", step: Step = Step.DELIVERED
) -> list[Access]:
    """What one reader is given of a feed, by partition and by what decided it."""
    offsets: dict[tuple[int, int, int, tuple[str, ...]], list[int]] = {}
    for stamp in stamps:
        if not isinstance(stamp, FeedHeader):
            continue
        decided = stamp.generation, stamp.partition, stamp.revision, stamp.agreements
        offsets.setdefault(decided, []).append(stamp.offset)
    return [
        Access(
            step=step,
            time_us=0,
            recipient=feed.recipient,
            purpose=feed.purpose.value,
            feed=feed.name,
            lane=lane,
            way=way,
            reader=reader.id,
            credential=reader.credential,
            agreements=agreements,
            revision=revision,
            generation=generation,
            partition=partition,
            runs=runs_of(those),
        )
        for (generation, partition, revision, agreements), those in offsets.items()
    ]
