"""Open replays on every ground that keeps positions: what several workers change at once is all there."""

from __future__ import annotations

import asyncio

import pytest

from hub.core.errors import Refusal
from hub.core.feed import Lane
from hub.core.replay import FOR_EVER_US, Asked, Replay, Track
from hub.delivery.replays import Replays
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from tests.contracts.state_grounds import State

WORKERS = 4


@pytest.fixture
def workers(state: State) -> list[Replays]:
    clock, entropy = SystemClock(), SystemEntropy()
    return [Replays(state.positions, clock=clock, entropy=entropy, sessions_max=WORKERS) for _ in range(WORKERS)]


def replay(number: int, recipient: str = "customs") -> Replay:
    tracks = (Track(1, 0, ((0, 5), (7, 9))), Track(2, 127, ((1, 2),)))
    lane, forever = Lane.URGENT if number else None, FOR_EVER_US
    return Replay(f"id-{number}", "risk", recipient, lane, Asked.TIME, tracks, 0, forever, forever, 0, 1 << 40, "a.b")


async def test_what_several_workers_begin_at_once_is_all_there_as_it_was_begun(workers: list[Replays]) -> None:
    begun = [replay(number) for number in range(WORKERS)]

    refused = await asyncio.gather(*(worker.add(each) for worker, each in zip(workers, begun, strict=True)))

    assert refused == [None] * WORKERS
    assert sorted(await workers[0].of("customs"), key=lambda each: each.id) == begun


async def test_no_worker_begins_more_than_a_recipient_may_have(workers: list[Replays]) -> None:
    refused = await asyncio.gather(*(worker.add(replay(n)) for n, worker in enumerate([*workers, workers[0]])))

    assert sum(isinstance(each, Refusal) for each in refused) == 1
    assert len(await workers[1].of("customs")) == WORKERS


async def test_what_one_worker_ends_no_other_finds_and_others_recipients_keep_theirs(workers: list[Replays]) -> None:
    await workers[0].add(replay(1))
    await workers[0].add(replay(1, "police"))

    await workers[1].end("customs", "id-1")

    assert await workers[2].find("customs", "id-1") is None
    assert await workers[2].find("police", "id-1") == replay(1, "police")
