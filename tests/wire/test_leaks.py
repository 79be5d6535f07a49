"""A key leaks: what came under it is named to each recipient, as that recipient sees it, until it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.keys import generate
from tests.wire.conftest import MakeWorld
from tests.wire.test_answering import engine, hold, send, shown
from tests.world import TOLD_SOON, Caller, HubWorld, event, hub_world, settings_in

EPOCH = "1970-01-01"


@pytest.fixture
async def hub(make_world: MakeWorld) -> AsyncIterator[HubWorld]:
    async with make_world(intake=TOLD_SOON) as world:
        yield world


async def notices(caller: Caller, count: int) -> list[dict[str, Any]]:
    """The caller's notices, once there are `count`."""
    while True:
        items = (await caller.get("/v1/notices", wait=30)).json["items"]
        if len(items) >= count:
            return items


async def test_each_recipient_is_told_which_of_its_events_came_under_the_key(hub: HubWorld) -> None:
    clear = await hub.reader("clear")
    veiled = await hub.reader("veiled", fields=["/data/empty"])
    delta = await hub.company()
    await delta.post(event("a"))
    [known], [veil] = await clear.records("clear", 1), await veiled.records("veiled", 1)

    await hub.act("key.leaked", key=delta.key.id, since=EPOCH, reason="stolen")
    [told], [veiled_told] = await notices(clear, 1), await notices(veiled, 1)

    assert (told["code"], told["feed"], told["since"]) == ("TRUST_WITHDRAWN", "clear", "1970-01-01T00:00:00.000000Z")
    [named], [veiled_name] = told["events"], veiled_told["events"]
    assert (named["source"], named["id"], named["publisher"]) == (known["source"], "a", "delta")
    assert (veiled_name["source"], veiled_name["id"]) == (veil["source"], veil["id"])
    assert veiled_name["id"].startswith("p-")
    assert "delta" not in str(veiled_told)


async def test_a_company_is_told_which_notices_came_under_an_engines_key_and_what_became_of_it(hub: HubWorld) -> None:
    watch, delta = await engine(hub), await hub.company()
    record = await shown(watch, delta)
    sent = [(await send(watch, hold(record, kind=kind))).json["items"][0]["notice"] for kind in ("hold", "release")]

    await hub.act("key.leaked", key=watch.key.id, since=EPOCH, reason="stolen")
    withdrawn = (await notices(delta, 3))[2]
    await hub.act("key.confirm", key=watch.key.id, reason="nobody of theirs sent it")
    confirmed = (await notices(delta, 4))[3]

    assert [withdrawn["code"], confirmed["code"]] == ["TRUST_WITHDRAWN", "TRUST_CONFIRMED"]
    assert sorted(withdrawn["notices"]) == sorted(confirmed["notices"]) == sorted(sent)


async def test_notices_from_before_an_engines_key_was_lost_are_not_doubted(hub: HubWorld) -> None:
    watch, delta = await engine(hub), await hub.company()
    record = await shown(watch, delta)
    [early] = (await send(watch, hold(record))).json["items"]
    while (since := datetime.now(UTC).replace(microsecond=0).isoformat()) <= early["sent"]:
        await hub.hub.clock.sleep(0.02)  # The moment of a loss is named in seconds.
    [late] = (await send(watch, hold(record, kind="release"))).json["items"]

    await hub.act("key.leaked", key=watch.key.id, since=since, reason="stolen")

    assert (await notices(delta, 3))[2]["notices"] == [late["notice"]]


async def test_what_came_under_another_key_or_to_nobody_is_not_named(hub: HubWorld) -> None:
    watch = await hub.reader()
    blind = await hub.reader("blind", types=["customs.seal.*"])
    delta, echo = await hub.company(), await hub.company("echo")
    old = delta.key
    await delta.post(event("a"))
    delta.key = generate("EdDSA")
    await hub.add_key(delta, act="key.rotate")
    await delta.sign_in()
    await delta.post(event("b"))
    await echo.post(event("c"))
    await watch.records("watch", 3)

    await hub.act("key.leaked", key=old.id, since=EPOCH, reason="stolen")
    [told] = await notices(watch, 1)

    assert [each["id"] for each in told["events"]] == ["a"]
    assert (await blind.get("/v1/notices")).json["items"] == []
    assert (await delta.get("/v1/notices")).json["items"] == []


