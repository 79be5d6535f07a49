"""The key book: whose word is known, by which key, from when to when, and nothing secret or unheard-of in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.jwk import public_jwk, thumbprint
from tests.unit.operate.conftest import START
from tests.unit.operate.test_operate_keys import private_pem, public_pem

ISSUER = "did:web:carrier.example"
ID = f"{ISSUER}#key-1"
PRIVATE = Ed25519PrivateKey.generate()
JWK = public_jwk(PRIVATE.public_key())


async def add(desk: Any, **more: Any) -> Any:
    request = {"issuer": ISSUER, "key": json.dumps(JWK), "kid": "key-1", "name": "Carrier Lines", **more}
    return await desk.do("issuer-key.add", **request)


async def refused(desk: Any, **more: Any) -> dict[str, str]:
    request = {"issuer": ISSUER, "key": json.dumps(JWK), "kid": "key-1", "name": "Carrier Lines", **more}
    faults: dict[str, str] = await desk.refused("issuer-key.add", **request)
    return faults


async def test_a_key_is_an_object_with_versions_and_an_audit_trail(desk: Any) -> None:
    done = await add(desk, reason="by letter of 3 November")
    again = await add(desk)
    await desk.do("issuer-key.remove", id=ID)

    history = desk.live.snapshot.issuer_keys
    assert ([(each["kind"], each["id"]) for each in done.changed], again.changed) == ([("issuer_key", ID)], ())
    assert [(each.jwk, each.algorithm, each.removed) for _, each in history.versions(ID)] == [
        (JWK, "EdDSA", False),
        (JWK, "EdDSA", True),
    ]
    assert [each.id for each in history.of(ISSUER)] == [ID]
    assert b'"act":"issuer-key.add"' in (await desk.registry.audit(0, 1))[0]


@pytest.mark.parametrize(
    ("key", "kid", "expected"),
    [
        (public_pem(PRIVATE), None, thumbprint(JWK)),
        (json.dumps(JWK), None, thumbprint(JWK)),
        (json.dumps({**JWK, "kid": f"{ISSUER}#own"}), None, "own"),
        (json.dumps({**JWK, "kid": "own"}), "#given", "given"),
        (public_pem(PRIVATE), f"{ISSUER}#whole", "whole"),
        (public_pem(PRIVATE), "did:web:other.example#x", "did:web:other.example#x"),
    ],
    ids=["PEM", "JWK", "JWK with an id", "JWK with another id", "whole", "of another"],
)
async def test_a_key_is_known_by_the_id_that_its_issuer_uses(
    desk: Any, key: str, kid: str | None, expected: str
) -> None:
    await add(desk, key=key, kid=kid)

    [known] = desk.live.snapshot.issuer_keys
    assert (known.id, known.kid, known.jwk) == (f"{ISSUER}#{expected}", expected, JWK)


async def test_its_name_and_times_are_changed_by_adding_it_again(desk: Any) -> None:
    await add(desk)

    await add(desk, name="Carrier Lines BV", valid_from="2026-01-01", valid_until="2026-01-02T00:00:00Z")

    [known] = desk.live.snapshot.issuer_keys
    assert (known.name, known.valid_from, known.valid_until) == ("Carrier Lines BV", START, START + 86_400)
    assert [known.in_force(START + seconds) for seconds in (-1, 0, 86_399, 86_400)] == [False, True, True, False]


async def test_another_key_takes_an_id_only_after_the_one_before_was_removed(desk: Any) -> None:
    await add(desk)
    other = public_pem()

    assert await refused(desk, key=other) == {"/kid": "ACT_KEY_ID_TAKEN"}
    await desk.do("issuer-key.remove", id=ID)
    await add(desk, key=other)

    [known] = desk.live.snapshot.issuer_keys
    assert (known.removed, known.in_force(START), known.jwk == JWK) == (False, True, False)


async def test_two_issuers_may_use_one_key(desk: Any) -> None:
    await add(desk)
    await add(desk, issuer="https://carrier.example/issuer")

    assert [each.issuer for each in desk.live.snapshot.issuer_keys] == [ISSUER, "https://carrier.example/issuer"]


async def test_a_key_that_is_removed_twice_is_removed_once_and_one_that_never_was_is_a_fault(desk: Any) -> None:
    await add(desk)
    await desk.do("issuer-key.remove", id=ID)

    assert (await desk.do("issuer-key.remove", id=ID)).changed == ()
    assert await desk.refused("issuer-key.remove", id=ISSUER) == {"/id": "ACT_NOT_REGISTERED"}


@pytest.mark.parametrize(
    "key",
    [private_pem(PRIVATE), json.dumps({**JWK, "d": "AA"}), json.dumps({"kty": "oct", "k": "AA"}), "", "{", "[]", "{}"],
    ids=["PEM", "JWK", "shared", "nothing", "broken", "array", "empty"],
)
async def test_a_private_key_and_what_is_no_key_are_refused_and_not_echoed(desk: Any, key: str) -> None:
    assert await refused(desk, key=key) == {"/key": "ACT_KEY_REFUSED"}


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({"issuer": "carrier"}, {"/issuer"}),
        ({"issuer": f"{ISSUER}#key-1"}, {"/issuer"}),
        ({"issuer": "did:web:carrier example"}, {"/issuer"}),
        ({"issuer": "did:web:" + "x" * 200}, {"/issuer"}),
        ({"issuer": "did:web:é.example"}, {"/issuer"}),
        ({"kid": ""}, {"/kid"}),
        ({"kid": "a b"}, {"/kid"}),
        ({"issuer": "did:web:" + "x" * 150, "kid": "x" * 150}, {"/kid"}),
        ({"name": " "}, {"/name"}),
        ({"valid_from": "yesterday", "valid_until": "2026-01-01T00:00:00"}, {"/valid_from", "/valid_until"}),
        ({"valid_from": "2026-01-02", "valid_until": "2026-01-02"}, {"/valid_until"}),
    ],
)
async def test_what_can_stand_in_no_book_is_refused_at_its_place(
    desk: Any, asked: dict[str, Any], places: set[str]
) -> None:
    assert set(await refused(desk, **asked)) == places
