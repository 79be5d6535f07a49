"""From a checked EPCIS event to a canonical one, with the way back to its source.

What EPCIS has no place for stays out: a foreign format may leave members out. The event as it was sent is kept whole
under `data.extensions.epcis`, its `@context` beside it where that is not the standard's alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from msgspec import Struct, field

from schemas.faults import Fault, fault
from schemas.translate.epcis import vocabulary as cbv
from schemas.translate.epcis.meaning import OBSERVED, Facts, meaning
from schemas.translate.epcis.reading import CONTAINERS, Reading, Thing, tail

SOURCE = "epcis"
SUBJECTS_MAX = 100
CONTENTS_MAX = 999
_SEAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /.-]{0,14}")


class Sketch(Struct):
    """A canonical event in the making: its data, where each part came from, and what had to be left out."""

    reading: Reading
    place: str
    subjects: list[Thing]
    contents: list[Thing]
    references: list[Thing]
    where: tuple[dict[str, Any], str]
    """The place, and where it stands in the event."""
    facts: Facts
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def put(self, name: str, value: object, origin: str) -> None:
        self.data[name] = value
        self.origins[f"/data/{name}"] = self.place + origin

    def put_identifiers(self, name: str, things: Iterable[Thing]) -> None:
        """Identifiers, each once, as many as the naming table allows."""
        first = {(each.scheme, each.value): each for each in reversed(list(things))}
        unique = list(reversed(first.values()))
        self._shorten(name, unique, SUBJECTS_MAX)
        self.data[name] = [each.identifier for each in unique]
        for index, each in enumerate(unique):
            self.origins[f"/data/{name}/{index}"] = self.origins[f"/data/{name}/{index}/value"] = (
                self.place + each.origin
            )

    def put_items(self, name: str, things: list[Thing]) -> None:
        """Goods inside or made, with their quantities."""
        things = list(things)
        self._shorten(name, things, CONTENTS_MAX)
        items = []
        for index, each in enumerate(things):
            item: dict[str, Any] = {"identifier": each.identifier}
            if each.quantity is not None:
                item["quantity"] = each.quantity
            if each.unit is not None:
                item["unit"] = each.unit
            items.append(item)
            origin = self.place + each.origin
            self.origins[f"/data/{name}/{index}"] = origin.removesuffix("/epcClass")
            self.origins[f"/data/{name}/{index}/identifier/value"] = origin
        self.data[name] = items

    def _shorten(self, name: str, things: list[Thing], most: int) -> None:
        if len(things) > most:
            place = f"{self.place}/{things[most].origin.split('/')[1]}"
            self.faults.append(fault("ENTRIES_LEFT_OUT", place, f"more than {most}", f"at most {most} in data/{name}"))
            del things[most:]


def canonical(reading: Reading, kind: str, place: str, id_: str, source: str) -> tuple[dict[str, Any], Sketch]:
    """The canonical event without extensions, and its sketch. `kind` is the standard's class, or empty."""
    event = reading.event
    subjects, contents = _things(reading, kind)
    references, where = list(reading.references()), reading.place()
    facts = _facts(reading, kind, subjects, contents, references, "latitude" in where[0])
    sketch = Sketch(reading, place, subjects, contents, references, where, facts)
    declared = event.get("errorDeclaration")
    sketch.put("occurred_at", event["eventTime"], "/eventTime")
    sketch.data["time_kind"] = "ACTUAL"
    if declared is None:
        type_, made, origin = meaning(sketch.facts), event["eventTime"], "/eventTime"
        _meant(sketch, type_, id_)
    else:
        type_ = "customs.event.corrected" if declared.get("correctiveEventIDs") else "customs.event.retracted"
        made, origin = declared["declarationTime"], "/errorDeclaration/declarationTime"
        _retracted(sketch, declared, id_, source)
    sketch.origins |= {"/id": place + _id_origin(sketch), "/time": place + origin}
    return {"specversion": "1.0", "id": id_, "source": source, "type": type_, "time": made, "data": sketch.data}, sketch


def _things(reading: Reading, kind: str) -> tuple[list[Thing], list[Thing]]:
    """What the event is about, containers first, ships next, and what is inside."""
    if kind == "TransformationEvent":
        made = reading.things("outputEPCList", "outputQuantityList")
        return [_as_goods(each) for each in made or reading.things("inputEPCList", "inputQuantityList")], []
    parent = reading.parent()
    objects = reading.things("epcList", "quantityList")
    children = reading.things("childEPCs", "childQuantityList")
    subjects = [*parent, *objects] or children
    if len(subjects) > 1:
        subjects.sort(key=_rank)
    return subjects, children if parent else [each for each in objects if each.quantity is not None]


