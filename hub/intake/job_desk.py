"""Documents that are judged after their sender was answered, as they are taken in: each is stored, and then its job.

In every worker of a hub such documents come in; one of them runs the jobs (`JobRunner`), whoever took them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterable, Mapping

from hub.core.errors import Refusal, StorageFull
from hub.core.evidence import Principal
from hub.core.settings import DocumentsSettings
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs
from hub.ports.system import Clock, Entropy

SETTLED_POLL_SECONDS = 0.1


class JobDesk:
    """Takes documents whose jobs another worker runs."""

    def __init__(
        self, *, jobs: Jobs, blobs: BlobStore, clock: Clock, entropy: Entropy, settings: DocumentsSettings
    ) -> None:
        self._jobs, self._blobs = jobs, blobs
        self._clock, self._entropy = clock, entropy
        self._settings = settings
        self._uploads: Counter[str] = Counter()
        """Under way, of each partner."""

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
        partner, most = principal.partner.id, self._settings.jobs_per_partner_max
        self._uploads[partner] += 1
        try:
            if self._uploads[partner] + await self._unfinished_of(partner) > most:
                return Refusal("TOO_MANY_REQUESTS", f"at most {most} documents at a time")
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
            self._added(job)
        finally:
            self._uploads[partner] -= 1
            self._uploads += Counter()  # Drops what has come to zero.
        return job

    async def settled(self, job: Job, *, seconds: float) -> Job:
        """The job as it is once it has ended, or after `seconds`."""
        ends = self._clock.monotonic() + seconds
        while True:
            job = await self._jobs.get(job.partner, job.id) or job
            if job.finished_us is not None or self._clock.monotonic() >= ends:
                return job
            await self._clock.sleep(SETTLED_POLL_SECONDS)

    async def _unfinished_of(self, partner: str) -> int:
        return sum(job.partner == partner for job in await self._jobs.unfinished())

    def _added(self, job: Job) -> None:
        """A job was stored."""
