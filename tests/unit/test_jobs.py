"""Jobs over kills, stops and crashes: who is blamed for what, what runs alone, and what is left behind in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from hub.core.evidence import Verdict
from hub.core.settings import DocumentsSettings
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.jobs import MemoryJobs
from hub.drivers.system.entropy import SystemEntropy
from hub.intake.documents import in_chunks
from hub.intake.jobs import STARTS_ALONE_MAX, STARTS_MAX, JobRunner
from hub.intake.results import items_of
from hub.intake.stretches import Store
from hub.ports.blob_store import BlobKey
from hub.ports.jobs import Job, JobKind, JobState, Results
from tests.clock import ManualClock
from tests.faults.virtual import ListObserver
from tests.unit.valid_events import NOW_US


def job(id: str, partner: str = "delta", **given: Any) -> Job:  # noqa: A002
    good = {"system": "s", "key_id": "k", "kind": JobKind.CAPTURE, "media_type": "", "digest": b"d" * 32}
    return Job(id=id, partner=partner, **{**good, "stored_us": NOW_US, **given})


class Work:
    """Stands in for the judging: each start of a job stores so many stretches, and then waits, ends or breaks."""

    def __init__(self) -> None:
        self.stretches = 0
        self.waits = {"slow"}
        self.breaks = False
        self.running: set[str] = set()

    async def judge(self, job: Job, store: Store) -> Job:
        self.running.add(job.id)
        try:
            for _ in range(self.stretches):
                job = replace(job, done=job.done + 1)
                await store(job, Results(job.done - 1, 1, b""))
            if self.breaks:
                raise ZeroDivisionError
            if job.id in self.waits:
                await asyncio.Event().wait()
            return replace(job, state=JobState.DONE)
        finally:
            self.running.discard(job.id)


class World:
    """One process after the other over the same stores."""

    def __init__(self) -> None:
        self.clock, self.observer, self.work = ManualClock(NOW_US), ListObserver(), Work()
        self.jobs, self.blobs = MemoryJobs(), MemoryBlobStore(self.clock)

    async def add(self, *jobs: Job) -> None:
        for each in jobs:
            await self.jobs.add(each)
            await self.blobs.put(BlobKey(each.partner, each.id), in_chunks(b"x"))

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        runner = JobRunner(
            self.work,  # type: ignore[arg-type]
            jobs=self.jobs,
            blobs=self.blobs,
            clock=self.clock,
            entropy=SystemEntropy(),
            observer=self.observer,
            settings=DocumentsSettings(),
        )
        task = asyncio.create_task(runner.run())
        for _ in range(50):
            await asyncio.sleep(0)
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stopped(self, times: int) -> None:
        for _ in range(times):
            async with self.process():
                pass

    async def killed(self, times: int = 1) -> None:
        """Whatever a stop would still store is lost."""
        for _ in range(times):
            async with self.process():
                stored = dict(self.jobs._jobs)
            self.jobs._jobs = stored

    async def state(self, id: str, partner: str = "delta") -> JobState:  # noqa: A002
        found = await self.jobs.get(partner, id)
        assert found is not None
        return found.state


async def test_a_job_that_brings_something_at_every_start_is_never_given_up() -> None:
    world = World()
    await world.add(job("slow"))
    world.work.stretches = 1

    await world.killed(5 * STARTS_MAX)

    found = await world.jobs.get("delta", "slow")
    assert found is not None
    assert (found.state, found.done) == (JobState.RUNNING, 5 * STARTS_MAX)


async def test_an_orderly_stop_is_not_held_against_a_job_however_often_it_comes() -> None:
    world = World()
    await world.add(job("slow"))

    await world.stopped(3 * (STARTS_MAX + STARTS_ALONE_MAX))
    world.work.waits.clear()
    await world.stopped(1)

    assert await world.state("slow") is JobState.DONE


async def test_a_job_that_may_end_processes_runs_alone_and_behind_all_others() -> None:
    world = World()
    await world.add(job("slow", stored_us=1), job("other", "acme"))
    world.work.waits.add("other")
    await world.killed(STARTS_MAX)
    await world.add(job("young", "young"))
    world.work.waits.add("young")

    async with world.process():
        assert world.work.running == {"young"}
    world.work.waits.remove("young")
    async with world.process():
        assert world.work.running == {"slow"}
        assert await world.state("young", "young") is JobState.DONE


async def test_a_job_that_fell_with_another_is_not_blamed_for_it() -> None:
    world = World()
    await world.add(job("slow", stored_us=1), job("other", "acme"))
    world.work.waits.add("other")
    await world.killed(STARTS_MAX)
    world.work.waits.remove("other")

    await world.killed(STARTS_ALONE_MAX + 1)

    assert await world.state("slow") is JobState.FAILED
    assert await world.state("other", "acme") is JobState.DONE


async def test_what_runs_alone_is_cleared_by_the_first_stretch_that_it_brings() -> None:
    world = World()
    await world.add(job("slow", stored_us=1))
    await world.killed(STARTS_MAX)
    world.work.stretches = 1

    async with world.process():
        assert world.work.running == {"slow"}
    found = await world.jobs.get("delta", "slow")

    assert found is not None
    assert found.starts == 0


async def test_of_a_job_that_is_given_up_the_rest_is_named_and_the_document_kept() -> None:
    world = World()
    await world.add(job("bad"))
    world.work.stretches, world.work.breaks = 2, True

    await world.stopped(1)

    found = await world.jobs.get("delta", "bad")
    assert found is not None
    assert (found.state, found.code, found.done) == (JobState.FAILED, "INTERNAL", 2)
    [rest] = await world.jobs.results("bad", start=2, limit=9)
    assert [(item.index, item.verdict) for item in items_of(rest)] == [(2, Verdict.NOT_ATTEMPTED)]
    assert BlobKey("delta", "bad") in world.blobs._blobs


async def test_the_document_of_a_capture_goes_with_its_end_also_over_a_crash_between_the_two() -> None:
    world = World()
    await world.add(job("whole"), job("half", "acme", state=JobState.DONE))

    await world.stopped(1)

    assert world.blobs._blobs == {}
    assert await world.jobs.unfinished() == []
