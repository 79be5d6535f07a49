"""Which warnings of an expiry are due, and when."""

from __future__ import annotations

from typing import Any

import pytest

from hub.operate.heralds import DAY_SECONDS, warning_days
from tests.tokens_by_hand import NOW, P256, registered

ENDS = NOW + 100 * DAY_SECONDS


def days_before(days: int) -> int:
    return ENDS - days * DAY_SECONDS


@pytest.mark.parametrize("days", [30, 20, 10, 1])
def test_a_warning_is_due_from_its_second_on_and_once(days: int) -> None:
    key, then = registered(P256, not_after=ENDS), days_before(days)

    assert warning_days(key, then - 60, then - 1) is None
    assert warning_days(key, then - 60, then) == days
    assert warning_days(key, then, then + 60) is None


def test_of_warnings_that_were_missed_the_last_one_is_told() -> None:
    assert warning_days(registered(P256, not_after=ENDS), 0, days_before(9)) == 10


@pytest.mark.parametrize(
    "change",
    [{"not_after": None}, {"state": "revoked"}, {"state": "grace"}, {"state": "requested"}, {"not_after": NOW}],
)
def test_a_key_without_an_end_or_without_a_use_is_not_warned_of(change: dict[str, Any]) -> None:
    key = registered(P256, **{"not_after": ENDS} | change)

    assert warning_days(key, 0, ENDS - 1) is None


def test_a_key_that_was_made_for_a_few_days_is_not_warned_of_at_its_birth() -> None:
    key = registered(P256, not_before=days_before(5), not_after=ENDS)

    assert warning_days(key, 0, days_before(5)) is None
    assert warning_days(key, 0, days_before(1)) == 1
