"""Topics that are there already, as in an administration's own Kafka: used if they fit, else refused with words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec.structs import replace

from hub.core.errors import HubError
from hub.core.finding import Finding
from hub.core.record import Stream
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.alter import set_settings
from hub.drivers.kafka.topics import Topics, examine
from hub.drivers.system.clock import SystemClock
from tests.brokers import administering, settings_of
from tests.patience import patient

pytestmark = pytest.mark.kafka

STREAM = Stream("hub.events", 2, 86_400)
EVENT_BYTES_MAX = 262_144
DAY_MS = 86_400_000


@pytest.fixture
def settings(kafka_bootstrap: str, tmp_path: Path) -> KafkaSettings:
    return patient(kafka_bootstrap, topic_prefix=f"{tmp_path.name}.")


@pytest.fixture
async def admin(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await client.start()
    yield client
    await client.close()


def topics(settings: KafkaSettings) -> Topics:
    return Topics(settings, clock=SystemClock(), event_bytes_max=EVENT_BYTES_MAX)


async def findings(settings: KafkaSettings) -> dict[str, Finding]:
    found = await examine(settings, [STREAM], clock=SystemClock(), event_bytes_max=EVENT_BYTES_MAX)
    return {finding.what.removeprefix(f"{settings.topic_prefix}hub.events").strip(): finding for finding in found}


async def test_a_declared_topic_has_nothing_to_complain_of_but_the_missing_brokers(settings: KafkaSettings) -> None:
    await topics(settings).declare(STREAM)

    levels = {what: finding.level for what, finding in (await findings(settings)).items()}

    assert levels.pop("replication") == "warn"
    assert set(levels.values()) == {"ok"}
    assert {
        "broker 1 auto.create.topics.enable",
        "Kafka brokers",
        "partitions",
        "retention.ms",
        "max.message.bytes",
        "min.insync.replicas",
    } <= set(levels)


async def test_a_topic_made_by_another_hand_is_taken_if_it_keeps_the_promises(
    settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    ready = {"max.message.bytes": "2097152", "retention.ms": "1000"}
    await admin.create_topics([NewTopic(topics(settings).name("hub.events"), 2, 1, topic_configs=ready)])

    await topics(replace(settings, create_topics=False)).declare(STREAM)

    found = await findings(settings)
    assert found["retention.ms"].level == "warn"
    assert found["retention.ms"].found == "1000"
    assert "retention.ms=86400000" in found["retention.ms"].fix


@pytest.mark.parametrize(
    ("setting", "value"), [("max.message.bytes", "1000"), ("cleanup.policy", "compact"), ("min.insync.replicas", "2")]
)
async def test_a_topic_that_would_lose_or_refuse_records_is_refused(
    settings: KafkaSettings, admin: AIOKafkaAdminClient, setting: str, value: str
) -> None:
    wrong = {"max.message.bytes": "2097152", setting: value}
    await admin.create_topics([NewTopic(topics(settings).name("hub.events"), 2, 1, topic_configs=wrong)])

    with pytest.raises(HubError, match=f"{setting} is {value}"):
        await topics(settings).declare(STREAM)

    assert (await findings(settings))[setting].level == "fail"


async def test_an_absent_topic_is_not_made_without_the_right_to(settings: KafkaSettings) -> None:
    bound = replace(settings, create_topics=False)

    with pytest.raises(HubError, match="absent"):
        await topics(bound).declare(STREAM)

    absent = (await findings(bound))[""]
    assert absent.level == "fail"
    assert "--partitions 2" in absent.fix


async def test_more_replicas_than_there_are_brokers_are_refused_with_kafkas_own_words(settings: KafkaSettings) -> None:
    with pytest.raises(HubError, match="replication factor"):
        await topics(replace(settings, replication=3)).declare(STREAM)


async def test_brokers_that_do_not_answer_are_one_finding(settings: KafkaSettings) -> None:
    (only,) = (await findings(replace(settings, bootstrap="127.0.0.1:9"))).values()

    assert only.level == "fail"
    assert only.expected == "an answer from 127.0.0.1:9"


@pytest.mark.parametrize(
    ("stream", "by_hand_days", "asked_days", "kept_days"),
    [
        ("hub.events", 90, 30, 90),
        ("hub.events", -1, 30, -1),
        ("hub.events", 10, 30, 30),
        ("hub.quarantine", 400, 365, 400),
        ("hub.feed.risk", 90, 30, 30),
        ("hub.feed.risk", -1, 30, 30),
        ("hub.feed.risk", 10, 30, 30),
    ],
)
async def test_what_is_kept_longer_by_hand_is_made_to_keep_less_of_feeds_alone(
    settings: KafkaSettings, stream: str, by_hand_days: int, asked_days: int, kept_days: int
) -> None:
    hub = topics(settings)
    await hub.declare(replace(STREAM, name=stream))
    async with administering(settings.bootstrap) as client:
        await set_settings(client, hub.name(stream), {"retention.ms": str(milliseconds(by_hand_days))})
        await retention_in_the_end(client, hub.name(stream), 1)

        await hub.keep(stream, asked_days * DAY_MS)

        assert await retention_in_the_end(client, hub.name(stream), 2) == milliseconds(kept_days)


async def test_what_the_hub_itself_had_the_log_keep_longer_goes_back_to_what_is_set_and_never_below(
    settings: KafkaSettings,
) -> None:
    hub, kept = topics(settings), []
    await hub.declare(STREAM)
    async with administering(settings.bootstrap) as client:
        for number, asked_ms in enumerate((33 * DAY_MS + 29_000, DAY_MS + 5, DAY_MS + 19_000)):
            await hub.keep("hub.events", asked_ms)
            kept.append(await retention_in_the_end(client, hub.name("hub.events"), number))

    assert kept == [33 * DAY_MS + 60_000, DAY_MS, DAY_MS]


def milliseconds(days: int) -> int:
    return -1 if days < 0 else days * DAY_MS


async def retention_in_the_end(client: AIOKafkaAdminClient, topic: str, number: int) -> int:
    """Once the broker has heard of all that was asked before: it hears of changes in their order."""
    mark = str(1_000 + number)
    await set_settings(client, topic, {"delete.retention.ms": mark})
    while (found := await settings_of(client, topic))["delete.retention.ms"] != mark:
        pass
    return int(found["retention.ms"])
