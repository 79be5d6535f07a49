"""The life of a key: each state begins and ends on its second, and each refused use has its own label."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.credential import KeyState
from hub.core.settings import AuthSettings
from hub.trust.jws import Flaw
from hub.trust.tokens import Assertion, verify_assertion
from tests.tokens_by_hand import CLIENT, ISSUER, NOW, P256, registered, sign

LIVES: list[tuple[dict[str, Any], KeyState]] = [
    ({}, KeyState.ACTIVE),
    ({"state": KeyState.REQUESTED}, KeyState.REQUESTED),
    ({"state": KeyState.REQUESTED, "not_after": NOW - 1}, KeyState.REQUESTED),
    ({"not_before": NOW + 1}, KeyState.APPROVED),
    ({"not_before": NOW}, KeyState.ACTIVE),
    ({"not_after": NOW + 1}, KeyState.ACTIVE),
    ({"not_after": NOW}, KeyState.EXPIRED),
    ({"state": KeyState.GRACE, "not_after": NOW + 1}, KeyState.GRACE),
    ({"state": KeyState.GRACE, "not_after": NOW}, KeyState.ROTATED_OUT),
    ({"state": KeyState.GRACE}, KeyState.ROTATED_OUT),
    ({"state": KeyState.REVOKED, "not_after": NOW + 1}, KeyState.REVOKED),
]


@pytest.mark.parametrize(("change", "state"), LIVES)
def test_the_state_of_a_key_follows_from_what_was_decided_and_from_its_dates(
    change: dict[str, Any], state: KeyState
) -> None:
    assert registered(P256, **change).state_at(NOW) is state


@pytest.mark.parametrize(("change", "state"), LIVES)
@pytest.mark.parametrize("kid", [True, False])
def test_an_assertion_is_good_under_a_usable_key_and_else_refused_with_a_label_of_that_state(
    change: dict[str, Any], state: KeyState, kid: bool
) -> None:
    key = registered(P256, **change)
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "1"}
    token = sign({"alg": "ES256"} | ({"kid": key.id} if kid else {}), claims)

    found = verify_assertion(token, issuer=ISSUER, keys_of=lambda _: [key], now=NOW, settings=AuthSettings())

    if state in (KeyState.ACTIVE, KeyState.GRACE):
        assert isinstance(found, Assertion)
    else:
        assert found is Flaw(f"key_{state}")
