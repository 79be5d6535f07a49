"""A published version of an event type is never edited, except for words: what it asks for is kept here by digest.

Where one was edited, give the change a version of its own. `GOLDEN=rewrite` takes the schemas as they are, which is
right only for versions that no partner has seen.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from schemas.catalogue import EventType, catalogue

PUBLISHED = Path(__file__).parent / "published_schemas.json"
WORDS = ("title", "description", "x-vocabulary")


def asked(flat: dict[str, Any]) -> dict[str, Any]:
    """A flattened schema without its words."""
    kept = {name: member for name, member in flat.items() if name not in WORDS}
    if "properties" in flat:
        kept["properties"] = {name: asked(member) for name, member in flat["properties"].items()}
    if "items" in flat:
        kept["items"] = asked(flat["items"])
    return kept


def digest(kind: EventType) -> str:
    return hashlib.sha256(rfc8785.dumps(asked(kind.schema.flat))).hexdigest()


if os.environ.get("GOLDEN") == "rewrite":
    digests = {kind.dataschema: digest(kind) for kind in catalogue().types}
    PUBLISHED.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("kind", catalogue().types, ids=lambda kind: kind.name)
def test_a_published_version_asks_for_what_it_asked_for_when_it_was_published(kind: EventType) -> None:
    assert json.loads(PUBLISHED.read_text())[kind.dataschema] == digest(kind)


def test_no_published_version_is_taken_away() -> None:
    assert set(json.loads(PUBLISHED.read_text())) <= {kind.dataschema for kind in catalogue().types}


def test_words_may_improve_and_nothing_else_may() -> None:
    kind = catalogue().types[0]
    worded, narrowed = dict(kind.schema.flat), dict(kind.schema.flat)
    worded["description"] = "in better words"
    narrowed["required"] = [*narrowed["required"], "sequence"]

    assert asked(worded) == asked(kind.schema.flat)
    assert asked(narrowed) != asked(kind.schema.flat)
