"""A leaked credential: ended with what was had by it, suspect from a moment on, settled one way or the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.leak import Leak, Trust
from hub.core.proposal import Proposal
from tests.unit.operate.conftest import Desk
from tests.unit.operate.test_operate_keys import add, public_pem


def ago(desk: Desk, seconds: int) -> str:
    return datetime.fromtimestamp(desk.clock.now_us() // 1_000_000 - seconds, UTC).isoformat()


def now(desk: Desk) -> int:
    return desk.clock.now_us() // 1_000_000


@pytest.fixture
async def key(desk: Desk) -> str:
    await desk.enrol("zephyr")
    key = await add(desk, public_pem())
    desk.clock.seconds += 1_000
    return key


async def rotated_in(desk: Desk, by: str) -> str:
    """A key that whoever holds `by` rotated in, now."""
    new = await add(desk, public_pem())
    changed = replace(desk.live.snapshot.keys.get(new), rotated_by=by)
    await desk.live.write(Proposal(desk.live.snapshot.revision, (changed,), "zephyr.erp", "test"))
    return new


async def test_a_leaked_key_is_revoked_and_its_events_are_suspect_from_that_time_on(desk: Desk, key: str) -> None:
    await desk.do("key.leaked", key=key, since=ago(desk, 60), reason="found in a public repository")

    assert desk.live.snapshot.keys.get(key).state is KeyState.REVOKED
    assert desk.live.snapshot.leaks.get(key) == Leak(key, "zephyr.erp", now(desk) - 60, now(desk))


async def test_a_key_that_was_revoked_before_can_still_be_reported(desk: Desk, key: str) -> None:
    await desk.do("key.revoke", key=key)

    await desk.do("key.leaked", key=key, since=ago(desk, 60), reason="looked into")

    assert desk.live.snapshot.leaks.get(key).trust is Trust.WITHDRAWN


async def test_a_key_that_was_rotated_in_under_the_leaked_one_falls_with_it(desk: Desk, key: str) -> None:
    since = ago(desk, 60)
    second = await rotated_in(desk, key)

    await desk.do("key.leaked", key=key, since=since, reason="stolen")

    assert desk.live.snapshot.keys.get(second).state is KeyState.REVOKED
    assert {leak.id for leak in desk.live.snapshot.leaks} == {key, second}


async def test_a_key_that_was_rotated_in_before_the_leak_stays(desk: Desk, key: str) -> None:
    second = await rotated_in(desk, key)
    desk.clock.seconds += 100

    await desk.do("key.leaked", key=key, since=ago(desk, 60), reason="stolen")

    assert desk.live.snapshot.keys.get(second).state is KeyState.ACTIVE
    assert [leak.id for leak in desk.live.snapshot.leaks] == [key]


async def test_a_key_of_which_operators_decided_does_not_fall_with_another(desk: Desk, key: str) -> None:
    second = await add(desk, public_pem())

    await desk.do("key.leaked", key=key, since=ago(desk, 60), reason="stolen")

    assert desk.live.snapshot.keys.get(second).state is KeyState.ACTIVE


async def test_reporting_twice_changes_nothing_and_an_earlier_time_reaches_further_back(desk: Desk, key: str) -> None:
    since, before = ago(desk, 60), ago(desk, 600)
    first = await desk.do("key.leaked", key=key, since=since, reason="stolen")

    again = await desk.do("key.leaked", key=key, since=since, reason="stolen")
    further = await desk.do("key.leaked", key=key, since=before, reason="it was longer ago")

    assert (again.changed, again.revision) == ((), first.revision)
    assert [each["kind"] for each in further.changed] == ["leak"]
    assert desk.live.snapshot.leaks.get(key).since == now(desk) - 600


@pytest.mark.parametrize(
    ("changes", "place", "code"),
    [
        ({"key": "nobody's"}, "/key", "ACT_NOT_REGISTERED"),
        ({"since": "yesterday"}, "/since", "ACT_VALUE_INVALID"),
        ({"since": "2099-01-01"}, "/since", "ACT_VALUE_INVALID"),
        ({"reason": " "}, "/reason", "ACT_VALUE_INVALID"),
    ],
)
async def test_a_report_that_says_too_little_is_refused(
    desk: Desk, key: str, changes: dict[str, Any], place: str, code: str
) -> None:
    request = {"key": key, "since": ago(desk, 60), "reason": "stolen"} | changes

    assert await desk.refused("key.leaked", **request) == {place: code}
    assert desk.live.snapshot.keys.get(key).state is KeyState.ACTIVE


@pytest.mark.parametrize(("act", "trust"), [("key.confirm", Trust.CONFIRMED), ("key.retract", Trust.RETRACTED)])
async def test_a_suspicion_is_settled_and_the_key_stays_revoked(desk: Desk, key: str, act: str, trust: Trust) -> None:
    await desk.do("key.leaked", key=key, since=ago(desk, 60), reason="stolen")

    await desk.do(act, key=key, reason="looked into")

    assert desk.live.snapshot.leaks.get(key).trust is trust
    assert desk.live.snapshot.keys.get(key).state is KeyState.REVOKED
    assert [item["trust"] for item in (await desk.show("key.leaks"))["items"]] == [trust.value]


@pytest.mark.parametrize("act", ["key.confirm", "key.retract"])
async def test_what_nobody_reported_cannot_be_settled(desk: Desk, key: str, act: str) -> None:
    assert await desk.refused(act, key=key, reason="looked into") == {"/key": "ACT_NOT_REGISTERED"}
