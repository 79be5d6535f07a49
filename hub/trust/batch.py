"""One batch of accepted events, sealed and ready to be appended; receipts are made from it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from hub.core.evidence import Receipt, SealProof, ValidEvent
from hub.core.record import LogRecord
from hub.trust.merkle import leaf_hash
from hub.trust.seal import Seal, make_seal
from hub.trust.statement import SALT_BYTES, statement_bytes
from schemas.headers import EventHeader, pack


class SealedBatch(Struct, frozen=True):
    """The records, the seal's own as the last, and one statement per event."""

    records: Sequence[LogRecord]
    statements: Sequence[bytes]
    seal: Seal

    @classmethod
    def make(
        cls,
        events: Sequence[ValidEvent],
        *,
        hub: str,
        salts: bytes,
        time_us: int,
        key_id: str,
        sign: Callable[[bytes], bytes],
    ) -> SealedBatch:
        """Seal events in the order given; `salts` holds 16 bytes for each."""
        records: list[LogRecord] = []
        statements: list[bytes] = []
        leaves: list[bytes] = []
        for index, event in enumerate(events):
            header = header_of(event, salts[SALT_BYTES * index : SALT_BYTES * (index + 1)])
            statement = statement_bytes(hub, header)
            records.append(LogRecord(event.key.encode(), pack(header), event.raw))
            statements.append(statement)
            leaves.append(leaf_hash(statement))
        seal = make_seal(leaves, hub=hub, time_us=time_us, key_id=key_id, sign=sign)
        records.append(seal.record(leaves))
        return cls(records, statements, seal)

    def receipts(self, first: int, count: int) -> Iterator[Receipt]:
        """The receipts of one request's events, side by side in the tree: one range proof, or a path for one alone."""
        body, signature, tree = self.seal.body, self.seal.signature, self.seal.tree
        if count == 1:
            alone = SealProof(body, signature, first, 1, ())
            return iter((Receipt(self.statements[first], first, alone, tuple(tree.path(first))),))
        seal = SealProof(body, signature, first, count, tuple(tree.range_proof(first, count)))
        return (Receipt(self.statements[leaf], leaf, seal) for leaf in range(first, first + count))


def header_of(event: ValidEvent, salt: bytes) -> EventHeader:
    """Everything the hub knows of the event, so that statement, verdict and fan-out follow from the record alone."""
    permit, facts = event.permit, event.permit.facts
    return EventHeader(
        permit.principal.partner.id,
        permit.principal.system.id,
        event.source,
        event.id,
        event.version,
        permit.kind.name,
        permit.kind.dataschema,
        event.received_us,
        event.raw_digest,
        event.canonical_digest,
        salt,
        permit.revision,
        (facts.tier, facts.country, facts.roles, facts.aeo),
        event.format,
        event.key,
        event.flags,
        event.traceparent,
        event.attributes,
        tuple(dict.fromkeys(fault.code for fault in event.warnings)),
        event.place,
        permit.principal.key_id,
        event.proof,
    )
