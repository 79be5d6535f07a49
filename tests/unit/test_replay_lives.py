"""Random lives of agreements and feeds: a replay gives what the live feed gave then, cut down to what may be now."""

from __future__ import annotations

import random
from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace

from hub.core.agreement import AgreementState
from hub.core.record import EVENTS
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, TYPE
from tests.replaying import DAY, PastWorld, past_world

OUT = "customs.container.gate_out"
Offered = Sequence[tuple[str, ...]]
TYPES = (TYPE, OUT, "customs.seal.affixed")
OFFERED: Offered = (("*",), (TYPE,), (OUT, TYPE), ("customs.seal.*",))
FIELDS = (("*",), ("/id", "/data/content"), ("/id",))
STATES = (AgreementState.ACTIVE, AgreementState.ACTIVE, AgreementState.SUSPENDED)


class Life:
    """One agreement and one feed, changed and used at random."""

    def __init__(self, world: PastWorld, chance: random.Random, *, offered: Offered = OFFERED) -> None:
        """`offered`: what the agreement covers at one time or another."""
        self._offered = offered
        self.world, self.chance = world, chance
        self.agreement, self.feed = replace(AGREEMENT, archive_days=365), FEED
        self.types: dict[str, str] = {}
        self.moments: list[tuple[int, list[str]]] = []
        """When, and what the feed had shown until then."""

    async def go_on(self) -> None:
        match self.chance.randrange(6):
            case 0:
                changed = {"types": self.chance.choice(self._offered), "fields": self.chance.choice(FIELDS)}
                self.agreement = replace(self.agreement, state=self.chance.choice(STATES), **changed)
                self.world.register(self.agreement)
            case 1:
                urgent, types = self.chance.choice(((), (OUT,))), self.chance.choice(OFFERED)
                self.feed = replace(self.feed, types=types, urgent=urgent, version=self.feed.version + 1)
                self.world.register(self.feed)
            case _:
                await self._take()
        await self.world.elapse(self.chance.choice((1, DAY, 5 * DAY)))
        self.moments.append((self.world.clock.now_us() - 1, await self.shown()))

    async def _take(self) -> None:
        """An event of before, now and then."""
        name = f"e{self.chance.randrange(30)}"
        event_type = self.types.setdefault(name, self.chance.choice(TYPES))
        await self.world.take(name, event_type=event_type)

    async def shown(self) -> list[str]:
        values: list[bytes] = []
        for lane in ("risk", "risk.urgent"):
            if await self.world.is_declared(f"hub.feed.{lane}"):
                values += await self.world.live(lane)
        return [str(orjson.loads(each)["id"]) for each in values]

    def is_permitted(self, name: str) -> bool:
        return self.agreement.holds and self.agreement.covers_type(self.types[name])


@pytest.mark.parametrize("seed", range(30))
def test_a_replay_is_what_the_feed_showed_then_and_what_is_permitted_now(seed: int) -> None:
    async def main() -> None:
        world = await past_world(agreement=replace(AGREEMENT, archive_days=365))
        life = Life(world, random.Random(seed))
        for _ in range(25):
            await life.go_on()

        replayed = await world.all(await world.started(), limit=life.chance.choice((1, 3, 100)))

        assert len(replayed) == len({*replayed})
        assert {*replayed} == {name for name in await life.shown() if life.is_permitted(name)}

    virtual.run(main())


@pytest.mark.parametrize("seed", range(20))
def test_from_the_archive_a_replay_is_the_same(seed: int) -> None:
    async def main() -> None:
        world = await past_world(agreement=replace(AGREEMENT, archive_days=365))
        life = Life(world, random.Random(seed), offered=(("*",),))
        for _ in range(25):
            await life.go_on()
            await world.archivist.archive()
        from_the_log = await world.all_values(await world.started())
        await world.truth.purge(EVENTS, world.clock.now_us() - 20 * DAY * 1_000_000)

        assert await world.all_values(await world.started(), limit=2) == from_the_log

    virtual.run(main())


@pytest.mark.parametrize("seed", range(20))
def test_as_it_was_known_is_what_the_feed_had_shown_at_that_moment(seed: int) -> None:
    async def main() -> None:
        world = await past_world(agreement=replace(AGREEMENT, archive_days=365))
        life = Life(world, random.Random(seed))
        for _ in range(25):
            await life.go_on()
        known_us, then = life.chance.choice(life.moments)

        replayed = await world.all(await world.started(from_us=0, known_us=known_us))

        assert {*replayed} == {name for name in then if life.is_permitted(name)}

    virtual.run(main())
