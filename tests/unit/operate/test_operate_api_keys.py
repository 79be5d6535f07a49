"""Issuing API keys: to whom, for what and for how long; and revoking them."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.codes import digest_of
from hub.core.credential import KeyState
from hub.operate.registrar import Done, Waiting
from tests.unit.operate.conftest import START, Desk
from tests.unit.operate.office import Office

ONE, TWO, THREE = (digest_of(text) for text in ("one", "two", "three"))


def asked(key: str = ONE, **more: Any) -> dict[str, Any]:
    return {"id": key, "partner": "zephyr", "system": "shop", "scopes": ["events:write"]} | more


async def test_an_api_key_has_the_scopes_of_its_system_and_an_end(desk: Desk) -> None:
    await desk.enrol(tier="small")

    await desk.do("api-key.issue", **asked(days=30, networks=["192.0.2.0/24"]))

    key = desk.live.snapshot.api_keys.get(ONE)
    assert key is not None
    assert (key.system, key.scopes, key.networks) == ("zephyr.shop", ("events:write",), ("192.0.2.0/24",))
    assert key.usable_at(START + 30 * 86_400 - 1)
    assert key.state_at(START + 30 * 86_400) is KeyState.EXPIRED


@pytest.mark.parametrize(("tier", "place"), [("trusted", "/partner"), ("aeo", "/partner")])
async def test_whoever_can_prove_to_hold_a_key_gets_no_api_key(desk: Desk, tier: str, place: str) -> None:
    await desk.enrol(tier=tier)

    assert await desk.refused("api-key.issue", **asked()) == {place: "ACT_VALUE_INVALID"}


async def test_a_vetted_partner_tries_with_an_api_key_what_the_sandbox_allows(desk: Desk) -> None:
    await desk.do("partner.apply", id="zephyr", name="Z", country="NL", roles=["exporter"], tier="trusted")
    await desk.do("partner.vet", id="zephyr")

    await desk.do("api-key.issue", **asked(scopes=["feeds:read"]))


@pytest.mark.parametrize(("tier", "role"), [("small", "exporter"), ("sandbox", "authority")])
async def test_a_feed_is_not_read_by_an_api_key_outside_the_sandbox_and_by_no_authority(
    desk: Desk, tier: str, role: str
) -> None:
    await desk.enrol("zephyr", role, tier=tier)

    assert await desk.refused("api-key.issue", **asked(scopes=["feeds:read"])) == {"/scopes/0": "ACT_VALUE_INVALID"}


@pytest.mark.parametrize(("given", "place"), [
    ({"days": 0}, "/days"), ({"days": 366}, "/days"), ({"networks": ["192.0.2.1/24"]}, "/networks/0"),
    ({"networks": ["here"]}, "/networks/0"), ({"networks": ["::/0"] * 17}, "/networks"), ({"id": "chk_x"}, "/id"),
    ({"scopes": ["admin"]}, "/scopes/0"), ({"scopes": []}, "/scopes"),
])  # fmt: skip
async def test_what_is_out_of_bounds_is_refused(desk: Desk, given: dict[str, Any], place: str) -> None:
    await desk.enrol(tier="small")

    assert place in await desk.refused("api-key.issue", **asked(**given))


async def test_two_api_keys_are_live_at_a_time_and_none_is_issued_twice(desk: Desk) -> None:
    await desk.enrol(tier="small")
    await desk.do("api-key.issue", **asked())
    await desk.do("api-key.issue", **asked(TWO))

    assert await desk.refused("api-key.issue", **asked(THREE)) == {"/system": "ACT_KEYS_TOO_MANY"}
    await desk.do("api-key.revoke", id=ONE[:8])
    assert await desk.refused("api-key.issue", **asked()) == {"/id": "ACT_NAME_TAKEN"}
    await desk.do("api-key.issue", **asked(THREE))


@pytest.mark.parametrize("name", ["a" * 7, "a" * 8, "b" * 7])
async def test_a_beginning_that_is_short_or_of_two_keys_names_none(desk: Desk, name: str) -> None:
    await desk.enrol(tier="small")
    await desk.do("api-key.issue", **asked("a" * 64))
    await desk.do("api-key.issue", **asked("a" * 63 + "b", system="desk"))
    await desk.do("api-key.issue", **asked("b" * 64, system="desk"))

    assert await desk.refused("api-key.revoke", id=name) == {"/id": "ACT_NOT_REGISTERED"}


async def test_the_list_shows_states_and_digests_only(desk: Desk) -> None:
    await desk.enrol(tier="small")
    await desk.do("api-key.issue", **asked(days=1))
    desk.clock.seconds = 86_400

    [shown] = (await desk.show("api-key.list"))["items"]

    assert (shown["id"], shown["state"], shown["live"]) == (ONE, "expired", False)


async def test_issuing_takes_two_and_revoking_takes_one(desk: Desk) -> None:
    office = await Office(desk).open()
    facts = {"id": "zephyr", "name": "Z", "country": "NL", "roles": ["exporter"], "tier": "small"}
    await office.both("partner.add", "ann", "ben", **facts)

    assert isinstance(await office.ask("ann", "api-key.issue", **asked()), Waiting)
    await office.both("api-key.issue", "ann", "ben", **asked(TWO))

    assert isinstance(await office.ask("olga", "api-key.revoke", id=TWO), Done)
    assert desk.live.snapshot.api_keys.get(ONE) is None
