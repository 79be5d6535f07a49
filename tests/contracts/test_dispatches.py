"""What every ground promises of the dispatches to companies. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.core.dispatch import Dispatch, Kind, Sent, Step
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.drivers.sqlite.dispatches import SQLiteDispatches
from hub.ports.dispatches import Dispatches
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in


@pytest.fixture(params=marked(["memory", "sqlite", "postgres"]))
async def store(request: Any, tmp_path: Path) -> AsyncIterator[Dispatches]:
    match request.param:
        case "memory":
            yield MemoryDispatches()
        case "sqlite":
            async with SQLiteDispatches(tmp_path / "dispatches.db") as opened:
                yield opened
        case _:
            async with postgres_in(tmp_path) as state:
                yield state.dispatches


def dispatch(id: str, **more: Any) -> Dispatch:  # noqa: A002
    given = {"sender": "watch", "own": id, "sent_us": 100, "digest": b"d" * 32, "by": "watch.sys"} | more
    return Dispatch(id=id, partner="delta", kind=Kind.HOLD, members=b'{"text":"Hold it."}', **given)


async def test_a_dispatch_is_kept_as_it_was_sent(store: Dispatches) -> None:
    sent = dispatch("a", agent="broker", due_us=5, wanted=True, agreements=("one",), about=b'{"id":"p-1"}')

    assert await store.add([sent])

    assert await store.get("a") == Sent(sent)
    assert await store.get("b") is None


async def test_dispatches_are_kept_all_or_none_where_the_first_is_known(store: Dispatches) -> None:
    await store.add([dispatch("a")])

    assert not await store.add([dispatch("a", own="x"), dispatch("b")])

    assert [await store.get("a"), await store.get("b")] == [Sent(dispatch("a")), None]


async def test_of_those_who_send_the_same_at_once_one_is_kept(store: Dispatches) -> None:
    kept = await asyncio.gather(*(store.add([dispatch("a", sent_us=number)]) for number in range(5)))

    assert sorted(kept) == [False] * 4 + [True]


async def test_what_a_sender_sent_under_its_own_id_is_found_and_nobody_elses(store: Dispatches) -> None:
    await store.add([dispatch("a", own="x"), dispatch("b", own="x")])
    await store.add([dispatch("c", own="x", sender="other")])

    assert {each.dispatch.id for each in await store.sent_as("watch", "x")} == {"a", "b"}


async def test_a_senders_dispatches_are_paged_newest_first_and_by_step(store: Dispatches) -> None:
    await store.add([dispatch(str(number), sent_us=number // 2) for number in range(5)])
    await store.add([dispatch("other", sender="other")])
    await store.mark(["1", "3"], Step.OVERDUE, 9)

    first = await store.page("watch", before=None, limit=2)
    rest = await store.page("watch", before=(first[-1].dispatch.sent_us, first[-1].dispatch.id), limit=9)

    assert [each.dispatch.id for each in [*first, *rest]] == ["4", "3", "2", "1", "0"]
    assert [each.dispatch.id for each in await store.page(None, step=Step.OVERDUE, before=None, limit=9)] == ["3", "1"]
    assert len(await store.page(None, before=None, limit=9)) == 6


async def test_what_is_not_written_waits_oldest_first(store: Dispatches) -> None:
    await store.add([dispatch("b", sent_us=2), dispatch("a", sent_us=1), dispatch("c", sent_us=3)])

    await store.mark(["a", "nobody's"], Step.WRITTEN, 7)

    assert [each.id for each in await store.waiting(9)] == ["b", "c"]
    assert [each.id for each in await store.waiting(1)] == ["b"]


async def test_a_step_keeps_its_first_time(store: Dispatches) -> None:
    await store.add([dispatch("a")])

    await store.mark(["a"], Step.READ, 7)
    await store.mark(["a"], Step.READ, 8)
    await store.mark([], Step.READ, 8)

    assert await store.get("a") == Sent(dispatch("a"), read_us=7)


async def test_the_first_acknowledgement_stays_as_it_was(store: Dispatches) -> None:
    await store.add([dispatch("a")])

    await store.acknowledge("a", 7, by="delta.sys", signature="s")
    await store.acknowledge("a", 8, by="delta.other", signature="")
    await store.acknowledge("nobody's", 8, by="delta.other", signature="")

    assert await store.get("a") == Sent(dispatch("a"), acknowledged_us=7, acknowledged_by="delta.sys", signature="s")


async def test_due_is_what_has_a_deadline_that_passed_without_an_answer(store: Dispatches) -> None:
    await store.add(
        [dispatch(name, due_us=due) for name, due in (("a", 30), ("b", 20), ("c", 20), ("d", 0), ("e", 40))]
    )
    await store.acknowledge("b", 1, by="delta.sys", signature="")

    assert [each.id for each in await store.due(30, 9)] == ["c", "a"]
    await store.mark(["c"], Step.OVERDUE, 30)
    assert [each.id for each in await store.due(30, 9)] == ["a"]


async def test_dispatches_are_counted_and_forgotten_by_when_they_were_sent(store: Dispatches) -> None:
    await store.add([dispatch(str(number), sent_us=number) for number in range(5)])

    assert (await store.count("watch", 2), await store.count("other", 0)) == (3, 0)
    assert await store.purge(2) == 2
    assert await store.count("watch", 0) == 3
