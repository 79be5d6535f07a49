"""The brokers become what the registry says of readers, whatever they were and whenever they come back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.errors import StorageUnavailable
from hub.core.kafka_access import KafkaAccess
from hub.core.partner import PartnerState
from hub.drivers.memory.feed_access import MemoryFeedAccess
from hub.operate.direct_reading import ALARM_SECONDS, CHECK_SECONDS, DirectReading
from hub.ports.feed_access import Right
from hub.trust.sealed_password import USE
from tests.direct import PASSWORD, sealed_for
from tests.unit.operate.conftest import Silent
from tests.unit.operate.test_operate_kafka_access import asked, change, feed

__all__ = ["feed"]  # A fixture of theirs is one of these tests'.

USER = "risk.live.1"
OPEN = {
    Right(USER, "groups", "risk.", "read"),
    Right(USER, "stream", "hub.feed.seals", "describe"),
    Right(USER, "stream", "hub.feed.seals", "read"),
}


class Brokers(MemoryFeedAccess):
    """Remembers the order of what was asked, and is away from the `away`th change on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.away = 1_000_000

    def _do(self, what: str, items: Collection[object]) -> None:
        if len(self.asked) >= self.away:
            raise StorageUnavailable("away")
        if items:
            self.asked.append(what)

    async def allow(self, rights: Collection[Right]) -> None:
        self._do("allow", rights)
        await super().allow(rights)

    async def refuse(self, rights: Collection[Right]) -> None:
        self._do("refuse", rights)
        await super().refuse(rights)

    async def enrol(self, user: str, password: str) -> None:
        self._do("enrol", [user])
        await super().enrol(user, password)

    async def dismiss(self, users: Collection[str]) -> None:
        self._do("dismiss", users)
        await super().dismiss(users)


class World:
    def __init__(self, desk: Any) -> None:
        self.desk, self.brokers, self.observer, self.confirmed = desk, Brokers(), Silent(), True
        self.reading = self.restarted()

    def restarted(self) -> DirectReading:
        return DirectReading(
            self.brokers,
            snapshot=lambda: self.desk.live.snapshot,
            confirmed=lambda: self.confirmed,
            secret=self.desk.keys.secret(USE),
            clock=self.desk.clock,
            observer=self.observer,
        )

    async def are_closed(self) -> bool:
        await self.reading.look()
        return await self.brokers.rights() == set() and self.brokers.passwords == {}

    async def are_open(self) -> bool:
        await self.reading.look()
        return await self.brokers.rights() == OPEN and self.brokers.passwords == {USER: PASSWORD}


@pytest.fixture
async def world(feed: Any) -> World:
    await feed.do("kafka-access.grant", **await asked(feed))
    return World(feed)


async def test_a_granted_access_opens_the_feed_and_nothing_else(world: World) -> None:
    assert await world.are_open()


async def test_both_lanes_of_a_feed_are_opened(world: World) -> None:
    await change(world.desk, replace(world.desk.live.snapshot.feeds.get("seals"), urgent=("customs.seal.broken",)))

    await world.reading.look()

    streams = {right.name for right in await world.brokers.rights() if right.on == "stream"}
    assert streams == {"hub.feed.seals", "hub.feed.seals.urgent"}


async def test_a_revoked_access_loses_its_rules_first_and_then_its_user(world: World) -> None:
    await world.reading.look()
    world.brokers.asked.clear()

    await world.desk.do("kafka-access.revoke", id="live")

    assert await world.are_closed()
    assert world.brokers.asked == ["refuse", "dismiss"]


@pytest.mark.parametrize("name", ["feed", "recipient", "agreement", "not direct", "other ways"])
async def test_it_is_closed_when_what_it_rests_on_ends_or_stops_and_opened_when_that_resumes(
    world: World, name: str
) -> None:
    registered = world.desk.live.snapshot
    of = {
        "feed": (registered.feeds.get("seals"), {"ended": True}),
        "recipient": (registered.partners.get("risk"), {"state": PartnerState.SUSPENDED}),
        "agreement": (registered.agreements.get("a1"), {"state": "suspended"}),
        "not direct": (registered.agreements.get("a1"), {"direct": False}),
        "other ways": (registered.feeds.get("seals"), {"ways": ("pull",)}),
    }
    item, stop = of[name]
    assert await world.are_open()

    await change(world.desk, replace(item, **stop))
    assert await world.are_closed()
    await change(world.desk, item)
    assert await world.are_open()


