"""A real Kafka, as its administrator sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete


@asynccontextmanager
async def administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def let_go(admin: AIOKafkaAdminClient, topic: str) -> None:
    """Of everything that the topic holds now, as retention does when the brokers look, every few minutes."""
    (described,) = await admin.describe_topics([topic])
    everywhere = [TopicPartition(topic, each["partition"]) for each in described["partitions"]]
    await admin.delete_records({where: RecordsToDelete(before_offset=-1) for where in everywhere})


async def settings_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}
