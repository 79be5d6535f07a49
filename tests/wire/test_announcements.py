"""Operators tell a class of partners something: who is told, what may be said, and that it is said once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.cli import run
from hub.core.errors import Refusal
from tests.wire.test_answering import acknowledge, engine, hold, send, shown, told
from tests.world import Caller, HubWorld, hub_world, settings_in

SAID = {"id": "outage-1", "kind": "disruption", "text": "Closed from 22:00 to 23:00 UTC.", "language": "en"}


@pytest.fixture
async def partners(world: HubWorld) -> dict[str, Caller]:
    """A Dutch terminal, a Dutch carrier of the tier small, a German terminal."""
    facts: Mapping[str, dict[str, Any]] = {
        "delta": {"roles": ["terminal"]},
        "echo": {"roles": ["carrier"], "tier": "small"},
        "fox": {"roles": ["terminal"], "country": "DE"},
    }
    return {name: await world.company(name, **given) for name, given in facts.items()}


async def announce(world: HubWorld, **more: Any) -> Any:
    return await world.hub.notice("notice.send", SAID | more, None, "root")


@pytest.mark.parametrize(
    ("meant", "whom"),
    [
        ({"all": True}, {"delta", "echo", "fox"}),
        ({"role": "terminal"}, {"delta", "fox"}),
        ({"country": "NL"}, {"delta", "echo"}),
        ({"tier": "small"}, {"echo"}),
        ({"partner": "fox"}, {"fox"}),
        ({"role": "terminal", "country": "DE"}, {"fox"}),
    ],
)
async def test_the_class_is_told_and_nobody_else(
    world: HubWorld, partners: dict[str, Caller], meant: dict[str, Any], whom: set[str]
) -> None:
    assert await announce(world, **meant) == {"id": "outage-1", "partners": len(whom)}

    for name in whom:
        [notice] = await told(partners[name])
        assert (notice["code"], notice["text"]) == ("CUSTOMS_DISRUPTION", SAID["text"])
        assert set(notice) == {"code", "notice", "time", "text", "language"}
    for name in partners.keys() - whom:
        assert (await partners[name].get("/v1/notices")).json["items"] == []


async def test_the_same_again_is_told_once_and_other_words_are_refused(
    world: HubWorld, partners: dict[str, Caller]
) -> None:
    first = await announce(world, all=True, reason="x")

    again, other = await announce(world, all=True, reason="y"), await announce(world, all=True, text="Open.")
    await announce(world, id="outage-2", all=True)

    assert again == first
    assert isinstance(other, Refusal)
    assert other.code == "NOTICE_CONFLICT"
    assert len(await told(partners["delta"], 2)) == 2


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"all": True, "kind": "hold"}, "/kind"),
        ({"all": True, "kind": "ugly"}, "/kind"),
        ({}, ""),
        ({"all": True, "role": "terminal"}, ""),
        ({"role": "king"}, "/role"),
        ({"tier": "king"}, "/tier"),
        ({"partner": "nobody"}, "/partner"),
        ({"country": "XX"}, ""),
        ({"all": True, "deadline": "2020-01-01"}, "/deadline"),
    ],
)
async def test_what_operators_may_not_send_is_refused(
    world: HubWorld, partners: dict[str, Caller], wrong: dict[str, Any], place: str
) -> None:
    outcome = await announce(world, **wrong)

    assert isinstance(outcome, Refusal)
    assert [fault.place for fault in outcome.faults] == [place]
    assert (await world.hub.notice("notice.list", {}, None, "root"))["items"] == []


async def test_operators_see_every_notice_with_who_acknowledged_it_and_each_look_is_noted(world: HubWorld) -> None:
    watch, delta = await engine(world), await world.company()
    await announce(world, partner="delta", acknowledge=True)
    await send(watch, hold(await shown(watch, delta)))
    notices = await told(delta, 2)
    await acknowledge(delta, next(each["notice"] for each in notices if each["code"] == "CUSTOMS_DISRUPTION"))

    listed = await world.hub.notice("notice.list", {}, None, "root")
    of_watch = await world.hub.notice("notice.list", {"sender": "watch"}, None, "root")

    assert not isinstance(listed, Refusal)
    about = {each["kind"]: (each["by"], each["partner"], each["acknowledged_by"]) for each in listed["items"]}  # type: ignore[attr-defined]
    assert about == {"disruption": ("root", "delta", "delta.sys"), "hold": ("watch.sys", "delta", "")}
    assert [each["kind"] for each in of_watch["items"]] == ["hold"]  # type: ignore[index]
    acts = [orjson.loads(each)["act"] for each in await world.hub.live.audit(0, 500)]
    assert (acts.count("notice.send"), acts.count("notice.list")) == (1, 2)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite")) as opened:
        yield opened


async def test_the_command_line_sends_and_lists(
    served: HubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delta, on = await served.company(), ["--data", str(tmp_path / "data")]

    sent = await asyncio.to_thread(
        run, ["notice", "send", "advice", "Bonjour.", "--language", "fr", "--role", "terminal", *on]
    )
    [notice] = await told(delta)
    listed = await asyncio.to_thread(run, ["notice", "list", *on])

    assert (sent, listed, notice["code"], notice["language"]) == (0, 0, "CUSTOMS_ADVICE", "fr")
    assert notice["notice"] in capsys.readouterr().out
