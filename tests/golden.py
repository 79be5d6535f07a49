"""Golden files: what each published document becomes, reviewed one by one, kept with the SHA-256 of the document.

`GOLDEN=rewrite pytest tests/vectors` writes them anew; the review of what then changed is what makes them golden.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path, PurePath
from typing import Any

import msgspec

from schemas.faults import Fault
from schemas.translate.item import Item, Translation
from tests.samples import sample

_FOLDER = Path(__file__).parent / "vectors" / "translated"


def check_golden(family: str, path: str, translated: Translation | list[Fault], document: bytes | None = None) -> None:
    """The translation of the sample at `path`, or of a `document` of our own of that name, is the one in
    `vectors/translated/<family>/`."""
    file = _FOLDER / family / f"{PurePath(path).stem}.json"
    shown = {
        "sample": path,
        "sha256": hashlib.sha256(sample(path) if document is None else document).hexdigest(),
        **_shown(translated),
    }
    became = json.loads(json.dumps(shown))
    if os.environ.get("GOLDEN") == "rewrite":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(became, indent=1, ensure_ascii=False) + "\n")

    assert became == json.loads(file.read_text())


def _shown(translated: Translation | list[Fault]) -> dict[str, Any]:
    if isinstance(translated, list):
        return {"faults": msgspec.to_builtins(translated)}
    return {"format": translated.format, "items": [_item(each) for each in translated.items]}


def _item(item: Item) -> dict[str, Any]:
    """An item without what is empty; every origin is shown, for the way back is part of the translation."""
    shown = msgspec.to_builtins(item)
    return {name: shown[name] for name in shown if shown[name] or name == "index"}
