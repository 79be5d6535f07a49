"""The Kafka that a benchmark writes to: one that is given, or one that lives as long as the benchmark."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka.admin import AIOKafkaAdminClient

from hub.lab.bench.hubs import Ground
from hub.lab.kafka import running_kafka


@contextmanager
def ground_for(log: str, bootstrap: str, data: Path) -> Iterator[Ground]:
    """The ground for the length of a block. Of a Kafka that was given, only topics made by the benchmark go.

    Raises `KafkaLabError` if none can be started.
    """
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    if log == "sqlite":
        yield Ground("sqlite")
    elif bootstrap:
        try:
            yield Ground("kafka", bootstrap, prefix)
        finally:
            asyncio.run(_remove_topics(bootstrap, prefix))
    else:
        data.mkdir(parents=True, exist_ok=True)
        with (
            TemporaryDirectory(prefix="bench-kafka-", dir=data) as directory,
            running_kafka(Path(directory)) as cluster,
        ):
            yield Ground("kafka", cluster.bootstrap, prefix)


async def _remove_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if made := [topic for topic in await admin.list_topics() if topic.startswith(prefix)]:
            await admin.delete_topics(made)
    finally:
        await admin.close()
