"""`KafkaEventLog`: an append is one record batch, acknowledged by every replica in sync, or its outcome is unknown."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from hub.core.errors import HubError, StorageUnavailable, Unknown
from hub.core.record import Bounds, LogRecord, Stream
from hub.core.settings import BATCH_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES_MAX, KafkaSettings
from hub.drivers.kafka.connection import Links, client_options
from hub.drivers.kafka.producer import Producers
from hub.drivers.kafka.reader import HEADER, KafkaLogReader
from hub.drivers.kafka.topics import Topics
from hub.ports.system import Clock


class KafkaEventLog:
    """An `EventLog` on Kafka; an async context manager. Nothing is connected before it is needed.

    With replication 3 and `min.insync.replicas` 2 an append survives the loss of any one machine.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        clock: Clock,
        event_bytes_max: int,
        group_records_max: int,
        generation: int = 1,
    ) -> None:
        """`event_bytes_max` is the largest record, `group_records_max` the most records that one append brings.

        Raises `HubError` if the security settings name a file that cannot be read.
        """
        self._settings = settings
        self._clock = clock
        self._generation = generation
        self._append_bytes_max = (
            settings.batch_bytes_max - BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES_MAX * group_records_max
        )
        self._options = client_options(settings)
        self._topics = Topics(settings, clock=clock, event_bytes_max=event_bytes_max)
        self._links = Links(self._options, clock=clock)
        self._partitions: dict[str, int] = {}
        """How many each stream has that was used."""
        self._turns: defaultdict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Appends to one partition follow each other, so that none is queued inside a producer."""

    async def __aenter__(self) -> Self:
        producer_options = {
            **self._options,
            "acks": "all",
            "enable_idempotence": True,
            "max_batch_size": self._settings.batch_bytes_max,
        }
        seconds_max = self._settings.request_ms_max / 1000
        self._producers = Producers(producer_options, clock=self._clock, start_seconds_max=seconds_max)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producers.close()
        await self._links.close()

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def append_bytes_max(self) -> int:
        return self._append_bytes_max

    async def declare(self, stream: Stream) -> None:
        await self._topics.declare(stream)
        self._partitions[stream.name] = stream.partitions

    async def drop(self, stream: str) -> None:
        topic = self._topics.name(stream)
        for partition in range(self._partitions.pop(stream, 0)):
            self._turns.pop(TopicPartition(topic, partition), None)
        self._producers.forget(topic)
        await self._links.forget(topic)
        await self._topics.drop(stream)

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        if not records:
            raise ValueError("an append holds at least one record")
        self._refuse_oversize(records)
        where = await self._place(stream, partition)
        producer: AIOKafkaProducer | None = None
        handed_over = False
        try:
            async with self._clock.deadline(self._settings.append_ms_max / 1000), self._turns[where]:
                producer = await self._producers.get()
                delivery = await producer.send_batch(self._batch(producer, records), where.topic, partition=partition)
                handed_over = True
                acknowledged = await delivery
        except (KafkaError, TimeoutError) as error:
            if not handed_over:
                raise StorageUnavailable(f"nothing was given to Kafka: {error!r}") from error
            assert producer is not None
            self._producers.retire(producer)
            return Unknown(f"Kafka did not acknowledge: {error!r}")
        if acknowledged.offset < 0:  # Known to the broker already, which has forgotten where.
            self._producers.retire(producer)
            return Unknown("Kafka acknowledged without an offset")
        return int(acknowledged.offset)

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[KafkaLogReader]:
        topic = (await self._place(stream, 0)).topic
        async with self._links.take(topic) as link:
            yield KafkaLogReader(link, topic, clock=self._clock)

    async def bounds(self, stream: str, partition: int) -> Bounds:
        where = await self._place(stream, partition)
        async with self._links.take(where.topic) as link:
            return Bounds(await link.first_offset(where), await link.next_offset(where))

    async def purge(self, stream: str, before_us: int) -> int:
        """Kafka's own retention purges: it is made what this asks for."""
        await self._topics.keep(stream, (self._clock.now_us() - before_us) // 1_000)
        return 0

    async def _place(self, stream: str, partition: int) -> TopicPartition:
        """Where a partition lies. Raises `HubError` if there is none, before a client begins to wait for it."""
        if stream not in self._partitions:
            self._partitions[stream] = await self._topics.partitions(stream)
        if not 0 <= partition < self._partitions[stream]:
            raise HubError(f"stream {stream} has {self._partitions[stream]} partitions, and no partition {partition}")
        return TopicPartition(self._topics.name(stream), partition)

    def _refuse_oversize(self, records: Sequence[LogRecord]) -> None:
        """Before the producer sees them: an oversize batch would leave a gap in its sequence numbers."""
        size = sum(len(record.key) + len(record.header) + len(record.value) for record in records)
        overhead = BATCH_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES_MAX * len(records)
        if size + overhead > self._settings.batch_bytes_max:
            raise HubError(
                f"an append of {len(records)} records with {size} bytes does not fit into one batch of "
                f"{self._settings.batch_bytes_max}; expected at most {self._append_bytes_max} bytes"
            )

    def _batch(self, producer: AIOKafkaProducer, records: Sequence[LogRecord]) -> Any:
        batch = producer.create_batch()
        append = batch.append
        time_ms = self._clock.now_us() // 1_000  # The topic stamps its own time; this one counts where it may not.
        for record in records:
            headers = [(HEADER, record.header)]
            if append(timestamp=time_ms, key=record.key, value=record.value, headers=headers) is None:
                raise HubError("the records do not fit into one batch")  # Unless the overhead above is wrong.
        batch.close()
        return batch
