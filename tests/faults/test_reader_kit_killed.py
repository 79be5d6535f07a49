"""A risk engine is killed between its work and its commit, and behind it: each event has its effect exactly once."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from connectors.keys import write_key
from connectors.risk import Group, Overtaken
from connectors.risk.postgres import PostgresCheckpoint
from hub.core.access import Step
from hub.ports.access_journal import Query
from tests.postgres import PostgresCluster
from tests.world import Caller, hub_world, settings_in

NAMES = [f"e{number}" for number in range(10)]
MOMENTS = ["before the commit", "after the commit"]


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Caller]:
    """Has a feed with ten events, and its key in a file."""
    async with hub_world(settings_in(tmp_path)) as world:
        watch = await world.reader_of(*NAMES)
        write_key(watch.key, tmp_path / "engine.pem")
        yield watch


async def lives(watch: Caller, key: Path, store: str, way: str, moment: str) -> list[int]:
    """The exit codes of an engine that is started again until it has worked off everything."""
    arguments = [store, watch.world.hub.url, watch.id, str(key), "watch", way, moment, str(len(NAMES))]
    codes = list[int]()
    while 0 not in codes and len(codes) < 3:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.faults.killed_engine", *arguments)
        codes.append(await child.wait())
    return codes


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_over_sqlite_each_event_has_its_effect_once(watch: Caller, tmp_path: Path, moment: str) -> None:
    store = tmp_path / "engine.db"

    codes = await lives(watch, tmp_path / "engine.pem", str(store), "pull", moment)

    assert codes == [-signal.SIGKILL, 0]
    assert [row[0] for row in sqlite3.connect(store).execute("select id from effect order by rowid")] == NAMES


@pytest.mark.postgres
@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_over_postgresql_each_event_has_its_effect_once(
    watch: Caller, tmp_path: Path, postgres: PostgresCluster, moment: str
) -> None:
    name = f"engine_{uuid4().hex}"

    codes = await lives(watch, tmp_path / "engine.pem", postgres.database(name).url, "pull", moment)

    assert codes == [-signal.SIGKILL, 0]
    assert postgres.sql("select id from effect order by id", name).split() == NAMES


@pytest.fixture
async def checkpoint(postgres: PostgresCluster) -> AsyncIterator[PostgresCheckpoint]:
    connection = await asyncpg.connect(postgres.database(f"engine_{uuid4().hex}").url)
    checkpoint = PostgresCheckpoint(connection)
    await checkpoint.prepare()
    yield checkpoint
    await connection.close()


async def worked_off(checkpoint: PostgresCheckpoint, token: str, **more: str) -> int:
    async with checkpoint.work(Group(({"id": "a"},), token, place="gates", **more)) as records:
        return len(records)


@pytest.mark.postgres
async def test_a_second_engine_at_the_same_place_in_postgresql_stores_nothing(checkpoint: PostgresCheckpoint) -> None:
    assert await worked_off(checkpoint, "c1") == 1

    for theirs in ({}, {"since": "c0"}):
        with pytest.raises(Overtaken):
            await worked_off(checkpoint, "c9", **theirs)

    assert await worked_off(checkpoint, "c2", since="c1") == 1
    assert await checkpoint.load("gates") == "c2"


@pytest.mark.postgres
async def test_a_message_that_comes_again_to_postgresql_has_nothing_left_to_do(checkpoint: PostgresCheckpoint) -> None:
    counts = [await worked_off(checkpoint, "c1", message=message) for message in ("msg_1", "msg_2", "msg_1")]

    assert counts == [1, 1, 0]


async def test_what_a_killed_engine_worked_off_is_acknowledged_with_its_signature(
    watch: Caller, tmp_path: Path
) -> None:
    await lives(watch, tmp_path / "engine.pem", str(tmp_path / "engine.db"), "stream", MOMENTS[1])

    entries = [entry.access for entry in await watch.world.hub.ports.accesses.entries(Query(), limit=999)]
    processed = [each for each in entries if each.step is Step.PROCESSED]
    assert processed
    assert all(each.signature and each.credential == watch.key.id for each in processed)
