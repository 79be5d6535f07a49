"""Passwords sealed to the hub: opened by it alone, for the user that they were made for."""

from __future__ import annotations

import pytest

from hub.trust.sealed_password import SealBroken, is_sealed, open_password, seal_password, sealing_key

SECRET = bytes(range(32))
PASSWORD = "chp_0123456789ABCDEFGHJKMNPQRS"


def test_what_was_sealed_to_the_hub_it_opens() -> None:
    sealed = seal_password(PASSWORD, "watch.live.1", sealing_key(SECRET))

    assert is_sealed(sealed)
    assert open_password(sealed, "watch.live.1", SECRET) == PASSWORD


@pytest.mark.parametrize(("user", "secret"), [("watch.live.2", SECRET), ("watch.live.1", bytes(32))])
def test_nobody_else_opens_it_and_it_is_no_other_users(user: str, secret: bytes) -> None:
    sealed = seal_password(PASSWORD, "watch.live.1", sealing_key(SECRET))

    with pytest.raises(SealBroken):
        open_password(sealed, user, secret)


@pytest.mark.parametrize("text", ["", "x", "=", "_" * 40, "ä" * 100, "A" * 107])
def test_what_is_no_sealed_password_breaks_and_nothing_else_does(text: str) -> None:
    with pytest.raises(SealBroken):
        open_password(text, "watch.live.1", SECRET)


@pytest.mark.parametrize("password", ["", "short", "x" * 465])
def test_a_password_that_may_be_guessed_or_is_endless_is_not_taken(password: str) -> None:
    assert not is_sealed(seal_password(password, "u", sealing_key(SECRET)))
