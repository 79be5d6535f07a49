"""Canonical events as a document, and the verdict that the document alone allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import Refusal
from hub.core.evidence import Permit, ValidEvent
from hub.intake.validate import validate
from schemas.catalogue import catalogue
from schemas.faults import Severity
from schemas.translate import native
from schemas.translate.item import Context, Item, Translation
from schemas.verdict import Judged, Verdict, judge
from tests.unit.valid_events import FACTS, KIND, NOW_US, PRINCIPAL, decoded, event

CONTEXT = Context()


def judged(document: bytes, **asked: Any) -> list[Judged]:
    opened = native.translate(document, CONTEXT)
    assert isinstance(opened, Translation)
    return [judge(item, opened, catalogue(), now_us=NOW_US, **asked) for item in opened.items]


def by_the_hub(sent: dict[str, Any]) -> ValidEvent | Refusal:
    permit = Permit(PRINCIPAL, KIND, FACTS, 1)  # type: ignore[arg-type]
    return validate(permit, decoded(sent), now_us=NOW_US, partitions=1)


@pytest.mark.parametrize(
    ("written", "places"),
    [
        (lambda events: orjson.dumps(events[0], option=orjson.OPT_INDENT_2), [""]),
        (lambda events: orjson.dumps(events), ["/0", "/1"]),
        (lambda events: b"\r\n\r\n".join(map(orjson.dumps, events)) + b"\n", ["line 1", "line 3"]),
    ],
)
def test_one_event_an_array_and_lines_are_told_apart(
    written: Callable[[list[dict[str, Any]]], bytes], places: list[str]
) -> None:
    found = judged(written([event("a"), event("b")]))

    assert [each.item.place for each in found] == places
    assert {each.verdict for each in found} == {Verdict.ACCEPTED}


def test_an_item_that_is_no_event_is_refused_by_itself() -> None:
    found = judged(orjson.dumps(event("a")) + b'\n{"id": 1e999}\n' + orjson.dumps(event("c")))

    assert [each.verdict for each in found] == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
    assert [each.code for each in found[1].faults] == ["JSON_NUMBER_RANGE"]


@pytest.mark.parametrize("document", [b"", b" \n ", b"[]"])
def test_a_document_without_events_is_one_fault(document: bytes) -> None:
    opened = native.translate(document, CONTEXT)

    assert isinstance(opened, list)
    assert [each.code for each in opened] == ["EMPTY"]


def test_more_events_than_asked_for_refuse_the_document() -> None:
    opened = native.translate(orjson.dumps([event("a"), event("b")]), Context(items_max=1))

    assert isinstance(opened, list)
    assert [each.code for each in opened] == ["TOO_MANY_ITEMS"]


@pytest.mark.parametrize(
    "data", [{}, {"empty": "no"}, {"occurred_at": "2026-11-22"}, {"subjects": [{"scheme": "imo", "value": "9074729"}]}]
)
def test_the_verdict_and_the_faults_are_those_of_the_hub(data: dict[str, Any]) -> None:
    sent = event("a", **data)

    [found] = judged(orjson.dumps(sent))

    at_the_hub = by_the_hub(sent)
    assert (found.verdict is Verdict.REJECTED) == isinstance(at_the_hub, Refusal)
    assert found.faults == list(at_the_hub.faults if isinstance(at_the_hub, Refusal) else at_the_hub.warnings)


def test_an_identity_that_no_receipt_could_state_is_refused_as_the_hub_refuses_it() -> None:
    sent = event('"' * 200, source="urn:" + "%22" * 50)

    [found] = judged(orjson.dumps(sent))

    at_the_hub = by_the_hub(sent)
    assert isinstance(at_the_hub, Refusal)
    assert found.faults == list(at_the_hub.faults)


def test_a_wrong_check_digit_warns_and_refuses_where_it_is_raised() -> None:
    document = orjson.dumps(event(subjects=[{"scheme": "iso6346", "value": "MSKU1234566"}]))

    [warned] = judged(document)
    [refused] = judged(document, raised=frozenset({"CHECK_DIGIT_WRONG"}))

    assert (warned.verdict, warned.faults[0].severity) == (Verdict.ACCEPTED, Severity.WARNING)
    assert (refused.verdict, refused.faults[0].severity) == (Verdict.REJECTED, Severity.ERROR)


def test_a_fault_of_a_translated_event_is_told_at_its_place_in_the_document() -> None:
    sent = event(empty="no")
    item = Item(index=0, place="row 2", event=sent, origins={"/data": "row 2", "/data/empty": "F2"})
    translation = Translation(format="csv/1", items=[item], foreign=False)

    found = judge(item, translation, catalogue(), now_us=NOW_US)

    assert [(each.place, each.code) for each in found.faults] == [("F2", "TYPE_WRONG")]


def test_what_a_foreign_format_cannot_say_is_a_warning() -> None:
    sent = event()
    del sent["data"]["place"]
    item = Item(index=0, place="/0", event=sent, origins={"/data": "/0"})

    def verdict(*, foreign: bool) -> Verdict:
        translation = Translation(format="dcsa-tt/3.0", items=[item], foreign=foreign)
        return judge(item, translation, catalogue(), now_us=NOW_US).verdict

    assert (verdict(foreign=True), verdict(foreign=False)) == (Verdict.ACCEPTED, Verdict.REJECTED)


def test_an_event_without_customs_meaning_is_not_shared_and_a_wrong_one_still_refused() -> None:
    good = Item(index=0, place="", event=event(), unmeant=True)
    bad = Item(index=0, place="", event=event(empty="no"), unmeant=True)
    translation = Translation(format="epcis/2.0", items=[good, bad])

    found = [judge(item, translation, catalogue(), now_us=NOW_US).verdict for item in (good, bad)]

    assert found == [Verdict.NOT_SHARED, Verdict.REJECTED]


def test_an_event_that_is_too_large_is_refused_sent_as_it_is_or_translated() -> None:
    large = event(extensions={"x": "x" * 300_000})
    translation = Translation(
        format="csv/1", items=[Item(index=0, place="row 2", event=large, origins={"/data": "row 2"})]
    )

    [sent] = judged(orjson.dumps(large))
    [translated] = [judge(each, translation, catalogue(), now_us=NOW_US) for each in translation.items]

    assert [each.code for each in sent.faults] == ["EVENT_TOO_LARGE"]
    assert [(each.code, each.place) for each in translated.faults] == [("EVENT_TOO_LARGE", "row 2")]


def test_a_translated_event_that_could_not_be_stored_is_refused_like_one_that_was_sent() -> None:
    item = Item(index=0, place="row 2", event=event(remarks="half \ud800"), origins={"/data": "row 2"})
    translation = Translation(format="csv/1", items=[item])

    found = judge(item, translation, catalogue(), now_us=NOW_US)

    assert [(each.code, each.place) for each in found.faults] == [("JSON_INVALID", "row 2")]


def test_an_unknown_type_is_refused_at_its_place() -> None:
    [found] = judged(orjson.dumps(event() | {"type": KIND.name + "s"}))

    assert (found.kind, [(each.code, each.place) for each in found.faults]) == (None, [("TYPE_UNKNOWN", "/type")])


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\n aé1\\u', max_size=60).map(str.encode))
def test_whatever_the_bytes_the_translator_of_canonical_events_raises_nothing(document: bytes) -> None:
    opened = native.translate(document, CONTEXT)
    for item in opened.items if isinstance(opened, Translation) else ():
        assert item.event is not None or item.faults
