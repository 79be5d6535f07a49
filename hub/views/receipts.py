"""Receipts, given again: statement and seal as they were answered, with an inclusion path of their own.

Nothing is kept for this but the log: the statement is rebuilt from the record's header, the tree from the seal that
lies at the end of the record's batch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

from hub.core.errors import HubError, Trimmed
from hub.core.evidence import Receipt, SealProof
from hub.core.record import EVENTS, Position, StoredRecord
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.trust.merkle import leaf_hash
from hub.trust.seal import seal_from_log
from hub.trust.statement import statement_bytes
from schemas.headers import EventHeader, SealHeader, unpack
from schemas.identity import identity_key


class Receipts:
    def __init__(self, *, log: EventLog, index: FirstOccurrence, hub: str) -> None:
        """`hub` is the hub's name, as in every statement."""
        self._log = log
        self._index = index
        self._hub = hub

    async def of(self, publisher: str, source: str, event_id: str, version: str | None = None) -> list[Receipt]:
        """The receipts of all occurrences of an identity, the first one first; those whose records the log has let go
        are left out. `version` is the UTC instant of `updated_at`. Raises `StorageUnavailable`.
        """
        found = await self._index.occurrences(identity_key(publisher, source, event_id, version))
        receipts = await self.at([occurrence.position for occurrence in found])
        return [receipt for receipt in receipts if receipt is not None]

    async def at(self, positions: Sequence[Position]) -> list[Receipt | None]:
        """The receipts of the events at these positions of `hub.events`; None where the log has let one go.

        Each batch is read once, however many of the events are in it: batches are often sent again as a whole.
        """
        receipts: dict[Position, Receipt | None] = {}
        async with self._log.reader(EVENTS) as reader:
            partition, batch = -1, _Batch(self._hub, ())
            for position in sorted(set(positions)):
                if position.partition != partition or position.offset not in batch:
                    partition, batch = position.partition, await self._read(reader, position)
                receipts[position] = batch.receipt(position.offset)
        return [receipts[position] for position in positions]

    async def _read(self, reader: LogReader, position: Position) -> _Batch:
        try:
            return _Batch(self._hub, await reader.read_batch(position.partition, position.offset))
        except Trimmed:
            return _Batch(self._hub, (), trimmed=True)


class _Batch:
    """What one read gave. It may hold neighbouring batches too: a record's own seal is the first one behind it."""

    def __init__(self, hub: str, records: Sequence[StoredRecord], *, trimmed: bool = False) -> None:
        """`trimmed`: the log has let it go."""
        self._hub = hub
        self._trimmed = trimmed
        self._headers = {record.offset: unpack(record.header) for record in records}
        self._seals = [
            (record.offset, seal_from_log(header, record.value))
            for record in records
            if isinstance(header := self._headers[record.offset], SealHeader)
        ]

    def __contains__(self, offset: int) -> bool:
        return offset in self._headers

    def receipt(self, offset: int) -> Receipt | None:
        """Raises `HubError` where the log holds no event, or one that its seal does not cover."""
        if self._trimmed:
            return None
        header = self._headers.get(offset)
        if not isinstance(header, EventHeader):
            raise HubError(f"there is no event at offset {offset}")
        statement = statement_bytes(self._hub, header)
        behind = bisect_right(self._seals, offset, key=itemgetter(0))
        end, seal = self._seals[behind] if behind < len(self._seals) else (0, None)
        leaf = offset - end + seal.tree.size if seal is not None else -1
        if seal is None or leaf < 0 or seal.tree.leaf(leaf) != leaf_hash(statement):
            raise HubError(f"the record at offset {offset} has no seal that covers it")
        proof = SealProof(seal.body, seal.signature, leaf, 1, tuple(seal.tree.range_proof(leaf, 1)))
        return Receipt(statement, leaf, proof, tuple(seal.tree.path(leaf)))
