"""Read a feed from Kafka itself (`hub.feed.<name>`), with the reader rule. Needs the extra `kafka` (aiokafka).

The hub gives a direct reader an identity that may read its feed's topics and nothing else (`by_password`,
`by_certificate`); the consumer is a stock one.
The commit token holds the next offset of each partition of the feed and the mark of each source partition, so that both
are stored with the engine's own work. What Kafka keeps for the consumer's group only tells the hub how far the reader
is: nobody goes on from there.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import chain
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec import Struct, field
from msgspec.structs import replace

from connectors.feed_seal import page_of, seal_of
from connectors.risk.acknowledge import Acknowledgements
from connectors.risk.group import Group, chained
from schemas.headers import FeedHeader, FeedSealHeader, unpack

IDLE_MILLISECONDS = 1000
GROUP_COUNT_MAX = 1000
METADATA_MILLISECONDS_MAX = 60_000
"""How soon it is seen that the topic has grown."""

Mark = tuple[int, int]
"""The highest (generation, offset) of a source partition that was worked off."""


def above_the_mark(records: Iterable[ConsumerRecord], marks: dict[int, Mark]) -> Iterator[ConsumerRecord]:
    """The reader rule: drop every record that is not above the mark of its source partition; raise the marks."""
    for record in records:
        header = unpack(dict(record.headers)["hub"])
        if not isinstance(header, FeedHeader):
            continue  # No event: a seal, or what else a feed tells; it has no place in its source.
        stamp = (header.generation, header.offset)
        if stamp > marks.get(header.partition, (0, -1)):
            marks[header.partition] = stamp
            yield record


class Places(Struct):
    """Where a reader stands: the next offset by feed partition, the mark by source partition."""

    offsets: dict[int, int] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)

    @classmethod
    def of(cls, token: str | None) -> Places:
        if token is None:
            return cls()
        kept = orjson.loads(token)
        return cls(
            {int(partition): offset for partition, offset in kept["offsets"].items()},
            {int(partition): (generation, offset) for partition, (generation, offset) in kept["marks"].items()},
        )

    def token(self) -> str:
        return orjson.dumps({"offsets": self.offsets, "marks": self.marks}, option=orjson.OPT_NON_STR_KEYS).decode()

    def reached(self) -> list[tuple[int, int, int]]:
        """As an acknowledgement names it."""
        return [(generation, partition, offset) for partition, (generation, offset) in sorted(self.marks.items())]

    def advance(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> Group:
        """The new records of what a consumer fetched, and the token that stands behind them."""
        records: list[dict[str, Any]] = []
        for partition, fetched in batches.items():
            records += [orjson.loads(record.value) for record in above_the_mark(fetched, self.marks)]
            self.offsets[partition.partition] = fetched[-1].offset + 1
        return Group(tuple(records), self.token())


def by_password(user: str, password: str, ca_file: str) -> dict[str, Any]:
    """What a consumer is told of a user (SCRAM-SHA-512) and of the authority that the brokers' certificates are by."""
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=ca_file),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


def by_certificate(certificate_file: str, key_file: str, ca_file: str) -> dict[str, Any]:
    """What a consumer is told of its certificate (mTLS) and of the authority that the brokers' certificates are by."""
    context = ssl.create_default_context(cafile=ca_file)
    context.load_cert_chain(certificate_file, key_file)
    return {"security_protocol": "SSL", "ssl_context": context}


