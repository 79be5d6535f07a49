"""What runs a part of fan-out again after its failures ends when it is told to."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from hub.core.errors import StorageUnavailable
from hub.fanout.means import persist
from tests.clock import ManualClock
from tests.faults.virtual import ListObserver


async def test_a_part_whose_driver_answers_its_end_with_an_error_is_not_begun_again() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(len(begun))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StorageUnavailable("the connection broke") from None

    means: Any = SimpleNamespace(clock=ManualClock(), observer=ListObserver())
    task = asyncio.create_task(persist(work, means, "feed"))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun == [0]
