"""Random lives of a log, each step compared with the model of what a log is (`tests/model.py`)."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hub.core.errors import Trimmed
from hub.core.record import LogRecord, StoredRecord, Stream
from tests.contracts.grounds import DURABLE_LOG_GROUNDS, LOG_GROUNDS
from tests.model import PartitionModel

STREAM = "modelled"
PARTITIONS = 2
GROUNDS_BY_HAND = ("memory", "sqlite", "sqlite-file")
"""Time must be known to the microsecond; a ground on brokers has its own."""

partitions = st.integers(0, PARTITIONS - 1)
batches = st.lists(st.binary(max_size=40).map(lambda value: LogRecord(value[:3], value[3:6], value)), min_size=1)


class LogLife(RuleBasedStateMachine):
    """A log and its model, opened on one ground."""

    name = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.ground = LOG_GROUNDS[self.name](Path(self.directory.name))
        self.model = [PartitionModel() for _ in range(PARTITIONS)]
        self.runner.run(self.open())

    async def open(self) -> None:
        self.stack = AsyncExitStack()
        self.log = await self.stack.enter_async_context(self.ground.open())
        await self.log.declare(Stream(STREAM, PARTITIONS))
        self.reader = await self.stack.enter_async_context(self.log.reader(STREAM))

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.directory.cleanup()

    @rule(partition=partitions, batch=batches)
    def append(self, partition: int, batch: list[LogRecord]) -> None:
        first = self.runner.run(self.log.append(STREAM, partition, batch))

        assert first == self.model[partition].append(batch, self.ground.clock.now_us())

    @rule(together=st.lists(st.tuples(partitions, batches), max_size=8))
    def append_together(self, together: list[tuple[int, list[LogRecord]]]) -> None:
        async def all_at_once() -> list[object]:
            return await asyncio.gather(*[self.log.append(STREAM, where, batch) for where, batch in together])

        firsts = self.runner.run(all_at_once())

        expected = [self.model[where].append(batch, self.ground.clock.now_us()) for where, batch in together]
        assert firsts == expected, "what was asked for first comes first here"

    @rule(seconds=st.integers(1, 5))
    def elapse(self, seconds: int) -> None:
        self.runner.run(self.ground.elapse(seconds))

    @rule(age=st.integers(0, 10))
    def purge(self, age: int) -> None:
        before_us = self.ground.clock.now_us() - age * 1_000_000

        gone = self.runner.run(self.log.purge(STREAM, before_us))

        assert gone == sum(model.purge(before_us) for model in self.model)

    @rule(partition=partitions, where=st.floats(0, 1), records_max=st.integers(1, 20), bytes_max=st.integers(0, 200))
    def read(self, partition: int, where: float, records_max: int, bytes_max: int) -> None:
        offset = round(where * self.model[partition].end)
        expected = self.model[partition].read(offset, records_max)
        try:
            found = self.runner.run(self.reader.read(partition, offset, records_max=records_max, bytes_max=bytes_max))
        except Trimmed as trimmed:
            assert expected is None
            assert trimmed.start == self.model[partition].start
            return
        assert expected is not None
        assert plain(found) == expected[: len(found)]
        assert len(found) >= min(1, len(expected))

    @rule(partition=partitions, where=st.floats(0, 1, exclude_max=True))
    def read_batch(self, partition: int, where: float) -> None:
        model = self.model[partition]
        if model.start == model.end:
            return
        offset = model.start + int(where * (model.end - model.start))

        assert plain(self.runner.run(self.reader.read_batch(partition, offset))) == model.batch(offset)

    @rule()
    def reopen(self) -> None:
        if self.name in DURABLE_LOG_GROUNDS:
            self.runner.run(self.stack.aclose())
            self.runner.run(self.open())

    @invariant()
    def the_bounds_are_those_of_the_model(self) -> None:
        for partition, model in enumerate(self.model):
            assert self.runner.run(self.log.bounds(STREAM, partition)) == model.bounds

    @invariant()
    def all_that_is_kept_is_read_in_order(self) -> None:
        for partition, model in enumerate(self.model):
            found = self.runner.run(self.reader.read(partition, model.start, records_max=10_000, bytes_max=1 << 20))
            assert plain(found) == model.read(model.start, 10_000)


def plain(stored: list[StoredRecord]) -> list[tuple[int, LogRecord]]:
    return [(record.offset, LogRecord(record.key, record.header, record.value)) for record in stored]


@pytest.mark.parametrize("name", GROUNDS_BY_HAND)
def test_every_log_lives_as_the_model_says(name: str) -> None:
    life = type("LogLife", (LogLife,), {"name": name})

    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