def _as_goods(thing: Thing) -> Thing:
    """A container or ship that is made or used up is goods like any other."""
    if _rank(thing) == 2:
        return thing
    scheme = "imovn" if thing.scheme == "imo" else "bic"
    return thing._replace(scheme="uri", value=f"urn:epc:id:{scheme}:{thing.value}")


_ABOUT = ("container", "transport", "goods")


def _rank(thing: Thing) -> int:
    return 0 if thing.scheme in CONTAINERS else 1 if thing.scheme == "imo" else 2


def _facts(
    reading: Reading, kind: str, subjects: list[Thing], contents: list[Thing], references: list[Thing], located: bool
) -> Facts:
    event, word = reading.event, reading.word
    stays = event.get("persistentDisposition", {}).get("set", ())
    dispositions = frozenset(word(cbv.DISPOSITION, each) for each in (event.get("disposition"), *stays))
    seen = set()
    if any(each.scheme in CONTAINERS for each in contents):
        seen.add("inside")
    if "sensorElementList" in event:
        if next(reading.temperatures(), None) is not None:
            seen.add("temperature")
        located = located or reading.on_a_grid()
    if located:
        seen.add("position")
    if reading.party("source") and reading.party("destination"):
        seen.add("handover")
    if any(each.scheme == "mrn" for each in references):
        seen.add("declaration")
    about = _ABOUT[_rank(subjects[0])] if subjects else "nothing"
    step = word(cbv.BUSINESS_STEP, event.get("bizStep"))
    return Facts(kind, event.get("action", "-"), step, dispositions, about, frozenset(seen))


def _retracted(sketch: Sketch, declared: dict[str, Any], id_: str, source: str) -> None:
    """An error declaration: the event with the same id did not happen, or others stand in its place (§7.4.1.4)."""
    data, named = sketch.data, {"source": source, "id": id_}
    data["subjects"] = [{"scheme": "event", "value": f"{source} {id_}"}]
    sketch.put("updated_at", declared["declarationTime"], "/errorDeclaration/declarationTime")
    corrective = declared.get("correctiveEventIDs")
    if corrective:
        data["corrects"] = named
        sketch.put(
            "corrected_by",
            [{"source": source, "id": each} for each in corrective[:SUBJECTS_MAX]],
            "/errorDeclaration/correctiveEventIDs",
        )
    else:
        data["retracts"] = named
    reason = declared.get("reason")
    if reason is not None:
        word = sketch.reading.word(cbv.ERROR_REASON, reason)
        value = {"text": reason} if word == "-" else {"code": word, "code_list": "CBV"}
        sketch.put("reason", value, "/errorDeclaration/reason")
    sketch.origins["/data/subjects"] = sketch.place + _id_origin(sketch)


def _meant(sketch: Sketch, type_: str, id_: str) -> None:
    """The members of an event that stands, by its type."""
    references, (place, origin) = sketch.references, sketch.where
    if type_ in _BOOKINGS:
        sketch.subjects = [each._replace(scheme="booking", value=tail(each.value)[:35]) for each in references]
    elif type_ == "customs.declaration.lodged":
        sketch.subjects = [each for each in references if each.scheme == "mrn"]
    sketch.put_identifiers("subjects", sketch.subjects or [_itself(sketch, place, id_, origin)])
    if references:
        sketch.put_identifiers("references", references)
    if place:
        sketch.put("place", place, origin)
        sketch.origins |= {f"/data/place/{name}": sketch.place + origin for name in place}
    if (fill := _FILL.get(type_)) is not None:
        fill(sketch)


_BOOKINGS = frozenset({"customs.booking.confirmed", "customs.booking.cancelled"})


def _id_origin(sketch: Sketch) -> str:
    return "/eventID" if "eventID" in sketch.reading.event else ""


def _itself(sketch: Sketch, place: dict[str, Any], id_: str, origin: str) -> Thing:
    """An event that names nothing is about its place, and without one about itself."""
    for scheme in ("gln", "unlocode"):
        if scheme in place:
            return Thing(scheme, place[scheme], origin)
    return Thing("uri", id_, _id_origin(sketch))


