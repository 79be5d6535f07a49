"""One event as it was sent: its members under one set of names for all versions, each with its place.

The three versions hold the same members at different places; `PATHS` says where. A member of the wrong JSON type is a
fault and counts as absent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from schemas.faults import Fault, fault, pointer

ENTRIES_MAX = 100
"""Of each list of an event: as many as a canonical event has identifiers. DCSA names no bound."""

V2, BETA, V3 = "dcsa-tt/2.2", "dcsa-tt/3.0-beta1", "dcsa-tt/3.0"

_FLAT = {
    "classifier": "eventClassifierCode", "when": "eventDateTime",
    "shipmentEventTypeCode": "shipmentEventTypeCode", "transportEventTypeCode": "transportEventTypeCode",
    "equipmentEventTypeCode": "equipmentEventTypeCode", "iotEventTypeCode": "iotEventTypeCode",
    "reeferEventTypeCode": "reeferEventTypeCode", "iot": "iotEventCode", "document_type": "documentTypeCode",
    "reason": "reason", "delay": "delayReasonCode", "remark": "changeRemark", "call": "transportCall",
    "mode": "transportCall/modeOfTransport", "imo": "transportCall/vessel/vesselIMONumber",
    "place": "eventLocation", "call_place": "transportCall/location", "equipment": "equipmentReference",
    "size_type": "ISOEquipmentCode", "empty": "emptyIndicatorCode", "seals": "seals", "references": "references",
}  # fmt: skip
_NAMES: Mapping[str, Mapping[str, str]] = {
    V2: {
        **_FLAT, "id": "eventID", "type": "eventType", "made": "eventCreatedDateTime", "document": "documentID",
        "documents": "documentReferences", "call_reference": "transportCall/transportCallID",
        "export_voyage": "transportCall/exportVoyageNumber", "import_voyage": "transportCall/importVoyageNumber",
        "voyage": "transportCall/carrierVoyageNumber", "vessel_name": "transportCall/vessel/vesselName",
    },
    BETA: {
        "id": "metadata/eventID", "type": "metadata/eventType", "made": "metadata/eventCreatedDateTime",
        "retracts": "metadata/retractedEventID", "publisher": "metadata/publisher",
        **{name: f"payload/{path}" for name, path in _FLAT.items()},
        "other_place": "payload/location", "document": "payload/documentReference",
        "documents": "payload/relatedDocumentReferences",
        "call_reference": "payload/transportCall/transportCallReference",
        "export_voyage": "payload/transportCall/carrierExportVoyageNumber",
        "import_voyage": "payload/transportCall/carrierImportVoyageNumber",
        "vessel_name": "payload/transportCall/vessel/name", "plate": "payload/transportCall/licencePlate",
        "train": "payload/transportCall/departureID",
    },
    V3: {
        "id": "eventID", "type": "eventClassification/eventTypeCode", "made": "eventCreatedDateTime",
        "updated": "eventUpdatedDateTime", "retracted": "isRetracted", "party": "eventRouting/originatingParty",
        "when": "eventDateTime", "classifier": "eventClassification/eventClassifierCode",
        **{name: f"eventClassification/{name}" for name in _FLAT if name.endswith("TypeCode")},
        "reefer": "reeferDetails", "probes": "reeferDetails/temperatureProbeMeasurements",
        "iot": "iotDetails/iotEventCode",
        "document_type": "shipmentDetails/documentReference/typeCode",
        "document": "shipmentDetails/documentReference/reference",
        "documents": "shipmentDetails/additionalDocumentReferences", "reason": "shipmentDetails/reason",
        "references": "shipmentDetails/shipmentReferences", "delays": "transportDetails/delayReasonCodes",
        "remark": "transportDetails/changeRemark", "call": "transportDetails/transportCall",
        "mode": "transportDetails/transportCall/modeOfTransport",
        "call_reference": "transportDetails/transportCall/transportCallReference",
        "export_voyage": "transportDetails/transportCall/exportVoyageNumberOrReference/carrierVoyageNumber",
        "import_voyage": "transportDetails/transportCall/importVoyageNumberOrReference/carrierVoyageNumber",
        "imo": "transportDetails/transportCall/vesselTransport/vesselIMONumber",
        "vessel_name": "transportDetails/transportCall/vesselTransport/vesselName",
        "plate": "transportDetails/transportCall/truckTransport/tractorDetails/licensePlate",
        "train": "transportDetails/transportCall/railTransport/departureID",
        "place": "eventLocation", "equipment": "equipmentDetails/equipmentReference",
        "size_type": "equipmentDetails/ISOEquipmentCode", "empty": "equipmentDetails/emptyIndicatorCode",
        "seals": "equipmentDetails/seals",
    },
}  # fmt: skip
PATHS = {version: {name: tuple(path.split("/")) for name, path in names.items()} for version, names in _NAMES.items()}
_SUFFIXES = {version: {name: pointer(*path) for name, path in paths.items()} for version, paths in PATHS.items()}


class Sent:
    """One event of a document; `base` is its JSON Pointer in it. Faults gather in `faults`."""

    __slots__ = ("_paths", "_suffixes", "base", "event", "faults", "version")

    def __init__(self, event: Mapping[str, Any], version: str, base: str) -> None:
        self.event = event
        self.version = version
        self.base = base
        self.faults: list[Fault] = []
        self._paths = PATHS[version]
        self._suffixes = _SUFFIXES[version]

    def has(self, name: str) -> bool:
        """Whether the member is there, of whatever type."""
        return self._value(name) not in (None, "")

    def place(self, name: str) -> str:
        """Where the member stands, or would stand."""
        return self.base + self._suffixes[name]

    def text(self, name: str) -> str | None:
        value = self._value(name)
        if value is None or type(value) is str:
            return value or None
        self._wrong(name, value, "text")
        return None

    def group(self, name: str) -> dict[str, Any] | None:
        """A member that is an object."""
        value = self._value(name)
        if value is None or type(value) is dict:
            return value
        self._wrong(name, value, "an object")
        return None

    def array(self, name: str) -> list[Any]:
        """A member that is an array; of one that is too long, as much as is looked at."""
        value = self._value(name)
        if type(value) is list:
            if len(value) > ENTRIES_MAX:
                self._once("COUNT_RANGE", name, f"{len(value)} entries", f"at most {ENTRIES_MAX}")
            return value[:ENTRIES_MAX]
        if value is not None:
            self._wrong(name, value, "an array")
        return []

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if value not in (None, True, False):
            self._wrong(name, value, "true or false")
        return value is True

    def code(self, name: str, known: Collection[str]) -> str | None:
        """A code of a list; one that the list does not hold is a fault, with the list."""
        value = self.text(name)
        if value is None or value in known:
            return value
        self.fault("VALUE_NOT_ALLOWED", name, value, "one of " + ", ".join(sorted(known)))
        return None

    def fault(self, code: str, name: str, found: object, expected: str) -> None:
        self.faults.append(fault(code, self.place(name), found, expected))

    def _value(self, name: str) -> Any:
        path = self._paths.get(name)
        if path is None:
            return None
        value: Any = self.event
        for step in path:
            if type(value) is not dict:
                return None
            value = value.get(step)
        return value

    def _wrong(self, name: str, value: object, expected: str) -> None:
        self._once("TYPE_WRONG", name, value, expected)

    def _once(self, code: str, name: str, value: object, expected: str) -> None:
        """A member may be asked for more than once; its fault is told once."""
        found = fault(code, self.place(name), value, expected)
        if found not in self.faults:
            self.faults.append(found)
