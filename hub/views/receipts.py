"""Receipts, given again: statement and seal as they were answered, with an inclusion path of their own.

Nothing is kept for this but the log: the statement is rebuilt from the record's header, the tree from the seal that
lies at the end of the record's batch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

import orjson
from msgspec import DecodeError

from hub.core.errors import HubError, StorageUnavailable, Trimmed
from hub.core.evidence import Receipt, SealProof
from hub.core.record import EVENTS, Position, StoredRecord
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence
from hub.trust.merkle import leaf_hash
from hub.trust.seal import seal_from_log
from hub.trust.statement import is_sent_by, statement_bytes
from schemas.headers import EventHeader, SealHeader, unpack
from schemas.identity import identity_key

Wanted = tuple[Position, bytes]
"""An event's place in `hub.events`, and the identity (16 bytes) of which the receipt is to be."""


class Receipts:
    def __init__(self, *, log: EventLog, index: FirstOccurrence) -> None:
        self._log = log
        self._index = index

    async def of(
        self,
        publisher: str,
        source: str,
        event_id: str,
        version: str | None = None,
        *,
        sender: str | None = None,
        part: slice = slice(None),
    ) -> tuple[list[Receipt], bool]:
        """The receipts of the occurrences of an identity, the first one first, and whether there are more behind that
        `part` of them; those whose records the log has let go are left out. `version` is the UTC instant of
        `updated_at`. With `sender`, of what this partner sent alone. Raises `HubError` if one cannot be given.
        """
        identity = identity_key(publisher, source, event_id, version)
        found = await self._index.occurrences(identity)
        receipts = []
        for answer in await self.at([(occurrence.position, identity) for occurrence in found[part]]):
            if isinstance(answer, HubError):
                raise answer
            if answer is not None and (sender is None or is_sent_by(sender, answer.statement)):
                receipts.append(answer)
        return receipts, part.stop is not None and part.stop < len(found)

    async def at(self, wanted: Sequence[Wanted]) -> list[Receipt | HubError | None]:
        """The receipts of these events, each with its identity; None where the log has let one go, or holds another
        event there: a receipt is evidence, and shown to nobody but its publisher. An error where one batch cannot be
        read; raises `StorageUnavailable` if the log cannot be read at all.

        Each batch is read once, however many of the events are in it: batches are often sent again as a whole.
        """
        answers: dict[Wanted, Receipt | HubError | None] = {}
        async with self._log.reader(EVENTS) as reader:
            partition, batch = -1, _Batch(())
            for position, identity in sorted(set(wanted)):
                try:
                    if position.partition != partition or position.offset not in batch:
                        partition, batch = position.partition, await self._read(reader, position)
                    answers[position, identity] = batch.receipt(position.offset, identity)
                except StorageUnavailable:
                    raise
                except HubError as error:
                    answers[position, identity] = error
                except (DecodeError, ValueError, LookupError) as error:
                    answers[position, identity] = HubError(f"{position} cannot be read: {type(error).__name__}")
        return [answers[each] for each in wanted]

    async def _read(self, reader: LogReader, position: Position) -> _Batch:
        try:
            return _Batch(await reader.read_batch(position.partition, position.offset))
        except Trimmed:
            return _Batch((), trimmed=True)


class _Batch:
    """What one read gave. It may hold neighbouring batches too: a record's own seal is the first one behind it."""

    def __init__(self, records: Sequence[StoredRecord], *, trimmed: bool = False) -> None:
        """`trimmed`: the log has let it go."""
        self._trimmed = trimmed
        self._headers = {record.offset: unpack(record.header) for record in records}
        self._seals = [
            (record.offset, seal_from_log(header, record.value))
            for record in records
            if isinstance(header := self._headers[record.offset], SealHeader)
        ]

    def __contains__(self, offset: int) -> bool:
        return offset in self._headers

    def receipt(self, offset: int, identity: bytes) -> Receipt | None:
        """Raises `HubError` where the log holds no event, or one that its seal does not cover.

        The hub's name is the one that was sealed: it may have been renamed since.
        """
        if self._trimmed:
            return None
        header = self._headers.get(offset)
        if not isinstance(header, EventHeader):
            raise HubError(f"there is no event at offset {offset}")
        if identity_key(header.publisher, header.source, header.id, header.version) != identity:
            return None
        behind = bisect_right(self._seals, offset, key=itemgetter(0))
        if behind == len(self._seals):
            raise HubError(f"the record at offset {offset} has no seal behind it")
        end, seal = self._seals[behind]
        statement = statement_bytes(orjson.loads(seal.body)["hub"], header)
        leaf = offset - end + seal.tree.size
        if leaf < 0 or seal.tree.leaf(leaf) != leaf_hash(statement):
            raise HubError(f"the record at offset {offset} has no seal that covers it")
        proof = SealProof(seal.body, seal.signature, leaf, 1, tuple(seal.tree.range_proof(leaf, 1)))
        return Receipt(statement, leaf, proof, tuple(seal.tree.path(leaf)), header.proof)
