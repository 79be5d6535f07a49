"""State in PostgreSQL when the server dies, freezes, is cut off or has no room left: clean or unknown, never a lie."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from hub.core.errors import HubError, OutcomeUnknown, StorageUnavailable
from hub.core.partner import System
from hub.core.proposal import Proposal
from hub.core.record import Position
from hub.core.settings import PostgresSettings
from hub.drivers.postgres.state import PostgresState
from hub.drivers.system.clock import SystemClock
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import Lease
from tests.faults.severing import Moment, Severing, severing
from tests.postgres import PostgresCluster, running_postgres

pytestmark = pytest.mark.postgres

IMPATIENT = 0.5
KILLS = 2
NOW = 1_767_225_600
_number = count(1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """A server of this module's own, to be killed."""
    with running_postgres(tmp_path_factory.mktemp("killed")) as running:
        yield running


@pytest.fixture
def settings(cluster: PostgresCluster) -> PostgresSettings:
    made = cluster.database(f"faults_{next(_number)}")
    return PostgresSettings(url=made.url, connections_max=2, statement_seconds_max=IMPATIENT)


def opened(settings: PostgresSettings) -> PostgresState:
    return PostgresState(settings, SystemClock(), log="one", slice_seconds=1_000)


@pytest.fixture
async def state(settings: PostgresSettings) -> AsyncIterator[PostgresState]:
    async with opened(settings) as state:
        yield state


def occurrence(number: int) -> Occurrence:
    return Occurrence(b"%016d" % number, b"%032d" % number, Position(1, 0, number), NOW * 1_000_000)


def proposal(based_on: int) -> Proposal:
    return Proposal(based_on, (System(f"s{based_on}", "acme", ()),), actor="ada", act="system.add")


async def lease_of(state: PostgresState, holder: str = "a") -> Lease:
    lease = await state.positions.acquire("judge/0", holder, 60)
    assert lease is not None
    return lease


async def until_it_answers(state: PostgresState) -> None:
    while True:
        with suppress(StorageUnavailable):
            await state.registry.head()
            return
        await asyncio.sleep(0.01)


# The server dies


class Load:
    """What works on the state without pause, and what it was told is kept."""

    def __init__(self, state: PostgresState, lease: Lease) -> None:
        self._state, self._lease = state, lease
        self.judged: list[Occurrence] = []
        self.used: list[bytes] = []
        self.revisions: list[int] = []
        self.failed = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for work in (self._judge, self._use, self._write):
                tasks.create_task(self._for_ever(work))

    async def _for_ever(self, work: Callable[[int], Awaitable[None]]) -> None:
        for number in count():
            try:
                await work(number)
            except (StorageUnavailable, OutcomeUnknown):
                self.failed += 1
                await asyncio.sleep(0.01)

    async def _judge(self, number: int) -> None:
        batch = [occurrence(each) for each in range(number * 10, number * 10 + 10)]
        firsts = await self._state.occurrences.judge(self._lease, batch)
        assert list(firsts) == batch
        self.judged += batch

    async def _use(self, number: int) -> None:
        if await self._state.replay.use(b"%d" % number, expires=NOW + 60, now=NOW):
            self.used.append(b"%d" % number)

    async def _write(self, _: int) -> None:
        self.revisions.append(await self._state.registry.write(proposal(await self._state.registry.head()), time_us=1))


async def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_killed_under_load(
    cluster: PostgresCluster, state: PostgresState
) -> None:
    load = Load(state, await lease_of(state))
    chance = random.Random(1)
    running = asyncio.create_task(load.run())
    for _ in range(KILLS):
        before = len(load.revisions)
        while len(load.revisions) < before + 20:
            await asyncio.sleep(chance.random() / 100)
        await asyncio.to_thread(cluster.kill)
        await asyncio.to_thread(cluster.start)
    await until_it_answers(state)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert load.failed
    assert list(await state.occurrences.look_up([each.identity for each in load.judged])) == load.judged
    assert not any([await state.replay.use(key, expires=NOW + 60, now=NOW) for key in load.used])
    written = [version.revision for version in await state.registry.load(0)]
    assert set(load.revisions) <= set(written)
    assert written == list(range(1, await state.registry.head() + 1))
    assert len(await state.registry.audit(0, 100_000)) == len(written)


