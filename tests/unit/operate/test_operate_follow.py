"""The process's snapshot: current within a poll, honest about when it was last confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.errors import HubError, StorageUnavailable
from hub.core.partner import Partner, Role, System, Tier
from hub.core.proposal import Conflict, Proposal
from hub.core.registry import Version
from hub.drivers.memory.registry import MemoryRegistry
from hub.operate.follow import LiveRegistry
from tests.unit.operate.conftest import HandClock, Silent

PARTNER = Partner("zephyr", "Zephyr", "NL", (Role.EXPORTER,), Tier.TRUSTED)


class Flaky(MemoryRegistry):
    """A registry that can be taken away."""

    away = False

    async def head(self) -> int:
        if self.away:
            raise StorageUnavailable("away")
        return await super().head()


def proposal(based_on: int, item: Any = PARTNER) -> Proposal:
    return Proposal(based_on, (item,), "ada", "partner.add")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry() -> Flaky:
    return Flaky()


@pytest.fixture
def live(registry: Flaky, clock: HandClock) -> LiveRegistry:
    return LiveRegistry(registry, clock=clock)


async def test_what_another_process_wrote_is_taken_in_and_told_once(live: LiveRegistry, registry: Flaky) -> None:
    told: list[Sequence[Version]] = []
    live.on_change(told.append)
    await registry.write(proposal(0), time_us=1)

    await asyncio.gather(live.refresh(), live.refresh())

    assert live.snapshot.partners.get("zephyr") == PARTNER
    assert [[version.revision for version in versions] for versions in told] == [[1]]


async def test_what_is_taken_in_while_someone_goes_through_all_there_is_disturbs_nobody(live: LiveRegistry) -> None:
    await live.write(proposal(0))
    going = iter(live.snapshot.partners)

    await live.write(proposal(1, replace(PARTNER, id="late")))

    assert [each.id for each in going] == ["zephyr"]


async def test_a_listener_sees_the_snapshot_with_the_change_in_it(live: LiveRegistry) -> None:
    seen: list[object] = []
    live.on_change(lambda versions: seen.append(live.snapshot.partners.get("zephyr")))

    await live.write(proposal(0))

    assert seen == [PARTNER]


async def test_a_local_write_is_in_force_when_it_returns(live: LiveRegistry) -> None:
    assert await live.write(proposal(0)) == live.snapshot.revision == 1


async def test_nothing_is_confirmed_before_the_first_answer(live: LiveRegistry) -> None:
    assert not live.confirmed_within(1_000_000)


async def test_a_confirmation_ages_and_a_refresh_renews_it(live: LiveRegistry, clock: HandClock) -> None:
    await live.refresh()

    clock.seconds = 1.0
    assert live.confirmed_within(1.0)
    clock.seconds = 1.01
    assert not live.confirmed_within(1.0)

    await live.refresh()
    assert live.confirmed_within(1.0)


async def test_a_gap_between_confirmations_begins_a_new_run(live: LiveRegistry, clock: HandClock) -> None:
    assert live.standing() is None
    await live.refresh()
    before = live.standing()

    clock.seconds = 0.9
    await live.refresh()
    assert live.standing() == before is not None

    clock.seconds = 2.0
    assert live.standing() is None
    await live.refresh()
    assert live.standing() not in (None, before)


async def test_a_registry_that_is_away_confirms_nothing(live: LiveRegistry, registry: Flaky, clock: HandClock) -> None:
    await live.refresh()
    registry.away = True
    clock.seconds = 2.0

    with pytest.raises(StorageUnavailable):
        await live.refresh()

    assert not live.confirmed_within(1.0)


async def test_a_write_that_landed_is_reported_although_it_cannot_be_read_now(
    live: LiveRegistry, registry: Flaky
) -> None:
    await live.refresh()
    registry.away = True

    assert await live.write(proposal(0)) == 1


async def test_what_was_written_is_read_back_although_the_first_answer_is_lost(clock: HandClock) -> None:
    class LosingOne(MemoryRegistry):
        lost = 1

        async def head(self) -> int:
            self.lost -= 1
            if self.lost == 0:
                raise StorageUnavailable("lost")
            return await super().head()

    live = LiveRegistry(LosingOne(), clock=clock)

    assert await live.write(proposal(0)) == live.snapshot.revision == 1


async def test_nothing_is_decided_on_less_than_this_process_wrote(live: LiveRegistry, registry: Flaky) -> None:
    async def decide() -> object:
        return live.snapshot.partners.get("zephyr")

    await live.refresh()
    registry.away = True
    await live.write(proposal(0))
    with pytest.raises(StorageUnavailable):
        await live.insist(decide)
    registry.away = False

    assert await live.insist(decide) == PARTNER


async def test_a_write_on_an_old_revision_is_a_conflict(live: LiveRegistry, registry: Flaky) -> None:
    await registry.write(proposal(0), time_us=1)

    with pytest.raises(Conflict):
        await live.write(proposal(0))


async def test_following_survives_an_absence_and_says_so_once(registry: Flaky) -> None:
    class EndingClock(HandClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            registry.away = self.seconds < 1.0
            if self.seconds > 2.0:
                raise HubError("the test is over")

    observer = Silent()
    live = LiveRegistry(registry, clock=EndingClock())
    await registry.write(proposal(0), time_us=1)

    with pytest.raises(HubError, match="over"):
        await live.follow(observer)

    assert observer.events == ["registry.unreachable", "registry.reachable"]
    assert live.snapshot.revision == 1


async def test_an_act_that_another_one_overtook_is_decided_again(desk: Any) -> None:
    await desk.enrol("zephyr")
    await desk.registry.write(proposal(1, System("zephyr.erp", "zephyr", ())), time_us=1)

    done = await desk.do("partner.suspend", id="zephyr")

    assert done.revision == 3
    assert desk.live.snapshot.systems.get("zephyr.erp") is not None
