"""Recipients and operators are told how an endpoint does: at each change of it, and hour after hour while it fails."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from hub.core.endpoint import Endpoint, EndpointState
from hub.core.record import NOTICES
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.operate.endpoint_herald import EndpointHerald
from hub.operate.heralds import Means
from hub.operate.notices import NoticeDesk
from tests.faults import virtual
from tests.faults.fanout_world import AUTHORITY, COMPANY, FEED, FanoutWorld

HOUR = 3_600
ENDPOINT = Endpoint(id="engine", feed="risk", url="https://engine.example/", keys=(), state=EndpointState.ACTIVE)


class Post:
    """A world with one endpoint, and a herald that looks when it is told to."""

    def __init__(self, world: FanoutWorld) -> None:
        self.world = world
        means = Means(
            log=world.log,
            positions=world.positions,
            dispatches=MemoryDispatches(),
            snapshot=lambda: world.snapshot,
            clock=world.clock,
            observer=world.observer,
            partitions=1,
            in_flight_seconds=1.0,
            holder="one",
        )
        self.herald = EndpointHerald(means, NoticeDesk(world.log, world.positions, holder="one"))

    async def becomes(self, state: EndpointState) -> None:
        since = self.world.clock.now_us() // 1_000_000
        self.world.register(replace(ENDPOINT, state=state, since=since))
        await self.herald.look()

    async def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in await self.world.records(NOTICES)]

    async def codes(self) -> list[str]:
        return [notice["code"] for notice in await self.told()]


async def post() -> Post:
    world = await FanoutWorld().declare()
    world.register(COMPANY, AUTHORITY, FEED)
    world.register(ENDPOINT)
    return Post(world)


def test_each_change_is_told_once_to_the_recipient_and_what_is_well_is_not_told() -> None:
    async def main() -> None:
        at = await post()
        await at.herald.look()
        assert await at.codes() == []
        for state in (EndpointState.FAILING, EndpointState.ACTIVE, EndpointState.UNVERIFIED, EndpointState.ACTIVE):
            await at.becomes(state)
            await at.herald.look()

        assert await at.codes() == ["ENDPOINT_FAILING", "ENDPOINT_RECOVERED"]
        [first, _] = await at.told()
        assert (first["endpoint"], first["feed"]) == ("engine", "risk")
        assert all(record.key == b"customs" for record in await at.world.records(NOTICES))

    virtual.run(main())


def test_while_it_fails_it_is_told_after_12_24_48_72_and_96_hours() -> None:
    async def main() -> None:
        at = await post()
        await at.becomes(EndpointState.FAILING)
        hours = []
        for hour in range(1, 130):
            await at.world.elapse(HOUR)
            before = len(await at.told())
            await at.herald.look()
            hours += [hour] * (len(await at.told()) - before)

        assert hours == [12, 24, 48, 72, 96]
        assert len({notice["notice"] for notice in await at.told()}) == 6
        assert at.world.observer.counts["alarms", (("alarm", "endpoint_failing"),)] == 6

    virtual.run(main())


def test_what_ended_it_is_told_and_warnings_stop() -> None:
    async def main() -> None:
        at = await post()
        await at.becomes(EndpointState.FAILING)
        await at.becomes(EndpointState.DISABLED)
        await at.world.elapse(200 * HOUR)
        await at.herald.look()
        await at.becomes(EndpointState.GONE)

        assert await at.codes() == ["ENDPOINT_FAILING", "ENDPOINT_DISABLED", "ENDPOINT_GONE"]

    virtual.run(main())


def test_a_herald_that_begins_again_tells_nothing_twice() -> None:
    async def main() -> None:
        at = await post()
        await at.becomes(EndpointState.FAILING)
        await at.world.elapse(13 * HOUR)
        await at.herald.look()
        again = Post(at.world)
        await again.herald.look()

        assert await again.codes() == ["ENDPOINT_FAILING"] * 2

    virtual.run(main())
