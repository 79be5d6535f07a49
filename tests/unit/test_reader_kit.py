"""The reader kit: lanes in their order, nothing piles up, signed acknowledgements, checkpoints that notice others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web

from connectors.risk import Following, Group, Overtaken, ProvedReader, Reader, SQLiteCheckpoint
from connectors.session import HubRefused, HubSession
from hub.trust.ack import ack_text
from tests.unit.fake_hub import FakeHub, problem


class Scripted:
    """A source of groups with one record each, of which it tells how many were asked for."""

    def __init__(self, place: str, *ids: str, fails: bool = False) -> None:
        self.place, self.asked, self.finished = place, 0, list[str]()
        self._ids, self._fails = ids, fails

    async def groups(self) -> AsyncGenerator[Group, None]:
        for name in self._ids:
            self.asked += 1
            yield Group(({"id": name},), name, place=self.place)
        if self._fails:
            raise HubRefused(410, {"code": "FEED_GONE"})

    async def done(self, group: Group) -> None:
        self.finished.append(group.token)


async def ready() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_of_the_groups_that_wait_those_of_the_urgent_lane_go_first() -> None:
    urgent, others = Scripted("gates/urgent", "u1", "u2"), Scripted("gates", "m1", "m2")
    seen = []

    async with aclosing(Following(urgent, others).groups()) as groups:
        async for group in groups:
            seen.append(group.token)
            await ready()  # Both lanes have had the time to bring what they may.

    assert seen == ["u1", "u2", "m1", "m2"]


async def test_an_engine_that_is_slow_makes_every_lane_wait_with_one_group_ahead() -> None:
    urgent, others = Scripted("gates/urgent", *"abcdef"), Scripted("gates", *"ghijkl")

    async with aclosing(Following(urgent, others).groups()) as groups:
        await anext(groups)
        await ready()

        assert (urgent.asked, others.asked) == (2, 1)


async def test_what_is_done_is_told_to_the_source_that_brought_it() -> None:
    urgent, others = Scripted("gates/urgent", "u1"), Scripted("gates", "m1")
    following = Following(urgent, others)

    async with aclosing(following.groups()) as groups:
        async for group in groups:
            await following.done(group)

    assert (urgent.finished, others.finished) == (["u1"], ["m1"])


async def test_a_lane_that_is_gone_ends_the_reading_of_all() -> None:
    following = Following(Scripted("a", fails=True), Scripted("b"))

    with pytest.raises(HubRefused, match="FEED_GONE"):
        async for _ in following.groups():
            pass


def test_two_lanes_cannot_keep_their_place_under_one_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        Following(Scripted("gates"), Scripted("gates"))


async def test_a_lane_is_asked_for_read_and_acknowledged_as_such(hub: FakeHub, session: HubSession) -> None:
    hub.pages = {None: web.json_response({"items": [{"id": "a"}], "next": "c1"})}
    reader = Reader(session, "gates", lane="urgent", from_now=True)

    async with aclosing(reader.groups()) as groups:
        group = await anext(groups)
    await reader.done(group)

    assert (group.place, group.since, group.token) == ("gates/urgent", None, "c1")
    assert [(each["lane"], each["from"]) for each in hub.asked] == [("urgent", "now")]
    assert hub.acknowledged == ["c1"]


async def test_an_acknowledgement_is_signed_over_just_what_the_hub_checks(
    hub: FakeHub, session: HubSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    original = HubSession.request

    async def spied(self: HubSession, method: str, path: str, **more: Any) -> Any:
        sent.append((path, more.get("query"), orjson.loads(more["body"])))
        return await original(self, method, path, **more)

    monkeypatch.setattr(HubSession, "request", spied)
    await Reader(session, "gates", lane="urgent").acknowledge("c7")

    [(path, query, body)] = sent
    text = ack_text("fake", "gates", "urgent", "c7", body["time"])
    key = hub.client_key
    signed = jwt.api_jws.decode_complete(body["signature"], key.private.public_key(), algorithms=[key.algorithm])
    assert (path, query) == ("/v1/feeds/gates/ack", {"lane": "urgent"})
    assert (signed["payload"], signed["header"]["typ"], signed["header"]["kid"]) == (
        text,
        "customs-hub-ack+jws",
        key.id,
    )


async def test_that_a_hub_is_full_stops_no_engine_but_a_refusal_does(hub: FakeHub, session: HubSession) -> None:
    reader, answers = Reader(session, "gates"), [problem(503, "OVERLOADED", retryable=True), problem(410, "FEED_GONE")]
    hub.acknowledging = lambda: answers.pop(0)

    await reader.done(Group((), "c1"))
    with pytest.raises(HubRefused, match="FEED_GONE"):
        await reader.done(Group((), "c2"))


async def test_each_group_names_the_token_before_it_also_behind_a_gap(hub: FakeHub, session: HubSession) -> None:
    hub.pages = {
        "old": problem(410, "CURSOR_EXPIRED", cursor="fresh"),
        "fresh": web.json_response({"items": [{"id": "a"}], "next": "c1"}),
        "c1": web.json_response({"items": [{"id": "b"}], "next": "c2"}),
    }

    async with aclosing(Reader(session, "gates", token="old").groups()) as groups:
        found = [await anext(groups), await anext(groups)]

    assert [(each.since, each.token, each.after_gap) for each in found] == [("old", "c1", True), ("c1", "c2", False)]


async def test_records_that_withhold_nothing_pass_a_proved_reader_at_once(hub: FakeHub, session: HubSession) -> None:
    hub.pages = {None: web.json_response({"items": [{"id": "a"}], "seals": [], "next": "c1"})}

    async with aclosing(ProvedReader(session, "gates").groups()) as groups:
        group = await anext(groups)

    assert (group.records, group.token, hub.asked[0]["proof"]) == (({"id": "a"},), "c1", "yes")


@pytest.fixture
def database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute("create table effect (id text)")
    return database


def work_off(database: sqlite3.Connection, group: Group, *, fails: bool = False) -> list[str]:
    with SQLiteCheckpoint(database).work(group) as records:
        database.executemany("insert into effect values (?)", [(record["id"],) for record in records])
        if fails:
            raise RuntimeError
    return [row[0] for row in database.execute("select id from effect order by rowid")]


def of_one(name: str, token: str, **more: Any) -> Group:
    return Group(({"id": name},), token, place="gates", **more)


def test_work_that_fails_is_undone_with_its_token(database: sqlite3.Connection) -> None:
    with pytest.raises(RuntimeError):
        work_off(database, of_one("a", "c1"), fails=True)

    assert work_off(database, of_one("a", "c1")) == ["a"]


def test_a_second_process_at_the_same_place_stores_nothing(database: sqlite3.Connection) -> None:
    work_off(database, of_one("a", "c1"))

    for theirs in (of_one("a", "c1"), of_one("b", "c3", since="c2")):
        with pytest.raises(Overtaken, match="another process"):
            work_off(database, theirs)

    assert work_off(database, of_one("b", "c2", since="c1")) == ["a", "b"]


def test_a_message_that_comes_again_has_nothing_left_to_do(database: sqlite3.Connection) -> None:
    work_off(database, of_one("a", "c1", message="msg_1"))

    assert work_off(database, of_one("a", "c1", message="msg_1")) == ["a"]
    assert work_off(database, of_one("b", "c1", message="msg_2")) == ["a", "b"]
    assert SQLiteCheckpoint(database).load("gates") == "c1"
