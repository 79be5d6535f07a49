"""What messages say of cargo rather than of a move: CUSCAR, read only, as advance filings; and orders taken back."""

from __future__ import annotations

import re
from typing import Any

from schemas.identifiers import SCHEMES
from schemas.translate.edifact.codes import KILOGRAMS, Meaning
from schemas.translate.edifact.draft import (
    CODE,
    Draft,
    container_number,
    container_scheme,
    number_of,
    party_of,
    place_of,
    transport_of,
)
from schemas.translate.edifact.report import Report, Segment, Unit, first
from schemas.translate.edifact.when import put_time, zone_at

MEANING = Meaning("filing.pre_loading")
CANCELLED_BOOKING = Meaning("booking.cancelled")
_GOODS_MAX = 100
_CONTAINERS_MAX = 99
_HS = re.compile(r"[0-9]{6}(?:[0-9]{2}){0,2}")


def drafted(report: Report, unit: Unit, bgm: Segment) -> Draft:
    """The filing of one consignment (CNI)."""
    draft = Draft(MEANING.type, report.profile)
    _made(report, draft, bgm)
    segments = [*unit.segments, *report.head]
    _subjects(unit, draft)
    _filing(report, draft, bgm)
    for name, qualifiers in (("consignor", ("CZ", "EX", "SU")), ("consignee", ("CN",)), ("notify_party", ("NI", "N1"))):
        if (nad := first(segments, "NAD", *qualifiers)) is not None:
            draft.put(name, party_of(nad), nad.place())
    draft.put("goods", _goods(unit, draft), unit.first.place())
    if (tdt := first(segments, "TDT", "20")) is not None:
        draft.put("transport", transport_of(tdt, "MARITIME", draft), tdt.place())
    for name, qualifiers in (("place_of_loading", ("9",)), ("place_of_delivery", ("7", "8"))):
        if (loc := first(segments, "LOC", *qualifiers)) is not None:
            draft.put(name, place_of(loc, name, draft), loc.place("2"))
    return draft


def _made(report: Report, draft: Draft, bgm: Segment) -> None:
    """A filing happened when its message was made; a time that cannot be read is a fault of the message already."""
    draft.data["time_kind"] = "ACTUAL"
    if (dtm := first(report.head, "DTM", "137")) is not None:
        put_time(draft, dtm, zone_at(report.profile, ""))


def _subjects(unit: Unit, draft: Draft) -> None:
    named = [(each.at(1, 2), each.place("1.2")) for each in unit.of("RFF") if each.qualifier in ("BM", "MB", "HBL")]
    named = named or [(unit.first.at(2, 1), unit.first.place("2.1"))]
    found = [({"scheme": "bill_of_lading", "value": value}, place) for value, place in named if value]
    for each in unit.of("SGP"):
        number = container_number(each.at(1, 1))
        if number and SCHEMES[container_scheme(number)].fits(number):
            found.append(({"scheme": container_scheme(number), "value": number}, each.place("1.1")))
    draft.data["subjects"] = []
    for identifier, place in found[:_CONTAINERS_MAX]:
        if identifier not in draft.data["subjects"]:
            draft.origins[f"/data/subjects/{len(draft.data['subjects'])}/value"] = place
            draft.data["subjects"].append(identifier)


def _filing(report: Report, draft: Draft, bgm: Segment) -> None:
    filing: dict[str, Any] = {}
    office = first(report.head, "LOC", "22", "60", "41", "42")
    country = report.profile.filing_country or (office.at(2, 1)[:2] if office is not None else "")
    if SCHEMES["country"].fits(country):
        filing["country"] = country
        draft.origins["/data/filing/country"] = office.place("2.1") if office is not None else bgm.place()
    if report.profile.filing_kind:
        filing["kind"] = report.profile.filing_kind
    if CODE.fullmatch(bgm.at(2, 1)):
        filing["reference"], draft.origins["/data/filing/reference"] = bgm.at(2, 1), bgm.place("2.1")
    draft.put("filing", filing, bgm.place())


def _goods(unit: Unit, draft: Draft) -> list[dict[str, Any]]:
    """One entry for each GID, from what follows it."""
    goods: list[dict[str, Any]] = []
    for each in unit.segments:
        if each.tag == "GID":
            if len(goods) == _GOODS_MAX:
                break
            draft.origins[f"/data/goods/{len(goods)}"] = each.place()
            goods.append({})
            pieces = number_of(each.at(2, 1))
            if pieces is not None and pieces.is_integer():
                goods[-1]["pieces"] = int(pieces)
                draft.origins[f"/data/goods/{len(goods) - 1}/pieces"] = each.place("2.1")
            if re.fullmatch(r"[A-Z0-9]{2}", each.at(2, 2)):
                goods[-1]["package_type"] = each.at(2, 2)
        elif goods:
            _describe(each, goods[-1], f"/data/goods/{len(goods) - 1}", draft)
    return goods


def _describe(each: Segment, entry: dict[str, Any], pointer: str, draft: Draft) -> None:
    if each.tag == "FTX" and each.qualifier == "AAA":
        text = " ".join(filter(None, (each.at(4, n) for n in range(1, 6))))
        if text and "description" not in entry:
            entry["description"], draft.origins[f"{pointer}/description"] = text[:512], each.place("4")
    elif each.tag == "MEA" and each.at(2) == "G" and (mass := number_of(each.at(3, 2))) is not None:
        entry["gross_mass_kg"] = round(mass * KILOGRAMS.get(each.at(3, 1), 1.0), 3)
        draft.origins[f"{pointer}/gross_mass_kg"] = each.place("3.2")
    elif each.tag in ("CST", "PIA"):
        code = each.at(2, 1).replace(".", "")
        if _HS.fullmatch(code):
            entry["hs"], draft.origins[f"{pointer}/hs"] = code, each.place("2.1")


def cancelled(report: Report, unit: Unit, bgm: Segment) -> Draft:
    """An order for a booking that is taken back (COPARN, BGM function 1): the booking is cancelled."""
    draft = Draft(CANCELLED_BOOKING.type, report.profile)
    _made(report, draft, bgm)
    segments = [*unit.segments, *report.head]
    draft.data["subjects"] = []
    if (rff := first(segments, "RFF", "BN")) is not None:
        draft.data["subjects"] = [{"scheme": "booking", "value": rff.at(1, 2)}]
        draft.origins["/data/subjects/0/value"] = rff.place("1.2")
    if (nad := first(segments, "NAD", "CA", "CF")) is not None:
        draft.put("carrier", party_of(nad), nad.place())
    return draft
