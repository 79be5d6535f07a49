"""What is mutated: every published document, every example of the catalogue, and tables made from those examples."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from random import Random
from typing import Any, NamedTuple

import orjson
import xlsxwriter

from tests.edifact import GATE_IN, LOADED, interchange, message
from tests.samples import sample, samples

BYTES_MAX = 256 * 1024
"""Larger samples (schemas, word lists) say nothing new and cost the time of a hundred others."""


_SERIAL = datetime(2026, 11, 22, 10, 0)


class Seed(NamedTuple):
    name: str
    content: bytes


@cache
def families() -> tuple[tuple[Seed, ...], ...]:
    """The seeds, those of a format together: each format gets its share, however many documents of it there are."""
    published: dict[str, list[Seed]] = defaultdict(list)
    for seed in _published():
        folder = seed.name.partition("/")[0]
        published[folder if folder in ("epcis", "dcsa", "onerecord", "edifact") else "others"].append(seed)
    published["edifact"] += _messages()
    examples = sorted(_examples(), key=lambda each: each.name)
    tables = _tables([orjson.loads(each.content) for each in examples])
    return (*map(tuple, published.values()), tuple(examples), tuple(tables))


def one_of(chance: Random) -> Seed:
    return chance.choice(chance.choice(families()))


def _published() -> Iterator[Seed]:
    for path in samples("**/*"):
        content = sample(path)
        if len(content) <= BYTES_MAX and not path.endswith((".md", ".py", ".yaml")):
            yield Seed(path, content)


def _messages() -> Iterator[Seed]:
    """Container moves, of which little is published."""
    yield Seed("codeco.edi", interchange(message("CODECO", *GATE_IN)))
    yield Seed("coarri.edi", interchange(message("COARRI", *LOADED), message("COPARN", *GATE_IN, reference="2")))


def _examples() -> Iterator[Seed]:
    def walk(folder: Traversable) -> Iterator[Traversable]:
        for each in folder.iterdir():
            yield from walk(each) if each.is_dir() else [each]

    for file in walk(files("schemas") / "events"):
        if file.name.endswith(".json") and not file.name[0].isdigit() and b'"specversion"' in file.read_bytes():
            document = orjson.loads(file.read_bytes())
            yield Seed(f"{document.get('type', '')}/{file.name}", orjson.dumps(document.get("event", document)))


def _tables(events: list[dict[str, Any]]) -> Iterator[Seed]:
    rows = [_row(event) for event in events if isinstance(event.get("data"), dict)]
    head = sorted({name for row in rows for name in row})
    for delimiter, encoding in ((",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "cp1252")):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, head, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows[:40])
        yield Seed(f"table-{encoding}.csv", text.getvalue().encode(encoding, "replace"))
    for count in (1, 3):
        yield Seed(f"table-{count}.xlsx", _workbook(head, rows[:30], count))


def _row(event: dict[str, Any]) -> dict[str, str]:
    """An event as a clerk would have written it: times, places and identifiers in columns."""
    data = event["data"]
    row = {name: str(event.get(name, "")) for name in ("type", "id")}
    row |= {name: str(value) for name, value in data.items() if isinstance(value, str | int | float)}
    for name, value in data.items():
        if isinstance(value, dict):
            row |= {f"{name}.{inner}": str(each) for inner, each in value.items() if not isinstance(each, dict | list)}
    row |= {str(each.get("scheme")): str(each.get("value")) for each in data.get("subjects", []) if each}
    return row


def _workbook(head: list[str], rows: list[dict[str, str]], sheet_count: int) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for number in range(sheet_count):
            sheet = book.add_worksheet(f"Sheet {number}")
            sheet.write_row(0, 0, head)
            for index, row in enumerate(rows, start=1):
                sheet.write_row(index, 0, [row.get(name, "") for name in head])
            sheet.write_formula(len(rows) + 1, 0, "=1+1")
            sheet.write_datetime(len(rows) + 1, 1, _SERIAL, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
            sheet.write_number(len(rows) + 1, 2, 1.23e17)
    return out.getvalue()
