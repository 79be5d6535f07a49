"""An event in the making: its data, the way back of each member, its faults; and the parts that segments become."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from schemas.catalogue import EventType, catalogue
from schemas.codes import COUNTRIES
from schemas.faults import Fault, fault
from schemas.identifiers import SCHEMES
from schemas.translate.edifact.codes import (
    AGENCY_SCHEMES,
    EMPTY,
    FACILITY_AGENCIES,
    KILOGRAMS,
    MODES,
    NOT_UNLOCODES,
)
from schemas.translate.edifact.profile import Profile
from schemas.translate.edifact.report import Segment

Data = dict[str, Any]

CODE = re.compile(r"[!-~](?:[ -~]{0,33}[!-~])?")
"""`code` of the common schema: what is longer or of other characters is kept with the segments only."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,9})?", re.ASCII)
_WORDS_MAX = 256
_REMARKS_MAX = 1_000


class Draft:
    """The data of one event, and where each member of it comes from."""

    __slots__ = ("data", "faults", "kind", "members", "origins", "profile")

    def __init__(self, kind: str, profile: Profile) -> None:
        self.kind = kind
        self.profile = profile
        self.members = members_of(kind)
        self.data: Data = {}
        self.origins: dict[str, str] = {}
        self.faults: list[Fault] = []

    def put(self, name: str, value: object, place: str) -> None:
        """A member of data, if the type has it."""
        if name in self.members and value not in (None, "", {}, []):
            self.data[name] = value
            self.origins[f"/data/{name}"] = place


@cache
def members_of(kind: str) -> frozenset[str]:
    """The members that the data of a type may have."""
    found = catalogue().find(f"customs.{kind}")
    if not isinstance(found, EventType):
        return frozenset()
    return frozenset(found.schema.flat["properties"]["data"]["properties"])


@cache
def about(kind: str) -> frozenset[str]:
    """The schemes that a subject of a type may be of."""
    return frozenset(getattr(catalogue().find(f"customs.{kind}"), "object_schemes", ()))


def like(main: Draft, kind: str) -> Draft:
    """An event of the same container, place and time; it was seen when the container was."""
    draft = Draft(kind, main.profile)
    for name in ("occurred_at", "time_zone_source", "subjects", "references", "place", "size_type", "seals"):
        if name in main.data and (name in draft.members or name in members_of("goods.observed")):
            draft.data[name] = main.data[name]
    draft.data["time_kind"] = "ACTUAL"
    draft.origins.update(main.origins)
    return draft


def words(text: str) -> str:
    return text[:_WORDS_MAX]


def number_of(text: str) -> float | None:
    """A number, with a point or a comma as decimal mark: both may be used whatever UNA says (ISO 9735 §10.1)."""
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def container_number(text: str) -> str:
    """The number of a container without the blanks and dashes that people part it with."""
    return text.replace(" ", "").replace("-", "")


def container_scheme(number: str) -> str:
    return "ilu" if SCHEMES["ilu"].fits(number) else "iso6346"


def place_of(loc: Segment, name: str, draft: Draft) -> Data:
    """A LOC segment as a place; its facts have their ways back under `/data/<name>`."""
    place: Data = {}
    pointer, origins = f"/data/{name}", draft.origins
    code, list_, agency, label = loc.at(2, 1), loc.at(2, 2), loc.at(2, 3), loc.at(2, 4)
    origins[pointer] = loc.place("2")
    if code and list_ not in NOT_UNLOCODES and SCHEMES["unlocode"].fits(code):
        place["unlocode"], origins[f"{pointer}/unlocode"] = code, loc.place("2.1")
    elif code and list_ == "139" and agency in ("", "6"):
        draft.faults.append(fault("IDENTIFIER_MALFORMED", loc.place("2.1"), code, "as NLRTM (UN/LOCODE)"))
    elif agency == "9" and SCHEMES["gln"].fits(code):
        place["gln"], origins[f"{pointer}/gln"] = code, loc.place("2.1")
    elif not label and list_ not in NOT_UNLOCODES:
        label = code
    if facility := _facility(loc, place, draft.profile):
        origins[f"{pointer}/facility_code"] = loc.place("3.1")
        label = facility
    if label:
        place.setdefault("name", words(label))
        origins[f"{pointer}/name"] = loc.place("2.4")
    return place


def _facility(loc: Segment, place: Data, profile: Profile) -> str:
    """The terminal, berth or depot of a place (C519); the name that it has, or its code where no list is known."""
    code, list_, agency, label = loc.at(3, 1), loc.at(3, 2), loc.at(3, 3), loc.at(3, 4)
    if not code:
        return label
    if code in COUNTRIES and (list_ == "162" or agency == "5"):
        place["country"] = code
        return label
    if (known := profile.facilities.get(code)) is not None:
        for member in ("unlocode", "facility_code", "facility_list", "name"):
            if (value := getattr(known, member)) is not None:
                place[member] = value
        return label
    provider = FACILITY_AGENCIES.get(agency) or profile.facility_list
    if provider and CODE.fullmatch(code):
        place["facility_code"], place["facility_list"] = code, provider
        return label
    return label or code