async def test_of_many_uses_of_one_key_by_two_workers_across_a_kill_at_most_one_is_good(
    cluster: PostgresCluster, settings: PostgresSettings
) -> None:
    async with opened(settings) as one, opened(settings) as other:

        async def use(state: PostgresState) -> bool:
            try:
                return await state.replay.use(b"jti", expires=NOW + 60, now=NOW)
            except StorageUnavailable:
                return False

        early = [asyncio.create_task(use(state)) for state in (one, other) * 25]
        await asyncio.wait(early, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(cluster.kill)
        await asyncio.to_thread(cluster.start)
        await until_it_answers(other)
        late = await asyncio.gather(*(use(state) for state in (one, other) * 25))

        # None, where the server died with the answer: then nobody was let in.
        assert [await each for each in early].count(True) + late.count(True) <= 1


async def test_a_lease_that_was_given_before_the_server_died_is_still_held_and_its_epoch_given_once(
    cluster: PostgresCluster, state: PostgresState
) -> None:
    lease = await lease_of(state)
    await asyncio.to_thread(cluster.kill)
    await asyncio.to_thread(cluster.start)
    await until_it_answers(state)

    assert await state.positions.acquire("judge/0", "b", 60) is None
    assert (await lease_of(state)).epoch == lease.epoch + 1


# The connection is cut


@pytest.fixture
async def way(cluster: PostgresCluster, tmp_path: Path) -> AsyncIterator[Severing]:
    async with severing(cluster.directory, tmp_path) as way:
        yield way


@pytest.mark.parametrize(("moment", "revision"), [("before", 0), ("after", 1)])
async def test_whoever_loses_the_connection_at_commit_is_told_that_the_outcome_is_unknown(
    way: Severing,
    cluster: PostgresCluster,
    settings: PostgresSettings,
    state: PostgresState,
    tmp_path: Path,
    moment: Moment,
    revision: int,
) -> None:
    cut = PostgresSettings(url=settings.url.replace(str(cluster.directory), str(tmp_path)), connections_max=2)
    async with opened(cut) as worker:
        way.cut_at(b"COMMIT", moment)

        with pytest.raises(OutcomeUnknown):
            await worker.registry.write(proposal(0), time_us=1)

        await until_head(state, revision)
        assert await worker.registry.write(proposal(revision), time_us=1) == revision + 1


async def until_head(state: PostgresState, revision: int) -> None:
    """The server may still be at it when the client has gone."""
    while await state.registry.head() < revision:
        await asyncio.sleep(0.01)
    assert await state.registry.head() == revision


async def test_whoever_loses_the_connection_before_commit_is_told_that_nothing_is_stored(
    way: Severing, cluster: PostgresCluster, settings: PostgresSettings, state: PostgresState, tmp_path: Path
) -> None:
    cut = PostgresSettings(url=settings.url.replace(str(cluster.directory), str(tmp_path)), connections_max=2)
    async with opened(cut) as worker:
        way.cut_at(b"INSERT INTO audit", "before")

        with pytest.raises(StorageUnavailable):
            await worker.registry.write(proposal(0), time_us=1)

        assert await state.registry.head() == 0
        assert await worker.registry.write(proposal(0), time_us=1) == 1


# The server is slow, or full


async def test_a_server_that_freezes_is_given_up_in_time_and_used_again_when_it_thaws(
    cluster: PostgresCluster, state: PostgresState
) -> None:
    lease = await lease_of(state)
    cluster.freeze()
    try:
        answers = await asyncio.gather(
            state.registry.head(),
            state.occurrences.look_up([b"a" * 16]),
            state.occurrences.judge(lease, [occurrence(1)]),
            state.replay.use(b"key", expires=NOW + 60, now=NOW),
            return_exceptions=True,
        )
    finally:
        cluster.thaw()

    assert all(isinstance(answer, HubError) for answer in answers), answers
    await until_it_answers(state)
    assert list(await state.occurrences.judge(lease, [occurrence(1)])) == [occurrence(1)]


async def test_a_statement_that_waits_too_long_for_a_lock_is_ended_and_writes_nothing(state: PostgresState) -> None:
    lease = await lease_of(state)
    async with state.registry._database.transaction() as connection:
        await connection.execute("SELECT FROM lease FOR UPDATE")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")

        with pytest.raises(StorageUnavailable, match="timeout"):
            await state.occurrences.judge(lease, [occurrence(1)])

    assert list(await state.occurrences.look_up([occurrence(1).identity])) == [None]
    assert list(await state.occurrences.judge(lease, [occurrence(1)])) == [occurrence(1)]


async def test_when_all_connections_are_taken_others_are_refused_in_time_and_the_registry_is_still_confirmed(
    state: PostgresState,
) -> None:
    database = state.occurrences._database
    async with database.connection(), database.connection():
        with pytest.raises(StorageUnavailable):
            await state.occurrences.look_up([b"a" * 16])
        assert await state.registry.head() == 0
        assert await state.jobs.unfinished() == []

    assert list(await state.occurrences.look_up([b"a" * 16])) == [None]


async def test_a_caller_who_gives_up_leaves_the_connection_fit_for_the_next(state: PostgresState) -> None:
    lease = await lease_of(state)
    for number in range(20):
        judging = asyncio.create_task(state.occurrences.judge(lease, [occurrence(number)]))
        await asyncio.sleep(number / 10_000)
        judging.cancel()
        with suppress(asyncio.CancelledError):
            await judging

    assert list(await state.occurrences.judge(lease, [occurrence(99)])) == [occurrence(99)]
