"""What a DCSA event is about, and the other identifiers that bind it to a consignment."""

from __future__ import annotations

from functools import cache

from schemas.catalogue import catalogue
from schemas.faults import fault
from schemas.identifiers import OBJECTS, SCHEMES
from schemas.translate.dcsa.codes import DOCUMENTS
from schemas.translate.dcsa.parts import Origins, means_of, text_in
from schemas.translate.dcsa.sent import Sent

Named = tuple[dict[str, str], str]
"""An identifier, and the place that it comes from."""

_DOCUMENT_NAMES = (("typeCode", "reference"), ("type", "value"), ("documentReferenceType", "documentReferenceValue"))
_REFERENCE_NAMES = (("typeCode", "reference"), ("type", "value"), ("referenceType", "referenceValue"))


def name_objects(sent: Sent, event_type: str, kind: str, data: dict[str, object], origins: Origins) -> None:
    """Put `subjects` and `references` into the data of an event that is of the canonical type `kind`.

    Its subjects are the thing that an event of its DCSA type reports on: the document, the means of transport, the
    container; where the canonical type is not about such a thing, all others that it is about.
    """
    first, others = _primary(sent, event_type), [*_documents(sent), *_containers(sent)]
    about = _about(kind)
    subjects = [each for each in first if each[0]["scheme"] in about]
    subjects = subjects or [each for each in others if each[0]["scheme"] in about and _fits(each[0])] or first
    chosen = [each[0] for each in subjects]
    references = [each for each in (*first, *others) if each[0] not in chosen and _fits(each[0])]
    data["subjects"] = _put(subjects, "/data/subjects", origins)
    origins["/data/subjects"] = sent.base
    if references:
        data["references"] = _put(references, "/data/references", origins)


def _put(named: list[Named], place: str, origins: Origins) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = []
    for identifier, origin in named:
        if identifier not in listed and len(listed) < 100:
            origins[f"{place}/{len(listed)}/value"] = origin
            listed.append(identifier)
    return listed


@cache
def _about(kind: str) -> frozenset[str]:
    found = catalogue().find(f"customs.{kind}")
    return frozenset(getattr(found, "object_schemes", ()))


def _fits(identifier: dict[str, str]) -> bool:
    """A reference that its scheme does not take stays with the event as sent; it makes nothing else of the event."""
    return bool(SCHEMES[identifier["scheme"]].fits(identifier["value"]))


def _primary(sent: Sent, event_type: str) -> list[Named]:
    if event_type == "SHIPMENT":
        return _documents(sent)[:1] if sent.has("document") else []
    if event_type == "TRANSPORT":
        means = means_of(sent)
        return [] if means is None else [means]
    number = sent.text("equipment")
    return [] if number is None else [_equipment(sent, number, sent.place("equipment"))]


def scheme_of(document_type: str, reference: str) -> str:
    """The scheme of a document's reference; a declaration is known by its MRN, or else by the declarant's number.

    DCSA allows references of 100 characters: what is too long for a bill of lading is a document's reference still.
    """
    scheme = DOCUMENTS[document_type].scheme
    if scheme == "declaration":
        scheme = "mrn" if SCHEMES["mrn"].fits(reference) else "lrn"
    return scheme if SCHEMES[scheme].fits(reference) else "document"


def _equipment(sent: Sent, number: str, place: str) -> Named:
    """DCSA takes any number of at most 15 characters, and asks for that of the BIC where there is one."""
    scheme = next((each for each in OBJECTS["container"] if SCHEMES[each].fits(number)), "iso6346")
    if scheme == "equipment":
        expected = "a number of ISO 6346 or EN 13044-1, where the equipment has one"
        sent.faults.append(fault("CODE_UNASSIGNED", place, number, expected))
    return {"scheme": scheme, "value": number}, place


def _documents(sent: Sent) -> list[Named]:
    """The document of the event, and the documents beside it."""
    found, first = [], (sent.text("document_type"), sent.text("document"), sent.place("document"))
    for kind, value, place in (first, *_pairs(sent, "documents", _DOCUMENT_NAMES)):
        if kind in DOCUMENTS and value is not None:
            found.append(({"scheme": scheme_of(kind, value), "value": value}, place))
    return found


def _containers(sent: Sent) -> list[Named]:
    """The equipment, and equipment references (`EQ`)."""
    found = []
    if (number := sent.text("equipment")) is not None:
        found.append(_equipment(sent, number, sent.place("equipment")))
    for kind, value, place in _pairs(sent, "references", _REFERENCE_NAMES):
        if kind == "EQ":
            found.append(_equipment(sent, value, place))
    return found


def _pairs(sent: Sent, name: str, spellings: tuple[tuple[str, str], ...]) -> list[tuple[str, str, str]]:
    """Type, value and place of value of each entry of a list of references, in the spelling of any version."""
    pairs = []
    for index, each in enumerate(sent.array(name)):
        base = f"{sent.place(name)}/{index}"
        if type(each) is not dict:
            sent.faults.append(fault("TYPE_WRONG", base, each, "an object"))
            continue
        for kind_name, value_name in spellings:
            if kind_name in each:
                kind, value = text_in(sent, each, base, kind_name), text_in(sent, each, base, value_name)
                if kind is not None and value is not None:
                    pairs.append((kind, value, f"{base}/{value_name}"))
                break
    return pairs
