"""The codes of DCSA Track & Trace, and what each means to customs: tables, total over the published lists.

Sources: T&T 2.2.0 (`TNT_v2.2.0`), 3.0.0-Beta-1 (`EVENT_DOMAIN` 3.1.0) and 3.0.0 (`TNT_v3.0.0`), the union of their code
lists: a code that one version dropped is still understood in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """The canonical type of an event, after `customs.`; and whether it means nothing to customs."""

    type: str
    unmeant: bool = False
    step: str = ""
    """CBV business step of a `goods.observed`."""


UNMEANT = Meaning("goods.observed", unmeant=True)
_INSPECTION = Meaning("control.inspection_selected")
_RELEASED = Meaning("control.released")
_HELD = Meaning("control.held")

TIME_KINDS = {"ACT": "ACTUAL", "EST": "ESTIMATED", "PLN": "PLANNED", "REQ": "REQUESTED"}
"""`eventClassifierCode`. REQ is one of the DCSA Information Model (`eventclassifiercodes`) and of other interfaces."""
UNLISTED = frozenset({"REQ"})
"""Not in the lists of T&T: it means the same here, and is warned of."""

ACTUAL_ONLY = frozenset({
    "booking.confirmed", "booking.cancelled", "seal.changed", "sensor.temperature", "sensor.door_opened",
    "sensor.door_closed", "declaration.lodged", "filing.pre_loading", "control.held", "control.released",
    "control.inspection_selected", "document.submitted", "document.amended", "document.withdrawn",
})  # fmt: skip
"""What is only ever reported as done: as an estimate or a plan it means nothing to customs."""

TRANSPORT = {"DEPA": Meaning("transport.departed"), "ARRI": Meaning("transport.arrived")}
MOVEMENTS = {"DEPA": "DEPARTURE", "ARRI": "ARRIVAL"}
DELAYED = Meaning("transport.delayed")
"""A departure or arrival that is expected or planned, with a reason for its delay."""

# INSP, RSEA, RMVD: "the seal … has been inspected", "resealed after inspection", "a Seal has been removed … for
# inspection" (DCSA Information Model, `equipmenteventtypecodes`).
EQUIPMENT = {
    "LOAD": Meaning("container.loaded"),
    "DISC": Meaning("container.discharged"),
    "GTIN": Meaning("container.gate_in"),
    "GTOT": Meaning("container.gate_out"),
    "STUF": Meaning("container.stuffed"),
    "STRP": Meaning("container.stripped"),
    "PICK": Meaning("container.picked_up"),
    "DROP": Meaning("container.dropped_off"),
    "RSEA": Meaning("seal.changed"),
    "INSP": Meaning("goods.observed", step="inspecting"),
    "CROS": Meaning("position.updated"),
    "CUSS": _INSPECTION,
    "CUSI": _INSPECTION,
    "CUSR": _RELEASED,
    "AVDO": UNMEANT,
    "AVPU": UNMEANT,
    "RMVD": Meaning("seal.changed"),
}
IOT = {
    "DRO": Meaning("sensor.door_opened"),
    "DRC": Meaning("sensor.door_closed"),
    "LOC": Meaning("position.updated"),
}
"""By `iotEventCode`: the only `iotEventTypeCode` is DETC."""
REEFER = {"MEAS": Meaning("sensor.temperature"), "ADJU": Meaning("sensor.temperature")}

SHIPMENT_CODES = frozenset(
    """
    AMCF AMCN AMDC AMPR AMRE APPR CACF CADC CANC CARE CMPL CONF DECL DRFT HOLD ISSU PENA PENC PENM PENU PSAM PSDL RECE
    REJE RELS REQS SUAM SUBM SUDL SURR UPCF UPCN UPDC UPDT UPRE VOID
    """.split()  # noqa: SIM905 -- a list of 36 quoted codes is no easier to read
)
_BOOKING = {
    "CONF": Meaning("booking.confirmed"),
    "CANC": Meaning("booking.cancelled"),
    "CACF": Meaning("booking.cancelled"),
    "VOID": Meaning("booking.cancelled"),
}
_SUBMITTED = Meaning("document.submitted")
_AMENDED = Meaning("document.amended")
_WITHDRAWN = Meaning("document.withdrawn")
_DOCUMENT = {
    "DRFT": _SUBMITTED, "ISSU": _SUBMITTED, "RECE": _SUBMITTED, "SUBM": _SUBMITTED,
    "AMCF": _AMENDED, "UPCF": _AMENDED, "SUAM": _AMENDED,
    "SURR": _WITHDRAWN, "SUDL": _WITHDRAWN, "VOID": _WITHDRAWN, "CANC": _WITHDRAWN, "CACF": _WITHDRAWN,
}  # fmt: skip
"""Of any document of the carriage. A surrendered document is out of the trade, as a voided one is; what waits, is asked
for or is declined has not changed the document."""
_RELEASE = {"HOLD": _HELD, "RELS": _RELEASED}
_CLEARANCE = {
    **_RELEASE, "SUBM": Meaning("declaration.lodged"), "RECE": Meaning("declaration.lodged"), "REJE": _HELD,
    "APPR": _RELEASED, "CONF": _RELEASED, "CMPL": _RELEASED, "ISSU": _RELEASED,
}  # fmt: skip
_INSPECTED = {**_RELEASE, "REQS": _INSPECTION, "SUBM": _INSPECTION, "APPR": _RELEASED, "CMPL": _RELEASED, "REJE": _HELD}
_FILING = {
    **_RELEASE, "SUBM": Meaning("filing.pre_loading"), "RECE": Meaning("filing.pre_loading"),
    "AMCF": Meaning("filing.pre_loading"), "UPCF": Meaning("filing.pre_loading"),
    "APPR": _RELEASED, "CONF": _RELEASED, "REJE": _HELD,
}  # fmt: skip


class Document(NamedTuple):
    """A document type: what its steps mean, its UNTDID 1001 code, and the scheme that its reference names."""

    steps: Mapping[str, Meaning]
    kind: str = ""
    scheme: str = "document"


DOCUMENTS = {
    "AMF": Document(_FILING, "785"),
    "ARN": Document(_DOCUMENT, "781"),
    "BKG": Document(_BOOKING, "770", "booking"),
    "CAS": Document(_DOCUMENT),
    "CBR": Document({}, "335"),
    "CEA": Document(_DOCUMENT),
    "CEO": Document(_DOCUMENT, "861"),
    "CQU": Document({}),
    "CRO": Document({}),
    "CUC": Document(_CLEARANCE, scheme="declaration"),
    "CUS": Document(_INSPECTED),
    "DEI": Document(_DOCUMENT),
    "DEO": Document(_DOCUMENT, "640"),
    "DGD": Document(_DOCUMENT, "890"),
    "FCE": Document(_DOCUMENT),
    "HCE": Document(_DOCUMENT),
    "ICE": Document(_DOCUMENT, "856"),
    "INV": Document(_DOCUMENT, "380"),
    "OOG": Document({}),
    "PCE": Document(_DOCUMENT, "851"),
    "PFD": Document(_DOCUMENT),
    "SHI": Document(_DOCUMENT, "340"),
    "SRM": Document(_RELEASE),
    "TRD": Document(_DOCUMENT, "705", "bill_of_lading"),
    "TRO": Document({}),
    "VCE": Document(_DOCUMENT, "853"),
    "VGM": Document(_DOCUMENT, "749"),
}
"""`documentTypeCode`. Kinds that UNTDID 1001 has no plain code for are left out."""

MODES = {"VESSEL": "MARITIME", "BARGE": "INLAND_WATERWAY", "RAIL": "RAIL", "TRUCK": "ROAD", "MULTIMODAL": ""}
EMPTY = {"EMPTY": True, "LADEN": False}
FACILITY_LISTS = frozenset({"SMDG", "BIC"})
SEAL_SOURCES = frozenset({"CAR", "SHI", "CUS", "TER", "PHY", "VET", "CNS", "CST"})
SEAL_TYPES = frozenset({"KLP", "BLT", "WIR"})
TEMPERATURE_UNITS = frozenset({"CEL", "FAH"})

TYPES: Mapping[str, tuple[str, frozenset[str]]] = {
    "SHIPMENT": ("shipmentEventTypeCode", SHIPMENT_CODES),
    "TRANSPORT": ("transportEventTypeCode", frozenset(TRANSPORT)),
    "EQUIPMENT": ("equipmentEventTypeCode", frozenset(EQUIPMENT)),
    "IOT": ("iotEventTypeCode", frozenset({"DETC"})),
    "REEFER": ("reeferEventTypeCode", frozenset(REEFER)),
}
"""`eventType`: the member that holds its code, and the codes."""


def meaning(event_type: str, code: str, detail: str, classifier: str, *, delayed: bool) -> Meaning:
    """What a known code means. `detail`: the document type of a SHIPMENT, the `iotEventCode` of an IOT event."""
    if event_type == "SHIPMENT":
        found = DOCUMENTS[detail].steps.get(code, UNMEANT)
    elif event_type == "TRANSPORT":
        found = DELAYED if delayed and classifier != "ACT" else TRANSPORT[code]
    elif event_type == "EQUIPMENT":
        found = EQUIPMENT[code]
    else:
        found = IOT[detail] if event_type == "IOT" else REEFER[code]
    return UNMEANT if classifier != "ACT" and found.type in ACTUAL_ONLY else found
