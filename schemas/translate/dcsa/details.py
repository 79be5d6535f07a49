"""What a canonical event of each family holds beyond time, subjects and references: tables of parts by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.faults import fault
from schemas.identifiers import SCHEMES
from schemas.translate.dcsa.codes import DOCUMENTS, EMPTY, MOVEMENTS, TEMPERATURE_UNITS, Meaning
from schemas.translate.dcsa.parts import CODE, Origins, code_in, place_of, seals_of, transport_of
from schemas.translate.dcsa.sent import V2, V3, Sent

Data = dict[str, Any]
Part = Callable[[Sent, Meaning, Data, Origins], None]

_INBOUND = frozenset({"container.discharged", "container.stripped", "transport.arrived", "container.gate_out"})
_SEALED = frozenset({
    "container.loaded", "container.discharged", "container.gate_in", "container.gate_out", "container.picked_up",
    "container.dropped_off", "container.stuffed", "container.stripped",
})  # fmt: skip
_PLACELESS = frozenset({
    "booking.confirmed", "booking.cancelled", "declaration.lodged", "filing.pre_loading", "document.submitted",
    "document.amended", "document.withdrawn",
})  # fmt: skip
_CARRIED = frozenset({
    "booking.confirmed", "container.loaded", "container.discharged", "container.gate_in", "container.gate_out",
    "container.picked_up", "container.dropped_off", "transport.departed", "transport.arrived", "transport.delayed",
    "position.updated", "filing.pre_loading",
})  # fmt: skip
"""Types whose schema has a `transport`."""
_REASONED = frozenset({
    "booking.cancelled", "control.held", "control.released", "control.inspection_selected", "document.amended",
    "document.withdrawn", "seal.changed",
})  # fmt: skip


def add_details(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    """Put into `data` all that the event says and its canonical type has a member for."""
    kind = meaning.type
    place = place_of(sent, origins)
    if kind not in _PLACELESS:
        origins["/data/place"] = sent.place("place")
        if place:
            data["place"] = place
    if kind in _CARRIED and (transport := transport_of(sent, origins, inbound=_inbound(sent, kind))):
        data["transport"] = transport
    if kind in _SEALED:
        _add_equipment(sent, kind, data, origins)
    if meaning.step:
        data["business_step"] = meaning.step
    if (part := _PARTS.get(kind)) is not None:
        part(sent, meaning, data, origins)
    _add_words(sent, kind, data, origins)


def _inbound(sent: Sent, kind: str) -> bool:
    return kind in _INBOUND or (kind == "transport.delayed" and sent.text("transportEventTypeCode") == "ARRI")


def _add_equipment(sent: Sent, kind: str, data: Data, origins: Origins) -> None:
    empty = sent.code("empty", EMPTY)
    if empty is not None and kind not in {"container.stuffed", "container.stripped"}:
        data["empty"] = EMPTY[empty]
    origins["/data/empty"] = sent.place("empty")
    if (size_type := sent.text("size_type")) is not None:
        data["size_type"], origins["/data/size_type"] = size_type, sent.place("size_type")
    if seals := seals_of(sent, origins):
        data["seals"] = seals


def _add_words(sent: Sent, kind: str, data: Data, origins: Origins) -> None:
    """The sender's words: the reason, where the type has one and it is not filled yet; else remarks."""
    name = "reason" if sent.text("reason") is not None else "remark"
    if (words := sent.text(name)) is None or "reason" in data:
        return
    if kind in _REASONED:
        data["reason"], origins["/data/reason/text"] = {"text": words[:1000]}, sent.place(name)
    else:
        data["remarks"], origins["/data/remarks"] = words[:1000], sent.place(name)


