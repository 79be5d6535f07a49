"""What every replay guard promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.ports.replay_guard import ReplayGuard
from tests.contracts.state_grounds import DURABLE_GUARD_GROUNDS, GUARD_GROUNDS

NOW = 1_767_225_600


async def test_a_key_is_good_once(guard: ReplayGuard) -> None:
    answers = [await guard.use(b"key", expires=NOW + 60, now=NOW) for _ in range(3)]

    assert answers == [True, False, False]


async def test_keys_are_good_apart(guard: ReplayGuard) -> None:
    answers = [await guard.use(key, expires=NOW + 60, now=NOW) for key in (b"", b"a", b"b" * 1_000, b"\x00")]

    assert answers == [True] * 4


async def test_of_a_hundred_uses_at_once_exactly_one_is_good(guard: ReplayGuard) -> None:
    answers = await asyncio.gather(*[guard.use(b"key", expires=NOW + 60, now=NOW) for _ in range(100)])

    assert answers.count(True) == 1


async def test_a_key_is_refused_until_it_expires(guard: ReplayGuard) -> None:
    await guard.use(b"key", expires=NOW + 60, now=NOW)

    assert not await guard.use(b"key", expires=NOW + 120, now=NOW + 59)


async def test_what_has_expired_is_forgotten_and_nothing_else(guard: ReplayGuard) -> None:
    await guard.use(b"short", expires=NOW + 60, now=NOW)
    await guard.use(b"long", expires=NOW + 61, now=NOW)

    assert await guard.use(b"short", expires=NOW + 120, now=NOW + 60)
    assert not await guard.use(b"long", expires=NOW + 120, now=NOW + 60)


async def test_what_is_revoked_is_told_until_it_expires(guard: ReplayGuard) -> None:
    await guard.revoke(b"short", expires=NOW + 60, now=NOW)
    await guard.revoke(b"long", expires=NOW + 61, now=NOW)
    await guard.revoke(b"long", expires=NOW + 61, now=NOW + 1)

    assert sorted(await guard.revoked(since=0, now=NOW)) == [b"long", b"short"]
    assert await guard.revoked(since=0, now=NOW + 60) == [b"long"]


async def test_what_was_revoked_before_is_not_told_again(guard: ReplayGuard) -> None:
    await guard.revoke(b"old", expires=NOW + 600, now=NOW)
    await guard.revoke(b"new", expires=NOW + 600, now=NOW + 10)

    assert await guard.revoked(since=NOW + 10, now=NOW + 10) == [b"new"]


async def test_what_is_used_and_what_is_revoked_are_apart(guard: ReplayGuard) -> None:
    await guard.revoke(b"key", expires=NOW + 60, now=NOW)

    assert await guard.use(b"key", expires=NOW + 60, now=NOW)


@pytest.mark.parametrize("name", DURABLE_GUARD_GROUNDS)
async def test_a_key_stays_revoked_over_a_restart(name: str, tmp_path: Path) -> None:
    async with GUARD_GROUNDS[name](tmp_path) as guard:
        await guard.revoke(b"key", expires=NOW + 60, now=NOW)

    async with GUARD_GROUNDS[name](tmp_path) as guard:
        assert await guard.revoked(since=NOW, now=NOW) == [b"key"]


@pytest.mark.parametrize("name", DURABLE_GUARD_GROUNDS)
async def test_a_key_stays_used_over_a_restart(name: str, tmp_path: Path) -> None:
    async with GUARD_GROUNDS[name](tmp_path) as guard:
        await guard.use(b"key", expires=NOW + 60, now=NOW)

    async with GUARD_GROUNDS[name](tmp_path) as guard:
        assert not await guard.use(b"key", expires=NOW + 60, now=NOW)
