"""How the hub leaves aiokafka's clients."""

from __future__ import annotations

import asyncio
import gc
import struct
import warnings
from contextlib import suppress

import pytest

from hub.core.settings import KafkaSettings
from hub.drivers.kafka.connection import Link, client_options, to_the_end
from hub.drivers.system.clock import SystemClock


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


async def test_who_is_cancelled_while_a_client_asks_its_first_broker_leaves_nothing_open() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def silent_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says what it can do, and nothing else."""
        size, _, _, number = struct.unpack(">ihhi", await reader.readexactly(12))
        await reader.readexactly(size - 8)
        writer.write(struct.pack(">iihihhh", 16, number, 0, 1, 3, 0, 1))
        await reader.readexactly(4)
        asked.set()
        await reader.read()
        closed.set()
        writer.close()

    async with await asyncio.start_server(silent_broker, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = Link(client_options(KafkaSettings(bootstrap=f"127.0.0.1:{port}")), clock=SystemClock())
        opening = asyncio.create_task(link.open())
        await asked.wait()

        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            del opening
            gc.collect()
            await closed.wait()
        await link.close()

    assert [str(each.message) for each in said] == []
