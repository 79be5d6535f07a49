"""`customs-hub audit`: who changed what, when, on whose word; and whether the trail holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cyclopts import App

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, asked
from hub.cli.show import Columns, moment, print_json, table

app = App(name="audit", help="The audit trail: one event for each change of what is registered, with before and after.")

PAGE_EVENTS = 200

COLUMNS: Columns = {
    "REVISION": "revision",
    "TIME": lambda event: moment(event["time_us"] // 1_000_000),
    "ACTOR": "actor",
    "WORD OF": lambda event: event.get("authority", ""),
    "ACT": "act",
    "CHANGES": lambda event: ", ".join(f"{change['kind']}:{_short(change)}" for change in event["changes"]),
    "REASON": "reason",
}


@app.command(name="list")
def list_(
    *,
    since: str | None = None,
    actor: str | None = None,
    act: str | None = None,
    object: str | None = None,  # noqa: A002 - the word of the trade is the option's name
    options: Options = DEFAULTS,
) -> int:
    """What was done, oldest first.

    Parameters
    ----------
    since
        A date, or an RFC 3339 time.
    actor
        An operator, a user of the hub's machine, a partner.
    act
        Such as partner.suspend; or a noun: partner.
    object
        KIND:ID, such as partner:terminal.
    """
    from_us = _instant(since)
    if object is not None and ":" not in object:
        raise Misused("--object takes KIND:ID, such as partner:terminal")
    found: list[dict[str, Any]] = []
    try:
        for event in _events(options):
            if event["time_us"] >= from_us and _matches(event, actor, act, object):
                found.append(event)
    except _Told:
        return FAILED
    print_json({"items": found}) if options.json else table(found, COLUMNS)
    return DONE


@app.command
def verify(*, options: Options = DEFAULTS) -> int:
    """Check the whole trail: no gap, each object as the event before left it, every signature by a key of its time."""
    from hub.operate.trail import Trail

    trail = Trail()
    faults: list[str] = []
    try:
        for event in _events(options):
            faults += trail.take(event)
    except _Told:
        return FAILED
    first = trail.first.id if trail.first else None
    if options.json:
        print_json({"events": trail.revision, "signed": trail.signed, "first_key": first, "faults": faults})
        return FAILED if faults else DONE
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{trail.revision} events, {trail.signed} signed, {len(faults)} at fault")
    if first:
        print(f"key of the first operator: {first}")
    return FAILED if faults else DONE


class _Told(Exception):
    """It cannot be done, and that was printed."""


def _events(options: Options) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        page = asked("audit.list", {"after": after, "limit": PAGE_EVENTS}, options)
        if page is None:
            raise _Told
        yield from page["items"]
        if page["next"] is None:
            return
        after = page["next"]


def _matches(event: dict[str, Any], actor: str | None, act: str | None, named: str | None) -> bool:
    return (
        (actor is None or actor in event["actor"].split(", "))
        and (act is None or event["act"] == act or event["act"].startswith(f"{act}."))
        and (named is None or named in {f"{change['kind']}:{change['id']}" for change in event["changes"]})
    )


def _instant(text: str | None) -> int:
    """Microseconds since 1970; a date's first second is UTC's. Raises `Misused`."""
    if text is None:
        return 0
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misused("--since takes a date, or an RFC 3339 time with offset") from error
    return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def _short(change: dict[str, Any]) -> str:
    return change["id"][:12] if change["kind"] == "proposal" else str(change["id"])
