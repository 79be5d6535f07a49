"""Keys of systems: public halves only, two live at most, one system each, never back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hub.core.errors import Refusal
from hub.core.partner import KeyState
from hub.ports.last_use import Use
from hub.trust.keys import public_jwk_from_pem

SCOPES = ["events:write"]


def public_pem(private: Any = None) -> str:
    key = private or Ed25519PrivateKey.generate()
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(private: Any) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def add(desk: Any, key: str, system: str = "erp") -> str:
    done = await desk.do("key.add", partner="zephyr", system=system, key=key, scopes=SCOPES)
    return next(str(change["id"]) for change in done.changed if change["kind"] == "key")


@pytest.fixture
async def enrolled(desk: Any) -> Any:
    await desk.enrol("zephyr")
    return desk


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (generate_ec(SECP256R1()), "ES256"),
        (Ed25519PrivateKey.generate(), "EdDSA"),
        (generate_rsa(65_537, 2_048), "PS256"),
    ],
)
async def test_a_key_has_the_one_algorithm_that_follows_from_it(enrolled: Any, private: Any, algorithm: str) -> None:
    key = await add(enrolled, public_pem(private))

    assert enrolled.live.snapshot.keys.get(key).algorithm == algorithm


async def test_a_first_key_makes_its_system_with_the_scopes_given(enrolled: Any) -> None:
    await add(enrolled, public_pem())

    assert enrolled.live.snapshot.systems.get("zephyr.erp").scopes == ("events:write",)


async def test_a_jwk_and_a_pem_of_one_key_have_the_same_id(enrolled: Any) -> None:
    pem = public_pem()
    key = await add(enrolled, json.dumps(public_jwk_from_pem(pem.encode())))

    assert await enrolled.refused("key.add", partner="zephyr", system="erp", key=pem) == {"/key": "ACT_KEY_KNOWN"}
    assert key in {item["id"] for item in (await enrolled.show("key.list"))["items"]}


@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_a_private_key_is_refused_and_never_echoed(enrolled: Any, form: str) -> None:
    private = Ed25519PrivateKey.generate()
    secret = "d-of-a-private-key"
    jwk = json.dumps({**public_jwk_from_pem(public_pem(private).encode()), "d": secret})
    text = private_pem(private) if form == "pem" else jwk

    outcome = await enrolled.registrar.perform(
        "key.add", {"partner": "zephyr", "system": "erp", "key": text, "scopes": SCOPES}, actor="ada"
    )

    assert isinstance(outcome, Refusal)
    assert "private" in outcome.faults[0].expected
    assert secret not in repr(outcome)
    assert private_pem(private).splitlines()[1] not in repr(outcome)


@pytest.mark.parametrize(
    "text", [public_pem(generate_ec(SECP384R1())), public_pem(generate_rsa(65_537, 1_024)), "", "{", "{}", "ssh-rsa AA"]
)
async def test_a_key_of_another_kind_is_refused(enrolled: Any, text: str) -> None:
    faults = await enrolled.refused("key.add", partner="zephyr", system="erp", key=text, scopes=SCOPES)

    assert faults == {"/key": "ACT_KEY_REFUSED"}


async def test_all_faults_of_a_new_key_are_told_at_once(desk: Any) -> None:
    faults = await desk.refused("key.add", partner="nobody", system="E R P", key="?", scopes=["events:delete"])

    assert set(faults) == {"/partner", "/system", "/scopes/0", "/key"}


async def test_a_new_system_without_scopes_is_refused(enrolled: Any) -> None:
    assert "/scopes" in await enrolled.refused("key.add", partner="zephyr", system="erp", key=public_pem())


async def test_a_third_live_key_is_refused(enrolled: Any) -> None:
    await add(enrolled, public_pem())
    await add(enrolled, public_pem())

    faults = await enrolled.refused("key.add", partner="zephyr", system="erp", key=public_pem())

    assert faults == {"/key": "ACT_KEYS_TOO_MANY"}


async def test_the_limit_counts_each_system_alone(enrolled: Any) -> None:
    await add(enrolled, public_pem())
    await add(enrolled, public_pem())

    assert await add(enrolled, public_pem(), system="wms")


async def test_a_rotated_key_is_live_until_its_grace_ends(enrolled: Any) -> None:
    old = await add(enrolled, public_pem())
    await enrolled.do("key.rotate", partner="zephyr", system="erp", key=public_pem())

    async def live() -> dict[str, bool]:
        return {item["id"]: item["live"] for item in (await enrolled.show("key.list"))["items"]}

    enrolled.clock.seconds = 3_599
    assert (await live())[old]
    enrolled.clock.seconds = 3_600
    assert not (await live())[old]
    assert list((await live()).values()).count(True) == 1


async def test_rotating_while_the_last_grace_runs_is_refused_and_possible_after_it(enrolled: Any) -> None:
    rotate = {"partner": "zephyr", "system": "erp"}
    await add(enrolled, public_pem())
    await enrolled.do("key.rotate", **rotate, key=public_pem())

    assert await enrolled.refused("key.rotate", **rotate, key=public_pem()) == {"/key": "ACT_KEYS_TOO_MANY"}

    enrolled.clock.seconds = 3_600
    assert (await enrolled.do("key.rotate", **rotate, key=public_pem())).changed


async def test_a_revoked_key_never_comes_back(enrolled: Any) -> None:
    pem = public_pem()
    key = await add(enrolled, pem)

    await enrolled.do("key.revoke", key=key)

    assert enrolled.live.snapshot.keys.get(key).state is KeyState.REVOKED
    assert await enrolled.refused("key.add", partner="zephyr", system="erp", key=pem) == {"/key": "ACT_KEY_KNOWN"}


async def test_a_key_belongs_to_one_system_only(enrolled: Any) -> None:
    pem = public_pem()
    await add(enrolled, pem)

    faults = await enrolled.refused("key.add", partner="zephyr", system="wms", key=pem, scopes=SCOPES)

    assert faults == {"/key": "ACT_KEY_KNOWN"}


async def test_rotating_or_revoking_what_is_not_registered_is_refused(enrolled: Any) -> None:
    assert await enrolled.refused("key.rotate", partner="zephyr", system="erp", key=public_pem()) == {
        "/system": "ACT_NOT_REGISTERED"
    }
    assert await enrolled.refused("key.revoke", key="unknown") == {"/key": "ACT_NOT_REGISTERED"}


async def test_a_key_counts_from_its_approval_to_the_end_of_its_validity(enrolled: Any) -> None:
    key = enrolled.live.snapshot.keys.get(await add(enrolled, public_pem()))

    begins = enrolled.clock.now_us() // 1_000_000
    assert (key.not_before, key.not_after) == (begins, begins + 86_400)
    assert await states(enrolled) == ["approved"]
    await enrolled.last_use.note([Use(key.id, begins)])
    assert await states(enrolled) == ["active"]
    enrolled.clock.seconds += 86_400
    assert await states(enrolled) == ["expired"]


async def test_a_key_for_a_later_time_is_approved_and_counts_from_then_on(enrolled: Any) -> None:
    later = "2099-01-01"
    await enrolled.do("key.add", partner="zephyr", system="erp", key=public_pem(), scopes=SCOPES, not_before=later)

    assert await states(enrolled) == ["approved"]


async def test_the_grace_of_a_replaced_key_never_outlasts_its_validity(enrolled: Any) -> None:
    old = await add(enrolled, public_pem())
    ends = enrolled.live.snapshot.keys.get(old).not_after
    enrolled.clock.seconds += 86_400 - 60

    await enrolled.do("key.rotate", partner="zephyr", system="erp", key=public_pem())

    assert enrolled.live.snapshot.keys.get(old).not_after == ends


async def states(desk: Any) -> list[str]:
    return [item["state"] for item in (await desk.show("key.list"))["items"]]


async def test_the_list_shows_when_and_from_where_each_key_was_used_last(enrolled: Any) -> None:
    key = await add(enrolled, public_pem())
    await enrolled.last_use.note([Use(key, 1_767_225_600, "192.0.2.7", "customs-connect/1")])

    [item] = (await enrolled.show("key.list"))["items"]

    assert item["last_use"] == {"time": 1_767_225_600, "address": "192.0.2.7", "agent": "customs-connect/1"}


async def test_a_key_that_nobody_uses_is_flagged_and_one_in_use_or_revoked_is_not(enrolled: Any) -> None:
    idle, used = await add(enrolled, public_pem()), await add(enrolled, public_pem())
    enrolled.clock.seconds += 3_600
    await enrolled.last_use.note([Use(used, enrolled.clock.now_us() // 1_000_000)])

    unused = [item["id"] for item in (await enrolled.show("key.list", unused="yes"))["items"]]
    await enrolled.do("key.revoke", key=idle)

    assert unused == [idle]
    assert (await enrolled.show("key.list", unused="yes"))["items"] == []


async def test_the_list_of_keys_that_end_soon_holds_live_ones_alone(enrolled: Any) -> None:
    soon = await add(enrolled, public_pem())
    gone = await add(enrolled, public_pem())
    await enrolled.do("key.revoke", key=gone)
    await enrolled.do(
        "key.add", partner="zephyr", system="wms", key=public_pem(), scopes=SCOPES, not_before="2099-01-01"
    )

    assert [item["id"] for item in (await enrolled.show("key.list", expiring="yes"))["items"]] == [soon]
