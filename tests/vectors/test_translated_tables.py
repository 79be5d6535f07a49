"""What tables become: files as clerks make them, some of them spoilt by a spreadsheet, each reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.translate.item import Context
from schemas.translate.tabular import translate
from tests.golden import check_golden

FOLDER = Path(__file__).parent / "tables"
TYPES = {
    "gate-in-french.csv": "container.gate_in",
    "filing-destroyed.csv": "filing.pre_loading",
    "temperatures.tsv": "sensor.temperature",
    "mixed-types.csv": None,
}


@pytest.mark.parametrize("name", sorted(each.name for each in FOLDER.iterdir()))
def test_a_table_becomes_the_events_that_were_reviewed(name: str) -> None:
    document = (FOLDER / name).read_bytes()

    translation = translate(document, Context(event_type=TYPES[name]))
    assert not isinstance(translation, list)
    items = [replace(item, origins=dict(item.origins)) for item in translation.items]

    check_golden("tables", name, replace(translation, items=items), document)
