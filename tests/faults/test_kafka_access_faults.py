"""Access to a real Kafka that is revoked while the brokers are away, or while nobody runs who could tell them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.core.errors import HubError
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.feed_access import KafkaFeedAccess
from hub.drivers.system.clock import SystemClock
from hub.lab.kafka import KafkaCluster, running_kafka
from hub.operate.direct_reading import DirectReading
from hub.trust.sealed_password import USE
from tests.direct import open_to_kafka, sealed_for
from tests.unit.operate.conftest import Desk, Silent
from tests.unit.operate.office import key_pair, public_pem

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

USER = "risk.live.1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaCluster]:
    """One of this test's own, to be killed."""
    with running_kafka(tmp_path / "kafka", recipients=True) as cluster:
        yield cluster


class World:
    """A registry with a feed that may be read from Kafka, and what makes the brokers agree with it."""

    def __init__(self, bootstrap: str) -> None:
        settings = KafkaSettings(bootstrap=bootstrap, request_ms_max=1_000, append_ms_max=2_000)
        self.desk = Desk()
        self.access = KafkaFeedAccess(settings, clock=SystemClock(), event_bytes_max=262_144)

    async def open(self) -> None:
        await self.desk.enrol("risk", "authority")
        key = public_pem(key_pair())
        await self.desk.do("key.add", partner="risk", system="engine", key=key, scopes=["feeds:read"])
        await self.desk.agree("a1")
        await self.desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
        await open_to_kafka(self.desk.live, "seals")
        told = sealed_for(await self.desk.show("kafka-access.next", id="live", feed="seals"))
        await self.desk.do("kafka-access.grant", id="live", feed="seals", system="engine", days=1, **told)

    def reading(self) -> DirectReading:
        """As a process of the hub has it that starts now."""
        return DirectReading(
            self.access,
            snapshot=lambda: self.desk.live.snapshot,
            confirmed=lambda: True,
            secret=self.desk.keys.secret(USE),
            clock=self.desk.clock,
            observer=Silent(),
        )

    async def settled(self, reading: DirectReading, *, rules: int) -> None:
        """Look until the brokers have so many rules of the user, and know it if there are any."""
        while True:
            await reading.look()
            try:
                found = [right for right in await self.access.rights() if right.principal == USER]
                if (len(found), USER in await self.access.users()) == (rules, rules > 0):
                    return
            except HubError:
                pass  # Away.
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("meanwhile", ["the same process", "another process"])
async def test_what_was_revoked_while_kafka_was_away_is_gone_when_it_is_back(
    broker: KafkaCluster, meanwhile: str
) -> None:
    world = World(broker.bootstrap)
    await world.open()
    with world.access:
        reading = world.reading()
        await world.settled(reading, rules=3)

        await asyncio.to_thread(broker.kill, 1)
        await world.desk.do("kafka-access.revoke", id="live")
        await reading.look()
        if meanwhile == "another process":
            reading = world.reading()
        await asyncio.to_thread(broker.up, 1)

        await world.settled(reading, rules=0)
