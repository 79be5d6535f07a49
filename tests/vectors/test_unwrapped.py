"""What each published trade document is for the index, reviewed one by one, with the SHA-256 of the document.

`GOLDEN=rewrite pytest tests/vectors/test_unwrapped.py` writes the file anew; the review of what changed is what counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.documents.credential import unwrap
from tests.samples import sample, samples

GOLDEN = Path(__file__).parent / "unwrapped.json"
DOCUMENTS = samples("trade-documents/*.json")


def shown(document: bytes) -> Any:
    """What was found, without what is empty."""
    return _full({"sha256": hashlib.sha256(document).hexdigest(), **msgspec.to_builtins(unwrap(document))})


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _full(each) for name, each in value.items() if each not in ("", [], (), {}, None)}
    return [_full(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_published_trade_document_is_named_as_an_officer_would(path: str) -> None:
    became = shown(sample(path))
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("GOLDEN") == "rewrite":
        golden[path] = became
        GOLDEN.write_text(json.dumps(dict(sorted(golden.items())), indent=1, ensure_ascii=False) + "\n")

    assert became == golden[path]


def test_every_golden_result_has_its_document() -> None:
    assert not DOCUMENTS or sorted(json.loads(GOLDEN.read_text())) == DOCUMENTS
