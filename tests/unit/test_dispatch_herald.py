"""What customs answers is written once whenever its writer stops, and what nobody acknowledges in time is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from msgspec import to_builtins

from hub.core.dispatch import Dispatch, Kind, Step
from hub.core.errors import StorageUnavailable
from hub.core.record import NOTICES
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.operate.dispatch_herald import AT_ONCE, DispatchHerald
from hub.operate.heralds import Means
from hub.operate.notices import NoticeDesk
from schemas.headers import unpack
from tests.faults import virtual
from tests.faults.fanout_world import FanoutWorld


class Store(MemoryDispatches):
    away = False
    """Nothing can be noted."""

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        if self.away:
            raise StorageUnavailable("away")
        await super().mark(ids, step, time_us)


class Post:
    """A store, a log, and a herald that looks when it is told to."""

    def __init__(self, world: FanoutWorld) -> None:
        self.world = world
        self.kept = Store()
        means = Means(
            log=world.log,
            positions=world.positions,
            dispatches=self.kept,
            snapshot=lambda: world.snapshot,
            clock=world.clock,
            observer=world.observer,
            partitions=1,
            in_flight_seconds=1.0,
            holder="one",
        )
        self.herald = DispatchHerald(means, NoticeDesk(world.log, world.positions, holder="one"))

    async def sends(self, name: str, **more: Any) -> None:
        given = {"sender": "watch", "own": name, "digest": b"", "by": "watch.sys", "partner": "delta"}
        given |= {"kind": Kind.HOLD, "members": b'{"text":"Hold it."}', "sent_us": self.world.clock.now_us()}
        await self.kept.add([Dispatch(id=name, **(given | more))])

    async def written(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in await self.world.records(NOTICES)]


async def post() -> Post:
    return Post(await FanoutWorld().declare())


def test_what_waits_is_written_under_its_id_for_the_company_and_its_agent() -> None:
    async def main() -> None:
        at = await post()
        await at.sends("a", agent="broker")

        await at.herald.look()
        await at.herald.look()

        assert await at.written() == [{"code": "CUSTOMS_HOLD", "notice": "a", "text": "Hold it."}]
        [record] = await at.world.records(NOTICES)
        header = to_builtins(unpack(record.header))
        assert header[1:] == ["delta", "CUSTOMS_HOLD", at.world.log.generation, 0, -1, "a", "broker"]

    virtual.run(main())


def test_after_a_stop_between_writing_and_noting_it_nothing_is_written_twice() -> None:
    async def main() -> None:
        at = await post()
        await at.sends("a")
        at.kept.away = True
        with pytest.raises(StorageUnavailable):
            await at.herald.look()
        assert len(await at.written()) == 1
        at.kept.away = False
        await at.sends("b")

        await at.herald.look()

        assert [each["notice"] for each in await at.written()] == ["a", "b"]
        assert await at.kept.waiting(9) == []

    virtual.run(main())


def test_more_than_is_written_at_once_is_written_in_order() -> None:
    async def main() -> None:
        at = await post()
        names = [f"{number:04}" for number in range(AT_ONCE + 3)]
        for name in names:
            await at.sends(name)

        await at.herald.look()
        await at.herald.look()

        assert [each["notice"] for each in await at.written()] == names

    virtual.run(main())


def test_overdue_is_what_was_not_acknowledged_before_its_deadline_and_nothing_else() -> None:
    async def main() -> None:
        at = await post()
        soon = at.world.clock.now_us() + 10_000_000
        for name, due in (("late", soon), ("done", soon), ("later", soon + 1), ("free", 0)):
            await at.sends(name, due_us=due)
        await at.kept.acknowledge("done", 1, by="delta.sys", signature="")

        await at.herald.look()
        assert await at.kept.page(None, step=Step.OVERDUE, before=None, limit=9) == []
        await at.world.clock.sleep(10.0)
        await at.herald.look()

        found = await at.kept.page(None, step=Step.OVERDUE, before=None, limit=9)
        assert [(each.dispatch.id, each.state) for each in found] == [("late", "overdue")]

    virtual.run(main())
