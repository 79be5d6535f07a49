"""Who was given a company's data: the access journal as the company sees it, with the names of its own events.

Entries are found by the blocks in which the company has events, from the newest on. A page looks at a bounded number of
entries and names no stamp: stamps tell how much others send. What a lawful restriction hides is told as `authority`, or
not at all until its embargo has passed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from hub.core.access import Access, Step, offsets_of
from hub.core.agreement import Agreement
from hub.core.errors import Refusal, Trimmed
from hub.core.record import EVENTS, Position
from hub.core.registry import Snapshot
from hub.core.restriction import Telling
from hub.ports.access_journal import AccessJournal, Block, Entry
from hub.ports.event_log import EventLog
from hub.ports.system import Clock, Entropy
from hub.trust.cursor import NONCE_BYTES, Box
from schemas.headers import EventHeader, unpack

BLOCKS_AT_ONCE = 16
ENTRIES_AT_ONCE = 500
LOOKED_AT_MAX = 5_000
READ_BYTES_MAX = 4_194_304


class Given(Struct, frozen=True):
    """One time that some events of a company were given to somebody, as the company may know it."""

    access: Access
    telling: Telling | None
    """None: everything."""
    events: Sequence[EventHeader]
    """Those that the log still has."""


class GivenPage(Struct, frozen=True):
    items: Sequence[Given]
    next: str | None


class _Place(Struct, frozen=True, array_like=True):
    """Where a page goes on: in a block, below an entry's number."""

    owner: str
    block: tuple[int, int, int]
    before: int


_place = msgspec.msgpack.Decoder(_Place)


class Accesses:
    def __init__(
        self,
        kept: AccessJournal,
        *,
        log: EventLog,
        snapshot: Callable[[], Snapshot],
        secret: bytes,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`secret`: 32 bytes, for cursors."""
        self._kept = kept
        self._log = log
        self._snapshot = snapshot
        self._box = Box(secret, b"customs-hub-accesses/1")
        self._clock = clock
        self._entropy = entropy

    async def page(
        self, owner: str, *, span: tuple[int, int] | None, cursor: str | None, limit: int
    ) -> GivenPage | Refusal:
        """The next accesses to events of `owner` (a publisher, or `hub.views.owned.concerned` of a partner) behind the
        cursor, newest events first. `span`: when they were given, microseconds, the second exclusive. `CURSOR_INVALID`.
        """
        place = self._open(cursor, owner)
        if isinstance(place, Refusal):
            return place
        found: list[Given] = []
        named: tuple[Block, Mapping[int, EventHeader]] | None = None
        left = LOOKED_AT_MAX
        async for block, own, entry in self._walk(owner, place):
            left -= 1
            mine = [offset for offset in offsets_of(entry.access.runs) if offset in own]
            if mine and self.is_told(entry.access, span):
                if named is None or named[0] != block:
                    named = block, await self._names(block, own)
                found.append(self._given(entry.access, [named[1][each] for each in mine if each in named[1]]))
            if len(found) == limit or left == 0:
                return GivenPage(found, self._seal(_Place(owner, block, entry.number)))
        return GivenPage(found, None)

    async def _walk(self, owner: str, place: _Place | None) -> AsyncIterator[tuple[Block, set[int], Entry]]:
        """Every entry of the blocks in which the owner has events, with the offsets of these."""
        below, before = None, None
        if place is not None:
            generation, number, partition = place.block
            below, before = Block(generation, number, partition + 1), place.before
        while blocks := await self._kept.blocks_of(owner, below=below, limit=BLOCKS_AT_ONCE):
            for block, runs in blocks:
                own = {offset for each in runs for offset in offsets_of(each)}
                while entries := await self._kept.in_block(block, before=before, limit=ENTRIES_AT_ONCE):
                    for entry in entries:
                        yield block, own, entry
                    before = entries[-1].number
                below, before = block, None

    async def about(self, position: Position) -> Sequence[Entry]:
        """Every entry about one event, oldest first, acknowledgements too; also those that the company is not told."""
        return await self._kept.about(position)

    def telling(self, access: Access) -> Telling | None:
        """What the company may be told of it now, by the strictest restriction that still hides; None: everything."""
        restrictions, now = self._snapshot().restrictions, self._clock.now_us() // 1_000_000
        noted = [restrictions.get(name) for name in access.restriction.split()]
        tells = {Telling.AUTHORITY if each is None else each.tells for each in noted if each is None or each.hides(now)}
        return Telling.NOTHING if Telling.NOTHING in tells else next(iter(tells), None)

    def is_told(self, access: Access, span: tuple[int, int] | None = None) -> bool:
        in_time = span is None or span[0] <= access.time_us < span[1]
        return in_time and access.step is not Step.PROCESSED and self.telling(access) is not Telling.NOTHING

    def _given(self, access: Access, events: Sequence[EventHeader]) -> Given:
        return Given(access, self.telling(access), events)

    async def named(self, position: Position) -> EventHeader | None:
        """The header of one event; None where the log let go of it."""
        block = Block(position.generation, -1, position.partition)
        return (await self._names(block, {position.offset})).get(position.offset)

    async def of_one(self, position: Position, *, span: tuple[int, int] | None) -> Sequence[Given]:
        """Who was given one event, oldest first, as the company may know it; `span` as of a page."""
        told = [each.access for each in await self.about(position) if self.is_told(each.access, span)]
        header = await self.named(position) if told else None
        return [self._given(access, [header] if header is not None else []) for access in told]

    async def _names(self, block: Block, offsets: set[int]) -> Mapping[int, EventHeader]:
        """The headers of these events of a block: one walk from the first to the last."""
        names: dict[int, EventHeader] = {}
        if block.generation != self._log.generation:
            return names
        at, last = min(offsets), max(offsets)
        async with self._log.reader(EVENTS) as reader:
            while at <= last:
                try:
                    records = await reader.read(
                        block.partition, at, records_max=last - at + 1, bytes_max=READ_BYTES_MAX
                    )
                except Trimmed as trimmed:
                    at = trimmed.start
                    continue
                if not records:
                    break
                for record in records:
                    if record.offset in offsets and isinstance(header := unpack(record.header), EventHeader):
                        names[record.offset] = header
                at = records[-1].offset + 1
        return names

    def _open(self, cursor: str | None, owner: str) -> _Place | Refusal | None:
        if cursor is None:
            return None
        content = self._box.open(cursor)
        if content is None or (place := _place.decode(content)).owner != owner:
            return Refusal("CURSOR_INVALID")
        return place

    def _seal(self, place: _Place) -> str:
        return self._box.seal(msgspec.msgpack.encode(place), self._entropy.bytes(NONCE_BYTES))


def agreements_of(access: Access, snapshot: Snapshot) -> Iterator[Agreement]:
    """Those by which it was shown, each as it was at the revision that decided."""
    for name in access.agreements:
        version = snapshot.agreements.at(name, access.revision) or snapshot.agreements.get(name)
        if version is not None:
            yield version
