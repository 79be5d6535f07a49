"""Alarms of status feeds: a refusal and a silence are told once, and end by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from hub.operate.feed_watch import FeedWatch
from tests.unit.operate.conftest import Desk, Silent
from tests.unit.operate.office import public_pem
from tests.unit.operate.test_operate_aeo_feeds import KEY, OTHER, alive, line

HOUR = 3_600


class Watched:
    def __init__(self, desk: Desk) -> None:
        self.desk, self.observer = desk, Silent()
        self.watch = FeedWatch(lambda: desk.live.snapshot, clock=desk.clock, observer=self.observer)
        desk.registrar.on_refusal(self.watch.refused)
        desk.live.on_change(self.watch.changed)

    @property
    def refused(self) -> list[tuple[str, str]]:
        told: Any = self.watch.told()["refused"]
        return [(each["issuer"], each["code"]) for each in told]

    def look(self) -> list[str]:
        """The events since the last look."""
        self.watch.look()
        events, self.observer.events = self.observer.events, []
        return events


@pytest.fixture
async def watched(desk: Desk) -> Watched:
    await desk.do("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
    return Watched(desk)


async def test_a_refusal_is_an_alarm_until_the_missing_messages_came(watched: Watched) -> None:
    await watched.desk.refused("aeo.tell", lines=[alive(2)])
    assert (watched.refused, watched.look()) == ([("NL", "STATUS_GAP")], ["alarm.aeo_status_refused"])

    await watched.desk.do("aeo.tell", lines=[alive(1), alive(2)])

    assert (watched.refused, watched.look()) == ([], [])


async def test_what_comes_in_a_name_without_a_feed_shows_no_name_and_ends_after_a_day(watched: Watched) -> None:
    await watched.desk.refused("aeo.tell", lines=[line(1, iss="BE", key=OTHER), "?"])
    assert watched.refused == [("", "STATUS_FOREIGN")]

    watched.desk.clock.seconds += 24 * HOUR

    assert watched.refused == []


async def test_a_foreign_signature_is_shown_with_the_feed_that_it_was_meant_for(watched: Watched) -> None:
    await watched.desk.refused("aeo.tell", lines=[line(1, key=OTHER)])

    assert watched.refused == [("NL", "STATUS_FOREIGN")]


async def test_a_silence_is_an_alarm_once_and_its_end_is_told(watched: Watched) -> None:
    await watched.desk.do("arrangement.add", id="own", issuers=["NL"], valid_from="2025-01-01", stale_after_hours=1)
    watched.desk.clock.seconds += HOUR - 1
    assert watched.look() == []

    watched.desk.clock.seconds += 1
    assert (watched.look(), watched.look()) == (["alarm.aeo_feed_silent"], [])
    assert watched.watch.told()["silent"] == [{"arrangement": "own", "issuer": "NL"}]

    await watched.desk.do("aeo.tell", lines=[alive(1)])
    assert watched.look() == ["aeo_feed.lives_again"]
    assert watched.watch.told()["silent"] == []


async def test_an_arrangement_that_ended_waits_for_nobody(watched: Watched) -> None:
    await watched.desk.do("arrangement.add", id="own", issuers=["NL"], valid_from="2025-01-01", stale_after_hours=1)
    await watched.desk.do("arrangement.end", id="own")

    watched.desk.clock.seconds += 2 * HOUR

    assert watched.look() == []


async def test_another_act_that_is_refused_is_no_alarm_of_a_feed(watched: Watched) -> None:
    await watched.desk.refused("arrangement.end", id="nothing")

    assert (watched.refused, watched.look()) == ([], [])
