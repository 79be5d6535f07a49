"""How the hub leaves aiokafka's clients."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hub.drivers.kafka.connection import to_the_end


async def test_who_is_cancelled_while_a_client_closes_stays_cancelled_and_leaves_nothing_open() -> None:
    begun, may_end, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def close_as_aiokafka_does() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await may_end.wait()
        closed.set()

    closing = asyncio.create_task(to_the_end(close_as_aiokafka_does()))
    await begun.wait()
    closing.cancel()
    await asyncio.sleep(0)
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await closing
    assert closed.is_set()
