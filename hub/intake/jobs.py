"""Jobs: documents that are judged after their sender was answered, to the end, also over a crash.

Theory of operation. A document lies in the blob store under the id of its job, and the job in its own store, before its
sender is answered 202. One job of a partner is worked on at a time, in the order they came, so that a later upload
sees what an earlier one brought. A job is judged as of the moment it was stored, in stretches; the verdicts of a
stretch are stored with the job's progress. After a crash it goes on behind the last stretch stored: what of the next
one is in the log already is known by its receipt, which names that same moment, and counts as accepted by this job.
Where storage is away it is tried again; what nobody foresaw fails one job, and the others go on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Mapping

from msgspec.structs import replace

from hub.core.errors import BlobMissing, HubError, Refusal, StorageFull, place_of
from hub.core.evidence import Principal
from hub.core.settings import DocumentsSettings
from hub.intake.stretches import Store, Stretches
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs, JobState, Results
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy

RETRY_SECONDS = 1.0
STARTS_MAX = 5
"""A job at whose hands so many processes ended is given up: it would end the next one too."""


class JobRunner:
    """All jobs of this process; `run` owns the work on them."""

    def __init__(
        self,
        stretches: Stretches,
        *,
        jobs: Jobs,
        blobs: BlobStore,
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        settings: DocumentsSettings,
    ) -> None:
        self._stretches = stretches
        self._jobs, self._blobs = jobs, blobs
        self._clock, self._entropy, self._observer = clock, entropy, observer
        self._settings = settings
        self._waiting: dict[str, Job] = {}
        """By id, in the order they came."""
        self._busy: set[str] = set()
        """Partners of which a job is worked on."""
        self._unfinished: Counter[str] = Counter()
        """Jobs and uploads of each partner."""
        self._ended: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Go on with what an earlier process left, then work until cancelled."""
        for job in await self._left_over():
            self._enqueue(job)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._settings.jobs_running_max):
                tasks.create_task(self._work())

    async def take(
        self,
        principal: Principal,
        kind: JobKind,
        media_type: str,
        parameters: Mapping[str, str],
        document: AsyncIterable[bytes],
    ) -> Job | Refusal:
        """Store a document as it comes, and the job to judge it. Both survive before this returns.

        Raises StorageFull and StorageUnavailable, and whatever `document` raises.
        """
        partner = principal.partner.id
        if self._unfinished[partner] >= self._settings.jobs_per_partner_max:
            return Refusal("TOO_MANY_REQUESTS", f"at most {self._settings.jobs_per_partner_max} documents at a time")
        self._unfinished[partner] += 1
        try:
            key = BlobKey(partner, f"{self._clock.now_us():015x}-{self._entropy.bytes(8).hex()}")
            stored = await self._blobs.put(key, document)
            job = Job(
                id=key.name,
                partner=partner,
                system=principal.system.id,
                key_id=principal.key_id,
                kind=kind,
                media_type=media_type,
                parameters=parameters,
                digest=stored.digest,
                stored_us=self._clock.now_us(),
            )
            try:
                await self._jobs.add(job)
            except StorageFull:
                await self._blobs.delete(key)  # After any other error the job may be there, and need its document.
                raise
            self._enqueue(job)
        finally:
            self._unfinished[partner] -= 1
        return job

    async def settled(self, job: Job, *, seconds: float) -> Job:
        """The job as it is once it has ended, or after `seconds`."""
        if (ended := self._ended.get(job.id)) is not None:
            try:
                async with self._clock.deadline(seconds):
                    await ended.wait()
            except TimeoutError:
                pass
        return await self._jobs.get(job.partner, job.id) or job

    def _enqueue(self, job: Job) -> None:
        self._waiting[job.id] = job
        self._ended[job.id] = asyncio.Event()
        self._unfinished[job.partner] += 1
        self._changed.set()

    async def _left_over(self) -> list[Job]:
        while True:
            try:
                return list(await self._jobs.unfinished())
            except HubError as e:
                self._observer.event("jobs_not_read", error=str(e))
                await self._clock.sleep(RETRY_SECONDS)

    async def _work(self) -> None:
        while True:
            job = next((job for job in self._waiting.values() if job.partner not in self._busy), None)
            if job is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            del self._waiting[job.id]
            self._busy.add(job.partner)
            started = self._clock.monotonic()
            ended = await self._end(job)
            self._observer.count("jobs", kind=job.kind.value, outcome=ended.state.value)
            self._observer.observe("job_seconds", self._clock.monotonic() - started, kind=job.kind.value)
            self._busy.discard(job.partner)
            self._unfinished[job.partner] -= 1
            self._unfinished += Counter()  # Drops what has come to zero.
            self._ended.pop(job.id).set()
            self._changed.set()

    async def _end(self, job: Job) -> Job:
        """Work on one job until it has ended and that is stored."""
        progress = replace(job, state=JobState.RUNNING, starts=job.starts + 1)

        async def store(after: Job, results: Results | None = None) -> None:
            nonlocal progress
            await self._jobs.store(after, results)
            progress = after

        while True:
            try:
                await store(progress)
                ended = await self._outcome(progress, store)
                ended = replace(ended, finished_us=self._clock.now_us())
                await store(ended)
                if job.kind is JobKind.CAPTURE:  # A table is marked for its sender as long as its results are kept.
                    await self._blobs.delete(BlobKey(job.partner, job.id))
                return ended
            except HubError as e:
                if progress.state.finished:
                    return progress
                self._observer.event("job_tried_again", kind=job.kind.value, error=str(e))
                await self._clock.sleep(RETRY_SECONDS)

    async def _outcome(self, job: Job, store: Store) -> Job:
        if job.starts > STARTS_MAX:
            return self._given_up(job, "too many processes ended while at work on it")
        try:
            return await self._stretches.judge(job, store)
        except BlobMissing as e:
            return self._given_up(job, place_of(e))
        except HubError:
            raise
        except Exception as e:  # noqa: BLE001 - one document that nobody foresaw must not stop those of all others
            return self._given_up(job, place_of(e))

    def _given_up(self, job: Job, why: str) -> Job:
        self._observer.count("alarms", alarm="job_failed")
        self._observer.event("alarm.job_failed", job=job.id, kind=job.kind.value, error=why)
        return replace(job, state=JobState.FAILED, code="INTERNAL")
