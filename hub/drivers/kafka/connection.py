"""How the hub reaches Kafka: one set of options for every client, and requests to the leader of a partition."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NoError, OffsetOutOfRangeError, StaleMetadata, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import TopicPartition

from hub.core.errors import HubError, StorageUnavailable
from hub.core.settings import KafkaSettings
from hub.ports.system import Clock

RETRY_SECONDS = 0.05
METADATA_SECONDS_MAX = 30
IDLE_LINKS_MAX = 4
"""Links kept open per topic for its next readers."""
_READ_UNCOMMITTED = 0  # The hub writes no transactions; either way a reader sees nothing above the high watermark.
_EARLIEST, _LATEST = -2, -1


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What producer, admin client and plain client are all given. Raises `HubError` if a file cannot be read."""
    try:
        password = Path(settings.sasl_password_file).read_text().strip() if settings.sasl_password_file else None
        context = _tls(settings) if settings.security_protocol.endswith("SSL") else None
    except OSError as error:  # ssl.SSLError is one.
        raise HubError(f"cannot read what Kafka's security settings name: {error}") from error
    return {
        "bootstrap_servers": settings.bootstrap,
        "client_id": "customs-hub",
        "request_timeout_ms": settings.request_ms_max,
        "retry_backoff_ms": int(RETRY_SECONDS * 1000),
        "metadata_max_age_ms": METADATA_SECONDS_MAX * 1000,
        "security_protocol": settings.security_protocol,
        "ssl_context": context,
        "sasl_mechanism": settings.sasl_mechanism or "PLAIN",
        "sasl_plain_username": settings.sasl_username or None,
        "sasl_plain_password": password,
    }


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.certificate_file:
        context.load_cert_chain(settings.certificate_file, settings.key_file or None)
    return context


async def begun(starting: Coroutine[Any, Any, None]) -> None:
    """Start a client of aiokafka's; whoever is cancelled meanwhile leaves no connection open.

    While `AIOKafkaClient.bootstrap` asks a first broker what there is, only that call itself knows its connection, and
    it closes it at errors of Kafka alone (aiokafka 0.14).
    """
    try:
        await starting
    except BaseException as error:
        for frame, _ in walk_tb(error.__traceback__):
            if (connection := frame.f_locals.get("bootstrap_conn")) is not None:
                connection.close()
        raise


async def to_the_end(closing: Coroutine[Any, Any, None]) -> None:
    """Close a client of aiokafka's; a cancellation meanwhile is passed on when that is done.

    By itself it would take the cancellation of whoever closes it for that of its own task, and swallow it.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


@asynccontextmanager
async def storage_errors(clock: Clock, seconds_max: float) -> AsyncIterator[None]:
    """A block in which nothing can be half done: whatever Kafka fails at, also in time, is `StorageUnavailable`.

    Except `OffsetOutOfRangeError`, which is an answer.
    """
    try:
        async with clock.deadline(seconds_max):
            yield
    except OffsetOutOfRangeError:
        raise
    except (KafkaError, OSError, TimeoutError) as error:
        raise StorageUnavailable(f"Kafka does not answer: {error!r}") from error


class Links:
    """Links to lend, and the idle ones kept for the next borrower of the same topic."""

    def __init__(self, options: dict[str, Any], *, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._idle: defaultdict[str, list[Link]] = defaultdict(list)
        self._closed = False

    @asynccontextmanager
    async def take(self, topic: str) -> AsyncIterator[Link]:
        """A link of one's own. Raises `StorageUnavailable`. One left in the middle of a request is not lent again."""
        link = self._idle[topic].pop() if self._idle[topic] else await self._open()
        reusable = False
        try:
            yield link
            reusable = topic in self._idle and len(self._idle[topic]) < IDLE_LINKS_MAX and not self._closed
        finally:
            if reusable:
                self._idle[topic].append(link)
            else:
                await link.close()

    async def forget(self, topic: str) -> None:
        """Close the idle links of a topic that is gone."""
        for link in self._idle.pop(topic, []):
            await link.close()

    async def close(self) -> None:
        self._closed = True
        for topic in list(self._idle):
            await self.forget(topic)

    async def _open(self) -> Link:
        link = Link(self._options, clock=self._clock)
        try:
            await link.open()
        except BaseException:
            await link.close()
            raise
        return link


class Link:
    """One client's own connections to the brokers, so that a long poll on it delays nobody else."""

    def __init__(self, options: dict[str, Any], *, clock: Clock) -> None:
        self._client = AIOKafkaClient(**options)
        self._clock = clock
        self._seconds_max = options["request_timeout_ms"] / 1000

    async def open(self) -> None:
        """Raises `StorageUnavailable` if no broker can be reached."""
        async with storage_errors(self._clock, self._seconds_max):
            await begun(self._client.bootstrap())

    async def close(self) -> None:
        await to_the_end(self._client.close())

    async def fetch(self, where: TopicPartition, offset: int, *, bytes_max: int, wait_seconds: float) -> bytes:
        """Whole record batches as they lie on disk, from the one that holds `offset` on; empty if there is none yet.

        The first batch comes even if it is larger than `bytes_max`. The last may be cut off.
        Raises `OffsetOutOfRangeError` and `StorageUnavailable`.
        """
        wanted = [(where.topic, [(where.partition, offset, bytes_max)])]
        request = FetchRequest(int(wait_seconds * 1000), 1, bytes_max, _READ_UNCOMMITTED, wanted)
        answer = await self._ask(where, request, seconds_max=self._seconds_max + wait_seconds)
        records: bytes | None = answer[-1]
        return records or b""

    async def first_offset(self, where: TopicPartition) -> int:
        return await self._offset(where, _EARLIEST)

    async def next_offset(self, where: TopicPartition) -> int:
        return await self._offset(where, _LATEST)

    async def _offset(self, where: TopicPartition, time: int) -> int:
        request = OffsetRequest(-1, _READ_UNCOMMITTED, [(where.topic, [(where.partition, time)])])
        answer = await self._ask(where, request, seconds_max=self._seconds_max)
        return int(answer[-1])

    async def _ask(self, where: TopicPartition, request: Any, *, seconds_max: float) -> tuple[Any, ...]:
        """Ask the partition's leader, and its next leader when it has moved; return the answer's fields."""
        async with storage_errors(self._clock, seconds_max):
            while True:
                try:
                    return await self._ask_once(where, request)
                except KafkaError as error:
                    if not error.retriable:
                        raise
                await self._client.force_metadata_update()
                await self._clock.sleep(RETRY_SECONDS)

    async def _ask_once(self, where: TopicPartition, request: Any) -> tuple[Any, ...]:
        leader = self._client.cluster.leader_for_partition(where)
        if leader is None or leader < 0:
            self._client.add_topic(where.topic)
            raise StaleMetadata(where)
        answer = await self._client.send(leader, request)
        ((_, ((_, code, *fields),)),) = answer.topics
        error = for_code(code)
        if error is not NoError:
            raise error(where)
        return tuple(fields)