def transport_of(tdt: Segment, mode: str, draft: Draft) -> Data:
    """A TDT segment as a means of transport and its call; `mode` where the message says it otherwise."""
    origins, pointer = draft.origins, "/data/transport"
    origins[pointer] = tdt.place()
    transport: Data = {}
    if said := MODES.get(tdt.at(3), mode):
        transport["mode"], origins[f"{pointer}/mode"] = said, tdt.place("3")
    origins[f"{pointer}/means"] = tdt.place("8.1")
    if (means := means_of(tdt, transport.get("mode", ""))) is not None:
        transport["means"], origins[f"{pointer}/means/value"] = means
    if label := tdt.at(8, 4):
        transport["name"], origins[f"{pointer}/name"] = words(label), tdt.place("8.4")
    if CODE.fullmatch(voyage := tdt.at(2)):
        transport["voyage"], origins[f"{pointer}/voyage"] = voyage, tdt.place("2")
    return transport


def means_of(tdt: Segment, mode: str) -> tuple[dict[str, str], str] | None:
    """The vessel, vehicle or train as an identifier, and its place; else the voyage, with the carrier that counts it.

    A call sign (list 103) is no identifier of the naming table: it stays with the segments.
    """
    code, list_, agency = tdt.at(8, 1), tdt.at(8, 2), tdt.at(8, 3)
    at_sea = mode in ("MARITIME", "INLAND_WATERWAY", "")
    number = code.removeprefix("IMO").strip()
    if at_sea and code and (list_ == "146" or agency == "11" or SCHEMES["imo"].fits(number)) and number.isdigit():
        return {"scheme": "imo", "value": number}, tdt.place("8.1")
    scheme = {"ROAD": "vehicle_plate", "RAIL": "train"}.get(mode)
    if scheme and code and SCHEMES[scheme].fits(code):
        return {"scheme": scheme, "value": code}, tdt.place("8.1")
    voyage, carrier = tdt.at(2), tdt.at(5)
    if voyage and SCHEMES["voyage"].fits(value := f"{carrier}:{voyage}" if carrier else voyage):
        return {"scheme": "voyage", "value": value}, tdt.place("2")
    return None


def party_of(nad: Segment) -> Data:
    """A NAD segment as a party: coded, named, with its address."""
    party: Data = {}
    code, agency = nad.at(2, 1), nad.at(2, 3)
    label = " ".join(filter(None, (nad.at(4, n) for n in range(1, 6)))) or nad.at(3, 1)
    scheme = AGENCY_SCHEMES.get(agency, "eori" if nad.at(2, 2) == "EORI" else "")
    if scheme and SCHEMES[scheme].fits(code):
        party["identifiers"] = [{"scheme": scheme, "value": code}]
    if label or (code and not party):
        party["name"] = words(label or code)
    address = [nad.at(5, n) for n in range(1, 5)] + [nad.at(6), nad.at(8)]
    if text := ", ".join(filter(None, address)):
        party["address"] = words(text)
    if (country := nad.at(9)) in COUNTRIES:
        party["country"] = country
    return party


def carrier_of(tdt: Segment) -> Data:
    """The carrier of a TDT segment (C040)."""
    code, agency, label = tdt.at(5, 1), tdt.at(5, 3), tdt.at(5, 4)
    scheme = AGENCY_SCHEMES.get(agency, "")
    party: Data = {}
    if scheme and SCHEMES[scheme].fits(code):
        party["identifiers"] = [{"scheme": scheme, "value": code}]
    if label or (code and not party):
        party["name"] = words(label or code)
    return party


def add_equipment(eqd: Segment, group: list[Segment], draft: Draft) -> None:
    """What is said of a container: size and type, full or empty, verified mass."""
    if "empty" not in draft.data and (empty := EMPTY.get(eqd.at(6))) is not None:
        draft.put("empty", empty, eqd.place("6"))
    draft.origins.setdefault("/data/empty", eqd.place("6"))
    if size_type := eqd.at(3, 1):
        draft.put("size_type", size_type, eqd.place("3.1"))
    elif label := eqd.at(3, 4):
        draft.put("size_type", label, eqd.place("3.4"))
    for mea in group:
        if mea.tag == "MEA" and "VGM" in (mea.qualifier, mea.at(2)):
            _add_mass(mea, draft)


def _add_mass(mea: Segment, draft: Draft) -> None:
    mass, factor = number_of(mea.at(3, 2)), KILOGRAMS.get(mea.at(3, 1))
    if mass is None:
        draft.faults.append(fault("VALUE_MALFORMED", mea.place("3.2"), mea.at(3, 2), "a number, such as 14250 or 12.5"))
    elif factor is None:
        expected = "one of " + ", ".join(sorted(KILOGRAMS))
        draft.faults.append(fault("VALUE_NOT_ALLOWED", mea.place("3.1"), mea.at(3, 1), expected))
    else:
        draft.put("weighed_mass_kg", round(mass * factor, 3), mea.place("3.2"))


def remarks_of(segments: list[Segment]) -> tuple[str, str] | None:
    """The free text of FTX segments, and the place of the first."""
    texts = [ftx for ftx in segments if ftx.tag == "FTX" and ftx.at(4)]
    if not texts:
        return None
    said = [" ".join(filter(None, (ftx.at(4, n) for n in range(1, 6)))) for ftx in texts]
    return "\n".join(said)[:_REMARKS_MAX], texts[0].place("4")
