"""What waits too long on its way is an alarm, once each time that a lane falls behind."""

from __future__ import annotations

import pytest

from tests.faults import virtual
from tests.faults.fanout_world import FEED
from tests.unit.test_delivery import desk, passed_on
from tests.unit.test_feed_lag import lags_of


@pytest.mark.parametrize(("bound", "alarms"), [(0.0, 0), (5.0, 1), (60.0, 0)])
def test_what_nobody_acknowledges_in_time_is_an_alarm_where_a_bound_is_set(bound: float, alarms: int) -> None:
    async def main() -> None:
        at = await desk()
        world = at.world
        lags = lags_of(at, routing=60.0, reading=bound)
        await passed_on(at, "a")
        await world.elapse(10)

        for _ in range(3):
            await lags.of(FEED)

        assert world.observer.counts.get(("alarms", (("alarm", "feed_late"),)), 0) == alarms

    virtual.run(main())
