"""Golden vectors of filters: what passes and what does not must never change under a feed, nor at its reader."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson
import pytest

from hub.core.filter import matcher
from schemas.filter_language import parse

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())["filter"]


@pytest.mark.parametrize("text", VECTORS["passes"])
def test_the_record_passes(text: str) -> None:
    assert matcher(text)(VECTORS["record"])


@pytest.mark.parametrize("text", VECTORS["does_not_pass"])
def test_the_record_does_not_pass(text: str) -> None:
    assert not matcher(text)(VECTORS["record"])


@pytest.mark.parametrize(("text", "columns"), VECTORS["mistakes"].items())
def test_a_text_that_is_no_filter_has_its_mistakes_where_they_were(text: str, columns: list[int]) -> None:
    found = parse(text)

    assert isinstance(found, list)
    assert [each.column for each in found] == columns
