"""What may be published as the next version of a type, and what changed in it."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from schemas.catalogue import Catalogue, EventType, catalogue, drafted, published
from schemas.compat import Answer
from schemas.difference import differences
from schemas.style import TEXTS, judge, version_number

NAME = "customs.container.gate_in"
STEM = f"urn:customs-hub:schema:{NAME}"


def draft(version: str = "1.1", **data: Any) -> dict[str, Any]:
    """Version 1.0 under another number, with members of `data` added or changed."""
    raw = published(NAME, "1.0")
    assert raw is not None
    schema: dict[str, Any] = orjson.loads(raw)
    schema["$id"] = f"{STEM}:{version}"
    schema["$defs"]["data"]["properties"] |= data
    return schema


REMARKS = {"description": "free text of at most 1000 characters", "type": "string", "x-personal": True}


@pytest.mark.parametrize("kind", catalogue().types, ids=lambda kind: kind.name)
def test_what_is_published_is_lawful(kind: EventType) -> None:
    raw = published(kind.name, kind.dataschema.rpartition(":")[2])
    assert raw is not None

    assert judge(orjson.loads(raw)).findings == ()


def test_a_minor_version_that_takes_all_is_lawful() -> None:
    said = judge(draft(remarks=REMARKS | {"maxLength": 2000}))

    assert said.lawful
    assert said.comparison is not None
    assert said.comparison.answer is Answer.YES


def test_a_minor_version_that_takes_less_is_not_and_a_major_one_is() -> None:
    minor = judge(draft("1.1", remarks=REMARKS | {"maxLength": 10}))
    major = judge(draft("2.0", remarks=REMARKS | {"maxLength": 10}))

    assert [each.code for each in minor.findings] == ["MINOR_NOT_COMPATIBLE"]
    assert "no" in minor.findings[0].said("en")
    assert major.lawful
    assert major.comparison is not None
    assert major.comparison.answer is Answer.NO


def test_a_published_version_may_change_its_words_and_nothing_else() -> None:
    worded = judge(draft("1.0", remarks=REMARKS | {"description": "the seal"}))
    edited = judge(draft("1.0", remarks=REMARKS | {"maxLength": 2000}))

    assert {each.code for each in worded.findings} <= {"NO_FRENCH"}
    assert [each.code for each in edited.findings] == ["EDITED"]


@pytest.mark.parametrize("version", ["1.2", "2.1", "3.0", "0.9"])
def test_no_number_is_left_out(version: str) -> None:
    said = judge(draft(version))

    assert [each.code for each in said.findings] == ["ID_WRONG"]
    assert f"{STEM}:1.1" in said.findings[0].detail


@pytest.mark.parametrize(
    ("member", "code", "place"),
    [
        ({"type": "object", "properties": {"a": {}}}, "NOT_DESCRIBED", "/properties/a"),
        ({"description": "words that nobody has translated", "type": "string"}, "NO_FRENCH", ""),
        ({"description": "the seal", "type": "array"}, "NOT_BOUNDED", ""),
        ({"description": "the seal", "type": "string", "x-scheme": "imo"}, "SCHEME_PATTERN", "/pattern"),
        ({"description": "the seal", "enum": ["A"]}, "VOCABULARY", "/enum"),
        ({"description": "the seal", "enum": ["A"], "x-vocabulary": "colours"}, "VOCABULARY", "/enum"),
        ({"description": "the seal", "anyOf": [{"type": "string"}]}, "ANY_OF", "/anyOf"),
        ({"description": "the seal", "not": {}}, "KEYWORD_UNUSED", "/not"),
        ({"description": "the seal", "type": "object", "additionalProperties": False}, "KEYWORD_UNUSED",
         "/additionalProperties"),
    ],
)  # fmt: skip
def test_a_fault_of_form_is_named_at_its_place(member: dict[str, Any], code: str, place: str) -> None:
    said = judge(draft(remarks=member))

    assert (code, f"/properties/data/properties/remarks{place}") in {(each.code, each.place) for each in said.findings}


def test_a_member_that_the_naming_table_does_not_have_is_named() -> None:
    said = judge(draft(colour={"description": "the seal", "type": "string"}))

    assert [(each.code, each.detail) for each in said.findings] == [("NOT_NAMED", "colour")]


@pytest.mark.parametrize(
    "schema",
    [
        None, [], {}, {"$id": "x"}, {"$id": "x", "properties": {"type": {"const": "customs.no.such"}}},
        draft(remarks={"pattern": "("}), draft(remarks={"pattern": "(a)\\1"}), draft(remarks={"pattern": "(?=a)"}),
        draft(remarks={"pattern": "(a{1000}){1000}"}), draft(remarks={"type": "text"}), draft(remarks=True),
        draft(remarks={"format": "nonsense"}), draft(remarks={"$ref": "urn:customs-hub:schema:common:1.0#/$defs/no"}),
        draft(remarks={"$ref": "http://127.0.0.1:9/x"}), draft(remarks={"x-scheme": ["a"]}),
        draft(remarks={"x-scheme": "colour"}),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_and_raises_nothing(schema: Any) -> None:
    assert [each.code for each in judge(schema).findings][:1] == ["NOT_A_SCHEMA"]


def test_every_finding_is_said_in_both_languages() -> None:
    for english, french in TEXTS.values():
        assert english.format("x") != french.format("x")


def test_a_draft_is_judged_beside_the_newest_version_below_it() -> None:
    older, newer = drafted(draft("1.0")), drafted(draft("1.1", remarks=REMARKS | {"maxLength": 2000}))
    known = Catalogue([older, newer], frozenset())

    said = judge(draft("1.2", remarks=REMARKS | {"maxLength": 1500}), known)

    assert said.before is newer
    assert [each.code for each in said.findings] == ["MINOR_NOT_COMPATIBLE"]
    assert version_number(newer.dataschema) == (1, 1)


def test_differences_are_told_member_by_member() -> None:
    old = drafted(draft("1.0")).schema.flat
    new = copy.deepcopy(old)
    members = new["properties"]["data"]["properties"]
    members["lane"] = {"description": "the lane"}
    members["remarks"]["maxLength"] = 2000
    del members["size_type"], members["place"]["anyOf"]

    told = {(each.kind, each.place.removeprefix("/properties/data/properties")) for each in differences(old, new)}

    assert told == {
        ("added", "/lane"),
        ("gone", "/size_type"),
        ("gone", "/place/anyOf"),
        ("changed", "/remarks/maxLength"),
    }


@pytest.mark.parametrize(
    ("member", "place"), [(True, ""), ({"anyOf": [True]}, "/anyOf/0"), ({"type": "array", "items": False}, "/items")]
)
def test_a_schema_that_is_no_object_is_told_by_its_place(member: Any, place: str) -> None:
    [finding] = judge(draft(remarks=member)).findings

    assert finding.code == "NOT_A_SCHEMA"
    assert finding.detail.startswith("a schema is an object: /")
    assert finding.detail.endswith(f"/remarks{place}")


def test_a_reference_that_leads_back_to_itself_is_refused() -> None:
    schema = draft(lane={"description": "x", "$ref": "#/$defs/a"})
    schema["$defs"] |= {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}

    [finding] = judge(schema).findings

    assert (finding.code, finding.detail) == ("NOT_A_SCHEMA", "#/$defs/a refers to itself")


@pytest.mark.parametrize("place", ["/$ref", "/$defs/data/$ref", "/properties/data/$ref"])
def test_a_version_that_does_not_refine_the_envelope_is_refused(place: str) -> None:
    schema = draft()
    *path, last = place.strip("/").split("/")
    part = schema
    for name in path:
        part = part[name]
    part.pop(last)
    if place == "/properties/data/$ref":
        part |= schema["$defs"]["data"] | {"$ref": schema["$defs"]["data"]["$ref"]}

    assert ("ENVELOPE", place) in {(each.code, each.place) for each in judge(schema).findings}


def test_a_vocabulary_that_there_is_not_is_named() -> None:
    said = judge(draft(remarks=REMARKS | {"maxLength": 2000, "x-vocabulary": "nosuch"}))

    assert [(each.code, each.detail) for each in said.findings] == [("VOCABULARY", "nosuch")]