def _contents(sketch: Sketch) -> None:
    if sketch.contents:
        sketch.put_items("contents", sketch.contents)


def _transformed(sketch: Sketch) -> None:
    for name, epcs, classes in (
        ("inputs", "inputEPCList", "inputQuantityList"),
        ("outputs", "outputEPCList", "outputQuantityList"),
    ):
        things = sketch.reading.things(epcs, classes)
        if things:
            sketch.put_items(name, things)


def _observed(sketch: Sketch) -> None:
    _contents(sketch)
    if sketch.facts.step != "-":
        sketch.put("business_step", sketch.facts.step, "/bizStep")
    disposition = sketch.reading.word(cbv.DISPOSITION, sketch.reading.event.get("disposition"))
    if disposition != "-":
        sketch.put("disposition", disposition, "/disposition")


def _measured(sketch: Sketch) -> None:
    found = list(islice(sketch.reading.temperatures(), SUBJECTS_MAX))
    sketch.data["measurements"] = [measurement for measurement, _ in found]
    for index, (_, origin) in enumerate(found):
        sketch.origins[f"/data/measurements/{index}"] = sketch.place + origin.rpartition("/")[0]
        sketch.origins[f"/data/measurements/{index}/value"] = sketch.place + origin


def _handed_over(sketch: Sketch) -> None:
    for name, side in (("from_party", "source"), ("to_party", "destination")):
        if (party := sketch.reading.party(side)) is not None:
            sketch.put(name, *party)


def _sealed(name: str) -> Callable[[Sketch], None]:
    """The first child that has the form of a seal's number."""

    def fill(sketch: Sketch) -> None:
        for each in sketch.contents:
            number = tail(each.value)
            if _SEAL.fullmatch(number):
                sketch.put(name, {"number": number}, each.origin)
                return

    return fill


def _changed(sketch: Sketch) -> None:
    _sealed("seal_before" if sketch.facts.action == "DELETE" else "seal_after")(sketch)


def _screened(sketch: Sketch) -> None:
    passed = "non_conformant" not in sketch.facts.dispositions
    sketch.put("screening", {"result": "PASSED" if passed else "FAILED"}, "/disposition")


def _discrepancy(sketch: Sketch) -> None:
    word = sketch.reading.word(cbv.DISPOSITION, sketch.reading.event.get("disposition"))
    code = word if word != "-" else min(sketch.facts.dispositions - {"-"})
    sketch.put("reason", {"code": code, "code_list": "CBV"}, "/disposition")


def _by_ship(sketch: Sketch) -> None:
    """The ship that a container is loaded onto or off, or that sails: EPCIS names it as an object."""
    for each in [*sketch.subjects, *sketch.reading.parent()]:
        if each.scheme == "imo":
            sketch.put("transport", {"mode": "MARITIME", "means": each.identifier}, each.origin)
            sketch.origins["/data/transport/means/value"] = sketch.place + each.origin
            break
    aboard = [each for each in sketch.contents if each.scheme in CONTAINERS]
    if aboard and sketch.facts.about != "container":
        sketch.put_identifiers("subjects", aboard)


def _lodged(sketch: Sketch) -> None:
    mrn = sketch.subjects[0]
    sketch.put("declaration", {"country": mrn.value[2:4], "reference": mrn.value}, mrn.origin)


def _booked(sketch: Sketch) -> None:
    for name, side in (("consignor", "source"), ("consignee", "destination")):
        if (party := sketch.reading.party(side)) is not None:
            sketch.put(name, *party)


_FILL: dict[str, Callable[[Sketch], None]] = {
    OBSERVED: _observed,
    "customs.goods.transformed": _transformed,
    "customs.goods.packed": _contents,
    "customs.container.stuffed": _contents,
    "customs.container.stripped": _contents,
    "customs.container.loaded": _by_ship,
    "customs.container.discharged": _by_ship,
    "customs.transport.departed": _by_ship,
    "customs.transport.arrived": _by_ship,
    "customs.seal.applied": _sealed("seal"),
    "customs.seal.broken": _sealed("seal"),
    "customs.seal.changed": _changed,
    "customs.sensor.temperature": _measured,
    "customs.custody.transferred": _handed_over,
    "customs.security.screened": _screened,
    "customs.discrepancy.reported": _discrepancy,
    "customs.declaration.lodged": _lodged,
    "customs.booking.confirmed": _booked,
}
"""What is put into the events of a type beside what all have."""
