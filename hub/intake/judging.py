"""What can be said of one item without storage: authorised, translated or decoded, validated, or why not.

The pipeline's judgement, shared by whatever brings items: requests, documents, jobs and dry runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Decoded, Item, Permit, ValidEvent, Verdict
from hub.core.registry import Snapshot
from hub.core.settings import IntakeSettings
from hub.intake.authorise import Policy, about, not_needed, uncovered
from hub.intake.sources import SourceBook
from hub.intake.translate import rewritten
from hub.intake.validate import identified, regard_of, unstatable_by, validate
from schemas import verdict
from schemas.catalogue import Catalogue, EventType
from schemas.deprecation import Deprecations
from schemas.faults import Fault
from schemas.translate.item import Item as TranslatedItem
from schemas.translate.item import Translation

Judged = ValidEvent | Item


class Judging:
    """The judgement of one worker."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        deprecations: Deprecations,
        snapshot: Callable[[], Snapshot],
        partitions: int,
        bounds: IntakeSettings,
    ) -> None:
        self._catalogue = catalogue
        self._deprecations = deprecations
        self._snapshot = snapshot
        self._partitions = partitions
        self._bounds = bounds
        self._policy = Policy()
        self._sources = SourceBook(bounds.sources_per_publisher_max)

    def native(self, admitted: Admitted, index: int, decoded: Decoded | Refusal) -> Judged:
        """An event that came as a CloudEvent."""
        if isinstance(decoded, Refusal):
            return Item(index, "", "", Verdict.REJECTED, refusal=decoded)
        kind = self._catalogue.find(decoded.event.get("type"), decoded.event.get("dataschema"))
        if isinstance(kind, Fault):
            return _rejected(decoded, Refusal("EVENT_INVALID", faults=[kind]))
        judged = self._native(admitted, decoded, kind)
        # Who names no version has none to leave: the next one is what the event is judged by from then on.
        return self._marked(judged, kind) if "dataschema" in decoded.event else judged

    def _native(self, admitted: Admitted, decoded: Decoded, kind: EventType) -> Judged:
        permit = self._policy.permit(admitted, kind, self._snapshot())
        if isinstance(permit, Refusal):
            return _rejected(decoded, permit)
        regard = regard_of(admitted.principal.partner.check_digits, self._bounds)
        valid = validate(permit, decoded, now_us=admitted.now_us, partitions=self._partitions, regard=regard)
        if isinstance(valid, Refusal):
            return _rejected(decoded, valid)
        refusal = uncovered(permit, decoded.event) or self._refusal(permit, valid)
        if refusal:
            return _rejected(decoded, refusal)
        advice = not_needed(permit, decoded.event)
        return _proven(replace(valid, advice=advice) if advice else valid, admitted)

    def _refusal(self, permit: Permit, valid: ValidEvent) -> Refusal | None:
        """Why an event in which no error was found is not taken from its sender; its source counts if it is."""
        return (
            about(permit, valid.source, valid.key)
            or unstatable_by(permit.principal, valid.source, valid.id)
            or self._sources.enter(permit.principal.partner.id, valid.source)
        )

    def translated(
        self,
        admitted: Admitted,
        document_digest: bytes,
        translation: Translation,
        item: TranslatedItem,
        *,
        ends_own: bool = False,
    ) -> Judged:
        """An item of a document: what `customs-connect validate` says of it, and then what only the hub can say.
        `ends_own`: it takes back what was accepted from its publisher."""
        said = self._said(admitted, translation, item)
        judged = self._translated(admitted, document_digest, translation, said, ends_own=ends_own)
        return self._marked(judged, said.kind) if said.kind is not None else judged

    def _said(self, admitted: Admitted, translation: Translation, item: TranslatedItem) -> verdict.Judged:
        raised = regard_of(admitted.principal.partner.check_digits, self._bounds).raised
        bytes_max = self._bounds.event_bytes_max
        return verdict.judge(
            item, translation, self._catalogue, now_us=admitted.now_us, raised=raised, event_bytes_max=bytes_max
        )

    def _translated(
        self,
        admitted: Admitted,
        document_digest: bytes,
        translation: Translation,
        said: verdict.Judged,
        *,
        ends_own: bool,
    ) -> Judged:
        item = said.item
        if said.verdict is verdict.Verdict.REJECTED or item.event is None or said.kind is None:
            return _answer(item, Verdict.REJECTED, Refusal("EVENT_INVALID", faults=said.faults))
        if item.unmeant and not self._policy.is_asked_for(admitted, said.kind, self._snapshot()):
            return _answer(item, Verdict.NOT_SHARED, warnings=said.faults)
        permitted = self._policy.permit_end if ends_own else self._policy.permit
        permit = permitted(admitted, said.kind, self._snapshot())
        if isinstance(permit, Refusal):
            return _answer(item, Verdict.REJECTED, permit)
        decoded = rewritten(item.index, item.event, document_digest, bounds=self._bounds)
        if isinstance(decoded, Refusal):
            return _answer(item, Verdict.REJECTED, decoded)
        valid = identified(
            permit,
            decoded,
            said.faults,
            format=translation.format,
            place=item.place,
            now_us=admitted.now_us,
            partitions=self._partitions,
        )
        covered = None if ends_own else uncovered(permit, item.event)
        refusal = covered or self._refusal(permit, valid)
        if refusal is not None:
            return _answer(item, Verdict.REJECTED, refusal)
        advice = () if ends_own else not_needed(permit, item.event, partial(translation.needless, item))
        return _proven(replace(valid, advice=advice) if advice else valid, admitted)

    def _marked(self, judged: Judged, kind: EventType) -> Judged:
        """With what is to be said of a version that senders should leave."""
        leaving = self._deprecations.get(kind.dataschema)
        return judged if leaving is None else replace(judged, leaving=leaving)


def _proven(valid: ValidEvent, admitted: Admitted) -> ValidEvent:
    return replace(valid, proof=admitted.proof) if admitted.proof else valid


def _rejected(decoded: Decoded, refusal: Refusal) -> Item:
    return Item(decoded.index, decoded.text("id"), decoded.text("source"), Verdict.REJECTED, refusal=refusal)


def _answer(
    item: TranslatedItem, said: Verdict, refusal: Refusal | None = None, warnings: Sequence[Fault] = ()
) -> Item:
    event = item.event or {}
    id_, source = (name if isinstance(name := event.get(member), str) else "" for member in ("id", "source"))
    return Item(item.index, id_ or item.id, source, said, None, refusal, warnings, item.place)
