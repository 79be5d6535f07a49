"""Fan-out under the rules of the core protocol; each test names the rule it guards."""

from __future__ import annotations

import orjson

from hub.core.record import NOTICES, QUARANTINE
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record


def test_rule_3_a_repeat_never_reaches_a_feed_and_a_conflict_goes_to_quarantine_with_a_notice() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
        await world.publish(event_record("a"), event_record("b"))
        await world.publish(event_record("a"), event_record("b", content="another"), event_record("c"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["a", "b", "c"]
        assert len(await world.records(QUARANTINE)) == 1
        [notice] = await world.records(NOTICES)
        assert orjson.loads(notice.value)["id"] == "b"

    virtual.run(main())
