"""The judge of the kill harness, judged: it finds what it must in broken histories, and nothing in whole ones."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.history import Attempt, History, Key, Kind, Outcome, Seen, judge, tell

OK, FAIL, CONFLICT, UNKNOWN = Outcome.OK, Outcome.FAIL, Outcome.CONFLICT, Outcome.UNKNOWN


def key(name: str, source: str = "tos") -> Key:
    return Key("acme", source, name)


def post(history: History, *names: str, content: str = "x", outcome: Outcome = OK, proved: bool = True) -> None:
    """A request and its answer, before anything else happens."""
    for attempt in history.send([(key(name), content) for name in names]):
        history.answer(attempt, outcome, proved=proved and outcome is OK)


def seen(*names: str, content: str = "x") -> list[Seen]:
    return [Seen(key(name), content) for name in names]


def kinds(history: History | Sequence[Attempt], view: Sequence[Seen], *, noticed: Sequence[Key] = ()) -> list[Kind]:
    attempts = history.attempts if isinstance(history, History) else history
    return [finding.kind for finding in judge(attempts, {"risk": view}, noticed)]


def test_a_whole_history_has_no_findings() -> None:
    history = History()
    post(history, "a", outcome=UNKNOWN)
    post(history, "a")
    post(history, "b", "c")

    assert kinds(history, seen("a", "b", "c")) == []


def test_what_was_acknowledged_and_is_not_shown_is_lost() -> None:
    history = History()
    post(history, "a", "b")

    [finding] = judge(history.attempts, {"risk": seen("a")})

    assert (finding.kind, finding.view, finding.keys) == (Kind.LOST, "risk", (key("b"),))


def test_each_view_is_judged_by_itself() -> None:
    history = History()
    post(history, "a")

    found = judge(history.attempts, {"whole": seen("a"), "short": []})

    assert [(finding.kind, finding.view) for finding in found] == [(Kind.LOST, "short")]


def test_what_is_unknown_may_be_shown_or_not() -> None:
    history = History()
    post(history, "a", outcome=UNKNOWN)
    history.send([(key("b"), "x")])

    assert kinds(history, []) == kinds(history, seen("b", "a")) == []


def test_what_is_shown_twice_is_repeated() -> None:
    history = History()
    post(history, "a", "b")

    assert kinds(history, seen("a", "b", "a")) == [Kind.REPEATED]


def test_what_was_never_sent_is_a_phantom() -> None:
    history = History()
    post(history, "a")

    assert kinds(history, seen("a", "b")) == [Kind.PHANTOM]


def test_other_content_than_was_sent_is_a_phantom_and_what_was_sent_is_lost() -> None:
    history = History()
    post(history, "a")

    assert kinds(history, seen("a", content="y")) == [Kind.LOST, Kind.PHANTOM]


def test_what_certainly_failed_is_a_phantom_when_shown() -> None:
    history = History()
    post(history, "a", outcome=FAIL)

    assert kinds(history, seen("a")) == [Kind.PHANTOM]


def test_what_failed_once_and_was_taken_later_is_whole() -> None:
    history = History()
    post(history, "a", outcome=FAIL)
    post(history, "a")

    assert kinds(history, seen("a")) == []


def test_a_later_event_shown_before_one_answered_earlier_is_reordered() -> None:
    history = History()
    post(history, "a")
    post(history, "b")
    post(history, "c")

    [finding] = judge(history.attempts, {"risk": seen("b", "c", "a")})[:1]

    assert (finding.kind, finding.keys) == (Kind.REORDERED, (key("a"), key("c")))


def test_events_under_way_at_the_same_time_may_be_shown_in_any_order() -> None:
    history = History()
    [a] = history.send([(key("a"), "x")])
    [b] = history.send([(key("b"), "x")])
    for attempt in (b, a):
        history.answer(attempt, OK, proved=True)

    assert kinds(history, seen("a", "b")) == kinds(history, seen("b", "a")) == []


def test_an_event_first_sent_before_the_other_was_answered_may_be_shown_first() -> None:
    history = History()
    post(history, "b", outcome=UNKNOWN)
    post(history, "a")
    post(history, "b")

    assert kinds(history, seen("b", "a")) == []


def test_a_try_that_certainly_failed_does_not_excuse_the_order() -> None:
    history = History()
    post(history, "b", outcome=FAIL)
    post(history, "a")
    post(history, "b")

    assert kinds(history, seen("b", "a")) == [Kind.REORDERED]


def test_a_request_shown_in_another_order_is_reordered_also_when_it_was_tried_again() -> None:
    history = History()
    post(history, "a", "b", outcome=UNKNOWN)
    post(history, "a", "b")

    assert kinds(history, seen("a", "b")) == []
    assert kinds(history, seen("b", "a")) == [Kind.REORDERED]


def test_an_item_also_sent_alone_may_be_shown_before_its_neighbour() -> None:
    history = History()
    post(history, "b", outcome=UNKNOWN)
    post(history, "a", "b")

    assert kinds(history, seen("b", "a")) == []


def test_the_rest_of_a_request_sent_after_the_answer_to_its_head_stays_behind_it() -> None:
    history = History()
    a, b = history.send([(key("a"), "x"), (key("b"), "x")])
    history.answer(a, OK, proved=True)
    history.answer(b, UNKNOWN)
    post(history, "b")

    assert kinds(history, seen("b", "a")) == [Kind.REORDERED]


def test_nothing_is_promised_across_sources() -> None:
    history = History()
    post(history, "a")
    [other] = history.send([(key("b", source="erp"), "x")])
    history.answer(other, OK, proved=True)

    assert kinds(history, [Seen(other.key, "x"), *seen("a")]) == []


def test_a_receipt_that_does_not_verify_is_unproved() -> None:
    history = History()
    post(history, "a", proved=False)

    assert kinds(history, seen("a")) == [Kind.UNPROVED]


def test_other_content_that_was_accepted_is_lost_unless_its_publisher_was_told() -> None:
    history = History()
    post(history, "a")
    post(history, "a", content="y")

    assert kinds(history, seen("a")) == [Kind.LOST]
    assert kinds(history, seen("a"), noticed=[key("a")]) == []
    assert kinds(history, [], noticed=[key("a")]) == [Kind.LOST, Kind.LOST]


def test_content_that_was_answered_409_is_a_phantom_when_shown() -> None:
    history = History()
    post(history, "a", outcome=UNKNOWN)
    post(history, "a", outcome=CONFLICT)

    assert kinds(history, []) == []
    assert kinds(history, seen("a")) == [Kind.PHANTOM]


def test_a_finding_is_told_with_the_history_of_its_event() -> None:
    history = History()
    post(history, "a", outcome=UNKNOWN)
    post(history, "a")

    told = tell(judge(history.attempts, {"risk": []}), history.attempts)

    assert "lost risk" in told
    assert "request 1 [1, 2] content x unknown\n    request 2 [3, 4] content x ok" in told
