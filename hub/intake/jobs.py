"""Jobs: documents that are judged after their sender was answered, to the end, also over a crash.

Theory of operation. A document lies in the blob store under the id of its job, and the job in its own store, before its
sender is answered 202. One job of a partner is worked on at a time, in the order they came, so that a later upload
sees what an earlier one brought. A job is judged as of the moment it was stored, in stretches; the verdicts of a
stretch are stored with the job's progress. After a crash it goes on behind the last stretch stored: what of the next
one is in the log already is known by its receipt, which names that same moment, and counts as accepted by this job.
Where storage is away it is tried again; what nobody foresaw fails one job, and the others go on.

A document that ends the process that works on it would do so for ever. Starts in a row behind which nothing more was
stored are counted; one that an orderly stop ended is not. A job that has too many waits for all others, and runs alone
until it has brought something: so it takes none of them down, and others that fell with it are cleared. Only one that
ends the process alone as well, again and again, is failed, and the rest of its items are named as not attempted.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec.structs import replace

from hub.core.errors import BlobMissing, HubError, place_of
from hub.core.settings import DocumentsSettings
from hub.intake.job_desk import JobDesk
from hub.intake.stretches import Stretches, rest_of
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs, JobState, Results
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy

RETRY_SECONDS = 1.0
LOOK_SECONDS = 0.25
GIVEN_UP = "INTERNAL"
"""The code of a job that was not judged to its end."""
REST = "what is left of it was not attempted: send it again; what was accepted is a repeat then, and shown once"
STARTS_MAX = 5
"""A job that was begun so often in a row, beside others, and brought nothing runs alone from then on."""
STARTS_ALONE_MAX = 5
"""One that was then begun alone so often, and brought nothing, is given up: it would end the next process too."""


class JobRunner(JobDesk):
    """All jobs of a hub; `run` owns the work on them."""

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
        shared: bool = False,
    ) -> None:
        """`shared`: other workers store jobs as well, which are looked for."""
        super().__init__(jobs=jobs, blobs=blobs, clock=clock, entropy=entropy, settings=settings)
        self._stretches = stretches
        self._observer = observer
        self._shared = shared
        self._waiting: dict[str, Job] = {}
        """By id, in the order they came."""
        self._busy: set[str] = set()
        """Partners of which a job is worked on."""
        self._alone = False
        """Whether the one job that is worked on runs alone."""
        self._unfinished: Counter[str] = Counter()
        """Jobs of each partner."""
        self._ended: dict[str, asyncio.Event] = {}
        self._own: set[str] = set()
        """Stored by this worker since it last looked for those of others."""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Go on with what an earlier process left, then work until cancelled."""
        for job in await self._left_over():
            self._enqueue(job)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._settings.jobs_running_max):
                tasks.create_task(self._work())
            if self._shared:
                tasks.create_task(self._look())

    async def settled(self, job: Job, *, seconds: float) -> Job:
        """The job as it is once it has ended, or after `seconds`."""
        if (ended := self._ended.get(job.id)) is not None:
            try:
                async with self._clock.deadline(seconds):
                    await ended.wait()
            except TimeoutError:
                pass
        return await self._jobs.get(job.partner, job.id) or job

    async def _unfinished_of(self, partner: str) -> int:
        return self._unfinished[partner]

    def _added(self, job: Job) -> None:
        if self._shared:
            self._own.add(job.id)
        self._enqueue(job)

    async def _look(self) -> None:
        """Take up what other workers stored. What this one works on, or began to while it looked, it knows of."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self._own.clear()
            known = set(self._ended)
            for job in await self._left_over():
                if job.id not in known and job.id not in self._own:
                    self._enqueue(job)

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
            job = self._next()
            if job is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            del self._waiting[job.id]
            self._busy.add(job.partner)
            self._alone = _is_suspect(job)
            started = self._clock.monotonic()
            ended = await self._end(job)
            self._observer.count("jobs", kind=job.kind.value, outcome=ended.state.value)
            self._observer.observe("job_seconds", self._clock.monotonic() - started, kind=job.kind.value)
            self._busy.discard(job.partner)
            self._alone = False
            self._unfinished[job.partner] -= 1
            self._unfinished += Counter()  # Drops what has come to zero.
            self._ended.pop(job.id).set()
            self._changed.set()

    def _next(self) -> Job | None:
        """The oldest job that may be begun: the first of its partner, and one under suspicion behind all others."""
        first: dict[str, Job] = {}
        for job in self._waiting.values():
            first.setdefault(job.partner, job)
        free = [job for partner, job in first.items() if partner not in self._busy and not self._alone]
        sound = next((job for job in free if not _is_suspect(job)), None)
        return sound if sound or self._busy else next(iter(free), None)

    def _cleared(self) -> None:
        """What runs alone has not ended the process: others may run beside it."""
        self._alone = False
        self._changed.set()

    async def _end(self, job: Job) -> Job:
        """Work on one job until it has ended, that is stored, and nothing is left to do for it."""
        at = _Progress(self._jobs, job)
        if not job.state.finished:
            at.job = replace(job, state=JobState.RUNNING, starts=job.starts + 1)
        while True:
            try:
                if not at.job.state.finished:
                    await at.store(at.job)
                    await self._judge(at)
                if _is_to_go(at.job):
                    await self._blobs.delete(BlobKey(job.partner, job.id))
                if at.job.finished_us is None:
                    await at.store(replace(at.job, finished_us=self._clock.now_us()))
                return at.job
            except HubError as e:
                self._cleared()
                self._observer.event("job_tried_again", kind=job.kind.value, error=str(e))
                await self._clock.sleep(RETRY_SECONDS)
            except asyncio.CancelledError:
                await self._stopped(job)
                raise

    async def _judge(self, at: _Progress) -> None:
        """Bring a job to its end, and store that."""
        ended, rest = await self._outcome(at), None
        if ended.code == GIVEN_UP:
            rest = rest_of(ended)
        if not _is_to_go(ended):
            ended = replace(ended, finished_us=self._clock.now_us())
        await at.store(ended, rest)

    async def _outcome(self, at: _Progress) -> Job:
        if at.job.starts > STARTS_MAX + STARTS_ALONE_MAX:
            return self._given_up(at.job, "too many processes ended while at work on it")

        async def store(after: Job, results: Results) -> None:
            await at.store(replace(after, starts=0), results)
            self._cleared()

        try:
            return await self._stretches.judge(at.job, store)
        except BlobMissing as e:
            return self._given_up(at.job, place_of(e))
        except HubError:
            raise
        except Exception as e:  # noqa: BLE001 - one document that nobody foresaw must not stop those of all others
            return self._given_up(at.job, place_of(e))

    async def _stopped(self, job: Job) -> None:
        """An orderly stop: this start is not held against the job."""
        try:  # Read again: what was being stored may be stored by now.
            now = await self._jobs.get(job.partner, job.id)
            if now is not None and now.starts:
                await self._jobs.store(replace(now, starts=now.starts - 1))
        except HubError as e:
            self._observer.event("job_stop_not_stored", kind=job.kind.value, error=str(e))

    def _given_up(self, job: Job, why: str) -> Job:
        self._observer.count("alarms", alarm="job_failed")
        self._observer.event("alarm.job_failed", job=job.id, kind=job.kind.value, error=why)
        return replace(job, state=JobState.FAILED, code=GIVEN_UP, detail=REST)


class _Progress:
    """A job as it is stored."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self._jobs = jobs
        self.job = job

    async def store(self, after: Job, results: Results | None = None) -> None:
        await self._jobs.store(after, results)
        self.job = after


def _is_suspect(job: Job) -> bool:
    """Whether it may be what ended the processes that worked on it."""
    return not job.state.finished and job.starts >= STARTS_MAX


def _is_to_go(job: Job) -> bool:
    """Whether its document goes with its end. A table is marked for its sender, and EDIFACT answered in EDIFACT, as
    long as the results are kept; of a job that was given up the document tells why."""
    return job.kind is JobKind.CAPTURE and job.code != GIVEN_UP
