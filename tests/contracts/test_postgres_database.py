"""What a database of the hub is: made at the first start by one of many, of one log, not newer than the program."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from msgspec.structs import replace

from hub.assembly.examine import examine
from hub.core.errors import HubError, StorageUnavailable
from hub.core.settings import LogSettings, PostgresSettings, Settings
from hub.drivers.postgres.database import connect_options
from hub.drivers.postgres.first_occurrence import _ENTER, _FIND
from hub.drivers.postgres.schema import MIGRATIONS, REVISIONS
from hub.drivers.postgres.state import PostgresState
from hub.ports.dead_letters import Which
from tests.clock import START_US, ManualClock
from tests.contracts.dead_letter_grounds import WITHOUT_FEEDS, behind, letter
from tests.contracts.test_first_occurrence import occurrence
from tests.postgres import PostgresCluster

pytestmark = pytest.mark.postgres

SECRET = "hunter2"
_number = count(1)


@pytest.fixture
def name() -> str:
    return f"database_{next(_number)}"


@pytest.fixture
def settings(postgres: PostgresCluster, name: str) -> Iterator[PostgresSettings]:
    """A database without tables."""
    yield postgres.database(name)
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


def state(settings: PostgresSettings, log: str = "kafka, topic prefix '', 8 partitions") -> PostgresState:
    return PostgresState(settings, ManualClock(), log=log, slice_seconds=100)


async def test_workers_that_start_at_once_on_an_empty_database_all_find_its_tables(settings: PostgresSettings) -> None:
    async def first_use() -> bool:
        async with state(settings) as opened:
            return await opened.replay.use(b"key", expires=1, now=0)

    used = await asyncio.gather(*(first_use() for _ in range(3)))

    assert sorted(used) == [False, False, True]


async def test_a_database_of_a_newer_program_is_refused_by_name_and_left_as_it_is(
    postgres: PostgresCluster, settings: PostgresSettings, name: str
) -> None:
    async with state(settings):
        pass
    postgres.sql("UPDATE alembic_version SET version_num = '9999'", database=name)

    with pytest.raises(HubError, match=f"/{name} has layout 9999, this program knows layout {REVISIONS[-1]}"):
        async with state(settings):
            pass

    assert postgres.sql("SELECT version_num FROM alembic_version", database=name) == "9999"


async def test_the_state_of_another_log_is_refused(settings: PostgresSettings) -> None:
    async with state(settings, log="kafka, topic prefix 'north', 8 partitions"):
        pass

    with pytest.raises(HubError, match="belongs to another event log: it was made with kafka, topic prefix 'north'"):
        async with state(settings, log="kafka, topic prefix 'south', 8 partitions"):
            pass


async def test_a_database_that_does_not_hold_every_text_is_refused(postgres: PostgresCluster) -> None:
    postgres.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")

    with pytest.raises(HubError, match="is in LATIN1, expected UTF8"):
        async with state(PostgresSettings(url=postgres.url("latin"))):
            pass


async def test_a_user_who_may_make_no_tables_is_told_so_and_nothing_is_made(
    postgres: PostgresCluster, settings: PostgresSettings, name: str
) -> None:
    postgres.sql("CREATE ROLE guest LOGIN; GRANT CONNECT ON DATABASE postgres TO guest")

    with pytest.raises(StorageUnavailable, match="permission denied"):
        async with state(replace(settings, url=settings.url.replace("postgres@", "guest@"))):
            pass

    assert postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=name) == "0"


async def test_the_doctor_says_how_the_database_does(settings: PostgresSettings, tmp_path: Path) -> None:
    async def level(postgres: PostgresSettings) -> str:
        kept = LogSettings(ground="kafka", directory=str(tmp_path))
        async with aclosing(examine(Settings(log=kept, postgres=postgres), running=True)) as findings:
            async for finding in findings:
                if finding.what == "database":
                    return finding.level
        raise AssertionError("nothing was said")

    assert await level(settings) == "ok"
    assert await level(replace(settings, url=settings.url.replace("/database", "/none"))) == "fail"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://hub:{SECRET}@127.0.0.1:9/hub",  # The discard service's port, where nothing listens.
        f"postgresql://hub:{SECRET}/more@127.0.0.1:9/hub",
        f"postgresql://hub:{SECRET}#more@127.0.0.1:9/hub",
        f"postgresql://hub:[{SECRET}@127.0.0.1:9/hub",
        f"postgresql://127.0.0.1:9/hub?password={SECRET}",
        f"postgresql://127.0.0.1:9/hub?sslmode={SECRET}",
        f"mysql://hub:{SECRET}@127.0.0.1:9/hub",
    ],
)
async def test_a_password_is_never_told_however_wrong_the_address_is(url: str) -> None:
    with pytest.raises(HubError) as told:
        async with state(PostgresSettings(url=url, statement_seconds_max=1)):
            pass

    assert SECRET not in "".join(traceback.format_exception(told.value))


async def test_a_password_that_is_refused_is_not_told(postgres: PostgresCluster, settings: PostgresSettings) -> None:
    postgres.sql("CREATE ROLE locked PASSWORD 'other'")  # May not log in.

    with pytest.raises(StorageUnavailable) as told:
        async with state(replace(settings, url=settings.url.replace("postgres@", f"locked:{SECRET}@"))):
            pass

    assert SECRET not in "".join(traceback.format_exception(told.value))


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")

    assert connect_options(PostgresSettings(password_file=str(file)))["password"] == SECRET
    with pytest.raises(HubError, match="cannot be read"):
        connect_options(PostgresSettings(password_file=str(tmp_path / "none")))


def test_the_program_knows_its_own_migrations() -> None:
    script = ScriptDirectory(str(MIGRATIONS))

    assert tuple(reversed([each.revision for each in script.walk_revisions()])) == REVISIONS


async def test_dead_letters_of_tables_that_knew_no_feeds_are_found_by_their_feed(
    postgres: PostgresCluster, settings: PostgresSettings, name: str
) -> None:
    told = [letter(offset, said={"feed": "risk"}) for offset in (1, 4)]
    async with state(settings) as opened:
        await opened.dead_letters.take([told[0], letter(2)], behind(3))
    for statement in (*WITHOUT_FEEDS, "UPDATE alembic_version SET version_num = '0005'"):
        postgres.sql(statement, database=name)

    async with state(settings) as opened:
        await opened.dead_letters.take([told[1]], behind(5))

        assert await opened.dead_letters.page(Which(feed="risk"), after=None, limit=9) == told
        assert len(await opened.dead_letters.page(Which(), after=None, limit=9)) == 3


async def test_used_keys_are_forgotten_some_time_after_they_expired(
    postgres: PostgresCluster, settings: PostgresSettings, name: str
) -> None:
    now = START_US // 1_000_000
    async with state(settings) as opened:
        for number in range(20):
            await opened.replay.use(b"%d" % number, expires=now + 60, now=now)
        behind = await opened.replay.use(b"new", expires=now + 999, now=now + 61)
        for number in range(3):
            await opened.replay.use(b"newer %d" % number, expires=now + 999, now=now + 361)
        assert not await opened.replay.use(b"new", expires=now + 999, now=now + 361)

    assert behind
    assert postgres.sql("SELECT count(*) FROM used", database=name) == "4"


async def test_no_size_of_a_table_leads_to_reading_it_from_end_to_end(settings: PostgresSettings) -> None:
    """What a planner likes best for a small table, and keeps for a while when it has grown."""
    some = [occurrence(str(number), number) for number in range(200)]
    async with state(settings) as opened:
        lease = await opened.positions.acquire("judge/0", "a", 10)
        assert lease is not None
        await opened.occurrences.judge(lease, some)
        async with opened.occurrences._database.connection() as connection:
            await connection.execute("ANALYZE")
            plans = [
                *await connection.fetch(f"EXPLAIN {_FIND}", [each.identity for each in some]),
                *await connection.fetch(f"EXPLAIN {_ENTER}", *([] for _ in range(7))),
            ]

    assert any("first_1_pkey" in line for (line,) in plans)
    assert not any("Seq Scan" in line or "Hash" in line for (line,) in plans)


async def test_a_slice_that_someone_reads_is_not_waited_for_at_the_cost_of_others(
    postgres: PostgresCluster, settings: PostgresSettings, name: str
) -> None:
    """As `pg_dump` reads for hours: the purge gives up, and those behind it in the queue go on."""
    async with state(settings) as opened, state(settings) as dump:
        lease = await opened.positions.acquire("judge/0", "a", 10)
        assert lease is not None
        first = occurrence("a", 1)
        await opened.occurrences.judge(lease, [first])
        async with dump.occurrences._database.transaction() as connection:
            await connection.execute("LOCK TABLE first_occurrence IN ACCESS SHARE MODE")
            with pytest.raises(StorageUnavailable, match="lock timeout"):
                await opened.occurrences.purge(before_us=START_US * 2)
            assert await opened.occurrences.judge(lease, [occurrence("a", 2, slices=1)]) == [first]

        assert await opened.occurrences.purge(before_us=START_US * 2) == 2
