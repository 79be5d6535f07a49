"""`Spending` over one file that the workers of a machine map: a table for each worker, which it alone writes.

Theory of operation. A table has `SLOTS` slots of twelve 8-byte words: the account's tag (64 bits of its SHA-256), then
what `Spent` has, as doubles, then a sequence number. An account's slot is the first free one after its tag modulo
`SLOTS`, by linear probing (`PROBES_MAX`); a tag is written after its numbers, and a slot stays its account's until the
worker starts anew and clears its table. Nobody locks: aligned words are written and read whole, and the sequence
number is odd while a slot is being written, so a reader that finds it odd or changed reads again (`READS_MAX`: a worker
may have been killed in between). Sums are exact up to 2^53.

Eight workers take 12 MiB of address space; only the pages of accounts that are served are ever touched.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from hub.drivers.files.shared import shared_memory
from hub.ports.spending import Spent

SLOTS = 16_384
WORDS = 12
WORD_BYTES = 8
PROBES_MAX = 64
READS_MAX = 100
_NUMBERS = 10
_SEQUENCE = 11
FILE = "spending"


class FileSpending:
    """Keeps the `Spending` port for one of `workers` workers, numbered from 0. Raises HubError."""

    def __init__(self, directory: Path, *, worker: int, workers: int) -> None:
        memory = shared_memory(directory / FILE, workers * SLOTS * WORDS * WORD_BYTES)
        self._tags, self._numbers = memory.cast("Q"), memory.cast("d")
        self._worker = worker
        self._others = [other for other in range(workers) if other != worker]
        self._tag_of: dict[str, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        """By worker and tag: the first word of the slot."""
        self._clear()

    def tell(self, account: str, spent: Spent) -> None:
        tag = self._tag(account)
        place = self._place(self._worker, tag)
        if place is None and (place := self._free(tag)) is None:
            return
        sequence = self._tags[place + _SEQUENCE] | 1
        self._tags[place + _SEQUENCE] = sequence
        in_flight, streams = spent.requests_in_flight, spent.streams
        self._numbers[place + 1 : place + 1 + _NUMBERS] = array(
            "d", (spent.at, *spent.taken, *spent.levels, in_flight, streams, spent.refused_at)
        )
        self._tags[place + _SEQUENCE] = sequence + 1
        self._tags[place] = tag

    def others(self, account: str) -> Sequence[tuple[int, Spent]]:
        tag = self._tag(account)
        found = []
        for worker in self._others:
            if (place := self._place(worker, tag)) is not None:
                at, a, b, c, x, y, z, requests, streams, refused_at = self._read(place)
                found.append((worker, Spent(at, (a, b, c), (x, y, z), int(requests), int(streams), refused_at)))
        return found

    def _read(self, place: int) -> Sequence[float]:
        numbers: Sequence[float] = ()
        for _ in range(READS_MAX):
            before = self._tags[place + _SEQUENCE]
            numbers = self._numbers[place + 1 : place + 1 + _NUMBERS].tolist()
            if not before & 1 and self._tags[place + _SEQUENCE] == before:
                break
        return numbers

    def _tag(self, account: str) -> int:
        tag = self._tag_of.get(account)
        if tag is None:
            tag = self._tag_of[account] = int.from_bytes(sha256(account.encode()).digest()[:8], "big") or 1
        return tag

    def _place(self, worker: int, tag: int) -> int | None:
        """Where the worker's slot of the account begins, if it has one."""
        place = self._places.get((worker, tag))
        if place is not None and self._tags[place] == tag:
            return place
        for place in self._probed(worker, tag):
            if (held := self._tags[place]) == tag:
                self._places[worker, tag] = place
                return place
            if not held:
                return None
        return None

    def _free(self, tag: int) -> int | None:
        return next((place for place in self._probed(self._worker, tag) if not self._tags[place]), None)

    def _probed(self, worker: int, tag: int) -> Iterator[int]:
        first = worker * SLOTS
        return ((first + (tag + step) % SLOTS) * WORDS for step in range(PROBES_MAX))

    def _clear(self) -> None:
        """Free the slots that this worker had before: pages that nobody touched stay untouched."""
        for slot in range(self._worker * SLOTS, (self._worker + 1) * SLOTS):
            if self._tags[slot * WORDS]:
                self._tags[slot * WORDS] = 0
