"""The urgent lane of a feed over HTTP: its own records, cursors and place; the other lane is as it was."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.proposal import Proposal
from hub.web.routes import BATCHED
from tests.world import Caller, HubWorld, event

OUT = "customs.container.gate_out"
RECORDS, ACK, STREAM = (f"/v1/feeds/watch/{path}" for path in ("records", "ack", "stream"))


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    """Its feed has had an urgent lane from the second version on."""
    reader = await world.reader()
    live = world.hub.live
    feed = live.snapshot.feeds.get("watch")
    assert feed is not None
    changed = replace(feed, urgent=(OUT,), version=2)
    await live.write(Proposal(live.snapshot.revision, (changed,), "test", "test"))
    return reader


async def both(watch: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """A page of each lane, once there is something in both."""
    return (await watch.get(RECORDS, wait=30)).json, (await watch.get(RECORDS, wait=30, lane="urgent")).json


def ids(page: dict[str, Any]) -> list[str]:
    return [record["id"] for record in page["items"]]


async def sent(world: HubWorld) -> None:
    company = await world.company()
    answer = await company.post([event("in"), event("out", type=OUT)], BATCHED)
    assert [each["verdict"] for each in answer.json["items"]] == ["ACCEPTED"] * 2


async def test_an_urgent_type_is_in_its_lane_and_nowhere_else(world: HubWorld, watch: Caller) -> None:
    await sent(world)

    main, urgent = await both(watch)

    assert (ids(main), ids(urgent)) == (["in"], ["out"])
    [told] = (await watch.get("/v1/feeds")).json["items"]
    assert told["urgent"] == [OUT]


async def test_each_lane_has_cursors_and_an_acknowledged_place_of_its_own(world: HubWorld, watch: Caller) -> None:
    await sent(world)
    main, urgent = await both(watch)

    crossed = await watch.get(RECORDS, cursor=urgent["next"])
    wrong = await watch.ask("POST", ACK, json={"cursor": urgent["next"]})
    right = await watch.ask("POST", f"{ACK}?lane=urgent", json={"cursor": urgent["next"]})

    assert (crossed.code, wrong.code, right.status) == ("CURSOR_INVALID", "CURSOR_INVALID", 204)
    after = (await watch.get(RECORDS)).json, (await watch.get(RECORDS, lane="urgent")).json
    assert list(map(ids, after)) == [["in"], []]
    assert ids((await watch.get(RECORDS, cursor=main["next"])).json) == []


async def test_a_stream_brings_the_lane_that_was_asked_for(world: HubWorld, watch: Caller) -> None:
    await sent(world)
    await both(watch)

    given = {"Authorization": f"Bearer {watch.token}"}
    async with world.http.get(f"{world.hub.url}{STREAM}?lane=urgent", headers=given) as response:
        lines = [await response.content.readline() for _ in range(3)]

    assert response.status == 200
    assert orjson.loads(lines[2].removeprefix(b"data: "))["id"] == "out"


@pytest.mark.parametrize("path", [RECORDS, STREAM])
async def test_a_lane_that_is_not_there_is_refused(world: HubWorld, watch: Caller, path: str) -> None:
    other = await world.reader("other")

    assert (await watch.get(path, lane="main")).code == "BAD_REQUEST"
    assert (await watch.get(f"/v1/feeds/watch%2Furgent/{path.rpartition('/')[2]}")).code in ("BAD_REQUEST", "NOT_FOUND")
    assert (await other.get(path.replace("watch", "other"), lane="urgent")).code == "NOT_FOUND"
