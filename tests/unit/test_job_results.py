"""What is kept of a job's items: verdicts and codes always, faults within bounds, and where they end."""

from __future__ import annotations

from hub.core.errors import Refusal
from hub.core.evidence import Item, Verdict
from hub.intake.results import FAULTS_PER_ITEM_MAX, items_of, results, shortened
from schemas.faults import Fault, fault


def refused(index: int, count: int = 1) -> Item:
    faults = [fault("TYPE_WRONG", f"/{number}", "x" * 40, "a number") for number in range(count)]
    return Item(index, f"id-{index}", "s", Verdict.REJECTED, refusal=Refusal("EVENT_INVALID", faults=faults))


def warned(index: int) -> Item:
    warnings = (fault("CHECK_DIGIT_WRONG", "/x", "x", "y"),)
    return Item(index, f"id-{index}", "s", Verdict.ACCEPTED, warnings=warnings)


def faults(item: Item) -> list[Fault]:
    return list(item.refusal.faults if item.refusal else item.warnings)


def codes(items: list[Item]) -> list[list[str]]:
    return [[each.code for each in faults(item)] for item in items]


def test_what_is_stored_is_read_again() -> None:
    items = [refused(7), warned(8)]
    stored = results(7, items)

    assert (stored.first, stored.count) == (7, 2)
    assert [(item.id, item.verdict, faults(item)) for item in items_of(stored)] == [
        (item.id, item.verdict, faults(item)) for item in items
    ]


def test_of_an_item_with_very_many_faults_the_first_are_kept_and_how_many_there_are_is_said() -> None:
    [kept], _ = shortened([refused(0, 100)], used=0, bytes_max=1 << 20)

    *first, last = faults(kept)
    assert first == faults(refused(0, FAULTS_PER_ITEM_MAX - 1))
    assert (last.code, last.found) == ("TOO_MANY_FAULTS", "81 more")


def test_the_first_item_beyond_the_bound_says_so_and_those_behind_it_keep_verdict_and_code() -> None:
    items = [refused(0, 2), refused(1, 20), refused(2), warned(3)]

    kept, used = shortened(items, used=0, bytes_max=500)

    assert codes(kept) == [["TYPE_WRONG"] * 2, ["TOO_MANY_FAULTS"], [], []]
    assert [(item.id, item.verdict) for item in kept] == [(item.id, item.verdict) for item in items]
    assert [item.refusal.code for item in kept if item.refusal] == ["EVENT_INVALID"] * 3
    assert used == 500


def test_warnings_of_what_was_taken_leave_half_the_room_to_what_is_refused() -> None:
    items = [*map(warned, range(40)), refused(40)]

    kept, used = shortened(items, used=0, bytes_max=2_000)

    told = [each for each in codes(kept)[:40] if each]
    assert told[-1] == ["TOO_MANY_FAULTS"]
    assert 1 < len(told) < 40
    assert codes(kept)[40] == ["TYPE_WRONG"]
    assert 1_000 < used < 2_000


def test_a_job_is_bounded_over_all_its_stretches_and_says_so_once() -> None:
    used, kept = 0, []
    for start in range(0, 100, 10):
        stretch, used = shortened([refused(start + at) for at in range(10)], used=used, bytes_max=2_000)
        kept += stretch

    assert codes(kept).count(["TOO_MANY_FAULTS"]) == 1
    assert used == 2_000
    assert sum(len(results(0, [item]).body) for item in kept) < 2_000 + 100 * 200


def test_items_without_faults_need_no_room() -> None:
    good = Item(0, "a", "s", Verdict.ACCEPTED)

    assert shortened([good], used=10, bytes_max=10) == ([good], 10)
