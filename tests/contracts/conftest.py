"""What every contract test is given: a ground, a log on it, a stream in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from hub.core.record import Stream
from hub.ports.event_log import EventLog
from hub.ports.replay_guard import ReplayGuard
from tests.contracts.grounds import LOG_GROUNDS, LogGround, marked
from tests.contracts.state_grounds import GUARD_GROUNDS, STATE_GROUNDS, State, StateGround

_number = count(1)


@pytest.fixture(autouse=True)
def kafka_address(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A ground is made out of a directory alone, also in a child process: Kafka's finds there where its brokers are."""
    if request.node.get_closest_marker("kafka"):
        (tmp_path / "bootstrap").write_text(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture(autouse=True)
def postgres_address(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("postgres"):
        request.getfixturevalue("shared_postgres")


@pytest.fixture(params=marked(LOG_GROUNDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> LogGround:
    return LOG_GROUNDS[request.param](tmp_path)


@pytest.fixture
async def log(ground: LogGround) -> AsyncIterator[EventLog]:
    async with ground.open() as opened:
        yield opened


@pytest.fixture
async def stream(log: EventLog) -> str:
    """A declared stream of three partitions under a name that no other test uses."""
    name = f"contract.{next(_number)}"
    await log.declare(Stream(name, 3))
    return name


@pytest.fixture(params=marked(STATE_GROUNDS))
def state_ground(request: pytest.FixtureRequest, tmp_path: Path) -> StateGround:
    return STATE_GROUNDS[request.param](tmp_path)


@pytest.fixture
async def state(state_ground: StateGround) -> AsyncIterator[State]:
    async with state_ground.open() as opened:
        yield opened


@pytest.fixture(params=marked(GUARD_GROUNDS))
async def guard(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReplayGuard]:
    async with GUARD_GROUNDS[request.param](tmp_path) as opened:
        yield opened
