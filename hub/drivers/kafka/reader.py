"""Reading a topic: record batches fetched whole from the partition's leader, decoded only as far as they are asked for.

The hub fetches by itself rather than through `AIOKafkaConsumer`, which cannot tell an idle partition from brokers that
do not answer, cuts a batch at the offset that was asked for, and fetches ahead for handles that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from hub.core.errors import StorageUnavailable, Trimmed
from hub.core.record import StoredRecord
from hub.drivers.kafka.connection import Link
from hub.ports.system import Clock

HEADER = "hub"
POLL_SECONDS_MAX = 0.5
"""One fetch waits no longer at the broker, so that a broker that has died is noticed soon."""


class KafkaLogReader:
    """A `LogReader`: a link of its own, and what one fetch brought beyond what was asked for."""

    def __init__(self, link: Link, topic: str, *, clock: Clock) -> None:
        self._link = link
        self._topic = topic
        self._clock = clock
        self._next = (-1, -1)
        """Partition and offset of the first record in `_ahead`."""
        self._ahead: Iterator[StoredRecord] = iter(())

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        page = self._page(records_max, bytes_max) if self._next == (partition, offset) else []
        if not page:
            until = self._clock.monotonic() + wait_seconds
            self._ahead = _records(await self._fetch(partition, offset, bytes_max, until), offset)
            page = self._page(records_max, bytes_max)
        self._next = (partition, page[-1].offset + 1) if page else (-1, -1)
        return page

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        """Exactly the batch: brokers answer with whole batches, and with the first one however few bytes are asked."""
        raw = await self._fetch(partition, offset, 1, until=self._clock.monotonic())
        return list(_records(raw, 0, batches_max=1))

    def _page(self, records_max: int, bytes_max: int) -> list[StoredRecord]:
        page: list[StoredRecord] = []
        size = 0
        for record in self._ahead:
            page.append(record)
            size += len(record.value)
            if len(page) >= records_max or size >= bytes_max:
                break
        return page

    async def _fetch(self, partition: int, offset: int, bytes_max: int, until: float) -> bytes:
        """Batches from the one that holds `offset` on; empty if there is none until then. Raises as `read` does."""
        where = TopicPartition(self._topic, partition)
        while True:
            wait_seconds = min(POLL_SECONDS_MAX, max(0.0, until - self._clock.monotonic()))
            try:
                raw = await self._link.fetch(where, offset, bytes_max=bytes_max, wait_seconds=wait_seconds)
            except OffsetOutOfRangeError:
                raw = b""
                if offset < (start := await self._link.first_offset(where)):
                    raise Trimmed(start) from None
                await self._clock.sleep(wait_seconds)  # Beyond the end: nothing is there yet.
            if raw or self._clock.monotonic() >= until:
                return raw


def _records(raw: bytes, offset: int, *, batches_max: int | None = None) -> Iterator[StoredRecord]:
    """Decode whole batches, leaving out what is below `offset`. Raises `StorageUnavailable` if a checksum is wrong."""
    batches = MemoryRecords(raw)
    while batches.has_next() and batches_max != 0:
        batch = batches.next_batch()
        if batches_max is not None:
            batches_max -= 1
        if not batch.validate_crc():
            raise StorageUnavailable(f"the batch that holds offset {offset} is corrupt") from CorruptRecordException()
        for record in batch:
            if record.offset >= offset:
                yield StoredRecord(
                    record.offset,
                    record.timestamp * 1_000,
                    record.key or b"",
                    next((value for name, value in record.headers if name == HEADER), b""),
                    record.value or b"",
                )
