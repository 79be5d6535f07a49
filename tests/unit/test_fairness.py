"""Room and turns: whoever wants little has it at once, however much the others want."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.core.fairness import FairQueue, FairRoom


def fill(room: FairRoom, *accounts: str) -> dict[str, int]:
    """What each comes to hold when all ask for one place after another until nobody gets any."""
    held = dict.fromkeys(accounts, 0)
    while wanting := [each for each in accounts if room.admits(each, 1)]:
        for account in wanting:
            if room.admits(account, 1):
                room.take(account, 1)
                held[account] += 1
    return held


def test_one_alone_has_half_of_the_room_and_several_share_it_with_one_that_is_to_come() -> None:
    assert fill(FairRoom(100), "a") == {"a": 50}
    assert fill(FairRoom(100), "a", "b", "c") == {"a": 25, "b": 25, "c": 25}


def test_the_last_place_is_had_by_one_that_holds_none() -> None:
    room = FairRoom(1)

    assert room.admits("a", 1)
    room.take("a", 1)
    assert not room.admits("b", 1)
    room.give_back("a", 1)
    assert room.admits("b", 1)


def test_what_one_holds_beyond_its_share_when_others_come_is_given_back_before_it_gets_more() -> None:
    room = FairRoom(100)
    fill(room, "early")
    fill(room, "late")

    admitted_at = next(left for left in range(50, -1, -1) if room.admits("early", 1) or room.give_back("early", 1))

    assert admitted_at < 38


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.sampled_from([1, 1, -1])), max_size=200))
def test_one_that_holds_nothing_finds_a_place_whatever_others_do(flooders: int, steps: list[tuple[int, int]]) -> None:
    room = FairRoom(1 << flooders)
    held = dict.fromkeys(range(flooders), 0)
    for flooder, amount in steps:
        flooder %= flooders
        if amount > 0 and room.admits(str(flooder), amount):
            room.take(str(flooder), amount)
            held[flooder] += amount
        elif amount < 0 and held[flooder]:
            room.give_back(str(flooder), 1)
            held[flooder] -= 1

        assert room.held == sum(held.values())
        assert room.admits("quiet", 1)


def test_turns_go_from_one_to_the_next_and_each_keeps_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        queue.append(item[0], item)

    taken = [queue.pop() for _ in range(4)]
    queue.append("d", "d1")

    assert taken == ["a1", "b1", "c1", "a2"]
    assert queue.next() == "b2"
    assert [queue.pop() for _ in range(3)] == ["b2", "a3", "d1"]
    assert not queue


def test_what_stands_first_and_is_meant_is_taken_out_and_nothing_behind_it() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a9", "a2", "b2", "b9"):
        queue.append(item[0], item)

    assert list(queue.pop_first(lambda item: item[1] < "5")) == ["a1", "b2"]
    assert list(queue) == ["a9", "a2", "b9"]
