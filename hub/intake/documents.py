"""Documents of the trade: translated, judged item by item as native events are, kept, accepted, or only looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Item, ValidEvent, Verdict
from hub.core.partner import Partner
from hub.core.registry import Snapshot
from hub.intake.archive import Archive
from hub.intake.judging import Judged
from hub.intake.pipeline import SMALL_BATCH_BYTES, Answer, Pipeline, dry
from hub.intake.translate import open_translation
from hub.ports.blob_store import BlobKey, BlobStore
from schemas.translate.item import Context, Translation

KEPT = frozenset({Verdict.ACCEPTED, Verdict.HELD, Verdict.UNKNOWN})
"""Verdicts on items that are in the log, or may be: their document is kept beside it."""


class Sent(Struct, frozen=True):
    """A document as it came, and what the request says of it."""

    document: bytes
    media_type: str
    context: Context
    families: frozenset[str]
    """Of `schemas.translate.recognise`: what the route takes."""


class Documents:
    """Documents that are answered at once."""

    def __init__(
        self, *, pipeline: Pipeline, blobs: BlobStore, archive: Archive, snapshot: Callable[[], Snapshot]
    ) -> None:
        self._pipeline = pipeline
        self._blobs = blobs
        self._archive = archive
        self._snapshot = snapshot

    async def submit(self, admitted: Admitted, sent: Sent) -> Answer | Refusal:
        """Judge a document and accept what is valid in it. A `Refusal`: nothing in it could be looked at.

        Raises HubError when certainly nothing was stored.
        """
        sent = self._agreed(admitted, sent)
        opened = await self.open(sent)
        if isinstance(opened, Refusal):
            return opened
        judged = await self._pipeline.judge_all(self._judged(admitted, sent, opened), large=_is_large(sent))
        if refusal := self._pipeline.charge(admitted, len(judged)):
            return refusal
        if not worth_keeping(judged):
            return await self._pipeline.accept(admitted, judged)

        async def store(key: BlobKey) -> bool:
            return (await self._blobs.put(key, in_chunks(sent.document))).new

        digest = sha256(sent.document).digest()
        async with self._archive.holding(admitted.principal.partner.id, digest, store) as held:
            answer = await self._pipeline.accept(admitted, judged)
            held.wanted |= any(item.verdict in KEPT for item in answer.items)
        return answer

    async def check(self, admitted: Admitted, sent: Sent) -> Answer | Refusal:
        """What `submit` would say, as far as it can be said without storing anything."""
        sent = self._agreed(admitted, sent)
        opened = await self.open(sent)
        if isinstance(opened, Refusal):
            return opened
        items = await self._pipeline.judge_all(map(dry, self._judged(admitted, sent, opened)), large=_is_large(sent))
        if refusal := self._pipeline.charge(admitted, len(items)):
            return refusal
        return Answer(items, admitted.mode, dry_run=True, principal=admitted.principal)

    async def open(self, sent: Sent) -> Translation | Refusal:
        """The document's items; a long one is opened on a thread, so that others are answered meanwhile."""
        given = sent.document, sent.media_type, sent.context
        if not _is_large(sent):
            return open_translation(*given, families=sent.families)
        return await asyncio.to_thread(open_translation, *given, families=sent.families)

    def _agreed(self, admitted: Admitted, sent: Sent) -> Sent:
        """With what is agreed with the partner of what the document does not say, at the revision of the request."""
        context = agreed(sent.context, admitted.principal.partner, self._snapshot(), admitted.revision)
        return replace(sent, context=context)

    def _judged(self, admitted: Admitted, sent: Sent, translation: Translation) -> Iterator[Judged]:
        judging, digest = self._pipeline.judging, sha256(sent.document).digest()
        return (judging.translated(admitted, digest, translation, item) for item in translation.items)


def agreed(context: Context, partner: Partner, snapshot: Snapshot, revision: int) -> Context:
    """The context with what is agreed with the partner; its mapping profile is that of the revision."""
    held = snapshot.edi_profiles.at(partner.id, revision)
    return replace(
        context,
        time_zone=partner.time_zone,
        edi_senders=frozenset(partner.edi_senders),
        edi_sender_taken=lambda sender: snapshot.edi_sender_taken(sender, partner.id),
        profile=held and held.profile,
    )


def _is_large(sent: Sent) -> bool:
    return len(sent.document) > SMALL_BATCH_BYTES


def worth_keeping(judged: list[Judged]) -> bool:
    """Whether the document may be kept, and needs to be: something in it may be accepted, and nothing in it is its
    sender's own business alone."""
    shared = all(item.verdict is not Verdict.NOT_SHARED for item in judged if isinstance(item, Item))
    return shared and any(isinstance(item, ValidEvent) for item in judged)


async def in_chunks(document: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(document), SMALL_BATCH_BYTES):
        yield document[start : start + SMALL_BATCH_BYTES]
