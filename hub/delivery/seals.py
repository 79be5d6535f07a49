"""Seals over just what a reader is given (`schemas/formats/feed-seal.md`).

Each cut record's batch ends with the seal over it. So it is looked for behind the record, in memory where the stream's
end is kept there. A seal over more than what is given would tell how much more: a new one is made instead, over those
of its leaves that are given.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from hub.core.feed import stream_named
from hub.core.record import StoredRecord
from hub.delivery.merge import Taken
from hub.delivery.tail import Tails
from hub.ports.key_ring import SealKey
from hub.ports.observer import Observer
from hub.trust.feed_seal import FeedSeal, FeedSealer
from hub.trust.merkle import leaf_hash
from hub.trust.withheld import is_cut
from schemas.headers import FeedHeader, FeedSealHeader, unpack

READ_RECORDS, READ_BYTES = 1_000, 1_048_576
BATCH_RECORDS = 100
"""So far behind a record its seal is looked for at once."""

Leaves = dict[int, tuple[bytes, bytes]]
"""By the record's offset: its leaf, and that of the bytes in which it is given."""


class Seals:
    def __init__(
        self, tails: Tails, sealer: FeedSealer, seal_keys: Callable[[], Sequence[SealKey]], observer: Observer
    ) -> None:
        self._tails = tails
        self._sealer = sealer
        self._seal_keys = seal_keys
        self._observer = observer

    async def over(self, name: str, taken: Taken, given: Callable[[bytes], bytes]) -> Sequence[FeedSeal]:
        """Seals over the cut records of a lane (`name`, `name/urgent`), and over nothing else; `given`: a record as it
        is given. Raises `StorageUnavailable`, and `Trimmed` where the log has just let go of them."""
        seals: list[FeedSeal] = []
        parts: list[bytes] = []
        async for seal, covered in self._borne_out(name, taken, given):
            if covered == list(seal.leaves):
                seals.append(seal)
            else:
                parts += covered
        return [*seals, self._sealer.over(name, parts)] if parts else seals

    async def anew(self, name: str, taken: Taken) -> FeedSeal | None:
        """A new seal over all the cut records, in their order; None: there are none, or there is one that its batch's
        seal does not bear out. Raises as `over` does."""
        borne = {leaf async for _, covered in self._borne_out(name, taken, bytes) for leaf in covered}
        leaves = [leaf_hash(record) for record in taken.records if is_cut(record)]
        return self._sealer.over(name, leaves) if leaves and borne.issuperset(leaves) else None

    async def _borne_out(
        self, name: str, taken: Taken, given: Callable[[bytes], bytes]
    ) -> AsyncIterator[tuple[FeedSeal, Sequence[bytes]]]:
        """Seals that hold, each with the leaves as given of those records that it is over; it is an alarm where a cut
        record is under none."""
        for partition, leaves in _leaves(taken, given).items():
            bare = len(leaves)
            async for seal, under in self._found(name, partition, leaves):
                if not seal.holds(name, self._key_at):
                    continue
                sealed = frozenset(seal.leaves)
                covered = [told for leaf, told in under if leaf in sealed]
                bare -= len(covered)
                yield seal, covered
            if bare:
                self._observer.count("alarms", alarm="feed_seal_broken")
                self._observer.event("alarm.feed_seal_broken", feed=name, partition=partition, records=bare)

    async def _found(
        self, name: str, partition: int, leaves: Leaves
    ) -> AsyncIterator[tuple[FeedSeal, Sequence[tuple[bytes, bytes]]]]:
        """The seal behind each record, with the leaves of those records that it is the first behind."""
        stream, waiting, offset = stream_named(name), sorted(leaves), min(leaves)
        while waiting:
            count = max(0, waiting[-1] - offset) + BATCH_RECORDS
            records = await self._read(stream, partition, offset, min(count, READ_RECORDS))
            if not records:
                return
            for record in records:
                header = unpack(record.header)
                if isinstance(header, FeedSealHeader):
                    under = [leaves[place] for place in waiting if place < record.offset]
                    waiting = [place for place in waiting if place > record.offset]
                    if under:
                        yield FeedSeal.from_log(header, record.value), under
                    if not waiting:
                        return
            offset = records[-1].offset + 1

    async def _read(self, stream: str, partition: int, offset: int, count: int) -> Sequence[StoredRecord]:
        """What is kept in memory may end inside a batch: then the log has the rest of it."""
        if kept := self._tails.of(stream).partitions[partition].take(offset, count, READ_BYTES):
            return kept
        async with self._tails.log.reader(stream) as reader:
            return await reader.read(partition, offset, records_max=count, bytes_max=READ_BYTES)

    def _key_at(self, key_id: str, moment: int) -> bytes | None:
        """What somebody else may have signed is believed no more."""
        keys = (key for key in self._seal_keys() if key.id == key_id)
        return next((key.public for key in keys if (key.compromised_since or moment + 1) > moment), None)


def _leaves(taken: Taken, given: Callable[[bytes], bytes]) -> dict[int, Leaves]:
    """Of the cut records, by partition."""
    found: dict[int, Leaves] = {}
    for stamp, value, offset in zip(taken.stamps, taken.records, taken.offsets, strict=True):
        if isinstance(stamp, FeedHeader) and is_cut(value):
            leaf, told = leaf_hash(value), given(value)
            pair = leaf, leaf if told is value else leaf_hash(told)
            found.setdefault(stamp.partition, {})[offset] = pair
    return found
