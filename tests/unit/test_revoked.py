"""Revoked tokens, as workers that share one store know them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.core.errors import StorageUnavailable
from hub.drivers.memory.replay_guard import MemoryReplayGuard
from hub.intake.revoked import LOOK_BACK_SECONDS, RevokedTokens
from tests.clock import ManualClock

LIFE, STALE_SECONDS = 600, 1.0


class Store(MemoryReplayGuard):
    """One that can be away."""

    away = False

    async def revoked(self, *, since: int, now: int) -> Sequence[bytes]:
        if self.away:
            raise StorageUnavailable("away")
        return await super().revoked(since=since, now=now)


class Workers:
    def __init__(self) -> None:
        self.clock, self.store = ManualClock(), Store()
        self.one, self.other = self.another(self.clock), self.another(self.clock)

    def another(self, clock: ManualClock) -> RevokedTokens:
        return RevokedTokens(self.store, clock=clock, token_seconds=LIFE, stale_seconds=STALE_SECONDS)

    def expires(self) -> int:
        return self.clock.now_us() // 1_000_000 + LIFE


async def test_a_token_is_revoked_here_at_once_and_there_at_the_next_look() -> None:
    workers = Workers()
    await workers.one.revoke("token", expires=workers.expires())
    here, there = "token" in workers.one, "token" in workers.other

    await workers.other.refresh()

    assert (here, there) == (True, False)
    assert "token" in workers.other
    assert "another" not in workers.other


async def test_what_a_slow_clock_revoked_is_seen_too() -> None:
    workers = Workers()
    behind = ManualClock(workers.clock.now_us() - (LOOK_BACK_SECONDS - 1) * 1_000_000)
    await workers.other.refresh()

    await workers.another(behind).revoke("token", expires=workers.expires())
    await workers.other.refresh()

    assert "token" in workers.other


async def test_it_stays_revoked_as_long_as_a_token_lives_and_is_then_forgotten() -> None:
    workers = Workers()
    await workers.one.revoke("token", expires=workers.expires())

    workers.clock.advance(LIFE)
    await workers.one.refresh()
    until_its_end = "token" in workers.one
    workers.clock.advance(2 * LOOK_BACK_SECONDS)
    await workers.one.refresh()

    assert until_its_end
    assert "token" not in workers.one


async def test_a_worker_that_could_not_ask_is_not_current() -> None:
    workers = Workers()
    before = workers.one.is_current
    await workers.one.refresh()
    asked = workers.one.is_current
    workers.store.away = True
    workers.clock.advance(STALE_SECONDS + 0.1)

    with pytest.raises(StorageUnavailable):
        await workers.one.refresh()

    assert (before, asked, workers.one.is_current) == (False, True, False)
