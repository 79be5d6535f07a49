"""A port that keeps a cancellation to itself: it answers as if nothing were, or with an error. Whoever is asked to end
ends all the same, wherever he was: nobody asks a second time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from hub.core.errors import StorageUnavailable
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record
from tests.unit.test_webhook_courier import square

END_SECONDS_MAX = 30.0
CALLS_MAX = 120


class Swallowing:
    """A port whose n-th call, of all that share the count, hangs until it is cancelled, and says nothing of that."""

    def __init__(self, port: Any, at: At) -> None:
        self._port, self._at = port, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name == "reader":
            return self._reader
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*given: Any, **named: Any) -> Any:
            await self._at.passed()
            return await found(*given, **named)

        return call

    @asynccontextmanager
    async def _reader(self, stream: str) -> AsyncIterator[Any]:
        async with self._port.reader(stream) as reader:
            yield Swallowing(reader, self._at)


class At:
    def __init__(self, number: int, *, raises: bool) -> None:
        self.reached = asyncio.Event()
        self._left, self._raises = number, raises

    async def passed(self) -> None:
        self._left -= 1
        if self._left:
            return
        self.reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._raises:
                raise StorageUnavailable("closed") from None


async def ends(work: Callable[[At], Any], number: int, *, raises: bool) -> bool | None:
    """Whether it ended when it was cancelled in its n-th call; None: it never came to that."""
    at = At(number, raises=raises)
    task = asyncio.ensure_future(work(at))
    reached = asyncio.ensure_future(at.reached.wait())
    await asyncio.wait((reached,), timeout=END_SECONDS_MAX)
    reached.cancel()
    task.cancel()
    _, left = await asyncio.wait((task,), timeout=END_SECONDS_MAX)
    for each in left:
        each.cancel()
    await asyncio.wait((task,), timeout=END_SECONDS_MAX)
    return not left if at.reached.is_set() else None


async def passing_on(at: At) -> None:
    world = await FanoutWorld().declare()
    world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
    for number in range(3):
        await world.publish(event_record(str(number)))
    world.log, world.index, world.positions = (
        Swallowing(port, at) for port in (world.truth, world.memory, world.leases)
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(world.process().run())
        while True:
            await world.elapse(0.3)
            await world.publish(event_record(str(world.clock.monotonic())))


async def bringing(at: At) -> None:
    on = await square()
    async with on.world.running():
        await on.world.elapse(1)
        on.tails.log = on.world.log = Swallowing(on.world.truth, at)
        on.keeping = cast(Any, Swallowing(on.world.leases, at))
        on.journal.kept = Swallowing(on.accesses, at)
        async with on.pushing():
            while True:
                await on.publish(str(on.world.clock.monotonic()))
                await on.world.elapse(0.3)


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("work", [passing_on, bringing])
def test_whoever_is_cancelled_ends_also_where_a_port_keeps_it_to_itself(work: Any, raises: bool) -> None:
    stayed = []
    for number in range(1, CALLS_MAX):
        ended = virtual.run(ends(work, number, raises=raises))
        if ended is None:
            break
        if not ended:
            stayed.append(number)

    assert number > 20
    assert stayed == []
