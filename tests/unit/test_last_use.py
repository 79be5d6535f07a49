"""The book of last uses: one place for each credential, written down now and then, lost to nothing but a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from hub.core.errors import StorageUnavailable
from hub.drivers.memory.last_use import MemoryLastUse
from hub.intake.last_use import AGENT_CHARACTERS_MAX, CREDENTIALS_MAX, WRITE_SECONDS, UseBook
from hub.ports.last_use import Use
from tests.clock import START_US, ManualClock
from tests.unit.operate.conftest import Silent

NOW = START_US // 1_000_000


class Flaky(MemoryLastUse):
    away = False

    async def note(self, uses: Sequence[Use]) -> None:
        if self.away:
            raise StorageUnavailable("away")
        await super().note(uses)


class World:
    def __init__(self) -> None:
        self.clock, self.store = ManualClock(), Flaky()
        self.book = UseBook(self.store, clock=self.clock, observer=Silent(), retention_seconds=60)


async def test_only_the_last_of_many_uses_is_written() -> None:
    world = World()
    world.book.note("a", "192.0.2.1", "one")
    world.clock.advance(1)
    world.book.note("a", "192.0.2.2", "two")

    await world.book.write()

    assert await world.store.all() == {"a": Use("a", NOW + 1, "192.0.2.2", "two")}


async def test_what_cannot_be_written_is_written_later_unless_it_was_used_again() -> None:
    world = World()
    world.store.away = True
    world.book.note("a", "192.0.2.1", "")
    world.book.note("b", "192.0.2.1", "")
    await world.book.write()
    world.clock.advance(1)
    world.book.note("b", "192.0.2.2", "")
    world.store.away = False

    await world.book.write()

    assert await world.store.all() == {"a": Use("a", NOW, "192.0.2.1"), "b": Use("b", NOW + 1, "192.0.2.2")}


async def test_an_agent_is_cut_and_shown_without_what_could_steer_a_terminal() -> None:
    world = World()
    world.book.note("a", "", "\x1b[31m\x00\udce9" + "x" * 1_000)

    await world.book.write()

    agent = (await world.store.all())["a"].agent
    assert agent.startswith("?[31m??x")
    assert len(agent) == AGENT_CHARACTERS_MAX


async def test_the_book_stays_bounded() -> None:
    world = World()
    for number in range(CREDENTIALS_MAX + 10):
        world.book.note(str(number), "", "")

    await world.book.write()

    assert len(await world.store.all()) == CREDENTIALS_MAX


async def test_it_writes_every_few_seconds_and_once_more_when_it_is_stopped() -> None:
    world = World()
    running = asyncio.create_task(world.book.run())
    await asyncio.sleep(0)
    world.book.note("a", "", "")
    world.clock.advance(WRITE_SECONDS)
    while not await world.store.all():
        await asyncio.sleep(0)

    world.book.note("b", "", "")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert set(await world.store.all()) == {"a", "b"}
