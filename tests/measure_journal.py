"""What it costs to write down who is given what: `python -m tests.measure_journal` has pages noted for one reader, one
after the other, and for many at once, on SQLite and on a real PostgreSQL, in turn.

A write is one commit: pages of readers who come while one is under way share the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from hub.core.access import Access, Step, runs_of
from hub.core.agreement import Purpose
from hub.core.registry import Snapshot
from hub.core.settings import PostgresSettings
from hub.delivery.journal import Journal
from hub.drivers.postgres.state import PostgresState
from hub.drivers.sqlite.access_journal import SQLiteAccessJournal
from hub.drivers.system.clock import SystemClock
from hub.lab.bench.figures import percentile
from hub.ports.access_journal import AccessJournal
from tests.postgres import running_postgres

CROWDS = (1, 64, 500)
"""Readers at once."""
PAGES = 2_000
"""Of all readers together in one round; a reader alone has a tenth."""
PAGE_RECORDS = 100
ROUNDS = 3
EMPTY = Snapshot()


class Counted:
    """A journal whose writes are counted."""

    def __init__(self, kept: AccessJournal) -> None:
        self._kept = kept
        self.writes = 0

    async def add(self, entries: Sequence[Access]) -> None:
        self.writes += 1
        await self._kept.add(entries)


def page(reader: int, number: int) -> Access:
    first = number * PAGE_RECORDS
    return Access(
        step=Step.DELIVERED, time_us=0, recipient="customs", purpose=Purpose.SECURITY_RISK.value, feed="gates", lane="",
        way="pull", reader=f"customs.{reader}", credential="k", agreements=("a-1",), revision=7, generation=1,
        partition=0, runs=runs_of(range(first, first + PAGE_RECORDS)),
    )  # fmt: skip


async def measure(kept: Counted, readers: int, first: int) -> tuple[float, float, float, float]:
    """Pages a second, their p50 and p99 in milliseconds, and pages a write."""
    journal = Journal(kept, snapshot=lambda: EMPTY, clock=SystemClock())  # type: ignore[arg-type]
    pages = PAGES if readers > 1 else PAGES // 10
    took: list[float] = []
    writes, begun = kept.writes, perf_counter()

    async def read(reader: int) -> None:
        for number in range(pages // readers):
            asked = perf_counter()
            await journal.add([page(reader, first + number)])
            took.append(perf_counter() - asked)

    await asyncio.gather(*(read(reader) for reader in range(readers)))
    seconds = perf_counter() - begun
    return (
        len(took) / seconds,
        percentile(took, 0.5) * 1e3,
        percentile(took, 0.99) * 1e3,
        len(took) / (kept.writes - writes),
    )


async def run(directory: Path, settings: PostgresSettings) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(PostgresState(settings, clock, log="one", slice_seconds=86_400))
        sides = {
            "SQLite": Counted(await stack.enter_async_context(SQLiteAccessJournal(directory / "access.db"))),
            "PostgreSQL": Counted(state.accesses),
        }
        for crowd in CROWDS:
            found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in sides}
            for number in range(ROUNDS):
                for name, kept in sides.items():
                    found[name].append(await measure(kept, crowd, number * PAGES))
            for name, runs in found.items():
                rate, p50, p99, shared = (median(column) for column in zip(*runs, strict=True))
                print(f"{name:<12}{crowd:>4} readers {rate:>8,.0f} pages/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  "
                      f"{shared:5.0f} pages a write")  # fmt: skip


def main() -> None:
    with TemporaryDirectory() as made, running_postgres(Path(made)) as cluster:
        asyncio.run(run(Path(made), cluster.database("journal")))


if __name__ == "__main__":
    main()
