"""Which trade document an object of the published vocabularies is, and what an officer would look it up by.

The vocabularies are W3C CCG Traceability and UN/CEFACT UNTP. Objects are gone through whole: a container is found
however deep it stands in a manifest. Nothing is made up: a member that is not known is passed over, an identifier that
cannot be one is said and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from schemas import gs1
from schemas.faults import FAULTS_MAX, Fault, Severity, fault, pointer
from schemas.identifiers import SCHEMES, objection

IDENTIFIERS_MAX = 1_000
PARTIES_MAX = 100
TEXT_CHARACTERS_MAX = 256
NAME_CHARACTERS_MAX = 128
"""Of a member, in a place: a name without end would be written down with every fault below it."""


class Identifier(Struct, frozen=True):
    """As in events: a scheme of the naming table, and a value in its form."""

    scheme: str
    value: str


class Party(Struct, frozen=True):
    """An organisation in its role in the document. Persons are not indexed."""

    role: str
    name: str = ""
    id: str = ""
    """Its URI, a DID mostly."""
    identifiers: tuple[Identifier, ...] = ()


class Named(Struct, frozen=True):
    """One trade document, as an entry of the index."""

    place: str
    type: str
    """What the vocabulary calls it, such as `BillOfLading`."""
    kind: str
    """UNTDID 1001; empty where the list has nothing that fits."""
    filing: str
    """The advance filing that it is (`vocabularies/advance_filings.json`), or empty."""
    reference: str
    """The number that its issuer gave it, or empty."""
    identifiers: tuple[Identifier, ...]
    parties: tuple[Party, ...]
    dates: dict[str, str]
    """Its own dates by their names in the vocabulary, as written."""


class _Kind(NamedTuple):
    kind: str
    reference: str = ""
    filing: str = ""


_KINDS: Mapping[str, _Kind] = {
    "BillOfLading": _Kind("705", "billOfLadingNumber"),
    "MasterBillOfLading": _Kind("704", "billOfLadingNumber"),
    "HouseBillOfLading": _Kind("714", "billOfLadingNumber"),
    "MultiModalBillOfLading": _Kind("760", "billOfLadingNumber"),
    "DCSATransportDocument": _Kind("705", "transportDocumentReference"),
    "IATAAirWaybill": _Kind("740", "airWaybillNumber"),
    "SeaCargoManifest": _Kind("785"),
    "FreightManifest": _Kind("785"),
    "Invoice": _Kind("380", "invoiceNumber"),
    "PackingList": _Kind("271"),
    "PurchaseOrder": _Kind("105", "purchaseOrderNo"),
    "ShippingInstructions": _Kind("340"),
    "DCSAShippingInstruction": _Kind("340"),
    "Phytosanitary": _Kind("851", "certificateNumber"),
    "CertificationOfOrigin": _Kind("861"),
    "USMCAClaims": _Kind("864"),
    "CBPEntry": _Kind("929", "entryNumber"),
    "CBPEntrySummary": _Kind("929", "entryNumber"),
    "CBPEntryType86": _Kind("929", "entryNumber"),
    "Inbond": _Kind("950", "inBondNumber"),
    "ImporterSecurityFiling": _Kind("", "", "ISF"),
    "DeMinimisShipment": _Kind("", "shipmentTrackingNumber"),
    "EntryNumber": _Kind("", "entryNumber"),
    "CTPAT": _Kind("", "sviNumber"),
    "PGAShipmentStatusList": _Kind(""),
    "IntentToImport": _Kind(""),
    "PowerOfAttorney": _Kind(""),
}
_BY_TRANSPORT_DOCUMENT = {"MBL": "704", "HBL": "714", "SWB": "710"}
"""DCSA `transportDocumentType`."""
_INNER = frozenset({"billsOfLading", "transportDocumentInformation"})
"""Members of a manifest whose items are documents of their own."""

_IDENTIFIERS = {
    "billOfLadingNumber": "bill_of_lading", "bolNumber": "bill_of_lading",
    "transportDocumentReference": "bill_of_lading", "bookingNumber": "booking", "carrierBookingReference": "booking",
    "equipmentReference": "iso6346", "sealNumber": "seal", "vesselNumber": "imo", "transportMeansId": "imo",
    "invoiceNumber": "document", "purchaseOrderNo": "document", "purchaseOrderNumbers": "document",
    "orderNumber": "document", "certificateNumber": "document", "entryNumber": "document", "entryNo": "document",
    "inBondNumber": "document", "airWaybillNumber": "document", "immediateTransportationNumber": "document",
}  # fmt: skip
_ROLES = {
    "carrier": "carrier", "consignor": "consignor", "shipper": "consignor", "consignee": "consignee",
    "ultimateConsignee": "consignee", "notify": "notify_party", "notifyParty": "notify_party",
    "firstNotify": "notify_party", "freightForwarder": "forwarder", "consigneesFreightForwarder": "forwarder",
    "buyer": "buyer", "purchaser": "buyer", "seller": "seller", "importer": "importer", "importerDetails": "importer",
    "importerOfRecord": "importer", "exporterDetails": "exporter", "producerDetails": "manufacturer",
    "manufacturer": "manufacturer", "consolidator": "consolidator", "shipToParty": "ship_to",
    "shipFromParty": "ship_from", "applicant": "applicant", "broker": "broker", "recipient": "recipient",
    "member": "member", "shipmentInitiator": "initiator",
}  # fmt: skip
_PARTY_IDENTIFIERS = {"scac": "scac", "leiCode": "lei", "globalLocationNumber": "gln"}
_IMO = re.compile(r"(?:IMO ?|urn:epc:id:imovn:)?([0-9]{7})", re.ASCII)
_GENERAL = frozenset({"Event", "Organization", "Person"})
_ORGANISATIONS = frozenset({"Organization", "RegisteredIdentity"})
_GS1_LINK = "https://id.gs1.org/"


def named(subject: Mapping[str, Any], types: tuple[str, ...], place: str) -> tuple[tuple[Named, ...], list[Fault]]:
    """The document that an object is, and those inside it; none if it is bare and none of the table.

    `types` are those of the credential. Raises nothing, however the members are shaped.
    """
    own = _types(subject)
    type_ = _best(own) or _best(tuple(each.removesuffix("Credential") for each in types))
    if not type_ and types:  # Nothing of the table; what it is called is said all the same.
        type_ = next((each for each in own if each not in _GENERAL), types[0])
    if not type_:
        return (), []
    look = _Look()
    look.through(subject, place)
    documents = [_document(subject, type_, place, look)]
    for name in _INNER & subject.keys():
        for index, inner in enumerate(_several(subject[name])[:PARTIES_MAX]):
            if isinstance(inner, dict) and (best := _best(_types(inner))):
                inside = _Look()
                there = place + pointer(name, index)
                inside.through(inner, there)
                documents.append(_document(inner, best, there, inside))
    return tuple(documents), look.faults


def party(value: object, role: str, place: str, faults: list[Fault] | None = None) -> Party | None:
    """An organisation, from its object or its URI alone; None for a person or nothing that names one."""
    if isinstance(value, str):
        return Party(role, "", value[:TEXT_CHARACTERS_MAX]) if ":" in value else None
    if not isinstance(value, dict) or {"Person", "Inspector"} & {*_types(value)} or value.get("entityType") == "Person":
        return None
    found = [
        identifier
        for member, scheme in _PARTY_IDENTIFIERS.items()
        if (identifier := _identifier(scheme, value.get(member), f"{place}/{member}", faults)) is not None
    ]
    id_, name = _text(value.get("id")), _text(value.get("name"))
    return Party(role, name, id_, tuple(found)) if id_ or name or found else None


def _document(subject: Mapping[str, Any], type_: str, place: str, look: _Look) -> Named:
    kind, member, filing = _KINDS.get(type_, _Kind(""))
    instruction = subject.get("shippingInstruction")
    if type_ == "DCSATransportDocument" and isinstance(instruction, dict):
        kind = _BY_TRANSPORT_DOCUMENT.get(str(instruction.get("transportDocumentType")), kind)
    reference = _text(subject.get(member)) if member else ""
    if (air := _air_waybill(subject, place, look.faults)) is not None:
        reference = air.value
        look.keep(air)
    if reference and all(each.value != reference for each in look.identifiers):
        look.keep(_identifier("document", reference, place + pointer(member), look.faults))
    if _ORGANISATIONS & {*_types(subject)} and (itself := party(subject, "subject", place)) is not None:
        look.parties[itself] = None
    dates = {name: _text(value) for name, value in subject.items() if _is_date(name) and isinstance(value, str)}
    return Named(place, type_, kind, filing, reference, tuple(look.identifiers), tuple(look.parties), dates)


class _Look:
    """Everything in one document that it can be looked up by, each thing once, in the order of the document."""

    def __init__(self) -> None:
        self.identifiers: dict[Identifier, None] = {}
        self.parties: dict[Party, None] = {}
        self.faults: list[Fault] = []

    def through(self, subject: Mapping[str, Any], place: str) -> None:
        """Without recursion, and without a list of what waits or a place of what is not told: a document may be large.
        A level: the member that holds it, whether it is of a document inside this one, and its items."""
        levels: list[tuple[str, bool, Iterator[tuple[str | int, Any]]]] = [("", False, iter(subject.items()))]
        path: list[str | int] = []
        while levels:
            holder, inner, items = levels[-1]
            step = next(items, None)
            if step is None:
                levels.pop()
                continue
            key, value = step
            path[len(levels) - 1 :] = [key]
            name = key if isinstance(key, str) else holder
            if isinstance(value, dict):
                if not inner and name in _ROLES:
                    self._party(_ROLES[name], value, place, path)
                levels.append((name, inner or key in _INNER, iter(value.items())))
            elif isinstance(value, list):
                levels.append((name, inner or key in _INNER, iter(enumerate(value))))
            elif isinstance(value, str):
                self._value(name, value, place, path)

    def _party(self, role: str, value: Mapping[str, Any], place: str, path: list[str | int]) -> None:
        if len(self.parties) < PARTIES_MAX:
            faults: list[Fault] = []
            who = party(value, role, "", faults)
            self.parties.update({} if who is None else {who: None})
            self._told(faults, place, path)

    def _value(self, name: str, value: str, place: str, path: list[str | int]) -> None:
        if name == "id" and value.startswith(_GS1_LINK) and (key := gs1.parse(value)) is not None:
            self.keep(Identifier("digital_link", key.digital_link))
        elif (scheme := _IDENTIFIERS.get(name)) is not None:
            faults: list[Fault] = []
            self.keep(_identifier(scheme, value, "", faults))
            self._told(faults, place, path)

    def _told(self, faults: list[Fault], place: str, path: list[str | int]) -> None:
        """With their place, to one more than are told."""
        if faults and len(self.faults) <= FAULTS_MAX:
            there = place + pointer(*(each[:NAME_CHARACTERS_MAX] if isinstance(each, str) else each for each in path))
            self.faults += [replace(each, place=there + each.place) for each in faults]

    def keep(self, identifier: Identifier | None) -> None:
        if identifier is not None and len(self.identifiers) < IDENTIFIERS_MAX:
            self.identifiers[identifier] = None


def _identifier(scheme: str, value: object, place: str, faults: list[Fault] | None) -> Identifier | None:
    """The identifier, if the value is one; what is wrong with it is a warning: the document is the issuer's word."""
    if not isinstance(value, str) or not value:
        return None
    if scheme == "imo":  # A name stands here as often as a number, and is no mistake.
        ship = _IMO.fullmatch(value)
        if ship is None:
            return None
        value = ship[1]
    wrong = objection(SCHEMES[scheme], value)
    if wrong is not None and faults is not None and len(faults) <= FAULTS_MAX:
        faults.append(replace(fault(wrong.code, place, value, wrong.expected), severity=Severity.WARNING))
    return None if wrong is not None and wrong.code == "IDENTIFIER_MALFORMED" else Identifier(scheme, value)


def _air_waybill(subject: Mapping[str, Any], place: str, faults: list[Fault]) -> Identifier | None:
    """The master's number, which two members make; `airWaybillNumber` is that of whoever issued this one."""
    prefix, serial = subject.get("airlineCodeNumber"), subject.get("serialNumber")
    number = f"{prefix}-{serial}" if isinstance(prefix, str) else None
    return _identifier("awb", number, place + "/serialNumber", faults)


def _best(types: tuple[str, ...]) -> str:
    """The first that names a document."""
    return next((each for each in types if each in _KINDS), "")


def _is_date(name: str) -> bool:
    return name.endswith(("Date", "DateTime", "Time")) or name in ("dateOfExport", "executedOn", "dateOfLastValidation")


def _types(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each for each in _several(value.get("type") or value.get("@type")) if isinstance(each, str))


def _several(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else ""
