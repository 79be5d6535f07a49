"""Filters of feeds: what passes, and which are refused because nothing can."""

from __future__ import annotations

import pytest

from hub.core.agreement import Purpose
from hub.core.feed import Feed
from hub.core.filter import is_empty, matcher

TYPES: dict[str, list[dict[str, object]]] = {"customs.seal.broken": [], "customs.container.loaded": []}

Where = tuple[tuple[str, tuple[str, ...]], ...]


def feed(*types: str, where: Where = ()) -> Feed:
    return Feed("seals", "risk", Purpose.SECURITY_RISK, types or ("*",), where)


def event(event_type: str = "customs.seal.broken", **data: object) -> dict[str, object]:
    return {"specversion": "1.0", "type": event_type, "data": {"time_kind": "ACTUAL", **data}}


def test_a_feed_without_filter_lets_every_event_through() -> None:
    assert matcher(feed())(event())


@pytest.mark.parametrize("pattern", ["*", "customs.seal.*", "customs.seal.broken"])
def test_an_event_passes_under_its_type_its_family_or_all(pattern: str) -> None:
    assert matcher(feed(pattern))(event("customs.seal.broken"))


@pytest.mark.parametrize("pattern", ["customs.seal.applied", "customs.sea.*", "customs.container.*"])
def test_an_event_of_another_type_or_family_does_not_pass(pattern: str) -> None:
    assert not matcher(feed(pattern))(event("customs.seal.broken"))


def test_every_condition_must_hold_and_any_of_its_values_does() -> None:
    passes = matcher(feed(where=(("/data/port", ("NLRTM", "DEHAM")), ("/data/time_kind", ("ACTUAL",)))))

    assert passes(event(port="DEHAM"))
    assert not passes(event(port="BEANR"))
    assert not passes(event(port="NLRTM", time_kind="PLANNED"))


def test_a_condition_on_what_is_not_there_does_not_hold() -> None:
    assert not matcher(feed(where=(("/data/port", ("NLRTM",)),)))(event())


def test_a_pointer_reaches_into_arrays_and_escaped_names() -> None:
    passes = matcher(feed(where=(("/data/subjects/1/scheme", ("bic",)), ("/data/a~1b~0c", ("x",)))))

    assert passes(event(subjects=[{"scheme": "imo"}, {"scheme": "bic"}], **{"a/b~c": "x"}))
    assert not passes(event(subjects=[{"scheme": "bic"}], **{"a/b~c": "x"}))


@pytest.mark.parametrize(("text", "value"), [("true", True), ("12", 12), ("1.5", 1.5), ("true", "true"), ("12", "12")])
def test_a_value_means_the_text_and_the_json_value_that_it_spells(text: str, value: object) -> None:
    assert matcher(feed(where=(("/data/full", (text,)),)))(event(full=value))


def test_a_value_does_not_mean_more_than_it_spells() -> None:
    assert not matcher(feed(where=(("/data/full", ("true",)),)))(event(full=1))


@pytest.mark.parametrize(
    "where",
    [
        (("/data/time_kind", ("ACTUAL",)), ("/data/time_kind", ("PLANNED",))),
        (("/data/time_kind", ("actual",)),),
        (("/data/time_kind/x", ("ACTUAL",)),),
        (("/specversion", ("2.0",)),),
        (("/data/subjects/scheme", ("bic",)),),
        (("/data/port", ("NLRTM",)), ("/data/port/code", ("NLRTM",))),
        (("/data/load/0", ("x",)), ("/data/load/first", ("x",))),
        (("/type", ("customs.container.loaded",)),),
    ],
)
def test_a_filter_that_contradicts_itself_or_the_envelope_is_proved_empty(where: Where) -> None:
    assert is_empty(feed("customs.seal.*", where=where), TYPES)


@pytest.mark.parametrize(
    "where",
    [
        (),
        (("/data/time_kind", ("ACTUAL", "PLANNED")), ("/data/time_kind", ("PLANNED",))),
        (("/data/subjects/0/scheme", ("bic",)),),
        (("/type", ("customs.seal.broken",)),),
        (("/data/never_heard_of", ("x",)),),
    ],
)
def test_a_filter_that_some_event_can_pass_is_never_called_empty(where: Where) -> None:
    assert not is_empty(feed("customs.seal.*", where=where), TYPES)


def test_a_type_is_matched_literally_and_not_as_a_pattern() -> None:
    assert not matcher(feed("customs.seal.*"))(event("customsXseal.broken"))


def test_a_filter_is_empty_only_if_it_is_for_every_version_of_every_type() -> None:
    first = {"properties": {"data": {"properties": {"finding": {"enum": ["missing"]}}}}}
    second = {"properties": {"data": {"properties": {"finding": {"enum": ["missing", "damaged"]}}}}}
    damaged = feed("customs.seal.broken", where=(("/data/finding", ("damaged",)),))

    assert is_empty(damaged, {"customs.seal.broken": [first], "customs.container.loaded": []})
    assert not is_empty(damaged, {"customs.seal.broken": [first, second]})
