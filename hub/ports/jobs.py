"""Jobs: documents that are judged after their sender has gone, and what became of each of their items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class JobKind(StrEnum):
    CAPTURE = "capture"
    """An EPCIS document (EPCIS 2.0 REST, `/capture`)."""
    TABLE = "table"
    INTERCHANGE = "interchange"
    """A document of UN/EDIFACT: one interchange or several."""


class JobState(StrEnum):
    WAITING = "waiting"
    """Stored, and nothing of it is judged yet."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It cannot be judged, or not to its end: `code` says why."""

    @property
    def finished(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED)


class Job(Struct, frozen=True, kw_only=True):
    """One document that a partner sent, and how far it has come."""

    id: str
    """`[a-z0-9-]{1,64}`, made by the hub; its document is the partner's blob of this name."""
    partner: str
    """Whose events are in it."""
    system: str
    """That sent it: one of the partner's, or of its agent's."""
    key_id: str
    """Of the credential it was sent with: what is decided later is decided for that key."""
    kind: JobKind
    media_type: str
    parameters: Mapping[str, str] = {}
    digest: bytes
    """SHA-256 of the document."""
    stored_us: int
    """When it was stored, microseconds since 1970: all of it is judged as of then."""
    state: JobState = JobState.WAITING
    starts: int = 0
    """How often in a row a process began to work on it, brought nothing more, and did not stop in order."""
    format: str = ""
    """What its translator calls it (`schemas/formats/translated.md`), once it could be opened."""
    done: int = 0
    """Items whose verdict is in the results; they are the first ones of the document."""
    counts: Mapping[str, int] = {}
    """Verdicts so far, by name."""
    faults_bytes: int = 0
    """Of the faults in the results; at the bound, no more are kept."""
    code: str = ""
    detail: str = ""
    finished_us: int | None = None
    """When nothing was left to do for it: behind its end, if its document goes with that."""

    @property
    def sender(self) -> str:
        """The partner that sent it."""
        return self.system.partition(".")[0]


class Results(Struct, frozen=True):
    """What became of some items in a row, as the stage wrote it: opaque to every driver."""

    first: int
    """The index of the first item."""
    count: int
    body: bytes


class Jobs(Protocol):
    """MUST keep its promises over a SIGKILL and over the loss of power."""

    async def add(self, job: Job) -> None:
        """Remember a new job. MUST NOT return before it survives. Raises StorageFull and StorageUnavailable."""

    async def get(self, partner: str, id: str) -> Job | None:  # noqa: A002
        """The job, if it is this partner's."""

    async def page(self, partner: str, kind: JobKind, *, before: tuple[int, str] | None, limit: int) -> Sequence[Job]:
        """The partner's jobs of a kind, newest first by (`stored_us`, `id`); those below `before` only."""

    async def unfinished(self) -> Sequence[Job]:
        """Every job without `finished_us`, of all partners, oldest first."""

    async def store(self, job: Job, results: Results | None = None) -> None:
        """Put the job in place of the one of its id, with results of its items behind those that it has.

        MUST put results in place of those that begin at the same item: a caller that was not told stores them again.
        MUST store both or neither, and not return before they survive. MUST do nothing if there is no such job.
        """

    async def results(self, id: str, *, start: int, limit: int) -> Sequence[Results]:  # noqa: A002
        """The results that items from `start` to before `start + limit` are in, in order."""

    async def purge(self, *, before_us: int, kept_max: int) -> Sequence[Job]:
        """Forget jobs that finished before `before_us`, and beyond the `kept_max` newest finished ones of a partner.

        Returns them, so that what belongs to them can go as well. MUST NOT forget one that is not finished.
        """
