"""The schema that a feed publishes: every record of the feed is valid against it, and it names nothing withheld."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Provider, Purpose
from hub.core.event import Event
from hub.core.feed import Feed, Way
from hub.core.fields import join
from hub.core.record import StoredRecord
from hub.core.registry import Snapshot, Version
from hub.trust.feed_schema import feed_schema
from hub.trust.project import compile_projection
from hub.web.interface.asyncapi import feed_asyncapi
from schemas.catalogue import catalogue, examples
from schemas.headers import EventHeader, unpack
from tests.faults.fanout_world import event_record
from tests.unit.test_interface import followed, references

KINDS: dict[str, list[dict[str, Any]]] = {}
for kind in catalogue().types:
    KINDS.setdefault(kind.name, []).append(kind.schema.sparse.flat)
EXAMPLES = [
    (kind, example)
    for kind in catalogue().types
    for name, example in examples(kind.name).items()
    if name.startswith("valid-") and example.get("dataschema") in (None, kind.dataschema)
]
FEED = Feed("risk", "risk", Purpose.SECURITY_RISK)
SECRET = bytes(32)
BY_NAME = ("customs.goods.observed", "customs.aeo.status_changed")


def agreement(name: str, *fields: str, **more: Any) -> Agreement:
    given = Agreement(name, Provider(), ("*", *BY_NAME), "risk", Purpose.SECURITY_RISK, fields, 0)
    return replace(given, **more)


def snapshot(*revisions: Any) -> Snapshot:
    made = Snapshot()
    for number, item in enumerate((FEED, *revisions), 1):
        made.apply([Version(number, item, "test", "", 0)])
    return made


def record_of(kind: Any, example: dict[str, Any], fields: tuple[str, ...]) -> bytes:
    header = unpack(event_record("e").header)
    assert isinstance(header, EventHeader)
    header = replace(
        header, type=kind.name, id=example["id"], source=example["source"], dataschema=kind.dataschema,
        facts=("small", "NL", (), "S"), warnings=("CHECK_DIGIT_WRONG",), flags=3, key=kind.object_key(example),
    )  # fmt: skip
    event = Event(header, StoredRecord(0, 0, b"", b"", orjson.dumps(example)))
    return compile_projection(fields, SECRET)(event)[1]


def pointers(value: Any, place: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place] if place else []
    for name, inner in items:
        found += pointers(inner, f"{place}/{str(name).replace('~', '~0').replace('/', '~1')}")
    return found


@st.composite
def sharings(draw: st.DrawFn) -> tuple[Any, dict[str, Any], list[tuple[str, ...]]]:
    """A valid event of some type, and what some agreements allow of it."""
    kind, example = draw(st.sampled_from(EXAMPLES))
    known = [*pointers(example), "/publisher", "/hubtier", "/hubaeo", "/hubwarnings"]
    one = st.just(("*",)) | st.lists(st.sampled_from(known), max_size=6).map(tuple)
    return kind, example, draw(st.lists(one, min_size=1, max_size=3))


@settings(deadline=None, max_examples=150)
@given(sharings())
def test_whatever_agreements_allow_each_record_is_valid(
    shared: tuple[Any, dict[str, Any], list[tuple[str, ...]]],
) -> None:
    kind, example, allowed = shared
    made = snapshot(*(agreement(f"a{number}", *fields) for number, fields in enumerate(allowed)))
    schema = feed_schema("risk", made, {kind.name: KINDS[kind.name]})
    passes = Draft202012Validator(schema, validate_formats=True, offline=True)

    for fields in [*allowed, join(allowed)]:
        record = orjson.loads(record_of(kind, example, fields))
        errors = passes.evaluate(record).errors()
        assert not errors, (kind.name, fields, record, errors[:4])


@pytest.mark.parametrize(("kind", "example"), EXAMPLES[::3], ids=lambda each: getattr(each, "name", ""))
def test_no_member_is_named_that_a_record_never_shows(kind: Any, example: dict[str, Any]) -> None:
    made = snapshot(agreement("a", "/data/subjects", "/id"))

    [shown] = feed_schema("risk", made, {kind.name: KINDS[kind.name][:1]})["anyOf"]

    assert set(shown["properties"]["data"]["properties"]) - {"retracts", "corrects", "corrected_by"} == {
        "occurred_at", "time_kind", "subjects",
    }  # fmt: skip
    assert not {"hubtier", "hubaeo", "hubwarnings", "sequence", "traceparent"} & shown["properties"].keys()
    assert shown["properties"]["source"]["pattern"].startswith("^p-")


def test_a_type_that_no_agreement_ever_gave_is_not_described() -> None:
    made = snapshot(agreement("a", "*", types=("customs.seal.*",)), agreement("b", "*", recipient="other"))

    described = feed_schema("risk", made, KINDS)["anyOf"]

    assert {each["properties"]["type"]["const"] for each in described} == {
        name for name in KINDS if name.startswith("customs.seal.")
    }
    assert feed_schema("risk", snapshot(), KINDS)["anyOf"] == [{"not": {}}]


def test_the_name_changes_with_the_feed_and_with_the_agreements_and_with_nothing_else() -> None:
    first = snapshot(agreement("a", "*"))
    others = snapshot(agreement("a", "*"), agreement("b", "*", recipient="other"))
    narrower = snapshot(agreement("a", "*"), agreement("a", "/id"))
    changed = snapshot(agreement("a", "*"), replace(FEED, filter="type exists", version=2))

    names = [feed_schema("risk", each, {})["$id"].rpartition(":")[2] for each in (first, others, narrower, changed)]

    assert names == ["1.2", "1.2", "1.3", "2.3"]


def test_a_record_from_before_an_agreement_was_narrowed_is_still_valid() -> None:
    made = snapshot(agreement("a", "*"), agreement("a", "/data/subjects"))
    passes = Draft202012Validator(feed_schema("risk", made, KINDS), validate_formats=True, offline=True)
    kind, example = EXAMPLES[0]

    for fields in (("*",), ("/data/subjects",)):
        passes.validate(orjson.loads(record_of(kind, example, fields)))


def test_what_has_ended_or_is_only_proposed_gives_no_member() -> None:
    ended = snapshot(agreement("a", "*"), agreement("a", "*", state=AgreementState.ENDED))
    proposed = snapshot(agreement("a", "*", state=AgreementState.PROPOSED))

    [kind] = feed_schema("risk", ended, {"customs.seal.broken": KINDS["customs.seal.broken"]})["anyOf"]

    assert set(kind["properties"]["data"]["properties"]) == {"occurred_at", "time_kind"}
    assert feed_schema("risk", proposed, KINDS)["anyOf"] == [{"not": {}}]


def test_a_feeds_asyncapi_document_is_one() -> None:
    feed = replace(FEED, urgent=("customs.seal.*",), ways=(Way.SSE, Way.KAFKA))
    document = orjson.loads(
        orjson.dumps(
            feed_asyncapi(feed, feed_schema("risk", snapshot(agreement("a", "*")), KINDS), "https://hub.example")
        )
    )

    for reference in references({**document, "components": {"messages": {}}}):
        followed(document, reference)
    assert (document["asyncapi"], {"title", "version"} <= document["info"].keys()) == ("3.0.0", True)
    assert len(document["channels"]) == len(document["operations"]) == 4
    for told in document["operations"].values():
        channel = told["channel"]["$ref"]
        assert [each["$ref"] for each in told["messages"]] == [f"{channel}/messages/record"]
        assert followed(document, channel)["address"]
    Draft202012Validator(document["components"]["messages"]["record"]["payload"]["schema"], offline=True)
