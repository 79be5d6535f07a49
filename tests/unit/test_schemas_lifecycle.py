"""What counts: versions, corrections, retractions; facts and estimates. In whatever order they came."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.lifecycle import AFTER, WORD_OF_TYPE, Milestone, State, VersionFacts, Word, outranks, states

GATE_IN, RETRACTED, CORRECTED = "customs.container.gate_in", "customs.event.retracted", "customs.event.corrected"
NONE, FIRST, HALF, SECOND = "", "2026-11-22T09:00:00", "2026-11-22T09:00:00.5", "2026-11-22T09:00:01"


def sent(version: str = NONE, type_: str = GATE_IN, *, series: str = "a", back: tuple[str, ...] = ()) -> VersionFacts:
    return VersionFacts(series, version, type_, back)


def names(*versions: VersionFacts) -> list[str]:
    return [each.value for each in states(versions)]


def test_a_later_version_replaces_and_none_is_the_oldest() -> None:
    assert names(sent(FIRST), sent(HALF), sent(NONE)) == ["SUPERSEDED", "CURRENT", "SUPERSEDED"]


@pytest.mark.parametrize(("type_", "state"), [(RETRACTED, "RETRACTED"), (CORRECTED, "CORRECTED")])
def test_a_version_that_takes_back_leaves_no_earlier_one(type_: str, state: str) -> None:
    assert names(sent(NONE), sent(FIRST), sent(SECOND, type_)) == [state, state, "CURRENT"]
    assert names(sent(NONE), sent(SECOND, type_, back=("a",))) == [state, "CURRENT"]


def test_a_version_later_than_its_retraction_counts_again() -> None:
    assert names(sent(NONE), sent(FIRST, RETRACTED), sent(SECOND)) == ["SUPERSEDED", "SUPERSEDED", "CURRENT"]


@pytest.mark.parametrize(("type_", "state"), [(RETRACTED, "RETRACTED"), (CORRECTED, "CORRECTED")])
def test_another_event_takes_back_what_it_names_up_to_its_own_time(type_: str, state: str) -> None:
    by = sent(HALF, type_, series="b", back=("a",))

    assert names(sent(FIRST), by) == [state, "CURRENT"]
    assert names(sent(HALF), by) == [state, "CURRENT"]
    assert names(sent(FIRST), sent(SECOND), by) == ["SUPERSEDED", "CURRENT", "CURRENT"]


def test_a_retraction_without_a_time_takes_back_every_version() -> None:
    by = sent(NONE, RETRACTED, series="b", back=("a",))

    assert names(sent(NONE), sent(SECOND), by) == ["RETRACTED", "RETRACTED", "CURRENT"]


def test_a_retraction_is_undone_by_a_later_version_of_itself_and_by_no_other_event() -> None:
    by = sent(FIRST, RETRACTED, series="b", back=("a",))

    assert names(sent(), by, sent(FIRST, RETRACTED, series="c", back=("b",))) == ["RETRACTED", "CURRENT", "CURRENT"]
    assert names(sent(), by, sent(SECOND, GATE_IN, series="b")) == ["CURRENT", "SUPERSEDED", "CURRENT"]


def test_two_retractions_that_name_each_other_stand() -> None:
    one, two = (sent(FIRST, RETRACTED, series=own, back=(other,)) for own, other in ("ab", "ba"))

    assert names(one, two) == ["CURRENT", "CURRENT"]


def test_an_event_that_became_the_retraction_of_another_is_only_replaced() -> None:
    later = sent(SECOND, RETRACTED, back=("b",))

    assert names(sent(FIRST), later, sent(series="b")) == ["SUPERSEDED", "CURRENT", "RETRACTED"]


def test_only_events_of_two_types_take_back() -> None:
    assert names(sent(), sent(SECOND, GATE_IN, series="b", back=("a",))) == ["CURRENT", "CURRENT"]


def test_the_table_is_total() -> None:
    assert set(AFTER) == set(Word)
    assert {State.CURRENT, *AFTER.values()} == set(State)
    assert {Word.VERSION, *WORD_OF_TYPE.values()} == set(Word)


@pytest.mark.parametrize(("before", "word"), list(product(State, Word)))
def test_the_last_word_decides_whatever_the_state_was(before: State, word: Word) -> None:
    said = {after: word for word, after in AFTER.items()}
    types = {Word.VERSION: GATE_IN} | {word: type_ for type_, word in WORD_OF_TYPE.items()}
    earlier = [sent(FIRST, types[said[before]])] if before in said else []

    assert states([sent(), *earlier])[0] is before
    assert states([sent(), *earlier, sent(SECOND, types[word])])[0] is AFTER[word]


facts = st.builds(
    sent,
    st.sampled_from([NONE, FIRST, HALF, SECOND]),
    st.sampled_from([GATE_IN, RETRACTED, CORRECTED]),
    series=st.sampled_from("abc"),
    back=st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
)


@given(st.lists(facts, max_size=7, unique_by=lambda each: (each.series, each.version)), st.randoms())
def test_the_order_in_which_they_came_changes_nothing(versions: list[VersionFacts], chance: Random) -> None:
    shuffled = chance.sample(versions, len(versions))

    assert dict(zip(versions, states(versions), strict=True)) == dict(zip(shuffled, states(shuffled), strict=True))
    counting = [each.series for each, state in zip(versions, states(versions), strict=True) if state is State.CURRENT]
    assert len(counting) == len(set(counting))


KINDS = ["REQUESTED", "PLANNED", "ESTIMATED", "ACTUAL"]


@pytest.mark.parametrize(("lesser", "greater"), [(a, b) for i, a in enumerate(KINDS) for b in KINDS[i + 1 :]])
def test_what_is_firmer_counts_whenever_it_was_said(lesser: str, greater: str) -> None:
    assert outranks(Milestone(greater, 1, 1), Milestone(lesser, 9, 9))
    assert not outranks(Milestone(lesser, 9, 9), Milestone(greater, 1, 1))


def test_a_later_estimate_replaces_an_earlier_one_whichever_way_it_moves() -> None:
    assert outranks(Milestone("ESTIMATED", 5, 2), Milestone("ESTIMATED", 9, 1))


def test_of_two_facts_the_one_that_occurred_later_counts() -> None:
    assert outranks(Milestone("ACTUAL", 9, 1), Milestone("ACTUAL", 5, 2))


@given(
    st.lists(st.builds(Milestone, st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=2)
)
def test_of_two_different_reports_exactly_one_counts(reports: list[Milestone]) -> None:
    one, other = reports

    assert outranks(one, other) + outranks(other, one) == (one != other)