async def test_it_is_closed_on_the_second_on_which_the_last_key_of_its_system_ends_and_opened_with_the_next(
    world: World,
) -> None:
    now = world.desk.clock.now_us() // 1_000_000
    (key,) = world.desk.live.snapshot.keys_of("risk.engine")
    await change(world.desk, replace(key, not_after=now + 100))
    assert await world.are_open()

    world.desk.clock.seconds += 100
    assert await world.are_closed()

    other = replace(key, id="other", not_before=now + 200, not_after=None)
    await change(world.desk, other)
    assert await world.are_closed()
    world.desk.clock.seconds += 100
    assert await world.are_open()


async def test_it_ends_on_the_second_on_which_its_identity_or_its_agreement_does(world: World) -> None:
    now = world.desk.clock.now_us() // 1_000_000
    await change(world.desk, replace(world.desk.live.snapshot.agreements.get("a1"), valid_to=now + 100))
    assert await world.are_open()

    world.desk.clock.seconds += 99
    assert await world.are_open()
    world.desk.clock.seconds += 1
    assert await world.are_closed()


async def test_after_a_rotation_the_old_user_goes_when_its_grace_is_over(world: World) -> None:
    await world.reading.look()
    await world.desk.do(
        "kafka-access.rotate", id="live", **sealed_for(await world.desk.show("kafka-access.next", id="live"))
    )

    await world.reading.look()
    assert set(world.brokers.passwords) == {USER, "risk.live.2"}
    world.desk.clock.seconds += 3_600
    await world.reading.look()

    assert set(world.brokers.passwords) == {"risk.live.2"}
    assert {right.principal for right in await world.brokers.rights()} == {"risk.live.2"}


@pytest.mark.parametrize("done", range(5))
async def test_brokers_that_go_away_in_the_middle_are_brought_to_it_when_they_are_back(world: World, done: int) -> None:
    world.brokers.away = done
    await world.reading.look()
    world.brokers.away = 1_000_000
    assert await world.are_open()

    await world.desk.do("kafka-access.revoke", id="live")
    world.brokers.away = len(world.brokers.asked) + done % 2
    await world.reading.look()
    world.brokers.away = 1_000_000

    assert await world.are_closed()


async def test_a_process_that_starts_again_undoes_what_was_revoked_while_nobody_looked(world: World) -> None:
    await world.reading.look()
    await world.desk.do("kafka-access.revoke", id="live")

    world.reading = world.restarted()

    assert await world.are_closed()


@pytest.mark.parametrize("how", [("read", "*"), ("all", "*"), ("read", "10.0.0.7"), ("alter", "*")])
async def test_what_somebody_gave_by_hand_on_a_feed_is_taken_away_and_on_other_things_left(
    world: World, how: tuple[str, str]
) -> None:
    by_hand = Right("spy", "stream", "hub.feed.seals", *how)
    of_others = Right("spy", "groups", "spy.", "read")
    await world.reading.look()
    await world.brokers.allow([by_hand, of_others])
    await world.brokers.enrol("spy", "x")

    world.desk.clock.seconds += CHECK_SECONDS
    await world.reading.look()

    assert await world.brokers.rights() == OPEN | {of_others}
    assert "spy" in world.brokers.passwords


async def test_a_process_that_is_out_of_touch_with_the_registry_gives_nothing_and_still_takes_away(
    world: World,
) -> None:
    world.confirmed = False
    assert await world.are_closed()
    world.confirmed = True
    assert await world.are_open()
    world.confirmed = False
    await world.desk.do("kafka-access.revoke", id="live")

    assert await world.are_closed()


async def test_while_nothing_changes_the_brokers_are_left_in_peace(world: World) -> None:
    await world.reading.look()
    world.brokers.asked.clear()

    for _ in range(10):
        await world.reading.look()

    assert world.brokers.asked == []


async def test_a_password_that_was_not_sealed_to_this_hub_makes_no_user_and_keeps_nobody_else_out(world: World) -> None:
    (identity,) = world.desk.live.snapshot.kafka_accesses.get("live").identities
    strange = replace(identity, principal="risk.odd.1")
    await change(world.desk, KafkaAccess("odd", "seals", "risk.engine", "scram", (strange,)))  # type: ignore[arg-type]

    await world.reading.look()

    assert world.brokers.passwords == {USER: PASSWORD}
    assert world.observer.events == ["kafka_access.unreadable"]


async def test_somebody_is_told_once_when_the_brokers_stay_behind(world: World) -> None:
    world.brokers.away = 0
    for _ in range(3):
        await world.reading.look()
        world.desk.clock.seconds += ALARM_SECONDS

    assert world.observer.events == ["alarm.kafka_access_behind"]


async def test_an_agreement_that_comes_later_and_does_not_allow_it_closes_nothing(world: World) -> None:
    """Nothing of it gets into a feed that is read from Kafka (`hub/fanout/route.py`)."""
    assert await world.are_open()

    await world.desk.agree("a2")

    assert await world.are_open()
