"""What every ground promises of the last uses of credentials. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.drivers.memory.last_use import MemoryLastUse
from hub.drivers.sqlite.last_use import SQLiteLastUse
from hub.ports.last_use import LastUse, Use
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in

FIRST = Use("a", 100, "192.0.2.1", "one")
LATER = Use("a", 200, "192.0.2.2", "two")


@pytest.fixture(params=marked(["memory", "sqlite", "postgres"]))
async def store(request: Any, tmp_path: Path) -> AsyncIterator[LastUse]:
    match request.param:
        case "memory":
            yield MemoryLastUse()
        case "sqlite":
            async with SQLiteLastUse(tmp_path / "last-use.db") as opened:
                yield opened
        case _:
            async with postgres_in(tmp_path) as state:
                yield state.last_use


@pytest.mark.parametrize("order", [(FIRST, LATER), (LATER, FIRST)])
async def test_of_what_several_workers_note_the_latest_is_kept(store: LastUse, order: tuple[Use, Use]) -> None:
    for use in order:
        await store.note([use])

    assert await store.all() == {"a": LATER}


async def test_credentials_are_kept_apart_and_many_are_noted_at_once(store: LastUse) -> None:
    uses = [Use(f"key-{number}", number, "", "") for number in range(3_000)]

    await store.note(uses)

    assert await store.all() == {use.credential: use for use in uses}


async def test_noting_nothing_is_no_fault_and_nothing_is_known_at_first(store: LastUse) -> None:
    await store.note([])

    assert await store.all() == {}


async def test_from_where_a_use_came_is_forgotten_after_its_time_and_that_it_was_is_not(store: LastUse) -> None:
    await store.note([FIRST, Use("b", 300, "2001:db8::1", "bé")])

    await store.forget(300)

    assert await store.all() == {"a": Use("a", 100), "b": Use("b", 300, "2001:db8::1", "bé")}


async def test_workers_that_note_the_same_credentials_at_once_do_not_hold_each_other_up(store: LastUse) -> None:
    names = [f"key-{number}" for number in range(50)]
    batches = [[Use(name, time) for name in (names if time % 2 else reversed(names))] for time in range(1, 11)]

    await asyncio.gather(*(store.note(batch) for batch in batches))

    assert {use.time for use in (await store.all()).values()} == {10}
