"""Everything that is said of what a partner sent is said in French too, within bounds.

A text that is found here without its French goes into `schemas/french.json`, or `hub/core/french.json` if the hub alone
says it; a template has `{}` for what is put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import orjson
import pytest

from hub.core.errors import ERRORS
from hub.core.faults import ACT_FAULTS
from hub.core.partner import Role
from hub.core.words import words
from schemas import rules
from schemas.catalogue import catalogue
from schemas.compile import Schema
from schemas.faults import EXPECTED_CHARACTERS_MAX, FAULTS, FOUND_CHARACTERS_MAX, fault
from schemas.identifiers import SCHEMES, objection
from schemas.translate.recognise import REFUSED, TAKEN
from schemas.words import Words, found
from tests.unit.said import details, expectations

NOW_US = 1_795_338_000_000_000


def _described(schema: Any) -> Iterator[str]:
    """Each title, and each description, of a schema and of all that is in it."""
    if isinstance(schema, dict):
        yield from (schema[name] for name in ("title", "description") if isinstance(schema.get(name), str))
        for name, inner in schema.items():
            yield from _described(list(inner.values()) if name in ("properties", "$defs") else inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _described(inner)


def _members(flat: Schema) -> Iterator[Schema]:
    yield flat
    for member in flat.get("properties", {}).values():
        yield from _members(member)
    if "items" in flat:
        yield from _members(flat["items"])


DESCRIPTIONS = {text: kind.name for kind in catalogue().types for text in _described(kind.schema.flat)}


ENGLISH = re.compile(r"\b(?:the|of|with|and|at|least|most|such|digits|which|it)\b")

STANDARD = re.compile(r"\([^)]*\)")
"""Names of standards stand in brackets, as they are."""


def without_french(texts: dict[str, str]) -> dict[str, str]:
    """Those that have none, or in whose French some English was left."""
    said = {text: words().french(text) for text in texts}
    return {
        text: texts[text] for text, french in said.items() if french is None or ENGLISH.search(STANDARD.sub("", french))
    }


def test_every_title_and_description_of_the_schemas_has_its_french() -> None:
    assert without_french(DESCRIPTIONS) == {}


def test_every_expectation_that_the_code_states_has_its_french() -> None:
    assert without_french(expectations("schemas", "hub")) == {}


def test_every_detail_of_a_refusal_has_its_french() -> None:
    assert without_french(details("hub")) == {}


def test_every_fix_and_explanation_has_its_french() -> None:
    fixes = {text.fix: code for code, text in {**FAULTS, **ACT_FAULTS}.items() if text.fix}
    told = {text: row.code for row in ERRORS.values() for text in (row.fix, row.explain)}

    assert without_french(fixes | told) == {}


def test_what_to_send_instead_of_a_format_that_is_not_taken_has_its_french() -> None:
    assert without_french({kind.instead: kind.name for kind in REFUSED}) == {}


def test_what_the_hub_recognised_or_missed_is_said_in_french() -> None:
    told = [kind.name for kind in REFUSED if kind.name not in ("XML", "ANSI X12", "PDF")]

    assert [text for text in ("nothing", "an object", "no type", *told) if found(text, "fr") == text] == []
    assert found("12 events", "fr") == "12 événements"
    assert found("perhaps 'MRN no.' is meant for it", "fr") == "'MRN no.' est peut-être prévu pour cela"


@pytest.mark.parametrize("value", ["a seal", "my events", "Nothing", "MSKU1234565", "{} bytes"])
def test_what_a_sender_wrote_is_shown_as_it_was_sent(value: str) -> None:
    assert found(value, "fr") == found(value, "en") == value


def test_the_formats_that_are_taken_are_named_in_french() -> None:
    names = ", ".join(row.name for row in TAKEN)

    assert words().said(f"a document of one of: {names}", "fr").endswith("UN/EDIFACT, tableaux")


def test_the_roles_that_report_a_type_are_named_in_french() -> None:
    assert {f"role: {role}" for role in Role if words().french(f"role: {role}") is None} == set()
    assert words().said("x.y is reported by: carrier, terminal", "fr") == "x.y est signalé par : transporteur, terminal"


def test_what_each_keyword_of_each_member_asks_for_has_its_french_and_fits() -> None:
    """The faults of a schema are put together from the keyword and the member's description."""
    asked: dict[str, str] = {}
    for kind in catalogue().types:
        for member in _members(kind.schema.flat):
            for keyword in member.keys() & (rules._KEYWORDS.keys() | {"anyOf"}):
                value = {} if keyword == "anyOf" else "?"
                asked |= {each.expected: kind.name for each in rules._faults(keyword, member, "/x", value)}

    assert without_french(asked) == {}
    assert [text for text in asked if text.endswith("…") and "one of" not in text] == []


def test_what_is_said_of_an_identifier_has_its_french() -> None:
    said = {}
    for scheme in SCHEMES.values():
        for value in ("?", scheme.example, *(scheme.example[:-1] + digit for digit in "0123456789X")):
            if (wrong := objection(scheme, value)) is not None:
                said[wrong.expected] = f"{scheme.name} {value}"

    assert len(said) > len(SCHEMES) / 2
    assert without_french(said) == {}


def test_every_fault_of_the_published_examples_has_its_french() -> None:
    told = {}
    for file in (files("schemas") / "events").iterdir():
        examples = file / "examples"
        for example in examples.iterdir() if examples.is_dir() else ():
            if not example.name.startswith("valid"):
                event = orjson.loads(example.read_bytes())["event"]
                kind = catalogue().find(event.get("type"), event.get("dataschema"))
                found = [kind] if not hasattr(kind, "schema") else rules.check(event, kind, now_us=NOW_US)
                told |= {each.expected: f"{file.name}/{example.name}" for each in found}

    assert len(told) > 20
    assert without_french(told) == {}


def test_no_text_is_longer_than_what_is_answered() -> None:
    long = [text for text in DESCRIPTIONS if max(len(text), len(words().said(text, "fr"))) > EXPECTED_CHARACTERS_MAX]

    assert long == []


def test_a_fault_is_cut_in_what_it_found_and_in_what_it_expected() -> None:
    cut = fault("TYPE_WRONG", "/x", "f" * 1_000, "e" * 1_000)

    assert (len(cut.found), len(cut.expected)) == (FOUND_CHARACTERS_MAX, EXPECTED_CHARACTERS_MAX)
    assert cut.found.endswith("…")


LESSONS = Words({
    "a seal": "un scellé",
    "one of {}": "l'une des valeurs {}",
    "{} of {}": "{1} : {0}",
    "at most {} characters": "au plus {} caractères",
    "boolean": "true ou false",
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "french"),
    [
        ("a seal", "un scellé"),
        ("boolean: a seal", "true ou false : un scellé"),
        ("one of A, B: a seal", "l'une des valeurs A, B : un scellé"),
        ("at most 20 characters: a seal", "au plus 20 caractères : un scellé"),
        ("2 of 3", "3 : 2"),
        ("a seal of box", "box : un scellé"),
        ("something else", None),
        ("one of A: something else", "l'une des valeurs A: something else"),
    ],
)
def test_a_text_is_found_whole_or_by_its_halves_or_by_the_template_it_was_made_from(
    text: str, french: str | None
) -> None:
    assert LESSONS.french(text) == french


def test_what_has_no_french_is_said_in_english() -> None:
    assert LESSONS.said("something else", "fr") == "something else"
    assert LESSONS.said("a seal", "en") == "a seal"