def feed_consumer(topic: str, bootstrap_servers: str, group: str, **options: Any) -> AIOKafkaConsumer:
    """A stock consumer as `read_topic` needs it; `group`: a name that begins with the recipient's and a dot, such as
    `customs.engine`; `options` are aiokafka's own, by what a reader proves itself first."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **{"metadata_max_age_ms": METADATA_MILLISECONDS_MAX, **options},
    )
    consumer.assign([TopicPartition(topic, 0)])  # Once connected, it learns how many more there are.
    return consumer


async def read_topic(
    consumer: AIOKafkaConsumer,
    token: str | None = None,
    *,
    limit: int = GROUP_COUNT_MAX,
    on_page: Callable[[bytes], None] | None = None,
) -> AsyncGenerator[Group, None]:
    """Groups of at most `limit` records from `token` on; a partition without a place is read from its earliest one.
    `on_page` is called before each with a page of all that was fetched, seals too; one may be over records of before.

    The consumer is started and stopped by the caller. Never ends by itself. Raises aiokafka's `KafkaError`.
    """
    places, assigned = Places.of(token), set[TopicPartition]()
    while True:
        assigned = await _assigned(consumer, places, assigned)
        if batches := await consumer.getmany(timeout_ms=IDLE_MILLISECONDS, max_records=limit):
            after_gap = await _is_behind_a_gap(consumer, batches, places)
            if on_page:
                on_page(fetched_page(chain.from_iterable(batches.values())))
            yield replace(places.advance(batches), after_gap=after_gap)


async def _assigned(consumer: AIOKafkaConsumer, places: Places, before: set[TopicPartition]) -> set[TopicPartition]:
    """Have every partition of the topic read from its place: a topic that grows is assigned anew as a whole."""
    topic = next(each.topic for each in consumer.assignment())
    there = {TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()}
    if not there or there == before:
        return before
    consumer.assign(there)
    for partition in there:
        if partition.partition in places.offsets:
            consumer.seek(partition, places.offsets[partition.partition])
        else:
            await consumer.seek_to_beginning(partition)
    return there


def fetched_page(fetched: Iterable[ConsumerRecord]) -> bytes:
    """What was fetched, seals and all, as a page with proof."""
    headers = [(unpack(dict(record.headers)["hub"]), record.value) for record in fetched]
    return page_of(
        [value for header, value in headers if isinstance(header, FeedHeader)],
        [seal_of(header, value) for header, value in headers if isinstance(header, FeedSealHeader)],
    )


async def _is_behind_a_gap(
    consumer: AIOKafkaConsumer, batches: dict[TopicPartition, list[ConsumerRecord]], places: Places
) -> bool:
    """Whether retention let go of what comes next: the consumer goes on with the earliest record without a word."""
    jumped = {
        partition: place
        for partition, fetched in batches.items()
        if (place := places.offsets.get(partition.partition)) is not None and fetched[0].offset > place
    }
    earliest = await consumer.beginning_offsets(list(jumped)) if jumped else {}
    return any(earliest[partition] > place for partition, place in jumped.items())


class KafkaReader:
    """A lane that is read from Kafka itself, as a `Source`. How far it is, it tells Kafka; `acknowledgements` tell the
    hub that as well, and may be signed."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        place: str,
        *,
        token: str | None = None,
        limit: int = GROUP_COUNT_MAX,
        acknowledgements: Acknowledgements | None = None,
        on_page: Callable[[bytes], None] | None = None,
    ) -> None:
        """`on_page`: as `read_topic`."""
        self.place, self._on_page = place, on_page
        self._consumer, self._token, self._limit = consumer, token, limit
        self._acknowledgements = acknowledgements

    async def groups(self) -> AsyncGenerator[Group, None]:
        """As `read_topic`."""
        if self._token is not None:  # A crash may have come between the engine's work and its commit.
            await _assigned(self._consumer, places := Places.of(self._token), set())
            await self._commit(places)
        found = read_topic(self._consumer, self._token, limit=self._limit, on_page=self._on_page)
        async with aclosing(chained(found, self.place, self._token)) as groups:
            async for group in groups:
                yield group

    async def done(self, group: Group) -> None:
        """Commit it for the consumer's group; acknowledge it, if that is wanted and the hub is there. Raises aiokafka's
        `KafkaError`, for one where the group is not the recipient's."""
        places = Places.of(group.token)
        await self._commit(places)
        if self._acknowledgements is not None:
            await self._acknowledgements.tell(places.reached())

    async def _commit(self, places: Places) -> None:
        there = {each.partition: each for each in self._consumer.assignment()}
        offsets = {there[number]: at for number, at in places.offsets.items() if number in there}
        if offsets:
            await self._consumer.commit(offsets)
