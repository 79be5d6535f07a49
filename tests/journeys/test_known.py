"""What is known outlives its keeper: through a kill under load, and when its file is gone, it is the same again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from hub.core.settings import Settings
from tests.journeys.test_serve import Sender, serving, session, settings, systems
from tests.wire.test_views import BOX, OTHER, UCR, all_known, at, found, gate_in, push, retraction, told
from tests.world import Caller, HubWorld, event, hub_world, settings_in

__all__ = ["settings", "systems"]


@asynccontextmanager
async def again(directory: Path, *callers: Caller) -> AsyncIterator[tuple[HubWorld, list[Caller]]]:
    """The hub on the same directory once more; everybody signs in anew."""
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        back = [Caller(world, caller.id, caller.key) for caller in callers]
        for caller in back:
            assert (await caller.sign_in()).status == 200
        await all_known(world)
        yield world, back


async def everything(*callers: Caller) -> list[Any]:
    """All that they are told, but for the moment up to which it is known."""
    answers: list[Any] = []
    for caller in callers:
        answers.append((await caller.get("/v1/events")).json["items"])
        for scheme, value in (("iso6346", BOX["value"]), ("iso6346", OTHER["value"]), ("ucr", UCR["value"])):
            answers.append({**await told(caller, scheme, value), "known_up_to": None})
    return answers


async def test_without_its_file_or_with_one_of_another_layout_what_is_known_is_followed_again(tmp_path: Path) -> None:
    async with hub_world(settings_in(tmp_path, ground="sqlite")) as world:
        watch = await world.reader(fields=["/data/place", "/data/references"])
        delta = await world.company()
        updated = gate_in("c", OTHER, references=[UCR], updated_at=event()["time"])
        await push(delta, gate_in("a", references=[UCR], occurred_at=at(1)), gate_in("c", OTHER), updated)
        await push(delta, gate_in("b"), retraction("r", "b"))
        before = await everything(delta, watch)

    for file in tmp_path.glob("views.db*"):
        file.unlink()
    async with again(tmp_path, delta, watch) as (_, back):
        rebuilt = await everything(*back)

    with closing(sqlite3.connect(tmp_path / "views.db")) as connection:
        connection.execute("PRAGMA user_version=99")
    async with again(tmp_path, delta, watch) as (_, back):
        rebuilt_again = await everything(*back)

    (tmp_path / "views.db").write_bytes(b"no database at all" * 1_000)
    async with again(tmp_path, delta, watch) as (_, back):
        rebuilt_at_last = await everything(*back)

    assert before == rebuilt == rebuilt_again == rebuilt_at_last
    assert before[0]


async def test_after_a_kill_under_load_everything_that_was_acknowledged_is_known_once(
    settings: Settings, systems: dict[str, Any]
) -> None:
    async with serving(Path(settings.log.directory)) as hub, session(hub.url, systems["delta"], "events:write") as one:
        senders = [Sender(f"s{number}", one) for number in range(8)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        await asyncio.gather(*(sender.under_way.wait() for sender in senders))
        hub.process.kill()
        await asyncio.gather(*tasks)

    async with hub_world(settings) as world, session(world.hub.url, systems["delta"], "receipts:read") as reading:
        await all_known(world)
        ids: list[str] = []
        query: dict[str, str] = {}
        while query.get("cursor", "") is not None:
            page = (await reading.request("GET", "/v1/events", query=query)).json()
            ids += [item["event"]["id"] for item in page["items"]]
            query = {"cursor": page["next"]}

    assert set(Counter(ids).values()) == {1}
    assert {id_ for sender in senders for id_ in sender.accepted} <= set(ids)


async def test_a_publisher_and_an_officer_read_the_same_box_each_as_it_may(tmp_path: Path) -> None:
    async with hub_world(settings_in(tmp_path)) as world:
        officer = await world.reader(fields=["/publisher", "/data/subjects", "/data/place"], feed=False)
        delta, echo = await world.company("delta"), await world.company("echo")
        await push(delta, gate_in("in", occurred_at=at(1), remarks="Ask for Jan."))
        await push(echo, gate_in("estimate", place={"unlocode": "DEHAM"}, time_kind="ESTIMATED", occurred_at=at(40)))

        seen, own = await told(officer), await told(delta)

        assert [each["place"]["unlocode"] for each in seen["milestones"]] == ["NLRTM", "DEHAM"]
        assert [each["event"]["publisher"] for each in seen["milestones"]] == ["delta", "echo"]
        assert [each["event"]["id"] for each in own["milestones"]] == ["in"]
        assert seen["place"]["unlocode"] == "NLRTM"
        assert await found(officer, publisher="echo") != ["estimate"]
