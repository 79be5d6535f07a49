"""What the operator sees: plain tables that a pipe can cut, JSON on request, refusals that say what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from hub.core.errors import HubError, Refusal
from hub.core.faults import ACT_FAULTS
from schemas.faults import FAULTS

Plain = dict[str, Any]
PROPOSAL_CHARACTERS = 12
"""Enough of a proposal's id to name it."""
Columns = Mapping[str, str | Callable[[Plain], object]]
"""Under each heading, a member of the item or what is made of the item."""


def table(items: Iterable[Plain], columns: Columns) -> None:
    """As wide as it needs to be: a line is never folded."""
    rows = [list(columns), *([_text(_cell(item, of)) for of in columns.values()] for item in items)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(item: Plain, of: str | Callable[[Plain], object]) -> object:
    return item[of] if isinstance(of, str) else of(item)


def listing(columns: Columns) -> Callable[[Plain], None]:
    """A list's answer as a table."""
    return lambda answer: table(answer["items"], columns)


def lines(facts: Mapping[str, object]) -> None:
    """One fact a line; what is empty is left out."""
    width = max(map(len, facts))
    for name, fact in facts.items():
        if text := _text(fact):
            print(f"{name.ljust(width)}  {text}")


def behind(lag: Plain) -> str:
    """`120 events, 14 s, rising`."""
    if not lag["events"]:
        return "-"
    most = "at most " if lag["at_most"] else ""
    parts = [f"{most}{lag['events']} events", lag["seconds"] is not None and f"{lag['seconds']:.0f} s", lag["trend"]]
    return ", ".join(part for part in parts if part)


def failed(failure: Plain | None, *, whole: bool = False) -> str:
    """What went wrong last with an endpoint, and when; `whole`: with what only operators are told."""
    if failure is None:
        return ""
    detail = f" ({failure['detail']})" if whole and failure["detail"] else ""
    return f"{moment(failure['at'])} {failure['why']}{detail}"


def refusal(refused: Refusal, *, as_json: bool) -> None:
    """To stderr what was wrong and what to do, or the same as JSON to stdout."""
    row = refused.row
    if as_json:
        faults = [{"code": f.code, "place": f.place, "found": f.found, "expected": f.expected} for f in refused.faults]
        print_json({"code": row.code, "title": row.en, "detail": refused.detail, "faults": faults, "fix": row.fix})
        return
    print(f"{row.code}: {row.en}", file=sys.stderr)
    if refused.detail and not refused.faults:
        print(f"  {refused.detail}", file=sys.stderr)
    for fault in refused.faults:
        print(f"  {fault.place}  found: {fault.found}  expected: {fault.expected}", file=sys.stderr)
        if fix := (ACT_FAULTS.get(fault.code) or FAULTS[fault.code]).fix:
            print(f"    {fix}", file=sys.stderr)


def faults_told(faults: Iterable[Plain]) -> None:
    """Faults of a document, each with its place in it and what it means."""
    for fault in faults:
        text = FAULTS[fault["code"]]
        print(f"  {fault['severity']}  {fault['place']}  {fault['code']}: {text.en}")
        print(f"    found: {fault['found']}  expected: {fault['expected']}")


def failure(error: HubError, *, as_json: bool) -> None:
    """What kept the command from being done at all."""
    if as_json:
        print_json({"code": error.code, "detail": str(error)})
    else:
        print(f"customs-hub: {error}", file=sys.stderr)


def print_json(document: object) -> None:
    print(orjson.dumps(document).decode())


def moment(seconds: int | None) -> str:
    """Seconds since 1970 as RFC 3339."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return " ".join(map(_text, value))
    return str(value)


CERTIFICATE_COLUMNS: Columns = {
    "SYSTEM": "system",
    "CERTIFICATE": "id",
    "SUBJECT": "subject",
    "STATE": "state",
    "UNTIL": lambda each: moment(each["not_after"]),
    "LIVE": "live",
}

KEY_COLUMNS: Columns = {
    "SYSTEM": "system",
    "KEY": "id",
    "ALGORITHM": "algorithm",
    "STATE": "state",
    "UNTIL": lambda key: moment(key["not_after"]),
    "LIVE": "live",
    "LAST USE": lambda key: moment(key["last_use"] and key["last_use"]["time"]),
    "FROM": lambda key: key["last_use"] and key["last_use"]["address"],
    "AGENT": lambda key: key["last_use"] and key["last_use"]["agent"],
    "NOTE": lambda key: "leaked" if key["leak"] else "unused" if key["unused"] else "",
}

ACCESS_COLUMNS: Columns = {
    "TIME": "time",
    "STEP": "step",
    "WAY": "way",
    "RECIPIENT": "recipient",
    "FEED": "feed",
    "PURPOSE": "purpose",
    "READER": "reader",
    "EVENTS": "events",
    "RESTRICTION": "restriction",
}
USED_COLUMNS: Columns = {
    "RECEIVED": "received",
    "PUBLISHER": "publisher",
    "TYPE": "type",
    "SOURCE": "source",
    "ID": "id",
    "": lambda each: "" if each["certain"] else "under this key or another of the system",
}
