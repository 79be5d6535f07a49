"""The parent of a hub's workers: what it does when one of them ends, does not come up, or does not stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from hub.cli import run
from hub.core.errors import HubError
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.drivers.system import workers
from hub.drivers.system.directory import DataDirectory
from hub.drivers.system.listen import bound
from hub.drivers.system.workers import HASTY_ENDS_MAX, SOUND_SECONDS, Workers
from tests.clock import ManualClock
from tests.faults.virtual import ListObserver

AsWorker = Callable[[str], None]
"""Lets every worker be a small program of its own."""

TOLD = "import json, os, signal, sys, time; told = json.loads(sys.stdin.readline())['worker']; "
UP = "print('up', flush=True); "
STAYS = UP + "sys.stdin.read()"
ONE_IS_DEAF = "told['number'] and signal.signal(signal.SIGTERM, signal.SIG_IGN); "


class Impatient(ManualClock):
    """Does not wait, and notes for how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Parent:
    def __init__(self, of: Workers, clock: Impatient, observer: ListObserver) -> None:
        self.workers, self.clock, self.observer = of, clock, observer

    @property
    def told(self) -> list[str]:
        return [name for name, _ in self.observer.events]

    async def until(self, count: int) -> list[int]:
        """The processes, once so many workers came up in all."""
        while self.told.count("worker_up") < count:
            await asyncio.sleep(0.01)
        return [process.pid for process in self.workers._running.values()]


@pytest.fixture
def as_worker(monkeypatch: pytest.MonkeyPatch) -> AsWorker:
    def use(program: str) -> None:
        monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-S", "-c", TOLD + program))

    return use


@asynccontextmanager
async def parent(directory: Path, count: int) -> AsyncIterator[Parent]:
    http = HTTPSettings(port=0, operations_port=0)
    settings = Settings(http=http, log=LogSettings(directory=str(directory / "data")))
    clock, observer = Impatient(), ListObserver()
    with DataDirectory(directory / "data") as home, bound(settings) as sockets:
        of = Workers(settings, count=count, directory=home, sockets=sockets, clock=clock, observer=observer)
        try:
            yield Parent(of, clock, observer)
        finally:
            for process in of._running.values():
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def test_a_worker_that_cannot_stay_up_is_started_again_after_longer_pauses_and_then_ends_the_hub(
    tmp_path: Path, as_worker: AsWorker
) -> None:
    as_worker(UP + "sys.exit(3)")
    async with parent(tmp_path, 1) as on:
        with pytest.raises(HubError, match="worker 0 cannot stay up; it ended with code 3"):
            await on.workers.keep()

    assert on.told.count("worker_up") == HASTY_ENDS_MAX + 1
    assert on.clock.pauses == [0, 0.25, 0.5, 1, 2, 4, 8, 10]


async def test_a_hub_whose_worker_says_at_its_first_start_that_it_cannot_be_ends_at_once(
    tmp_path: Path, as_worker: AsWorker
) -> None:
    as_worker("sys.exit(1)")
    async with parent(tmp_path, 2) as on:
        with pytest.raises(HubError, match="worker 0 cannot stay up"):
            await on.workers.keep()

    assert on.told == ["alarm.worker_ended"]


async def test_the_first_worker_is_up_before_another_is_started(tmp_path: Path, as_worker: AsWorker) -> None:
    mark = str(tmp_path / "first")
    as_worker(f"open({mark!r}, 'r' if told['number'] else 'x').close(); " + STAYS)
    async with parent(tmp_path, 2) as on:
        keeping = asyncio.create_task(on.workers.keep())
        await on.until(2)
        keeping.cancel()
        await on.workers.stop()

    assert on.told == ["worker_up", "worker_up"]


async def test_a_worker_that_was_well_is_started_again_at_once_however_often_it_ends(
    tmp_path: Path, as_worker: AsWorker
) -> None:
    as_worker(STAYS)
    async with parent(tmp_path, 1) as on:
        keeping = asyncio.create_task(on.workers.keep())
        for times in range(1, HASTY_ENDS_MAX + 3):
            [pid] = await on.until(times)
            on.clock.advance(SOUND_SECONDS)
            os.kill(pid, signal.SIGKILL)
        await on.until(HASTY_ENDS_MAX + 3)
        keeping.cancel()
        await on.workers.stop()

    assert set(on.clock.pauses) == {0}


async def test_when_the_hub_stops_a_worker_that_does_not_is_ended(tmp_path: Path, as_worker: AsWorker) -> None:
    as_worker(ONE_IS_DEAF + UP + "time.sleep(60)")
    async with parent(tmp_path, 2) as on:
        keeping = asyncio.create_task(on.workers.keep())
        await on.until(2)
        keeping.cancel()
        stopping = asyncio.create_task(on.workers.stop())
        while on.workers._running[0].returncode is None:
            await asyncio.sleep(0.01)
        assert on.workers._running[1].returncode is None
        on.clock.advance(60)
        await stopping

        assert [on.workers._running[number].returncode for number in (0, 1)] == [-signal.SIGTERM, -signal.SIGKILL]


@pytest.mark.parametrize(
    ("given", "lacking"),
    [({}, ("log.ground", "postgres.url")), ({"LOG_GROUND": "kafka"}, ("postgres.url",))],
)
def test_several_workers_are_refused_where_one_process_keeps_what_they_would_share(
    given: dict[str, str],
    lacking: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"CUSTOMS_HUB_{name}", value)

    code = run(["serve", "--workers", "2", "--data", str(tmp_path / "data")])

    said = capsys.readouterr().err
    assert (code, all(name in said for name in (*lacking, "--workers 2"))) == (2, True)
    assert not (tmp_path / "data").exists()


def test_a_worker_that_ends_before_it_was_told_what_it_is_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf, first = str(tmp_path / "deaf"), str(tmp_path / "first")
    program = (
        "import os, sys, time\n"
        f"made = lambda name: not os.path.exists(name) and not os.close(os.open(name, os.O_CREAT | os.O_EXCL))\n"
        f"if not made({first!r}) and not os.path.exists({deaf!r}):\n"
        f"    os.close(0); open({deaf!r}, 'x').close(); sys.exit(3)\n"
        "sys.stdin.readline()\n"
        f"while not os.path.exists({deaf!r}): time.sleep(0.01)\n" + STAYS
    )
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-S", "-c", program))

    async def story() -> list[str]:
        async with parent(tmp_path, 2) as on:
            keeping = asyncio.create_task(on.workers.keep())
            await on.until(2)
            keeping.cancel()
            return on.told

    told = uvloop.run(story())

    assert (told.count("worker_up"), told.count("alarm.worker_ended")) == (2, 1)
