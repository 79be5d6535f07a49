"""The work on one job: its document is opened, and its items are judged and accepted stretch by stretch."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice

import orjson
from msgspec.structs import replace

from hub.core.errors import Refusal, StorageUnavailable
from hub.core.evidence import Admitted, Item, Mode, Principal, Verdict
from hub.core.registry import Snapshot
from hub.core.settings import DocumentsSettings, IntakeSettings
from hub.intake.archive import Archive, Holding
from hub.intake.documents import KEPT, agreed, worth_keeping
from hub.intake.judging import Judged
from hub.intake.pipeline import Answer, Pipeline
from hub.intake.results import results, shortened
from hub.intake.translate import open_translation
from hub.intake.versions import Versions
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.jobs import Job, JobKind, JobState, Results
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from schemas.translate.item import Context, Translation
from schemas.translate.item import Item as TranslatedItem

Store = Callable[[Job, Results], Awaitable[None]]

FAMILIES = {
    JobKind.CAPTURE: frozenset({"epcis"}),
    JobKind.TABLE: frozenset({"tabular"}),
    JobKind.INTERCHANGE: frozenset({"edifact"}),
}
REVISION = "revision"
"""Name of the parameter that says which revision of the mapping profile a document of EDIFACT is read by: after a crash
its items are the same ones."""
ROLLBACK = "rollback"
"""Value of the parameter `behaviour`: all of the document is accepted or nothing."""
_ITEMS_BETWEEN_PAUSES = 50
_UNSETTLED = frozenset({Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED})


class Stretches:
    def __init__(
        self,
        *,
        pipeline: Pipeline,
        blobs: BlobStore,
        archive: Archive,
        versions: Versions,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        bounds: IntakeSettings,
        settings: DocumentsSettings,
    ) -> None:
        self._pipeline = pipeline
        self._blobs = blobs
        self._archive = archive
        self._versions = versions
        self._snapshot = snapshot
        self._clock = clock
        self._bounds = bounds
        self._settings = settings

    async def judge(self, job: Job, store: Store) -> Job:
        """Work on a job behind what is done of it; every stretch is handed to `store`, with the job as it is after it.

        Returns the job, done or failed, to be stored as that. Raises HubError where it has to be tried again.
        """
        admitted = self._admitted(job)
        if isinstance(admitted, Refusal):
            return _failed(job, admitted)
        opened = await self._open(job, admitted.principal)
        if isinstance(opened, Refusal):
            if not job.done:
                job = replace(job, done=1)
                await store(job, results(0, [Item(0, "", "", Verdict.REJECTED, refusal=opened)]))
            return _failed(job, opened)
        job = replace(job, format=opened.format)
        if job.kind is JobKind.TABLE:
            await self._versions.followed(job)
        items = iter(opened.items)
        async with AsyncExitStack() as keeping:
            held: Holding | None = None
            await self._pass_over(items, job.done)
            while stretch := await self._next_of(job, items):
                judged = await self._judged(job, admitted, opened, stretch)
                if held is None and worth_keeping(judged):
                    held = await keeping.enter_async_context(self._holding(job))
                answer = await self._pipeline.accept(admitted, judged)
                if held is not None:
                    held.wanted |= any(item.verdict in KEPT for item in answer.items)
                job, stored = _with(job, answer, self._settings.job_faults_bytes_max)
                await store(job, stored)
        return replace(job, state=JobState.DONE)

    def _admitted(self, job: Job) -> Admitted | Refusal:
        """The coarse answer once more: the job may have waited. Decided as of the moment it was stored."""
        snapshot = self._snapshot()
        partner, system = snapshot.partners.get(job.partner), snapshot.systems.get(job.system)
        if partner is None or system is None:
            return Refusal("UNAUTHENTICATED")
        agent = snapshot.partners.get(system.partner) if system.partner != partner.id else None
        principal = Principal(partner, system, job.key_id, frozenset(system.scopes), 0, agent)
        atomic = job.parameters.get("behaviour") == ROLLBACK
        admitted = self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=atomic)
        if isinstance(admitted, Refusal):
            if admitted.row.retryable:
                raise StorageUnavailable(f"nothing is decided now: {admitted.code}")
            return admitted
        return replace(admitted, now_us=job.stored_us)

    async def _open(self, job: Job, principal: Principal) -> Translation | Refusal:
        document = await read_blob(self._blobs, BlobKey(job.partner, job.id))
        context = Context(
            source=job.parameters.get("source"),
            event_type=job.parameters.get("type"),
            items_max=self._items_max(job),
        )
        revision = int(job.parameters.get(REVISION, 0))
        context = agreed(context, principal.partner, self._snapshot(), revision)
        # On a thread, so that others are answered meanwhile.
        return await asyncio.to_thread(open_translation, document, job.media_type, context, families=FAMILIES[job.kind])

    def _items_max(self, job: Job) -> int:
        if job.kind is JobKind.TABLE:
            return self._settings.table_rows_max
        if job.kind is JobKind.INTERCHANGE:
            return self._settings.interchange_events_max
        return capture_events_max(job.parameters.get("behaviour", ROLLBACK), self._bounds, self._settings)

    async def _pass_over(self, items: Iterator[TranslatedItem], count: int) -> None:
        """Leave out what is done, with pauses."""
        for start in range(0, count, _ITEMS_BETWEEN_PAUSES):
            deque(islice(items, min(_ITEMS_BETWEEN_PAUSES, count - start)), maxlen=0)
            await self._clock.sleep(0)

    async def _next_of(self, job: Job, items: Iterator[TranslatedItem]) -> Sequence[TranslatedItem]:
        stretch: list[TranslatedItem] = []
        while len(stretch) < self._bounds.batch_events_max and (
            more := list(islice(items, min(_ITEMS_BETWEEN_PAUSES, self._bounds.batch_events_max - len(stretch))))
        ):
            stretch += more
            await self._clock.sleep(0)
        return await self._versions.settle(job, stretch) if job.kind is JobKind.TABLE and stretch else stretch

    async def _judged(
        self, job: Job, admitted: Admitted, translation: Translation, stretch: Sequence[TranslatedItem]
    ) -> list[Judged]:
        judging = self._pipeline.judging
        judged = (judging.translated(admitted, job.digest, translation, item) for item in stretch)
        return await self._pipeline.judge_all(judged, large=False)

    @asynccontextmanager
    async def _holding(self, job: Job) -> AsyncIterator[Holding]:
        async def store(key: BlobKey) -> bool:
            return await self._blobs.copy(BlobKey(job.partner, job.id), key)

        async with self._archive.holding(job.partner, job.digest, store) as held:
            held.wanted |= any(job.counts.get(verdict, 0) for verdict in KEPT)
            yield held


def capture_events_max(behaviour: str, bounds: IntakeSettings, settings: DocumentsSettings) -> int:
    """What is taken whole or not at all is one batch; what is to proceed is taken stretch by stretch."""
    return bounds.batch_events_max if behaviour == ROLLBACK else settings.capture_events_max


def rest_of(job: Job) -> Results:
    """What is said of all items behind those that are judged, as one item: how many there are nobody knows."""
    refusal = Refusal("NOT_ATTEMPTED", f"item {job.done + 1} and all behind it")
    return results(job.done, [Item(job.done, "", "", Verdict.NOT_ATTEMPTED, refusal=refusal)])


def _with(job: Job, answer: Answer, faults_bytes_max: int) -> tuple[Job, Results]:
    """The job behind a stretch. Raises StorageUnavailable while it cannot be told what became of one of its items."""
    if not answer.refused_whole and any(item.verdict in _UNSETTLED for item in answer.items):
        raise StorageUnavailable("a stretch was not stored, or not for certain")
    settled = [_of(job, item) for item in answer.items]
    items, used = shortened(settled, used=job.faults_bytes, bytes_max=faults_bytes_max)
    counts = Counter(job.counts) + Counter(item.verdict.value for item in items)
    after = replace(job, done=job.done + len(items), counts=dict(counts), faults_bytes=used)
    return after, results(job.done, items)


def _of(job: Job, item: Item) -> Item:
    """The item as the job's results keep it. What was accepted before a crash, by this very job, was accepted."""
    verdict = item.verdict
    if verdict is Verdict.DUPLICATE and item.receipt is not None:
        statement = orjson.loads(item.receipt.statement)
        ours = statement["received"] == utc_text(job.stored_us) and statement["raw_sha256"] == job.digest.hex()
        verdict = Verdict.ACCEPTED if ours else verdict
    return replace(item, verdict=verdict, receipt=None)


def _failed(job: Job, refusal: Refusal) -> Job:
    return replace(job, state=JobState.FAILED, code=refusal.code, detail=refusal.detail)
