"""The event types: schemas as published, examples as promised, and the one naming table behind both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012, Draft202012Validator, RegexOptions, Registry

import schemas
from hub.core.partner import Role
from schemas import rules
from schemas.catalogue import AEORule, Catalogue, EventType, catalogue
from schemas.faults import FAULTS, Fault, Severity
from schemas.identifiers import SCHEMES
from schemas.identity import instant_us

ROOT = Path(schemas.__file__).parent
NAMING = json.loads((ROOT / "naming.json").read_text())
SHARED = [json.loads((ROOT / "events" / f"{name}.json").read_text()) for name in ("envelope", "common")]
EXAMPLES = sorted((ROOT / "events").glob("*/examples/*.json"))
TYPES = catalogue().types
NOW_US = instant_us("2026-11-22T10:00:00Z") or 0

ids = {"ids": lambda each: getattr(each, "stem", None) or getattr(each, "name", None)}
valid = [path for path in EXAMPLES if path.stem.startswith("valid-")]
faulty = [path for path in EXAMPLES if not path.stem.startswith("valid-")]


def type_of(event: dict[str, Any]) -> EventType:
    found = catalogue().find(event["type"])
    assert isinstance(found, EventType)
    return found


def published(event_type: EventType) -> Draft202012Validator:
    """The validator that a partner makes of the files as they are, references and all."""
    schema = json.loads((ROOT / "events" / event_type.name / "1.0.json").read_text())
    registry = Registry([(each["$id"], each) for each in SHARED], draft=Draft202012)
    return Draft202012Validator(
        schema, validate_formats=True, registry=registry, offline=True, pattern_options=RegexOptions()
    )


def members(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, member in schema.get("properties", {}).items():
        yield f"{path}/{name}", member
        yield from members(member, f"{path}/{name}")
    if "items" in schema:
        yield from members(schema["items"], f"{path}/*")


def test_every_name_of_the_table_has_a_schema_and_every_schema_a_name() -> None:
    names = {row["type"] for row in NAMING["types"]}

    assert len(names) == len(NAMING["types"]) == 38
    assert {each.name for each in TYPES} == names
    assert {path.parent.name for path in (ROOT / "events").glob("*/*.json")} == names
    assert catalogue().planned == frozenset()


def test_the_readme_tells_every_type_by_its_family() -> None:
    text = (ROOT.parent / "README.md").read_text()
    rows = text[text.index("## Event types") : text.index("## What it promises")].splitlines()
    told = set()
    for row in rows[rows.index("|---|---|---|") + 1 :]:
        families, events = row.split("|")[1:3] if row.count("|") == 4 else ("", "")
        groups = zip(families.split(","), events.split(";"), strict=False)
        told |= {
            f"customs.{family.strip(' `')}.{event.strip()}" for family, group in groups for event in group.split(",")
        }

    assert told - {"customs.."} == {each.name for each in TYPES}


@pytest.mark.parametrize("path", valid, **ids)
def test_a_valid_example_has_no_fault_also_by_the_published_schema(path: Path) -> None:
    event = json.loads(path.read_text())

    assert rules.check(event, type_of(event), now_us=NOW_US) == []
    assert published(type_of(event)).is_valid(event)
    assert event["type"] == path.parts[-3]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, name)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, name))


@pytest.mark.parametrize("path", valid, **ids)
def test_whatever_stands_in_a_place_is_judged_as_the_published_schema_judges_it(path: Path) -> None:
    event = json.loads(path.read_text())
    kind, foreign = type_of(event), rules.Regard(absent_ok=True)

    for *outer, name in list(places(event)):
        holder = reduce(lambda inside, step: inside[step], outer, event)
        sent = holder[name]
        for other in (None, True, -1, 1e300, "", "\u00e9" * 600, [], {}, [{}], {"x": None}):
            holder[name] = other
            found = rules.check(event, kind, now_us=NOW_US)
            assert kind.schema.open.is_valid(event) or found[0].severity is Severity.ERROR
            lenient = rules.check(event, kind, now_us=NOW_US, regard=foreign)
            assert kind.schema.sparse.open.is_valid(event) or lenient[0].severity is Severity.ERROR
        holder[name] = sent


@pytest.mark.parametrize("path", faulty, **ids)
def test_a_faulty_example_has_exactly_the_faults_it_promises(path: Path) -> None:
    example = json.loads(path.read_text())
    event = example["event"]

    found = rules.check(event, type_of(event), now_us=NOW_US)

    assert {(each.code, each.place) for each in found} == {(each["code"], each["place"]) for each in example["faults"]}
    worst = Severity.ERROR if path.stem.startswith("invalid-") else Severity.WARNING
    assert found[0].severity is worst
    assert all(each.expected and len(each.found) <= 64 for each in found)


@pytest.mark.parametrize("event_type", TYPES, **ids)
def test_every_type_has_an_example_that_is_valid_and_two_that_are_not(event_type: EventType) -> None:
    names = [path.stem for path in EXAMPLES if path.parts[-3] == event_type.name]

    assert sum(name.startswith("valid-") for name in names) >= 1
    assert len(names) >= 3


@pytest.mark.parametrize("event_type", TYPES, **ids)
def test_every_member_is_described_every_array_bounded_and_every_marked_form_is_the_schemes(
    event_type: EventType,
) -> None:
    patterns = {row["scheme"]: f"^{row['pattern']}$" for row in NAMING["schemes"]}

    for place, member in members(event_type.schema.flat):
        assert member.get("description"), place
        assert member.get("type") != "array" or "maxItems" in member, place
        assert "x-scheme" not in member or member["pattern"] == patterns[member["x-scheme"]], place


@pytest.mark.parametrize("event_type", TYPES, **ids)
def test_every_member_of_envelope_and_data_is_in_the_naming_table(event_type: EventType) -> None:
    properties = event_type.schema.flat["properties"]
    named = {
        place: {row["name"] for row in NAMING[place] if row["status"] == "active"} for place in ("envelope", "data")
    }

    assert set(properties) == named["envelope"]
    assert set(properties["data"]["properties"]) <= named["data"]


def test_roles_schemes_and_aeo_rules_of_the_table_are_ones_the_hub_knows() -> None:
    assert {role for each in TYPES for role in each.roles} <= {role.value for role in Role}
    assert {scheme for order in NAMING["objects"].values() for scheme in order} <= set(SCHEMES)
    assert [each.name for each in TYPES if each.aeo is AEORule.REQUIRED] == ["customs.document.submitted"]
    assert {kind for row in NAMING["types"] for kind in row["about"]} <= set(NAMING["objects"])


def test_the_object_key_goes_by_the_objects_of_the_type_in_the_order_of_the_table() -> None:
    order = {each.name.removeprefix("customs."): each.object_schemes for each in TYPES}

    assert order["booking.confirmed"] == ("booking", "ucr", "bill_of_lading", "awb", "uri")
    assert order["container.gate_in"] == ("iso6346", "ilu", "equipment")
    assert order["declaration.lodged"][:2] == ("mrn", "lrn")
    assert order["event.retracted"] == ("event",)
    assert all(len(set(schemes)) == len(schemes) for schemes in order.values())


def test_personal_members_are_named_by_pointer() -> None:
    filing = type_of({"type": "customs.filing.pre_loading"})

    assert {"/data/consignor/name", "/data/consignee/address", "/data/remarks"} <= set(filing.personal)


NOTHING_TO_DO = {"PDF_LINK", "PDF_UPDATED", "PDF_SIGNED"}
"""Findings that may be as they should."""


def test_every_fault_code_speaks_both_languages_and_offers_a_fix() -> None:
    for code, text in FAULTS.items():
        assert code == text.code
        assert text.en.endswith(".")
        assert text.fr.endswith(".")
        assert text.fix.endswith(".") or code in NOTHING_TO_DO


def test_every_fault_code_of_the_table_is_given_somewhere() -> None:
    sources = [path for room in ("schemas", "hub") for path in (ROOT.parent / room).rglob("*.py")]
    code_of = "".join(path.read_text() for path in sources if "fault_texts" not in (path.stem, path.parent.name))

    assert [code for code in FAULTS if f'"{code}"' not in code_of and code != "TOO_MANY_FAULTS"] == []


@pytest.mark.parametrize(
    ("name", "dataschema", "code", "expected"),
    [
        ("customs.container.gatein", None, "TYPE_UNKNOWN", "perhaps customs.container.gate_in"),
        ("nothing of the kind", None, "TYPE_UNKNOWN", "a type of the naming table, of the families aeo, booking,"),
        (None, None, "MEMBER_MISSING", "the name of an event type"),
        (["x"], None, "TYPE_WRONG", "the name of an event type"),
        ("customs.seal.broken", "urn:customs-hub:schema:customs.seal.broken:9.0", "DATASCHEMA_UNKNOWN", "urn:"),
        ("customs.seal.broken", "urn:customs-hub:schema:customs.container.loaded:1.0", "DATASCHEMA_UNKNOWN", "urn:"),
        ("customs.seal.broken", 7, "DATASCHEMA_UNKNOWN", "urn:"),
    ],
)
def test_a_type_that_is_not_there_is_a_fault_that_helps(
    name: object, dataschema: object, code: str, expected: str
) -> None:
    found = catalogue().find(name, dataschema)

    assert isinstance(found, Fault)
    assert found.code == code
    assert found.expected.startswith(expected)


def test_a_name_that_is_settled_for_later_is_told_apart_from_one_that_is_not() -> None:
    found = Catalogue(list(TYPES[:2]), frozenset({"customs.goods.counted"})).find("customs.goods.counted")

    assert isinstance(found, Fault)
    assert (found.code, found.expected) == ("TYPE_PLANNED", "a type of the naming table, of the families booking")


def test_a_type_is_found_by_its_name_and_by_its_exact_version() -> None:
    newest = catalogue().find("customs.seal.broken")

    assert newest is catalogue().find("customs.seal.broken", "urn:customs-hub:schema:customs.seal.broken:1.0")
