"""A stock consumer reads a feed from Kafka itself, and the reader rule makes of it each record once."""

from __future__ import annotations

import uuid
from contextlib import aclosing

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.risk.kafka import feed_consumer, read_topic
from connectors.risk.reader import Group
from schemas.headers import FeedHeader, pack

pytestmark = pytest.mark.kafka


async def produce(bootstrap: str, topic: str, *stamps: tuple[int, int, int]) -> None:
    """Feed records of these (generation, partition, offset), as a router writes them."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for generation, partition, offset in stamps:
            header = pack(FeedHeader(generation, partition, offset, 1, 1, 0))
            value = orjson.dumps({"id": f"{generation}.{partition}.{offset}"})
            await producer.send_and_wait(topic, value, partition=partition, headers=[("hub", header)])


async def read(bootstrap: str, topic: str, count: int, token: str | None = None) -> list[Group]:
    groups: list[Group] = []
    async with feed_consumer(topic, bootstrap) as consumer, aclosing(read_topic(consumer, token)) as source:
        async for group in source:
            groups.append(group)
            if sum(len(each.records) for each in groups) >= count:
                break
    return groups


def ids(groups: list[Group]) -> list[str]:
    return sorted(record["id"] for group in groups for record in group.records)


async def test_a_restarted_reader_sees_each_record_once_whatever_the_feed_repeats(kafka_bootstrap: str) -> None:
    topic = f"hub.feed.{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    await admin.close()

    await produce(kafka_bootstrap, topic, (1, 0, 4), (1, 0, 5), (1, 0, 5), (1, 1, 9))
    before = await read(kafka_bootstrap, topic, 3)
    # The hub crashed and wrote some again; then it went on.
    await produce(kafka_bootstrap, topic, (1, 0, 4), (1, 0, 5), (1, 1, 9), (1, 0, 6), (2, 1, 0))
    after = await read(kafka_bootstrap, topic, 2, token=before[-1].token)

    assert ids(before) == ["1.0.4", "1.0.5", "1.1.9"]
    assert ids(after) == ["1.0.6", "2.1.0"]
