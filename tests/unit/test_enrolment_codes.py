"""Codes that are shown once: what they look like, and what is kept of them."""

from __future__ import annotations

import pytest

from hub.core.codes import (
    API_KEY,
    INVITATION,
    as_heard,
    digest_of,
    is_api_key,
    is_code,
    is_digest,
    make_api_key,
    make_code,
    spoken,
)

CHANCE = bytes(range(17))
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_code_holds_all_of_its_chance() -> None:
    codes = {make_code(INVITATION, (1 << bit).to_bytes(17, "big")) for bit in range(136)}

    assert len(codes) == 131, "one for each of 130 bits, and one for the six that are left over"
    assert all(is_code(code, INVITATION) for code in codes)


@pytest.mark.parametrize(
    "wrong",
    ["", "chi_", "chr_" + "0" * 26, "chi_" + "0" * 25, "chi_" + "0" * 27, "chi_" + "U" * 26, "chi_" + "a" * 26,
     "chi_" + "é" * 26, "chi_" + "0" * 25 + "\n"],
)  # fmt: skip
def test_what_is_not_in_the_form_of_a_code_is_none(wrong: str) -> None:
    assert not is_code(wrong, INVITATION)


def test_an_api_key_with_any_character_changed_is_recognised_as_none() -> None:
    key = make_api_key(CHANCE)
    changed = [key[:i] + ("1" if key[i] != "1" else "2") + key[i + 1 :] for i in range(len(key))]

    assert is_api_key(key)
    assert key.startswith(API_KEY)
    assert not any(map(is_api_key, changed))


def test_a_digest_is_64_hexadecimal_digits() -> None:
    digest = digest_of(make_code(INVITATION, CHANCE))

    assert is_digest(digest)
    assert not is_digest(digest.upper())
    assert not is_digest(digest + "\n")


def test_what_was_read_out_is_found_however_it_was_written_down() -> None:
    said = spoken(THUMBPRINT)

    assert len(said.split()) == 5
    assert as_heard(said.lower().replace(" ", "-").replace("0", "o").replace("1", "l")) == said
    assert as_heard(said[:-1]) != said
