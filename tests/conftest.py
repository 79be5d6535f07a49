"""What more than one folder of tests stands on."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from hub.drivers.postgres.state import PostgresState
from hub.lab.kafka import KafkaCluster, running_kafka
from tests.clock import ManualClock
from tests.postgres import SHARED, PostgresCluster, running_postgres
from tests.search_at_end import pytest_sessionfinish as pytest_sessionfinish
from tests.search_at_end import pytest_terminal_summary as pytest_terminal_summary

settings.register_profile("untimed", deadline=None)  # How long an example takes is the machine's business.
settings.register_profile("quick", deadline=None, max_examples=25)  # `tests/run quick` asks for it.
settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text names no test, its place does: it may be signed anew in each process, and names must be the same."""
    return argname if isinstance(val, str | bytes) and len(val) > 64 else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where the run is shared out among processes, all that talks to Kafka goes to one: there is one Kafka to start."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))
            assert isinstance(item, pytest.Function)
            item.fixturenames.insert(0, "leaves_nothing_open")


def pytest_collection_finish() -> None:
    """The tests stay: the collector of garbage need not look through all of them again and again while they run."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def leaves_nothing_open() -> Iterator[None]:
    """What is still open when all else was taken down is told of the test that opened it, and not of a later one."""
    yield
    gc.collect()


def pytest_runtest_teardown() -> None:
    """So too where the test failed: what it held is let go of now, and not when the next one begins."""
    if hasattr(sys, "last_value"):
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):  # The first is new in Python 3.12.
            vars(sys).pop(name, None)
        gc.collect()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A real Kafka with one broker, for the whole run. Without Java or Maven it fails, saying what to install."""
    with running_kafka(tmp_path_factory.mktemp("kafka"), recipients=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: KafkaCluster) -> str:
    return kafka.bootstrap


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """A real PostgreSQL, for the whole run; it is up in less than a second. Where it is missing, this fails."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shared_postgres(postgres: PostgresCluster) -> Iterator[None]:
    """Its database for `tests.postgres.settings_in`, with tables."""

    async def make_tables() -> None:
        async with PostgresState(postgres.database("shared"), ManualClock(), log="one", slice_seconds=100):
            pass

    asyncio.run(make_tables())
    os.environ[SHARED] = postgres.url("shared")
    yield
    del os.environ[SHARED]
