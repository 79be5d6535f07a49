"""The parts of a checked EPCIS event in terms of the naming table: things, places, parties, references, readings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.translate.epcis import vocabulary as cbv
from schemas.translate.epcis.identify import identified, key_of
from schemas.translate.epcis.namespaces import Namespaces

CONTAINERS = frozenset({"iso6346", "ilu"})
_MRN = re.compile(r"(?:.*[^A-Za-z0-9])?([0-9]{2}[A-Z]{2}[A-Z0-9]{13}[0-9])", re.DOTALL)
_GEO = re.compile(r"geo:(-?[0-9]{1,3}(?:\.[0-9]{1,30})?),(-?[0-9]{1,3}(?:\.[0-9]{1,30})?)(?:[,;].*)?")
_LOCODE = re.compile(r"(?i:.*locode)[^A-Za-z0-9]+([A-Z]{2}[A-Z2-9]{3})", re.DOTALL)
_TAIL = re.compile(r".*[:/=#]([^:/=#]+)", re.DOTALL)
THINGS_MAX = 1_000
"""How many entries of one list are looked at: more than the naming table has room for in any member."""
_UNIT = re.compile(r"[A-Z0-9]{2,3}")
_WORDS_MAX = 256


class Thing(NamedTuple):
    """Something that the event names, how much of it, and where it stands in the event."""

    scheme: str
    value: str
    origin: str
    quantity: float | None = None
    unit: str | None = None

    @property
    def identifier(self) -> dict[str, str]:
        return {"scheme": self.scheme, "value": self.value}


class Reading(NamedTuple):
    """An event to be read. Of a class that is not the standard's nothing beyond the common members is known to be well
    formed, so that `event` is then those alone."""

    event: dict[str, Any]
    names: Namespaces

    def word(self, vocabulary: cbv.Vocabulary, value: object) -> str:
        """The word of the vocabulary, or `-` for none and for private vocabulary."""
        return (vocabulary.word(value, self.names) or "-") if isinstance(value, str) else "-"

    def things(self, epcs: str, classes: str) -> list[Thing]:
        """What a list of objects and a list of classes with quantities name, as far as there is use for them."""
        listed, measured = self.event.get(epcs, ())[:THINGS_MAX], self.event.get(classes, ())[:THINGS_MAX]
        found = [self._thing(uri, f"/{epcs}/{at}") for at, uri in enumerate(listed)]
        for at, each in enumerate(measured):
            origin = f"/{classes}/{at}/epcClass"
            found.append(self._thing(each["epcClass"], origin, each.get("quantity"), each.get("uom")))
        return found

    def parent(self) -> list[Thing]:
        return [self._thing(self.event["parentID"], "/parentID")] if "parentID" in self.event else []

    def _thing(self, uri: str, origin: str, quantity: float | None = None, unit: str | None = None) -> Thing:
        """A GLN among the objects is taken for the thing that stands there: it keeps its form as a key of GS1."""
        scheme, value = self.identified(uri)
        if scheme == "gln" and (key := key_of(uri)) is not None:
            scheme, value = "digital_link", key.digital_link
        return Thing(scheme, value, origin, quantity, unit)

    def identified(self, uri: str) -> tuple[str, str]:
        """Scheme and value of our naming table for a URI, which may be a compact one."""
        return identified(self.names.expanded(uri))

    def place(self) -> tuple[dict[str, Any], str]:
        """Where it happened, and where that stands: the read point, else the business location; with coordinates that
        a sensor gave. Empty where nothing is said."""
        name = next((name for name in ("readPoint", "bizLocation") if name in self.event), None)
        found = self._place(self.event[name]["id"]) if name else {}
        if "latitude" not in found:
            found |= self.position()
        return found, f"/{name}/id" if name else "/sensorElementList"

    def on_a_grid(self) -> bool:
        """Whether sensors gave coordinates of a system other than latitude and longitude."""
        return {"easting", "northing"} <= {part for part, _ in self._components()}

    def position(self) -> dict[str, float]:
        """Latitude and longitude as sensors reported them, both or none (CBV 2.0 §7.8, components)."""
        found: dict[str, float] = {}
        for part, report in self._components():
            limit = {"latitude": 90, "longitude": 180}.get(part)
            if limit is not None and "value" in report and abs(report["value"]) <= limit:
                found.setdefault(part, report["value"])
        return found if len(found) == 2 else {}

    def _components(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Sensor reports of one component of something, such as a latitude, after its word."""
        for element in self.event.get("sensorElementList", ()):
            for report in element["sensorReport"]:
                if "component" in report:
                    yield self.word(cbv.COMPONENT, report["component"]), report

    def temperatures(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Each temperature as a measurement, and where it stands. Metadata of the element hold for its reports."""
        for at, element in enumerate(self.event.get("sensorElementList", ())):
            about = element.get("sensorMetadata", {})
            for index, report in enumerate(element["sensorReport"]):
                if self.word(cbv.MEASUREMENT, report["type"]) != "Temperature":
                    continue
                told = {member: each[member] for each in (about, report) for member in _MORE if member in each}
                more = {_MORE[member]: text[:_WORDS_MAX] for member, text in told.items()}
                if _UNIT.fullmatch(report.get("uom", "")):
                    more["unit"] = report["uom"]
                for member, kind in _KINDS:
                    if member in report:
                        origin = f"/sensorElementList/{at}/sensorReport/{index}/{member}"
                        yield {"value": report[member], "kind": kind, **more}, origin

    def party(self, side: str) -> tuple[dict[str, Any], str] | None:
        """Who had the things before (`source`) or has them after (`destination`), and where that stands: the possessing
        party, else the owning one."""
        listed = self.event.get(f"{side}List", ())
        for wanted in ("possessing_party", "owning_party"):
            for at, each in enumerate(listed):
                if self.word(cbv.PARTY_TYPE, each["type"]) == wanted:
                    scheme, value = self.identified(each[side])
                    return {"identifiers": [{"scheme": scheme, "value": value}]}, f"/{side}List/{at}/{side}"
        return None

    def references(self) -> Iterator[Thing]:
        """Transactions that the event belongs to, as references."""
        for at, each in enumerate(self.event.get("bizTransactionList", ())[:THINGS_MAX]):
            scheme, value = self._reference(self.word(cbv.TRANSACTION_TYPE, each.get("type")), each["bizTransaction"])
            yield Thing(scheme, value, f"/bizTransactionList/{at}/bizTransaction")

    def _reference(self, kind: str, uri: str) -> tuple[str, str]:
        """A transaction as an identifier: an MRN by its form, a bill of lading by its type, a number in the CBV's own
        URN as that document's, a GS1 key or a URI of somebody's own as it is."""
        if (mrn := _MRN.fullmatch(uri)) is not None:
            return "mrn", mrn[1]
        if kind == "bol":
            return "bill_of_lading", tail(uri)[:35]
        if uri.startswith("urn:epcglobal:cbv:bt:"):
            return "document", tail(uri)[:70]
        return self.identified(uri)

    def _place(self, uri: str) -> dict[str, Any]:
        if (geo := _GEO.fullmatch(uri)) is not None:
            latitude, longitude = map(float, geo.groups())
            return {"latitude": latitude, "longitude": longitude}
        if (locode := _LOCODE.fullmatch(uri)) is not None:
            return {"unlocode": locode[1]}
        scheme, value = self.identified(uri)
        if scheme == "gln":
            return {"gln": value}
        if scheme == "digital_link" and value.startswith(_LOCATION):
            return {"gln": value[len(_LOCATION) : len(_LOCATION) + 13]}
        return {"name": uri[:_WORDS_MAX]}


_MORE = {"time": "measured_at", "deviceID": "device"}
_KINDS = (("value", "CURRENT"), ("minValue", "MINIMUM"), ("maxValue", "MAXIMUM"), ("meanValue", "MEAN"))


_LOCATION = "https://id.gs1.org/414/"
"""A GLN with an extension: a part of a site, which the naming table has no member for."""


def tail(uri: str) -> str:
    """The last part of a URI: what its owner calls the thing."""
    match = _TAIL.fullmatch(uri)
    return match[1] if match else uri