def _add_delay(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    data["movement"] = MOVEMENTS[sent.text("transportEventTypeCode") or ""]
    origins["/data/movement"] = sent.place("transportEventTypeCode")
    code, place = delay_of(sent)
    data["reason"], origins["/data/reason/code"] = {"code": code, "code_list": "SMDG"}, place
    if (words := sent.text("remark")) is not None:
        data["reason"]["text"], origins["/data/reason/text"] = words[:1000], sent.place("remark")


def delay_of(sent: Sent) -> tuple[str | None, str]:
    """The first reason of a delay (SMDG delay reason codes), and its place."""
    if (code := sent.text("delay")) is not None:
        return code, sent.place("delay")
    for index, each in enumerate(sent.array("delays")):
        place = f"{sent.place('delays')}/{index}"
        if type(each) is str and each:
            return each, place
        sent.faults.append(fault("TYPE_WRONG", place, each, "text"))
    return None, ""


def _add_document(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    kind, reference = DOCUMENTS[sent.text("document_type") or ""].kind, sent.text("document")
    document = {name: value for name, value in (("kind", kind), ("reference", reference)) if value}
    data["document"] = document
    origins["/data/document/kind"] = sent.place("document_type")
    origins["/data/document/reference"] = sent.place("document")


def _add_authority(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    """The declaration, filing or control: DCSA names its reference only."""
    member = meaning.type.partition(".")[0]
    reference = sent.text("document")
    if reference is not None and CODE.fullmatch(reference):
        data[member], origins[f"/data/{member}/reference"] = {"reference": reference}, sent.place("document")


def _add_seal_change(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    """The first seal is the one removed, or else the new one: DCSA does not name both."""
    backs: Origins = {}
    member = "seal_before" if sent.text("equipmentEventTypeCode") == "RMVD" else "seal_after"
    if seals := seals_of(sent, backs):
        data[member], origins[f"/data/{member}"] = seals[0], backs["/data/seals/0"]
        origins[f"/data/{member}/number"] = backs["/data/seals/0/number"]


def _add_carrier(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    """The publisher, who confirms bookings: by SCAC (list NMFTA), LEI (list GLEIF) or name."""
    name = "party" if sent.version == V3 else "publisher"
    holder = sent.group(name) if sent.version != V2 else None
    if holder is None:
        return
    code = holder.get("carrierCode", holder.get("partyCode"))
    scheme = _CODE_LISTS.get(str(holder.get("carrierCodeListProvider", holder.get("codeListProvider"))), "")
    carrier: Data = {}
    if type(words := holder.get("partyName")) is str and words:
        carrier["name"], origins["/data/carrier/name"] = words, f"{sent.place(name)}/partyName"
    if scheme and type(code) is str and SCHEMES[scheme].fits(code):
        carrier["identifiers"] = [{"scheme": scheme, "value": code}]
    if carrier:
        data["carrier"], origins["/data/carrier"] = carrier, sent.place(name)


_CODE_LISTS = {"NMFTA": "scac", "GLEIF": "lei"}


def _add_temperatures(sent: Sent, meaning: Meaning, data: Data, origins: Origins) -> None:
    details = sent.group("reefer")
    if details is None:
        return
    base = sent.place("reefer")
    unit = code_in(sent, details, base, "temperatureUnit", TEMPERATURE_UNITS)
    found: list[Data] = []
    for name, said in (
        ("internalSetpointTemperature", {"kind": "SET_POINT"}),
        ("ambientMeasuredTemperature", _AMBIENT),
    ):
        _measure(sent, details.get(name), f"{base}/{name}", said, found, origins)
    for index, probe in enumerate(sent.array("probes")):
        if type(probe) is dict:
            place = f"{base}/temperatureProbeMeasurements/{index}/measuredTemperatureValue"
            _measure(sent, probe.get("measuredTemperatureValue"), place, _probe(probe), found, origins)
    if found and unit is None and details.get("temperatureUnit") is None:
        sent.faults.append(fault("MEMBER_MISSING", f"{base}/temperatureUnit", "nothing", "CEL or FAH"))
    if found:
        data["measurements"] = [each if unit is None else {**each, "unit": unit} for each in found]


_AMBIENT = {"kind": "CURRENT", "device": "ambient"}


def _probe(probe: Data) -> dict[str, str]:
    for name in ("probeLabel", "COAProbeUDMKey", "USDAProbeNumber"):
        if type(probe.get(name)) in (str, int):
            return {"kind": "CURRENT", "device": f"probe {probe[name]}"}
    return {"kind": "CURRENT"}


def _measure(sent: Sent, value: object, place: str, said: dict[str, str], found: list[Data], origins: Origins) -> None:
    if type(value) in (int, float):
        origins[f"/data/measurements/{len(found)}/value"] = place
        found.append({"value": value, **said})
    elif value is not None:
        sent.faults.append(fault("TYPE_WRONG", place, value, "a number"))


_PARTS: dict[str, Part] = {
    "transport.delayed": _add_delay,
    "booking.confirmed": _add_carrier,
    "booking.cancelled": _add_carrier,
    "document.submitted": _add_document,
    "document.amended": _add_document,
    "document.withdrawn": _add_document,
    "declaration.lodged": _add_authority,
    "filing.pre_loading": _add_authority,
    "control.held": _add_authority,
    "control.released": _add_authority,
    "control.inspection_selected": _add_authority,
    "seal.changed": _add_seal_change,
    "sensor.temperature": _add_temperatures,
}
