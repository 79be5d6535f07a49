"""A file of thousands of rows is decided while others have their turn, and as if nobody had."""

from __future__ import annotations

import asyncio
from typing import Any

from hub.core.errors import Refusal
from hub.operate.registrar import Done, Prepared

COUNT = 1_000


def file() -> dict[str, str]:
    rows = [f"p{number},Partner {number},NL,terminal;carrier,eori=NL{number:09}" for number in range(COUNT)]
    return {"format": "csv", "text": "\n".join(["id,name,country,roles,identifiers", *rows])}


async def begun(desk: Any) -> asyncio.Future[Done | Refusal]:
    """A file that is being decided."""
    under_way: asyncio.Future[Done | Refusal] = asyncio.ensure_future(
        desk.registrar.perform("partner.import", file(), actor="ada")
    )
    await asyncio.sleep(0)
    return under_way


async def test_an_act_that_comes_meanwhile_is_done_first_and_the_file_goes_in_after_it(desk: Any) -> None:
    under_way = await begun(desk)

    between = await desk.enrol("zephyr")
    done = await under_way

    assert isinstance(done, Done)
    assert (done.revision, len(done.changed)) == (between.revision + 1, COUNT)


async def test_what_came_meanwhile_counts_for_the_file_which_is_refused_whole(desk: Any) -> None:
    under_way = await begun(desk)

    between = await desk.enrol(f"p{COUNT - 1}")
    outcome = await under_way

    assert isinstance(outcome, Refusal)
    assert [(fault.place, fault.code) for fault in outcome.faults] == [(f"row {COUNT + 1}/id", "ACT_NAME_TAKEN")]
    assert desk.live.snapshot.revision == between.revision


async def test_what_comes_while_a_file_is_prepared_is_no_answer_to_who_prepares_it(desk: Any) -> None:
    preparing = asyncio.ensure_future(desk.registrar.prepare("partner.import", file(), operator="ada"))
    await asyncio.sleep(0)

    await desk.enrol("zephyr")

    prepared = await preparing
    assert isinstance(prepared, Prepared)
    assert len(prepared.changes) == COUNT
