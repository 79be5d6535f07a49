"""Topics: made as a stream asks, checked against what the log needs, described to `doctor` by the same checks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from hub.core.errors import HubError, StreamMissing
from hub.core.feed import FEED_PREFIX
from hub.core.finding import Finding
from hub.core.record import Stream
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.alter import set_settings
from hub.drivers.kafka.checks import Topic, absent, check, check_broker, retention_settings, topic_settings
from hub.drivers.kafka.connection import RETRY_SECONDS, begun, client_options, storage_errors, to_the_end
from hub.ports.system import Clock

MINUTE_MS = 60_000
SLACK_MS = 20_000
"""A retention that is told by a time in the past has grown by what passed since."""


class Topics:
    """The streams' topics. Every call connects, asks and disconnects: it is rare, and may find other brokers."""

    def __init__(self, settings: KafkaSettings, *, clock: Clock, event_bytes_max: int) -> None:
        self._settings = settings
        self._options = client_options(settings)
        self._clock = clock
        self._message_bytes_min = max(2 * event_bytes_max, settings.batch_bytes_max)
        self._asked_ms: dict[str, int] = {}
        """By topic, the retention that this process asked for, or found as it asked."""

    def name(self, stream: str) -> str:
        return self._settings.topic_prefix + stream

    async def declare(self, stream: Stream) -> None:
        """See `EventLog.declare`. Raises `HubError` for what would break the log's promises, saying what to change."""
        name = self.name(stream.name)
        async with self._admin() as admin:
            topic = await _describe(admin, name)
            if topic is None and not self._settings.create_topics:
                raise HubError(
                    f"topic {name} is absent and `create_topics` is off: `customs-hub doctor` says what to do"
                )
            if topic is None:
                await self._create(admin, name, stream)
            while topic is None or topic.leaderless:
                await self._clock.sleep(RETRY_SECONDS)
                topic = await _describe(admin, name)
        for finding in check(name, stream, topic, self._message_bytes_min):
            if finding.level == "fail":
                raise HubError(f"{finding.what} is {finding.found}, expected {finding.expected}: {finding.fix}")

    async def partitions(self, stream: str) -> int:
        """How many the stream has. Raises `StreamMissing`."""
        name = self.name(stream)
        async with self._admin() as admin:
            topic = await _describe(admin, name)
        if topic is None:
            raise StreamMissing(f"topic {name} is absent: the stream was never declared")
        return topic.partitions

    async def keep(self, stream: str, retention_ms: int) -> None:
        """Keep records so long, by whole minutes and for no less; what is so, or hidden, is left alone.

        How long feeds keep is agreed on: they are made to keep less as they are made to keep more. Any other topic is
        made to keep less only than this process asked for: what an operator had it keep longer by hand stays. Raises
        `StreamMissing`, and `HubError` if the hub may not change topics.
        """
        name = self.name(stream)
        kept_ms = max(1, -((SLACK_MS - retention_ms) // MINUTE_MS)) * MINUTE_MS
        async with self._admin() as admin:
            topic = await _describe(admin, name)
            if topic is None:
                raise StreamMissing(f"topic {name} is absent: the stream was never declared")
            found_ms = int(topic.settings.get("retention.ms", kept_ms))
            is_longer = found_ms < 0 or found_ms >= kept_ms + MINUTE_MS
            is_shorter = 0 <= found_ms < retention_ms - SLACK_MS
            may_shorten = stream.startswith(FEED_PREFIX) or self._asked_ms.get(name) == found_ms
            if is_shorter or (is_longer and may_shorten):
                await set_settings(admin, name, retention_settings(kept_ms))
                found_ms, is_longer = kept_ms, False
            if not is_longer:
                self._asked_ms[name] = found_ms

    async def drop(self, stream: str) -> None:
        """See `EventLog.drop`. Raises `HubError` if the hub may not delete topics."""
        name = self.name(stream)
        async with self._admin() as admin:
            answer = await admin.delete_topics([name])
            error = for_code(answer.topic_error_codes[0][1])
            if error is not NoError and error is not UnknownTopicOrPartitionError:
                raise HubError(f"topic {name} cannot be deleted: {error.__name__}")
            while await _describe(admin, name) is not None:
                await self._clock.sleep(RETRY_SECONDS)

    async def examine(self, streams: Sequence[Stream]) -> list[Finding]:
        """What `doctor` says of brokers and topics. Raises `StorageUnavailable` if no broker can be reached."""
        async with self._admin() as admin:
            brokers = sorted(await _brokers(admin))
            findings = [Finding("ok", "Kafka brokers", ", ".join(map(str, brokers)))]
            for broker in brokers:
                if settings := await _settings(admin, ConfigResourceType.BROKER, str(broker)):
                    findings += check_broker(broker, settings, self._settings.append_ms_max)
            topics = [await _describe(admin, self.name(stream.name)) for stream in streams]
        for stream, topic in zip(streams, topics, strict=True):
            name = self.name(stream.name)
            if topic is None:
                findings.append(absent(name, stream, self._settings.create_topics, self._message_bytes_min))
            else:
                findings += check(name, stream, topic, self._message_bytes_min)
        return findings

    async def broker_settings(self) -> dict[int, dict[str, str]]:
        """By broker, as far as the hub sees them. Raises `StorageUnavailable` if no broker can be reached."""
        async with self._admin() as admin:
            brokers = sorted(await _brokers(admin))
            return {broker: await _settings(admin, ConfigResourceType.BROKER, str(broker)) for broker in brokers}

    async def _create(self, admin: AIOKafkaAdminClient, name: str, stream: Stream) -> None:
        replication = self._settings.replication or (3 if len(await _brokers(admin)) >= 3 else 1)
        settings = topic_settings(stream, replication, self._message_bytes_min)
        new = NewTopic(name, stream.partitions, replication, topic_configs=settings)
        ((_, code, words),) = (await admin.create_topics([new])).topic_errors
        error = for_code(code)
        if error is NoError:
            self._asked_ms[name] = int(settings["retention.ms"])
        # Another process may have made it meanwhile; whether it made it as this one would is checked afterwards.
        if error is not NoError and error is not TopicAlreadyExistsError:
            raise HubError(f"topic {name} cannot be created: {words or error.__name__}")

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._options)
        try:
            async with storage_errors(self._clock, self._settings.append_ms_max / 1000):
                await begun(admin.start())
                yield admin
        finally:
            await to_the_end(admin.close())


async def examine(
    settings: KafkaSettings, streams: Sequence[Stream], *, clock: Clock, event_bytes_max: int
) -> list[Finding]:
    """What is wrong with the Kafka that these settings name; the first finding says whether it answers."""
    try:
        return await Topics(settings, clock=clock, event_bytes_max=event_bytes_max).examine(streams)
    except HubError as error:
        fix = "check `bootstrap` and the security settings, and that the brokers run"
        return [Finding("fail", "Kafka brokers", str(error), f"an answer from {settings.bootstrap}", fix)]


async def _brokers(admin: AIOKafkaAdminClient) -> set[int]:
    return {broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]}


async def _describe(admin: AIOKafkaAdminClient, name: str) -> Topic | None:
    """A topic and its settings; None if there is none.

    All topics are listed, since a question about one that is absent would make it where brokers create topics unasked.
    """
    listed = [topic for topic in await admin.describe_topics() if topic["topic"] == name]
    if not listed or not listed[0]["partitions"]:
        return None
    partitions = listed[0]["partitions"]
    settings = await _settings(admin, ConfigResourceType.TOPIC, name)
    return Topic(
        partitions=len(partitions),
        replication=min(len(partition["replicas"]) for partition in partitions),
        leaderless=sum(partition["leader"] < 0 for partition in partitions),
        settings=settings,
    )


async def _settings(admin: AIOKafkaAdminClient, kind: ConfigResourceType, name: str) -> dict[str, str]:
    """All settings of a topic or broker; empty if it is not there or the hub may not see them."""
    (answer,) = await admin.describe_configs([ConfigResource(kind, name)])
    ((code, _, _, _, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries} if for_code(code) is NoError else {}
