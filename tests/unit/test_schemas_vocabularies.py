"""Vocabularies: every word means something in both languages, and the schemas allow exactly the words of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

import schemas
from schemas.catalogue import catalogue
from schemas.vocabularies import words

NAMES = sorted(path.stem for path in (Path(schemas.__file__).parent / "vocabularies").glob("*.json"))
OF_FORMATS = {"cbv_business_transactions", "cbv_source_destination_types", "cbv_error_reasons"}
"""Words that stand in documents of others and not in a member of ours."""


def members(flat: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield place, flat
    for name, member in flat.get("properties", {}).items():
        yield from members(member, f"{place}/{name}")
    if "items" in flat:
        yield from members(flat["items"], f"{place}/*")


MEMBERS = [(f"{kind.name}{place}", member) for kind in catalogue().types for place, member in members(kind.schema.flat)]


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_explained_in_english_and_in_french(name: str) -> None:
    assert words(name)
    for code, word in words(name).items():
        assert code == code.strip()
        assert word.en.strip()
        assert word.fr.strip()
        assert not word.en.endswith(".")
        assert not word.fr.endswith(".")


def test_every_closed_list_of_the_schemas_is_its_vocabulary() -> None:
    for place, member in MEMBERS:
        if "enum" in member:
            assert member["enum"] == list(words(member["x-vocabulary"])), place


def test_every_word_fits_the_member_that_it_is_for_and_every_vocabulary_is_for_one() -> None:
    used = {member["x-vocabulary"]: member for _, member in MEMBERS if "x-vocabulary" in member}

    assert set(used) | OF_FORMATS == set(NAMES)
    for name, member in used.items():
        # Types that only tell facts narrow the time kinds to one.
        allowed = Draft202012Validator({keyword: asked for keyword, asked in member.items() if keyword != "const"})
        assert [code for code in words(name) if not allowed.is_valid(code)] == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("cbv_business_steps", 41),
        ("cbv_dispositions", 33),
        ("cbv_business_transactions", 13),
        ("cbv_source_destination_types", 3),
        ("cbv_error_reasons", 2),
    ],
)
def test_the_words_of_the_cbv_are_as_many_as_version_2_0_has(name: str, count: int) -> None:
    assert len(words(name)) == count


def test_a_vocabulary_that_is_not_there_is_an_error_of_the_programmer() -> None:
    with pytest.raises(FileNotFoundError):
        words("colours")
