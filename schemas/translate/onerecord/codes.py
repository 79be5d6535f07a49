"""The milestones of air cargo, and what each means to customs: total over the published list.

Source: ONE Record code lists 1.1.0, `StatusCode` (cXML code list 1.18, Cargo-IMP FSU), with its DIS discrepancy codes.
Air cargo travels as consignments and pieces: what §6 of the mapping calls a container move is here the consignment's
change of custody, or its being seen while loaded and unloaded.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Meaning(NamedTuple):
    """The canonical type of a milestone, after `customs.`."""

    type: str
    unmeant: bool = False
    step: str = ""
    """CBV business step of a `goods.observed`."""
    recorder: Literal["", "carrier", "from_party", "to_party"] = ""
    """What the organisation that recorded the event is in it."""
    found: str = ""
    """What was found, of a discrepancy."""


UNMEANT = Meaning("goods.observed", unmeant=True)
_RECEIVED = Meaning("custody.transferred", recorder="to_party")
_GIVEN = Meaning("custody.transferred", recorder="from_party")
_DOCUMENT = Meaning("document.submitted")


def _wrong(found: str) -> Meaning:
    return Meaning("discrepancy.reported", found=found)


MILESTONES = {
    "ARR": Meaning("transport.arrived"),
    "AWD": _DOCUMENT,
    "AWR": _DOCUMENT,
    "BKD": Meaning("booking.confirmed", recorder="carrier"),
    "CCD": Meaning("control.released"),
    "CRC": Meaning("declaration.lodged"),
    "DDL": _GIVEN,
    "DEP": Meaning("transport.departed"),
    "DIS": _wrong("a discrepancy"),
    "DIS_DFLD": _wrong("definitely loaded"),
    "DIS_FDAV": _wrong("mail document found"),
    "DIS_FDAW": _wrong("air waybill found"),
    "DIS_FDCA": _wrong("cargo found"),
    "DIS_FDMB": _wrong("mailbag found"),
    "DIS_MSAV": _wrong("mail document missing"),
    "DIS_MSAW": _wrong("air waybill missing"),
    "DIS_MSCA": _wrong("cargo missing"),
    "DIS_MSMB": _wrong("mailbag missing"),
    "DIS_OFLD": _wrong("offloaded"),
    "DIS_OVCD": _wrong("overcarried"),
    "DIS_SSPD": _wrong("shortshipped"),
    "DLV": _GIVEN,
    "DOC": _DOCUMENT,
    "DPU": _RECEIVED,
    "FIW": _RECEIVED,
    "FOH": Meaning("goods.observed", step="storing"),
    "FOW": _GIVEN,
    "MAN": Meaning("goods.observed", step="loading"),
    "NFD": UNMEANT,
    "OCI": UNMEANT,
    "OSI": UNMEANT,
    "PRE": Meaning("goods.packed"),
    "RCF": Meaning("goods.observed", step="unloading"),
    "RCS": _RECEIVED,
    "RCT": _RECEIVED,
    "TFD": _GIVEN,
    "TGC": Meaning("control.held"),
    "TRM": UNMEANT,
}

TIME_KINDS = frozenset({"ACTUAL", "ESTIMATED", "PLANNED", "REQUESTED"})
ACTUAL_ONLY = frozenset({
    "booking.confirmed", "control.held", "control.released", "declaration.lodged", "discrepancy.reported",
    "document.submitted",
})  # fmt: skip
"""What is only ever reported as done: as an estimate or a plan it means nothing to customs."""


def meaning(code: str, time_kind: str) -> Meaning:
    """What a milestone of the list means."""
    found = MILESTONES[code]
    return UNMEANT if time_kind != "ACTUAL" and found.type in ACTUAL_ONLY else found
