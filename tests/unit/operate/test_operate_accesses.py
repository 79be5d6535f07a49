"""Who was given what is shown whole to security officers and auditors, and that they looked is written down."""

from __future__ import annotations

import orjson
import pytest

from hub.core.access import Access, Step, runs_of
from hub.core.operator import OperatorRole
from hub.operate.accesses import VIEWS
from tests.unit.operate.conftest import START, Desk


def access(number: int, **more: str) -> Access:
    known = {"recipient": "risk", "feed": "seals", "credential": "k1"} | more
    return Access(
        Step.DELIVERED, (START + number) * 1_000_000, purpose="duty-risk", lane="", way="pull", reader="risk.engine",
        agreements=("a1",), revision=1, generation=1, partition=0, runs=runs_of([number]), restriction="r-1", **known,
    )  # fmt: skip


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.accesses.add([access(0), access(1, recipient="police"), access(2, credential="k2")])
    return desk


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [2, 1, 0]),
        ({"recipient": "police"}, [1]),
        ({"credential": "k2"}, [2]),
        ({"feed": "other"}, []),
        ({"until": "2026-01-01T00:00:02Z"}, [1, 0]),
        ({"since": "2026-01-01T00:00:01Z", "recipient": "risk"}, [2]),
    ],
)
async def test_accesses_are_found_by_whom_what_and_when(desk: Desk, asked: dict[str, str], numbers: list[int]) -> None:
    shown = await desk.show("access.list", **asked)

    assert [each["offsets"] for each in shown["items"]] == [[[number, number]] for number in numbers]
    assert not shown["more"]


async def test_that_there_are_older_ones_is_said_and_the_look_is_written_down(desk: Desk) -> None:
    before = await desk.registry.head()

    shown = await desk.show("access.list", limit="2")

    assert (len(shown["items"]), shown["more"], shown["items"][0]["restriction"]) == (2, True, "r-1")
    [noted] = await desk.registry.audit(before, 10)
    assert orjson.loads(noted)["act"] == "access.list"


@pytest.mark.parametrize("asked", [{"limit": "0"}, {"limit": "1001"}, {"limit": "many"}, {"since": "soon"}])
async def test_a_page_that_cannot_be_is_refused(desk: Desk, asked: dict[str, str]) -> None:
    [name] = asked

    assert await desk.unseen("access.list", **asked) == {f"/{name}": "ACT_VALUE_INVALID"}


def test_only_security_officers_and_auditors_may_look() -> None:
    assert VIEWS["access.list"].roles == {OperatorRole.SECURITY_OFFICER, OperatorRole.AUDITOR}
