"""A stock consumer reads a feed from Kafka itself, and the reader rule makes of it each record once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from connectors.risk.kafka import KafkaReader, feed_consumer
from connectors.risk.proved import Proved
from connectors.risk.reader import Group
from hub.core.record import LogRecord
from schemas.headers import FeedHeader, pack
from tests.brokers import administering
from tests.unit.fake_hub import fake_hub
from tests.unit.test_proved import CUT, sealer

pytestmark = pytest.mark.kafka
GROUP = "customs.engine"


class Scene:
    """A feed's topic of two partitions, and an engine that reads it; `token` is what the engine keeps."""

    def __init__(self, bootstrap: str, admin: AIOKafkaAdminClient) -> None:
        self.bootstrap, self.admin = bootstrap, admin
        self.topic = f"hub.feed.{uuid.uuid4().hex}"
        self.token: str | None = None

    async def produce(self, *stamps: tuple[int, int, int]) -> None:
        """Feed records of these (generation, partition, offset), as a router writes them."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for generation, partition, offset in stamps:
                header = pack(FeedHeader(generation, partition, offset, 1, 1, 0))
                value = orjson.dumps({"id": f"{generation}.{partition}.{offset}"})
                await producer.send_and_wait(self.topic, value, partition=partition, headers=[("hub", header)])

    async def spread(self, partitions: int) -> None:
        """Once the broker knows of so many."""
        known: list[int] = []
        while len(known) < partitions or min(known) < 0:
            (told,) = await self.admin.describe_topics([self.topic])
            known = [each["leader"] for each in told["partitions"]]

    async def read(self, count: int, *, metadata_milliseconds: int = 60_000) -> list[Group]:
        """So many records at least, by an engine that was started anew; each group is worked off."""
        groups: list[Group] = []
        options = {"metadata_max_age_ms": metadata_milliseconds}
        async with feed_consumer(self.topic, self.bootstrap, self.group, **options) as consumer:
            reader = KafkaReader(consumer, "gates", token=self.token)
            async with aclosing(reader.groups()) as source:
                async for group in source:
                    groups.append(group)
                    self.token = group.token
                    await reader.done(group)
                    if sum(len(each.records) for each in groups) >= count:
                        break
        return groups

    @property
    def group(self) -> str:
        return f"{GROUP}.{self.topic}"

    async def committed(self) -> dict[int, int]:
        """By partition, what the brokers know of the engine's group."""
        places = await self.admin.list_consumer_group_offsets(self.group)
        return {where.partition: place.offset for where, place in places.items()}


@pytest.fixture
async def scene(kafka_bootstrap: str) -> AsyncIterator[Scene]:
    async with administering(kafka_bootstrap) as admin:
        scene = Scene(kafka_bootstrap, admin)
        await admin.create_topics([NewTopic(scene.topic, num_partitions=2, replication_factor=1)])
        await scene.spread(2)
        yield scene


def ids(groups: list[Group]) -> list[str]:
    return sorted(record["id"] for group in groups for record in group.records)


async def test_a_restarted_reader_sees_each_record_once_whatever_the_feed_repeats(scene: Scene) -> None:
    await scene.produce((1, 0, 4), (1, 0, 5), (1, 0, 5), (1, 1, 9))
    before = await scene.read(3)
    # The hub crashed and wrote some again; then it went on.
    await scene.produce((1, 0, 4), (1, 0, 5), (1, 1, 9), (1, 0, 6), (2, 1, 0))
    after = await scene.read(2)

    assert ids(before) == ["1.0.4", "1.0.5", "1.1.9"]
    assert ids(after) == ["1.0.6", "2.1.0"]


async def test_what_is_worked_off_is_committed_and_nobody_goes_on_from_there(scene: Scene) -> None:
    await scene.produce((1, 0, 0), (1, 0, 1), (1, 1, 0))
    first = await scene.read(3)
    committed = await scene.committed()

    scene.token = None  # The engine lost its database.
    again = await scene.read(3)

    assert committed == {0: 2, 1: 1}
    assert ids(again) == ids(first) == ["1.0.0", "1.0.1", "1.1.0"]


async def test_what_an_engine_kept_and_could_not_commit_is_committed_when_it_starts_again(scene: Scene) -> None:
    await scene.produce((1, 0, 0), (1, 1, 0), (1, 0, 1))
    kept = '{"offsets":{"0":1,"1":1},"marks":{"0":[1,0],"1":[1,0]}}'

    async with (
        feed_consumer(scene.topic, scene.bootstrap, scene.group) as consumer,
        aclosing(KafkaReader(consumer, "gates", token=kept).groups()) as groups,
    ):
        group = await anext(groups)  # It is not done.

    assert ids([group]) == ["1.0.1"]
    assert await scene.committed() == {0: 1, 1: 1}


async def test_what_retention_took_before_it_was_read_is_told_as_a_gap_and_nothing_else_is(scene: Scene) -> None:
    await scene.produce((1, 0, 0), (1, 1, 0))
    first = await scene.read(2)
    await scene.produce((1, 0, 1), (1, 0, 2), (1, 1, 1))
    await scene.admin.delete_records({TopicPartition(scene.topic, 0): RecordsToDelete(before_offset=2)})
    after_the_loss = await scene.read(2)
    await scene.produce((1, 0, 3))
    later = await scene.read(1)

    assert ids(after_the_loss) == ["1.0.2", "1.1.1"]
    assert [any(each.after_gap for each in groups) for groups in (first, after_the_loss, later)] == [False, True, False]
    assert await scene.committed() == {0: 4, 1: 2}


async def test_what_retention_took_after_it_was_read_is_no_gap(scene: Scene) -> None:
    await scene.produce((1, 0, 0), (1, 0, 1))
    await scene.read(2)
    await scene.admin.delete_records({TopicPartition(scene.topic, 0): RecordsToDelete(before_offset=2)})
    await scene.produce((1, 0, 2))

    [group] = await scene.read(1)

    assert (ids([group]), group.after_gap) == (["1.0.2"], False)


async def test_a_topic_that_grows_is_read_on_as_a_whole(scene: Scene) -> None:
    await scene.produce((1, 0, 0))
    await scene.read(1)
    await scene.admin.create_partitions({scene.topic: NewPartitions(total_count=3)})
    await scene.spread(3)
    await scene.produce((1, 0, 1), (1, 2, 7))

    groups = await scene.read(2, metadata_milliseconds=100)

    assert ids(groups) == ["1.0.1", "1.2.7"]


async def test_cut_records_are_given_together_once_the_seal_of_their_batch_was_fetched(scene: Scene) -> None:
    async with fake_hub() as hub, hub.session("feeds:read") as session:
        batch = [LogRecord(b"", pack(FeedHeader(1, 0, place, 1, 1, 0)), value) for place, value in enumerate(CUT)]
        async with AIOKafkaProducer(bootstrap_servers=scene.bootstrap, acks="all") as producer:
            for each in sealer(hub).sealed("gates", batch):
                await producer.send_and_wait(scene.topic, each.value, partition=0, headers=[("hub", each.header)])

        async with feed_consumer(scene.topic, scene.bootstrap, scene.group) as consumer:
            proved = Proved(
                session,
                lambda on_page: KafkaReader(consumer, "gates", limit=1, on_page=on_page),
                lane="gates",
                waits=True,
            )
            async with aclosing(proved.groups()) as groups:
                group = await anext(groups)

    assert ids([group]) == ["0", "1", "2"]