async def test_what_was_sent_before_the_leak_is_not_named(hub: HubWorld) -> None:
    watch, delta = await hub.reader(), await hub.company()
    await delta.post(event("before"))
    await watch.records("watch", 1)
    since = hub.hub.clock.now_us() // 1_000_000 + 1
    while hub.hub.clock.now_us() // 1_000_000 < since:
        await asyncio.sleep(0.05)
    await delta.post(event("after"))
    await watch.records("watch", 2)

    await hub.act("key.leaked", key=delta.key.id, since=_utc(since), reason="stolen")
    [told] = await notices(watch, 1)

    assert [each["id"] for each in told["events"]] == ["after"]


@pytest.mark.parametrize(("act", "code"), [("key.confirm", "TRUST_CONFIRMED"), ("key.retract", "TRUST_RETRACTED")])
async def test_what_became_of_the_suspicion_is_told_of_the_same_events(hub: HubWorld, act: str, code: str) -> None:
    watch, delta = await hub.reader(), await hub.company()
    await delta.post([event("a"), event("b")], "application/cloudevents-batch+json")
    await watch.records("watch", 2)
    await hub.act("key.leaked", key=delta.key.id, since=EPOCH, reason="stolen")
    await notices(watch, 1)

    await hub.act(act, key=delta.key.id, reason="looked into")
    first, second = await notices(watch, 2)

    assert (first["code"], second["code"]) == ("TRUST_WITHDRAWN", code)
    assert first["events"] == second["events"]
    assert first["notice"] != second["notice"]


async def test_what_a_recipient_can_no_longer_read_and_never_acknowledged_is_not_named(hub: HubWorld) -> None:
    watch, other, delta = await hub.reader(), await hub.reader("other"), await hub.company()
    await delta.post(event("a"))
    await watch.records("watch", 1)
    await hub.act("agreement.end", id="watch-all")

    await hub.act("key.leaked", key=delta.key.id, since=EPOCH, reason="stolen")
    [told] = await notices(other, 1)

    assert [each["id"] for each in told["events"]] == ["a"]
    assert (await watch.get("/v1/notices")).json["items"] == []


async def test_what_a_recipient_acknowledged_is_named_though_the_agreement_ended(hub: HubWorld) -> None:
    watch, delta = await hub.reader(), await hub.company()
    await delta.post(event("a"))
    await watch.records("watch", 1)
    page = await watch.get("/v1/feeds/watch/records")
    await watch.ask("POST", "/v1/feeds/watch/ack", json={"cursor": page.json["next"]})
    await hub.act("agreement.end", id="watch-all")

    await hub.act("key.leaked", key=delta.key.id, since=EPOCH, reason="stolen")
    [told] = await notices(watch, 1)

    assert [each["id"] for each in told["events"]] == ["a"]


async def test_a_company_is_warned_once_before_its_key_expires(tmp_path: Path) -> None:
    """Its validity is 10 days and a second, so that the warning is due right after it was registered."""
    settings = settings_in(tmp_path, ground="sqlite", auth={"key_validity_seconds": 10 * 86_400 + 1})
    async with hub_world(settings) as world:
        delta = await world.company()
        while world.hub.clock.now_us() // 1_000_000 < expires(delta) - 10 * 86_400:
            await asyncio.sleep(0.05)
    async with hub_world(settings) as world:
        delta = Caller(world, delta.id, delta.key)
        await delta.sign_in()
        [told] = await notices(delta, 1)
    async with hub_world(settings) as world:
        delta = Caller(world, delta.id, delta.key)
        await delta.sign_in()
        again = await notices(delta, 1)

    assert (told["code"], told["key"], told["system"], told["days"]) == ("KEY_EXPIRES", delta.key.id, delta.id, 10)
    assert again == [told]


def expires(caller: Caller) -> int:
    key = caller.world.hub.snapshot().keys.get(caller.key.id)
    assert key is not None
    assert key.not_after is not None
    return key.not_after


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
