"""What `Turns` promises on every ground. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hub.core.errors import StorageUnavailable
from hub.drivers.files.turns import FileTurns
from hub.drivers.memory.turns import MemoryTurns
from hub.ports.system import Clock
from hub.ports.turns import TURN_SECONDS_MAX, Turns
from tests.clock import ManualClock

ROOT = Path(__file__).parents[2]
HOLDS = """
import asyncio, sys
from pathlib import Path
from hub.drivers.files.turns import FileTurns
from hub.drivers.system.clock import SystemClock

async def hold():
    async with FileTurns(Path(sys.argv[1]), SystemClock()).turn("a"):
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(hold())
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory", "files"])
def turns(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Turns:
    return MemoryTurns(clock) if request.param == "memory" else FileTurns(tmp_path, clock)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_is_in_and_the_next_comes_when_he_has_left(turns: Turns) -> None:
    seen: list[str] = []

    async def take(name: str) -> None:
        async with turns.turn("a"):
            seen.append(name)

    async with turns.turn("a"):
        waiting = [asyncio.create_task(take(name)) for name in ("first", "second")]
        await settle()
        assert seen == []

    await asyncio.gather(*waiting)
    assert seen == ["first", "second"]


async def test_another_name_waits_for_nobody(turns: Turns) -> None:
    async with turns.turn("a"), turns.turn("b"):
        pass


async def test_whoever_waits_too_long_is_told_and_takes_nobodys_turn(turns: Turns, clock: ManualClock) -> None:
    async with turns.turn("a"):
        waiting = asyncio.create_task(AsyncExitStack().enter_async_context(turns.turn("a")))
        await settle()
        clock.advance(TURN_SECONDS_MAX)
        with pytest.raises(StorageUnavailable):
            await waiting
        late = asyncio.create_task(AsyncExitStack().enter_async_context(turns.turn("a")))
        await settle()
        assert not late.done()

    await late


async def test_a_turn_is_given_back_by_whoever_fails_or_is_cancelled_while_he_waits(turns: Turns) -> None:
    with pytest.raises(ZeroDivisionError):
        async with turns.turn("a"):
            waiting = asyncio.create_task(AsyncExitStack().enter_async_context(turns.turn("a")))
            await settle()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            raise ZeroDivisionError

    async with turns.turn("a"):
        pass


async def test_another_process_waits_too_and_one_that_is_killed_gives_its_turn_back(
    clock: ManualClock, tmp_path: Path
) -> None:
    turns: Callable[[], AsyncExitStack] = AsyncExitStack
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        waiting = asyncio.create_task(turns().enter_async_context(FileTurns(tmp_path, clock).turn("a")))
        clock.advance(1)
        await settle()
        assert not waiting.done()
        other.kill()

    while not waiting.done():
        clock.advance(0.02)
        await settle()
    assert waiting.exception() is None
