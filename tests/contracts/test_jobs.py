"""What every store of jobs promises. No test here asks which driver it has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.ports.jobs import Job, JobKind, Jobs, JobState, Results
from tests.contracts.document_grounds import DURABLE_JOB_GROUNDS, JOB_GROUNDS
from tests.contracts.grounds import marked


def job(id: str = "j1", **given: Any) -> Job:  # noqa: A002
    good = {"partner": "delta", "system": "delta.sys", "key_id": "k", "kind": JobKind.TABLE, "media_type": "text/csv"}
    return Job(id=id, **{**good, "digest": b"d" * 32, "stored_us": 1, "parameters": {"source": "s"}, **given})


def finished(at_us: int, id: str = "j1", **given: Any) -> Job:  # noqa: A002
    return job(id, state=JobState.DONE, finished_us=at_us, **given)


@pytest.fixture(params=marked(JOB_GROUNDS))
async def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Jobs]:
    async with JOB_GROUNDS[request.param](tmp_path) as opened:
        yield opened


async def test_a_job_comes_back_as_it_was_added(jobs: Jobs) -> None:
    await jobs.add(job())

    assert await jobs.get("delta", "j1") == job()
    assert await jobs.get("delta", "j2") is None


async def test_a_job_is_shown_to_its_partner_alone(jobs: Jobs) -> None:
    await jobs.add(job())

    assert await jobs.get("acme", "j1") is None
    assert await jobs.page("acme", JobKind.TABLE, before=None, limit=10) == []


async def test_pages_go_from_the_newest_on_by_kind_without_gaps(jobs: Jobs) -> None:
    for number, stored_us in enumerate([5, 5, 7, 9]):
        await jobs.add(job(f"j{number}", stored_us=stored_us))
    await jobs.add(job("capture", stored_us=8, kind=JobKind.CAPTURE))

    first = await jobs.page("delta", JobKind.TABLE, before=None, limit=3)
    rest = await jobs.page("delta", JobKind.TABLE, before=(first[-1].stored_us, first[-1].id), limit=3)

    assert [each.id for each in (*first, *rest)] == ["j3", "j2", "j1", "j0"]


async def test_unfinished_jobs_are_those_of_all_partners_oldest_first(jobs: Jobs) -> None:
    await jobs.add(job("new", stored_us=3, state=JobState.RUNNING))
    await jobs.add(job("old", stored_us=2, partner="acme"))
    await jobs.add(finished(4, "done"))
    await jobs.add(job("failed", state=JobState.FAILED, finished_us=4))

    assert [each.id for each in await jobs.unfinished()] == ["old", "new"]


async def test_a_job_that_ended_is_unfinished_until_nothing_is_left_to_do_for_it(jobs: Jobs) -> None:
    ended = job(state=JobState.DONE)
    await jobs.add(ended)

    assert await jobs.unfinished() == [ended]
    assert await jobs.purge(before_us=99, kept_max=0) == []


async def test_a_job_is_stored_with_the_results_that_it_counts(jobs: Jobs) -> None:
    await jobs.add(job())

    await jobs.store(job(done=2), Results(0, 2, b"two"))
    await jobs.store(job(done=5), Results(2, 3, b"three"))

    assert (await jobs.get("delta", "j1")) == job(done=5)
    assert await jobs.results("j1", start=0, limit=9) == [Results(0, 2, b"two"), Results(2, 3, b"three")]


async def test_results_that_are_stored_again_are_there_once(jobs: Jobs) -> None:
    await jobs.add(job())

    for body in (b"first", b"again"):
        await jobs.store(job(done=2), Results(0, 2, body))

    assert await jobs.results("j1", start=0, limit=9) == [Results(0, 2, b"again")]


@pytest.mark.parametrize(
    ("start", "limit", "bodies"), [(0, 2, [b"a"]), (1, 2, [b"a", b"b"]), (2, 1, [b"b"]), (4, 9, []), (0, 0, [])]
)
async def test_results_are_those_that_hold_the_items_asked_for(
    jobs: Jobs, start: int, limit: int, bodies: list[bytes]
) -> None:
    await jobs.add(job())
    await jobs.store(job(done=2), Results(0, 2, b"a"))
    await jobs.store(job(done=4), Results(2, 2, b"b"))

    assert [each.body for each in await jobs.results("j1", start=start, limit=limit)] == bodies


async def test_nothing_is_stored_of_a_job_that_is_not_there(jobs: Jobs) -> None:
    await jobs.store(job(), Results(0, 1, b"x"))

    assert await jobs.get("delta", "j1") is None
    assert await jobs.results("j1", start=0, limit=9) == []


async def test_purging_forgets_old_finished_jobs_with_their_results_and_returns_them(jobs: Jobs) -> None:
    await jobs.add(job("waiting"))
    await jobs.add(job("old"))
    await jobs.store(finished(10, "old"), Results(0, 1, b"x"))
    await jobs.add(finished(20, "young"))

    gone = await jobs.purge(before_us=20, kept_max=9)

    assert [each.id for each in gone] == ["old"]
    assert await jobs.get("delta", "old") is None
    assert await jobs.results("old", start=0, limit=9) == []
    assert await jobs.get("delta", "young")
    assert await jobs.get("delta", "waiting")


async def test_purging_keeps_the_newest_finished_jobs_of_each_partner(jobs: Jobs) -> None:
    for partner in ("delta", "acme"):
        for number in range(3):
            await jobs.add(finished(number, f"{partner}-{number}", partner=partner))
        await jobs.add(job(f"{partner}-waiting", partner=partner))

    gone = await jobs.purge(before_us=0, kept_max=2)

    assert sorted(each.id for each in gone) == ["acme-0", "delta-0"]
    assert len(await jobs.unfinished()) == 2


@pytest.mark.parametrize("name", DURABLE_JOB_GROUNDS)
async def test_jobs_and_results_stay_over_a_restart(name: str, tmp_path: Path) -> None:
    async with JOB_GROUNDS[name](tmp_path) as jobs:
        await jobs.add(job())
        await jobs.store(replace(job(), state=JobState.RUNNING, done=1), Results(0, 1, b"x"))

    async with JOB_GROUNDS[name](tmp_path) as jobs:
        assert await jobs.unfinished() == [replace(job(), state=JobState.RUNNING, done=1)]
        assert await jobs.results("j1", start=0, limit=1) == [Results(0, 1, b"x")]
