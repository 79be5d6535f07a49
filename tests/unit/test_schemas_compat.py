"""A new version of a schema beside an older one: yes, no or unknown, and never a wrong yes."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.catalogue import EventType, catalogue
from schemas.compat import Answer, compare
from schemas.compile import Compiled
from schemas.faults import Fault, Severity
from schemas.probes import probes, refused
from schemas.sites import visit_of
from tests.unit.instances import instance, next_version

EDITS = json.loads((Path(__file__).parent / "compat_edits.json").read_text())["edits"]


def kind_of(name: str) -> EventType:
    found = catalogue().find(name)
    assert isinstance(found, EventType)
    return found


GATE_IN = kind_of("customs.container.gate_in").schema.flat


def edited(flat: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(flat)
    place = changed
    for name in edit["at"].split("/")[1:]:
        place = place[name]
    for name in edit.get("drop", ()):
        del place[name]
    place.update(edit.get("set", {}))
    return changed


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["edit"])
def test_a_known_edit_is_answered_as_it_should_be_at_its_place(edit: dict[str, Any]) -> None:
    said = compare(GATE_IN, edited(GATE_IN, edit))

    assert said.answer == edit["answer"]
    assert [each.place for each in said.reasons] == ([edit["place"]] if "place" in edit else [])
    assert [each.place for each in said.remarks] == ([edit["remark"]] if "remark" in edit else [])
    assert all(each.said(language) for each in said.reasons for language in ("en", "fr"))


def test_at_least_forty_edits_are_known_and_every_answer_is_among_them() -> None:
    assert len(EDITS) >= 40
    assert {edit["answer"] for edit in EDITS} == set(Answer)


@pytest.mark.parametrize("kind", catalogue().types, ids=lambda kind: kind.name)
def test_every_published_version_is_compatible_with_itself(kind: EventType) -> None:
    assert compare(kind.schema.flat, copy.deepcopy(kind.schema.flat)).answer is Answer.YES


def test_the_worst_of_several_reasons_is_the_answer_and_all_are_told() -> None:
    worse = [edit for edit in EDITS if edit["edit"] in ("fewer items", "a pattern takes more, which is not proved")]
    changed = edited(edited(GATE_IN, worse[0]), worse[1])

    said = compare(GATE_IN, changed)

    assert said.answer is Answer.NO
    assert {each.place for each in said.reasons} == {edit["place"] for edit in worse}


def _checked(kind: EventType, flat: dict[str, Any]) -> EventType:
    """The type with another schema."""
    return replace(kind, schema=Compiled(flat), visit=visit_of(flat) or (lambda *_: None))


def _passes(event: Any, kind: EventType) -> bool:
    if not kind.schema.open.is_valid(event):
        return False
    faults: list[Fault] = []
    kind.visit(event, None, faults)
    return all(each.severity is Severity.WARNING and each.code != "CHECK_DIGIT_WRONG" for each in faults)


SEEDS = 30


def test_whatever_was_valid_stays_valid_after_every_yes() -> None:
    yeses = valid = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        kind = chance.choice(catalogue().types)
        new = next_version(kind.schema.flat, chance, chance.choice([1, 1, 2, 3]))
        if compare(kind.schema.flat, new).answer is Answer.YES:
            yeses += 1
            after = _checked(kind, new)
            for event in (instance(kind.schema.flat, chance) for _ in range(60)):
                was_valid = _passes(event, kind)
                valid += was_valid
                assert not was_valid or _passes(event, after), (seed, event)

    assert yeses > SEEDS / 4
    assert valid > 5 * yeses


LEAVES: list[dict[str, Any]] = [
    {"type": "string", "minLength": 1, "maxLength": 35},
    {"type": "string", "pattern": "^[A-Z]{2}$"},
    {"type": "string", "format": "date-time", "maxLength": 40},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    {"enum": ["ACTUAL", "PLANNED"]},
    {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "integer", "minimum": 0}},
    {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "code": {"type": "integer"}}},
    {
        "type": "object",
        "anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}],
        "properties": {"a": {}, "b": {}, "c": {}},
    },
]


@pytest.mark.parametrize("old", LEAVES, ids=lambda old: str(old)[:40])
def test_no_small_schema_is_wrongly_said_to_take_what_another_takes(old: dict[str, Any]) -> None:
    chance = random.Random(repr(old))
    pool = [value for leaf in LEAVES for value in probes(leaf)] + [instance(old, chance) for _ in range(100)]

    for _ in range(150):
        new = next_version(old, chance, chance.choice([1, 2, 3]))
        if compare(old, new).answer is Answer.YES:
            before, after = Compiled(old).open, Compiled(new).open
            fresh = new.get("properties", {}).keys() - old.get("properties", {}).keys()
            assert [v for v in pool if before.is_valid(v) and not after.is_valid(v) and not fresh & set(v)] == []


def test_a_no_is_proved_by_an_example_wherever_one_is_found() -> None:
    for edit in EDITS:
        new = edited(GATE_IN, edit)
        if edit["answer"] == "yes":
            assert not refused(new, GATE_IN), edit["edit"]
