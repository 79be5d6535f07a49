"""The access journal in memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from hub.core.access import BLOCK_OFFSETS, Access, Step, block_of, holds, lanes_of, mark_of, pieces, run_list
from hub.core.record import Position
from hub.ports.access_journal import Block, Entry, Owned, Query


class MemoryAccessJournal:
    def __init__(self) -> None:
        self._last = 0
        self._entries: list[Entry] = []
        self._owned: dict[tuple[str, Block], dict[bytes, int]] = {}

    async def add(self, entries: Sequence[Access]) -> None:
        for entry in entries:
            for piece in pieces(entry):
                self._last += 1
                self._entries.append(Entry(self._last, piece))

    async def attribute(self, owned: Sequence[Owned]) -> None:
        for each in owned:
            block = Block(each.generation, run_list(each.runs)[0][0] // BLOCK_OFFSETS, each.partition)
            self._owned.setdefault((each.publisher, block), {})[each.runs] = each.received_us

    async def about(self, position: Position) -> Sequence[Entry]:
        here = [
            entry
            for entry in self._entries
            if (entry.access.generation, entry.access.partition) == (position.generation, position.partition)
        ]
        given = [e for e in here if e.access.step is not Step.PROCESSED and holds(e.access.runs, position.offset)]
        lanes = lanes_of(entry.access for entry in given)
        firsts: dict[tuple[str, str, str], Entry] = {}
        for entry in here:
            if entry.access.step is Step.PROCESSED and mark_of(entry.access) >= position.offset:
                firsts.setdefault(_lane(entry.access), entry)
        return sorted([*given, *(entry for lane, entry in firsts.items() if lane in lanes)])

    async def entries(self, query: Query, *, limit: int) -> Sequence[Entry]:
        return [entry for entry in reversed(self._entries) if _is_meant(query, entry)][:limit]

    async def blocks_of(
        self, publisher: str, *, below: Block | None, limit: int
    ) -> Sequence[tuple[Block, Sequence[bytes]]]:
        blocks = sorted((block for owner, block in self._owned if owner == publisher), reverse=True)
        meant = [block for block in blocks if below is None or block < below][:limit]
        return [(block, list(self._owned[publisher, block])) for block in meant]

    async def in_block(self, block: Block, *, before: int | None, limit: int) -> Sequence[Entry]:
        found = (
            entry
            for entry in reversed(self._entries)
            if _block(entry.access) == block and (before is None or entry.number < before)
        )
        return list(islice(found, limit))

    async def purge(self, before_us: int) -> int:
        kept = [entry for entry in self._entries if entry.access.time_us >= before_us]
        gone, self._entries = len(self._entries) - len(kept), kept
        told = {_block(entry.access) for entry in kept}
        self._owned = {
            (owner, block): runs
            for (owner, block), runs in self._owned.items()
            if block in told or max(runs.values()) >= before_us
        }
        return gone


def _lane(access: Access) -> tuple[str, str, str]:
    return access.recipient, access.feed, access.lane


def _block(access: Access) -> Block:
    return Block(access.generation, block_of(access), access.partition)


def _is_meant(query: Query, entry: Entry) -> bool:
    access, span = entry.access, query.time_us
    return (
        query.recipient in (None, access.recipient)
        and query.feed in (None, access.feed)
        and query.credential in (None, access.credential)
        and (span is None or span[0] <= access.time_us < span[1])
        and (query.before is None or entry.number < query.before)
    )
