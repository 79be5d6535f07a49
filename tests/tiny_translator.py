"""A translator as small as can be, for tests of what happens around translators: canonical events in a wrapper.

`{"type": "EPCISDocument", "events": [{"event": {…}, "unmeant": false, "wrong": ""}, …]}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from schemas.faults import Fault, fault
from schemas.translate.item import Context, Item, Translation

FORMAT = "tiny/1"


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    try:
        events = orjson.loads(document)["events"]
    except (orjson.JSONDecodeError, KeyError):
        return [fault("JSON_INVALID", "", "something else", "a tiny document")]
    if len(events) > context.items_max:
        return [fault("TOO_MANY_ITEMS", "/events", len(events), f"at most {context.items_max} events")]
    return Translation(format=FORMAT, items=_items(events, context))


def _items(events: list[dict[str, Any]], context: Context) -> Iterator[Item]:
    for index, each in enumerate(events):
        place = f"/events/{index}"
        event = {**each["event"], "source": context.source or "tiny"}
        faults = (
            (fault("VALUE_INVALID", f"{place}/wrong", each["wrong"], "nothing wrong"),) if each.get("wrong") else ()
        )
        yield Item(
            index=index,
            place=place,
            event=None if faults else event,
            faults=faults,
            origins={"/data": f"{place}/event/data"},
            id=str(event.get("id", "")),
            unmeant=bool(each.get("unmeant")),
        )


def document(*events: dict[str, Any], **more: Any) -> bytes:
    """A tiny document; `more` goes beside each event."""
    return orjson.dumps({"type": "EPCISDocument", "events": [{"event": event, **more} for event in events]})
