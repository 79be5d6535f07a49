"""Deposit: a copy of a document is examined, kept, and accepted as an event, each before the next.

The event is made here, from what the request says and what the bytes are, and goes the way of every other: the same
rules, the same agreements, a receipt under the same seals. The same bytes again are answered with the event that was
made first, whose receipt is known.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from hub.core.copies import (
    FORMAT,
    PLACES,
    Asked,
    CopyDecision,
    Entry,
    Event,
    Outcome,
    Standing,
    Upload,
    Version,
    event_of,
    standing_of,
    withdrawal_of,
)
from hub.core.errors import HubError, Refusal
from hub.core.evidence import Admitted, Item, Verdict
from hub.intake.copies import Copies
from hub.intake.examine import Examiner
from hub.intake.judging import Judged
from hub.intake.pipeline import Answer, Pipeline
from hub.ports.observer import Observer
from hub.ports.turns import Turns
from schemas.documents.sniff import PDF
from schemas.translate.item import Item as TranslatedItem
from schemas.translate.item import Translation

IN_THE_LOG = frozenset({Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.HELD})
_TRANSLATION = Translation(format=FORMAT, items=(), foreign=False, time_stated=True)


DecisionOf = Callable[[str, str], CopyDecision | None]
"""What an officer last decided of a copy of the partner with this SHA-256 (hex)."""


class Deposited(Struct, frozen=True):
    item: Item
    entry: Entry


class Deposits:
    def __init__(
        self,
        *,
        pipeline: Pipeline,
        copies: Copies,
        examiner: Examiner,
        decision_of: DecisionOf,
        observer: Observer,
        turns: Turns,
    ) -> None:
        self._decision_of = decision_of
        self._pipeline = pipeline
        self._copies = copies
        self._examiner = examiner
        self._observer = observer
        self._turns = turns

    async def foresee(self, admitted: Admitted, asked: Asked, replaced: Version | None) -> Item | None:
        """What can be refused before a byte of the copy was read; None: nothing yet."""
        event = event_of(asked, sha256="0" * 64, media_type=PDF, size=1, replaced=replaced, now=_now(admitted))
        judged = self._judged(admitted, bytes(32), event)
        return (await self._accepted(admitted, judged)) if isinstance(judged, Item) else None

    async def submit(
        self, admitted: Admitted, upload: Upload, asked: Asked, *, replaced: Version | None, claimed: str
    ) -> Deposited | Item | Refusal:
        """Keep a copy and accept its event. An `Item`: the event was refused; a `Refusal`: the copy, or its being told
        of as something else than before. Nothing of either is kept.

        Raises HubError when certainly nothing was stored.
        """
        partner = admitted.principal.partner.id
        decision = self._decision_of(partner, upload.sha256)
        async with self._turns.turn(f"copy/{partner}/{upload.sha256}"):
            known = await self._copies.entries(partner, upload.sha256)
            entry = next((each for each in known if each.asked == asked), None)
            if entry is None and known and not asked.is_new_version:
                return _told_otherwise(known[0]) if admitted.principal.agent is None else Refusal("CONFLICT")
            if entry is None and decision is not None and decision.outcome is Outcome.REFUSED:
                return Refusal("DOCUMENT_REFUSED", f"customs refused this copy: {decision.reason}")
            if entry is None:
                found = await self._entered(admitted, upload, asked, replaced, claimed)
                if isinstance(found, Refusal):
                    return found
                entry = found
            judged = self._judged(admitted, upload.digest, entry.event)
            if isinstance(judged, Item):
                return await self._accepted(admitted, judged)
            standing = standing_of(entry, decision)
            if standing is Standing.REFUSED:  # Its bytes go with their age, however often they come again.
                return Deposited(await self._accepted(admitted, judged), entry)
            await self._copies.keep(partner, upload, entry, marked=standing is Standing.QUARANTINED)
            return Deposited(await self._settled(admitted, judged, upload.sha256, new=entry not in known), entry)

    async def withdraw(self, admitted: Admitted, digest: bytes, version: Version, reason: Event) -> Item:
        """Accept the event that ends a document of the partner's own, whatever agreements there are now; `digest` is
        that of the request's body."""
        event = withdrawal_of(version, reason, now=_later(admitted, version))
        return await self._accepted(admitted, self._judged(admitted, digest, event, ends_own=True))

    async def again(self, admitted: Admitted, digest: bytes, event: Event) -> Item:
        """The answer to a withdrawal that was made before."""
        return await self._accepted(admitted, self._judged(admitted, digest, event, ends_own=True))

    async def _entered(
        self, admitted: Admitted, upload: Upload, asked: Asked, replaced: Version | None, claimed: str
    ) -> Entry | Refusal:
        partner = admitted.principal.partner.id
        async with self._copies.reading(partner, upload.name) as chunks:
            examined = await self._examiner.examine(chunks, upload.bytes, claimed, asked=asked, sender=partner)
        decision = examined.decision
        self._observer.count("documents", disposition=decision.disposition, media_type=examined.media_type)
        if decision.disposition == "refuse":
            return Refusal("DOCUMENT_REFUSED", faults=decision.faults)
        media_type, size = examined.media_type, upload.bytes
        now = _later(admitted, replaced) if replaced is not None else _now(admitted)
        event = event_of(asked, sha256=upload.sha256, media_type=media_type, size=size, replaced=replaced, now=now)
        named = [each for each in examined.references if each not in event["data"]["subjects"]]
        if named:
            event["data"]["references"] = named
        if examined.credentials:
            event["data"]["extensions"] = {"credentials": list(examined.credentials)}
        quarantined = decision.disposition == "quarantine"
        return Entry(
            asked=asked, event=event, bytes=size, media_type=media_type, quarantined=quarantined, faults=decision.faults
        )

    async def _settled(self, admitted: Admitted, judged: Judged, sha256: str, *, new: bool) -> Item:
        """Accept the event of a pending entry, and do with the entry as its verdict says: what is not `new` may be in
        the log since an earlier request."""
        partner = admitted.principal.partner.id
        try:
            item = await self._accepted(admitted, judged)
        except HubError:
            if new:
                await self._copies.drop(partner, sha256)
            raise
        if item.verdict in IN_THE_LOG:
            await self._copies.settle(partner, sha256)
        elif new and item.verdict is not Verdict.UNKNOWN:
            await self._copies.drop(partner, sha256)
        return item

    def _judged(self, admitted: Admitted, digest: bytes, event: Event, *, ends_own: bool = False) -> Judged:
        item = TranslatedItem(index=0, place="", event=event, origins=PLACES)
        return self._pipeline.judging.translated(admitted, digest, _TRANSLATION, item, ends_own=ends_own)

    async def _accepted(self, admitted: Admitted, judged: Judged) -> Item:
        answer: Answer = await self._pipeline.accept(admitted, [judged])
        [item] = answer.items
        return item


def _told_otherwise(known: Entry) -> Refusal:
    asked = known.asked
    detail = f"these bytes are {asked.reference} of kind {asked.kind}; give updated_at to tell something else of them"
    return Refusal("CONFLICT", detail)


def _now(admitted: Admitted) -> str:
    return _text(admitted.now_us)


def _later(admitted: Admitted, version: Version) -> str:
    """Now, or just behind a version that is of a later time."""
    return _text(max(admitted.now_us, version.updated_at_us + 1))


def _text(time_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).isoformat()
