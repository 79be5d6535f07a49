"""The grounds of what is known of events, and events to know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from hub.core.record import Position
from hub.drivers.memory.views import MemoryViews
from hub.drivers.sqlite.views import SQLiteViews
from hub.ports.views import KnownEvent, Mark, Views
from schemas.identity import identity_key
from tests.clock import START_US
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in

CONTAINER, OTHER, CONSIGNMENT = "iso6346:MSKU1234565", "iso6346:CSQU3054383", "ucr:4GB123456789000-SHIP42"


@asynccontextmanager
async def _memory(directory: Path) -> AsyncIterator[Views]:
    yield MemoryViews()


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Views]:
    async with SQLiteViews(directory / "views.db", log="one") as views:
        yield views


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[Views]:
    async with postgres_in(directory) as state:
        yield state.views


VIEWS_GROUNDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Views]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}
DURABLE_VIEWS_GROUNDS = marked(("sqlite", "postgres"))


def known(offset: int, id_: str = "", *, partition: int = 0, takes_back: str = "", **members: Any) -> KnownEvent:
    """The event at an offset, received at that many seconds; named after its offset unless `id_` says otherwise."""
    id_ = id_ or f"e{offset}"
    publisher = members.get("publisher", "acme")
    names = [id_, takes_back] if takes_back else [id_]
    received_us = START_US + offset * 1_000_000
    event = KnownEvent(
        position=Position(1, partition, offset),
        publisher=publisher,
        type="customs.container.gate_in",
        received_us=received_us,
        occurred_us=received_us - 60_000_000,
        version="",
        series=tuple(identity_key(publisher, "urn:tos", name, None) for name in names),
        objects=(CONTAINER,),
        consigned=False,
        header=f"header {partition} {offset}".encode(),
        value=b'{"id":"%b"}' % id_.encode(),
    )
    return replace(event, **members)


def mark(offset: int, *, partition: int = 0) -> Mark:
    """Everything below the offset is followed."""
    return Mark(Position(1, partition, offset), START_US + offset * 1_000_000)


async def follow(views: Views, *events: KnownEvent) -> None:
    """Apply events of one partition, one after the other or with gaps, and move the mark behind the last."""
    position = events[-1].position
    await views.apply(events, mark(position.offset + 1, partition=position.partition))
