"""Receipts, given again: statement and seal as they were answered, with an inclusion path of their own.

Nothing is kept for this but the log: the statement is rebuilt from the record's header, the tree from the seal that
lies at the end of the record's batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.core.errors import HubError, Trimmed
from hub.core.evidence import Receipt, SealProof
from hub.core.record import EVENTS, Position, StoredRecord
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.trust.merkle import leaf_hash
from hub.trust.seal import Seal, seal_from_log
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
        async with self._log.reader(EVENTS) as reader:
            receipts = [await self._receipt(reader, occurrence.position) for occurrence in found]
        return [receipt for receipt in receipts if receipt is not None]

    async def at(self, position: Position) -> Receipt | None:
        """The receipt of the event at a position of `hub.events`; None where the log has let it go."""
        async with self._log.reader(EVENTS) as reader:
            return await self._receipt(reader, position)

    async def _receipt(self, reader: LogReader, position: Position) -> Receipt | None:
        try:
            batch = await reader.read_batch(position.partition, position.offset)
        except Trimmed:
            return None
        record = next((record for record in batch if record.offset == position.offset), None)
        header = unpack(record.header) if record is not None else None
        if not isinstance(header, EventHeader):
            raise HubError(f"there is no event at {position}")
        statement = statement_bytes(self._hub, header)
        seal, leaf = _seal_over(batch, position.offset, leaf_hash(statement))
        tree = seal.tree
        proof = SealProof(seal.body, seal.signature, leaf, 1, tuple(tree.range_proof(leaf, 1)))
        return Receipt(statement, leaf, proof, tuple(tree.path(leaf)))


def _seal_over(batch: Sequence[StoredRecord], offset: int, leaf: bytes) -> tuple[Seal, int]:
    """The seal that ends the batch of the record at `offset`, and the record's place in its tree.

    What was read may hold neighbouring batches too: the record's own seal is the first one behind it.
    """
    for record in batch:
        if record.offset > offset and isinstance(header := unpack(record.header), SealHeader):
            first = record.offset - len(record.value) // 32
            index = offset - first
            if index < 0 or record.value[32 * index : 32 * index + 32] != leaf:
                break
            return seal_from_log(header, record.value), index
    raise HubError(f"the record at {offset} has no seal that covers it")
