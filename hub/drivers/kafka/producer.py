"""The one producer in use, and what happens to it after any answer that is not a clean acknowledgement.

Theory of operation. aiokafka keeps a batch that has timed out in its queue, where it can land much later, and an
idempotent producer that has lost a batch leaves a gap in its sequence numbers, on which the broker refuses what
follows. So a producer is used only as long as everything it was given is acknowledged. At the first unclean result it
is retired: its sender is cancelled, its connections are closed (nothing more can leave this machine), what it still
held is failed, and another is built. All this under deadlines, in one task, while later appends wait for its end.
`AIOKafkaProducer.stop()` alone would wait for the very batches that are to be given up, hence the use of internals,
which `tests/faults/test_kafka_faults.py` guards against changes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from hub.core.errors import StorageUnavailable
from hub.drivers.kafka.connection import begun
from hub.ports.system import Clock

_log = logging.getLogger(__name__)

RETIRE_SECONDS_MAX = 1.0


class Producers:
    """Gives out the producer in use. At most one is in use at a time."""

    def __init__(self, options: dict[str, Any], *, clock: Clock, start_seconds_max: float) -> None:
        """`options` are those of `AIOKafkaProducer`."""
        self._options = options
        self._clock = clock
        self._start_seconds_max = start_seconds_max
        self._current: AIOKafkaProducer | None = None
        self._change: asyncio.Task[None] | None = None
        self._failure = ""
        self._closed = False

    async def get(self) -> AIOKafkaProducer:
        """The producer in use; waits for one that is being built. Raises `StorageUnavailable` if that fails."""
        if self._current is None:
            if self._closed:
                raise StorageUnavailable("the log is closed")
            if self._change is None or self._change.done():
                self._change = asyncio.create_task(self._build())
            await asyncio.shield(self._change)
        if self._current is None:
            raise StorageUnavailable(f"Kafka does not answer: {self._failure}")
        return self._current

    def retire(self, producer: AIOKafkaProducer) -> None:
        """Give this producer up and begin to build the next. Does nothing if that has happened already."""
        if producer is self._current:
            self._current = None
            self._change = asyncio.create_task(self._replace(producer))

    def forget(self, topic: str) -> None:
        """Ask the brokers no more about a topic that is gone: some would make it again."""
        if self._current is not None:
            client = self._current.client
            client.set_topics(client._topics - {topic})

    async def close(self) -> None:
        """Give up the producer in use. What it has under way becomes unknown."""
        self._closed = True
        if self._change is not None:
            await asyncio.wait({self._change})
        if self._current is not None:
            producer, self._current = self._current, None
            await _discard(producer, self._clock)

    async def _replace(self, producer: AIOKafkaProducer) -> None:
        await _discard(producer, self._clock)
        if not self._closed:
            await self._build()

    async def _build(self) -> None:
        producer = AIOKafkaProducer(**self._options)
        try:
            async with self._clock.deadline(self._start_seconds_max):
                await begun(producer.start())
        except (KafkaError, OSError, TimeoutError) as error:
            self._failure = repr(error)
            _log.warning("no producer: %r", error)
            await _discard(producer, self._clock)
        except BaseException:
            await _discard(producer, self._clock)
            raise
        else:
            self._current = producer


async def _discard(producer: AIOKafkaProducer, clock: Clock) -> None:
    """End a producer whatever it is waiting for; every append it still holds fails."""
    client, sender = producer.client, producer._sender.sender_task
    if sender is not None:
        sender.cancel()  # It takes nothing more from the queue, and ends when the requests under way have ended.
    try:
        async with clock.deadline(RETIRE_SECONDS_MAX):
            await client.close()
            _end_metadata(client)
            if sender is not None:
                await asyncio.wait({sender})
    except TimeoutError:
        if sender is not None:
            sender.cancel()  # This time it reaches the request that the sender waits for.
            await asyncio.wait({sender})
    _fail_queue(producer)
    await producer.stop()


def _end_metadata(client: Any) -> None:
    """Nobody updates a closed client's metadata: whoever waits for that is let go, now and later."""
    if client._md_update_fut is None:
        client._md_update_fut = asyncio.get_running_loop().create_future()
    if not client._md_update_fut.done():
        client._md_update_fut.set_result(False)


def _fail_queue(producer: AIOKafkaProducer) -> None:
    """Take all batches out of the queue and fail them, with those under way; refuse later ones."""
    accumulator = producer._message_accumulator
    for partition in list(accumulator._batches):
        while partition in accumulator._batches:
            accumulator._pop_batch(partition)
    held = list(accumulator._pending_batches)
    accumulator.fail_all(ProducerClosed())
    for batch in held:
        batch.future.exception()  # Its append may have stopped waiting; asyncio would complain of that later.
