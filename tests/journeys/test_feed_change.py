"""An officer tries a filter, opens a feed with it, and changes it: each event is decided by the version in force."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.core.errors import Refusal
from tests.world import RISK, HubWorld, event, hub_world, settings_in

FULL, AT_ROTTERDAM = "/data/empty = false", "place = NLRTM"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path, ground="sqlite")) as world:
        yield world


async def test_a_filter_is_tried_then_kept_then_changed(world: HubWorld) -> None:
    watch, delta = await world.reader("watch", feed=False), await world.company()
    await world.act("feed.add", name="all", recipient="watch", purpose=RISK)
    kinds = {"empty-ams": (True, "NLAMS"), "full-ams": (False, "NLAMS"), "empty-rtm": (True, "NLRTM")}
    for number in range(14):
        assert (await delta.post(event(f"before-{number}", empty=False))).status == 201
    await watch.records("all", 14)

    tried = {"name": "full", "recipient": "watch", "purpose": RISK, "filter": FULL}
    found = await world.hub.preview(tried, None, "ada")
    assert not isinstance(found, Refusal)
    assert (found["count"], found["complete"]) == (10, True)
    wrong = await world.hub.preview({**tried, "filter": "/data/empty = no"}, None, "ada")
    assert isinstance(wrong, Refusal)
    assert [fault.code for fault in wrong.faults] == ["ACT_FILTER_VALUE_IMPOSSIBLE"]

    await world.act("feed.add", name="full", recipient="watch", purpose=RISK, filter=FULL, start="now")
    for name, (empty, place) in kinds.items():
        assert (await delta.post(event(f"first-{name}", empty=empty, place={"unlocode": place}))).status == 201
    await world.act("feed.change", name="full", filter=AT_ROTTERDAM)
    for name, (empty, place) in kinds.items():
        assert (await delta.post(event(f"second-{name}", empty=empty, place={"unlocode": place}))).status == 201

    await watch.records("all", 14 + 2 * len(kinds))
    brought = [record["id"] for record in await watch.records("full", 2)]
    assert brought == ["first-full-ams", "second-empty-rtm"]
