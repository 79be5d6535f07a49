"""A file without what no agreement covers, where leaving that out changes nothing else of its events.

CloudEvents lose the members, separated values the cells; what stays is proved to be the same by reading both. In other
formats identity and meaning are read from the members themselves (an EPCIS event's hash, the code of a status): of
these it is only said what their sender would have to leave out where the document is made.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Set
from itertools import zip_longest
from typing import Any

from connectors.errors import ConnectorError
from connectors.partner.agreements import Needed, stripped
from connectors.partner.outcome import events_of
from schemas.faults import FAULTS_MAX, Fault, capped, fault
from schemas.translate.item import Context, Item, Translation
from schemas.translate.recognise import translator
from schemas.translate.tabular.delimited import FORMAT as CSV
from schemas.translate.tabular.delimited import open_delimited
from schemas.translate.tabular.table import Row, letters

_SEPARATOR = ";"
_CELL = re.compile(r"row ([0-9]+), column ([A-Z]+)(?: .*)?", re.DOTALL)


class NotStrippable(ConnectorError):
    """A document that holds what no agreement covers, and cannot do without; `faults` name the places."""

    def __init__(self, format_: str, faults: Iterable[Fault]) -> None:
        self.format, self.faults = format_, tuple(faults)
        super().__init__(f"nothing can be left out of {format_}")


def stripped_file(family: str, document: bytes, needed: Needed, context: Context) -> bytes:
    """The file without what no agreement covers; what cannot be read at all stays as it is, for the hub to say so.

    Raises `NotStrippable`, `EventUnsendable`.
    """
    if family == "native":
        return _events(document, needed)
    translate = translator(family)
    opened = translate(document, context)
    if isinstance(opened, list):
        return document
    if not (faults := [each for item in opened.items for each in _needless(opened, item, needed)]):
        return document
    if opened.format != CSV:
        raise NotStrippable(opened.format, capped(faults))
    without = _without(document, faults)
    if not _same(translate(document, context), translate(without, context), needed):
        raise NotStrippable(CSV, capped(faults))
    return without


def _events(document: bytes, needed: Needed) -> bytes:
    raws = events_of(document)
    events = [stripped(each, needed) for each in raws]
    if events == raws:
        return document
    return b"[" + b",".join(events) + b"]" if document.lstrip().startswith(b"[") else b"\n".join(events)


def _covered(event: Mapping[str, Any] | None, needed: Needed) -> Set[str] | None:
    """The members that are; None: all, or the hub alone can say."""
    kept = needed.get((event or {}).get("type", ""))
    return None if kept is None or "*" in kept else frozenset(kept)


def _needless(opened: Translation, item: Item, needed: Needed) -> list[Fault]:
    kept = _covered(item.event, needed)
    if kept is None:
        return []
    covered = f"members that are covered: {', '.join(sorted(kept))}"
    return [fault("FIELD_NOT_NEEDED", place, name, covered) for name, place in opened.needless(item, kept)]


def _without(document: bytes, faults: Iterable[Fault]) -> bytes:
    """Separated values with these cells blank. Raises `NotStrippable` where one is no cell, or a line has none."""
    blank: dict[int, set[str]] = {}
    for each in faults:
        if (cell := _CELL.fullmatch(each.place)) is None:
            raise NotStrippable(CSV, [each])
        blank.setdefault(int(cell[1]), set()).add(cell[2])
    table = open_delimited(io.BytesIO(document))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=_SEPARATOR, lineterminator="\r\n")
    for row in () if isinstance(table, Fault) else table.rows:
        if row.faults:
            raise NotStrippable(CSV, row.faults[:FAULTS_MAX])
        writer.writerow(_kept(row, blank.get(row.number, set())))
    return BOM_UTF8 + f"sep={_SEPARATOR}\r\n{text.getvalue()}".encode()


def _kept(row: Row, blank: set[str]) -> list[object]:
    return ["" if letters(at) in blank else cell for at, cell in enumerate(row.cells)]


def _same(before: Translation | list[Fault], after: Translation | list[Fault], needed: Needed) -> bool:
    """Whether the events are the same but for what was left out, and nothing was left in."""
    if isinstance(before, list) or isinstance(after, list):
        return False
    return all(
        one and other and (one.place, _rest(one.event, needed)) == (other.place, other.event)
        for one, other in zip_longest(before.items, after.items)
    )


def _rest(event: dict[str, Any] | None, needed: Needed) -> dict[str, Any] | None:
    kept = _covered(event, needed)
    if event is None or kept is None:
        return event
    return event | {"data": {name: each for name, each in event["data"].items() if name in kept}}
