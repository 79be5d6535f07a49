"""What a recipient may see of an event, worked out from the words of an agreement alone (`formats/agreement.md`).

It shares no code with the hub: pointers and facts are compared one by one, agreements one after the other, so that
what the hub compiles, indexes and keeps is held against something that does none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

GROUPS = {
    name: tuple(group["fields"])
    for name, group in orjson.loads((Path(__file__).parents[1] / "schemas/groups.json").read_bytes()).items()
}
ALWAYS = ("/specversion", "/type", "/time", "/dataschema", "/data/occurred_at", "/data/time_kind")
FILTERS = ("", "place in (NLRTM, DEHAM)", "/data/weighed_mass_kg exists", "not partner = cnryalpha", "hs starts 73")
PLACES = ("place", "place_of_loading", "place_of_discharge", "place_of_delivery")


@dataclass
class Terms:
    """An agreement as it was asked for, and the steps of the story at which it held."""

    id: str
    provider: Mapping[str, Any]
    types: tuple[str, ...]
    recipient: str
    purpose: str
    fields: tuple[str, ...]
    conditions: Mapping[str, tuple[str, ...]]
    begins_late: bool
    """Its first day lies in the future."""
    held: set[int] = field(default_factory=set)
    paused: set[int] = field(default_factory=set)

    def allows(
        self, event: Mapping[str, Any], sender: Mapping[str, Any], *, sent: int, step: int, now: int | None
    ) -> set[str]:
        """The pointers that it allows of an event that came at step `sent` and is decided by `step`; `now`: still to be
        shown at that step."""
        holds = step in self.held and (now is None or now in self.held) and sent not in self.paused
        holds = holds and not self.begins_late
        if not (holds and self._covers(sender) and self._means(event["type"]) and self._is_met(event["data"])):
            return set()
        return {pointer for name in self.fields for pointer in GROUPS.get(name, (name,))}

    def _covers(self, sender: Mapping[str, Any]) -> bool:
        wanted = {name: value for name, value in self.provider.items() if name != "all"}
        if "partner" not in wanted and "tier" not in wanted and sender["tier"] == "sandbox":
            return False
        facts = {"partner": {sender["partner"]}, "tier": {sender["tier"]}, "country": {sender["country"]}}
        facts["role"] = set(sender["roles"])
        return all(value in facts[name] for name, value in wanted.items())

    def _means(self, event_type: str) -> bool:
        return any(
            each in ("*", event_type) or (each.endswith(".*") and event_type.startswith(each[:-1]))
            for each in self.types
        )

    def _is_met(self, data: Mapping[str, Any]) -> bool:
        said = {
            "places": {word for name in PLACES for word in _words(data.get(name, {}))},
            "chapters": {good["hs"][:2] for good in data.get("goods", ()) if "hs" in good},
            "modes": {data["transport"]["mode"]} if "mode" in data.get("transport", {}) else set(),
        }
        return all(said[name] & set(words) for name, words in self.conditions.items() if words)


def _words(place: Mapping[str, str]) -> Iterable[str]:
    if "unlocode" in place:
        yield from (place["unlocode"], place["unlocode"][:2])
    if "country" in place:
        yield place["country"]


def is_under(pointer: str, allowed: Iterable[str]) -> bool:
    return any(each == "*" or pointer == each or pointer.startswith(f"{each}/") for each in (*allowed, *ALWAYS))


def passes(text: str, event: Mapping[str, Any], sender: str, allowed: Collection[str]) -> bool:
    """Whether one of `FILTERS` lets the event through, by what is shown of it alone."""
    data = event["data"]
    place, hs = data.get("place", {}).get("unlocode"), [each["hs"] for each in data.get("goods", ())]
    says = (
        True,
        place in ("NLRTM", "DEHAM") and is_under("/data/place/unlocode", allowed),
        "weighed_mass_kg" in data and is_under("/data/weighed_mass_kg", allowed),
        not (sender == "cnryalpha" and is_under("/publisher", allowed)),
        any(each.startswith("73") for each in hs) and is_under("/data/goods/0/hs", allowed),
    )
    return says[FILTERS.index(text)]


def is_part(pointer: str, allowed: Iterable[str]) -> bool:
    """Whether it is allowed, or anything under it is."""
    allowed = [*allowed]
    return is_under(pointer, allowed) or any(each.startswith(f"{pointer}/") for each in (*allowed, *ALWAYS))
