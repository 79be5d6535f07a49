"""The events of CODECO, COARRI, COPARN and IFTSTA: one for each group of segments, and more for what lies in it."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.faults import Fault, Severity, fault
from schemas.identifiers import SCHEMES
from schemas.translate.edifact import seals
from schemas.translate.edifact.codes import (
    DOCUMENTS,
    INLAND,
    OWN_AGENCIES,
    PARTIES,
    PLACES,
    REFERENCES,
    ROUTE,
    STAGES,
    STATUSES,
    STUFFED,
    UNMEANT,
    X12_AGENCIES,
    Meaning,
)
from schemas.translate.edifact.draft import (
    CODE,
    Draft,
    about,
    add_equipment,
    carrier_of,
    container_number,
    container_scheme,
    like,
    number_of,
    party_of,
    place_of,
    remarks_of,
    transport_of,
)
from schemas.translate.edifact.report import Report, Segment, Unit, first
from schemas.translate.edifact.when import event_time, put_time, zone_at

Named = tuple[dict[str, str], str]
"""An identifier, and the place that it comes from."""

_SUBJECTS_MAX = 100


def document_meaning(report: Report, bgm: Segment) -> tuple[Meaning, Fault | None]:
    """What the message reports on (BGM 1001)."""
    code, kind = bgm.at(1), report.message.kind
    known = DOCUMENTS[kind]
    found = report.profile.documents.get(kind, {}).get(code) or known.get(code)
    if found is not None:
        return found, None
    expected = f"{', '.join(sorted(known))}, or a code of the mapping profile"
    return UNMEANT, fault("CODE_UNMAPPED", bgm.place("1.1"), code, expected)


def status_meaning(report: Report, sts: Segment) -> tuple[Meaning, Fault | None]:
    """What a status means (STS 9011): by the partner's profile, else by the public lists, if it is of one."""
    code, agency = sts.at(2, 1), sts.at(2, 3)
    statuses = report.profile.statuses
    found = statuses.get(f"{agency}:{code}") or statuses.get(code)
    if found is None and agency not in OWN_AGENCIES and not (agency in X12_AGENCIES and code.isdigit()):
        found = STATUSES.get(code)
    if found is not None:
        return found, None
    return UNMEANT, fault(
        "CODE_UNMAPPED", sts.place("2.1"), code, "a status of a public list, or of the mapping profile"
    )


def names_container(report: Report, unit: Unit) -> bool:
    """Whether a container is named: statuses of parcels and consignments have the same codes."""
    segments = [*unit.segments, *unit.over, *report.head]
    return any(_containers(unit.segments)) or any(
        each.tag == "RFF" and REFERENCES.get(each.qualifier) == "container" and each.at(1, 2) for each in segments
    )


def drafted(report: Report, unit: Unit, meaning: Meaning) -> Draft:
    """The event of a group, with all that its type has a member for."""
    draft = Draft(meaning.type, report.profile)
    group, shared = unit.segments, [*unit.over, *report.head]
    direct = group[: next((n for n, each in enumerate(group) if n and each.tag == "TDT"), len(group))]
    place = _place(draft, direct, group, shared)
    draft.data["time_kind"] = meaning.time_kind
    event_time(draft, report, direct, shared, str(place.get("unlocode", "")))
    if meaning.empty is not None:
        draft.put("empty", meaning.empty, unit.first.place())
    tdt = _transport(draft, meaning, group, shared)
    _name_objects(draft, group, shared, tdt)
    if (eqd := next((each for each in group if each.tag == "EQD"), None)) is not None:
        add_equipment(eqd, group, draft)
        seals.add_seals(group, draft)
    if draft.kind.startswith("seal."):
        seals.add_subject_seal(report, unit, draft)
    _parties(draft, [*group, *shared], tdt)
    _route(draft, direct, shared)
    _words(draft, unit, group)
    if draft.kind == "transport.delayed":
        draft.put("movement", "DEPARTURE", unit.first.place())  # Recommendation 24 has no other delay.
    return draft


def _place(draft: Draft, direct: list[Segment], group: list[Segment], shared: list[Segment]) -> dict[str, object]:
    """Where it happened: a place of the group's own, else of the head, in the order that its type asks for; of a move
    through a gate at last the terminal that stands in the head, for it is the one that reports."""
    wanted = PLACES.get(draft.kind, PLACES[""])
    found = (first(segments, "LOC", *wanted) for segments in (direct, shared, group))
    loc = next((each for each in found if each is not None), None)
    if loc is None and draft.kind in INLAND:
        loc = next((each for each in shared if each.tag == "LOC" and each.at(3, 1)), None)
    if loc is None:
        return {}
    place = place_of(loc, "place", draft)
    draft.put("place", place, loc.place("2"))
    return place


def _transport(draft: Draft, meaning: Meaning, group: list[Segment], shared: list[Segment]) -> Segment | None:
    """The stage of transport that the event is about, or for a haulage, the one that brings or takes the container."""
    stages = STAGES[draft.kind in INLAND]
    tdt = first(group, "TDT", *stages) or first(shared, "TDT", *stages)
    if tdt is None:
        return None
    mode = meaning.mode or ("" if draft.kind in INLAND else "MARITIME" if tdt.qualifier == "20" else "")
    if "transport" in draft.members:
        transport = transport_of(tdt, mode, draft)
        calls = [each for each in (*group, *shared) if each.tag == "RFF" and each.qualifier in ("ATZ", "SSX")]
        if calls and CODE.fullmatch(calls[0].at(1, 2)):
            transport["call_reference"] = calls[0].at(1, 2)
            draft.origins["/data/transport/call_reference"] = calls[0].place("1.2")
        draft.put("transport", transport, tdt.place())
    return tdt


def _name_objects(draft: Draft, group: list[Segment], shared: list[Segment], tdt: Segment | None) -> None:
    """The subjects: the first kind of thing that the type is about and the segments name; all others are references."""
    found = [*_containers(group), *_means(draft), *_packages(group)]
    found += _references(draft, group, shared)
    wanted = about(draft.kind)
    main = found[0][0]["scheme"] if found and found[0][0]["scheme"] in wanted else ""
    if draft.kind.startswith("transport."):
        means = [each for each in found if each[0]["scheme"] in ("imo", "voyage", "train", "vehicle_plate")]
        main = means[0][0]["scheme"] if means else main
    if not main:
        main = next((each[0]["scheme"] for each in found if each[0]["scheme"] in wanted), "")
    subjects = [each for each in found if each[0]["scheme"] == main]
    draft.data["subjects"] = _put(subjects, "/data/subjects", draft)
    rest = [each for each in found if each not in subjects and SCHEMES[each[0]["scheme"]].fits(each[0]["value"])]
    if rest:
        draft.data["references"] = _put(rest, "/data/references", draft)


def _put(named: list[Named], pointer: str, draft: Draft) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = []
    for identifier, origin in named:
        if identifier not in listed and len(listed) < _SUBJECTS_MAX:
            draft.origins[f"{pointer}/{len(listed)}/value"] = origin
            listed.append(identifier)
    return listed


def _containers(group: list[Segment]) -> Iterator[Named]:
    for eqd in group:
        if eqd.tag == "EQD" and eqd.at(1) in ("CN", "SW") and (number := container_number(eqd.at(2, 1))):
            yield {"scheme": container_scheme(number), "value": number}, eqd.place("2.1")


def _means(draft: Draft) -> Iterator[Named]:
    """The means of transport, but not the lorry of a haulage: it says nothing about the consignment."""
    means = draft.data.get("transport", {}).get("means")
    if means is not None and means["scheme"] != "vehicle_plate":
        yield means, draft.origins["/data/transport/means/value"]


def _packages(group: list[Segment]) -> Iterator[Named]:
    """Serial shipping container codes of packages (PCI, GIN)."""
    for each in group:
        if each.tag in ("PCI", "GIN"):
            for component in range(1, 6):
                if SCHEMES["sscc"].fits(each.at(2, component)):
                    yield {"scheme": "sscc", "value": each.at(2, component)}, each.place(f"2.{component}")


def _references(draft: Draft, group: list[Segment], shared: list[Segment]) -> Iterator[Named]:
    """RFF segments that name an object; those of the group before those of the head with the same qualifier."""
    own = {each.qualifier for each in group if each.tag == "RFF"}
    given = draft.profile.references
    for each in (*group, *(other for other in shared if other.qualifier not in own)):
        if each.tag != "RFF" or not (value := each.at(1, 2)):
            continue
        scheme = given.get(each.qualifier, REFERENCES.get(each.qualifier, ""))
        if scheme == "declaration":
            scheme = "mrn" if SCHEMES["mrn"].fits(value) else "lrn"
        elif scheme == "container":
            value = container_number(value)
            scheme = container_scheme(value)
        if scheme and SCHEMES[scheme].fits(value):
            yield {"scheme": scheme, "value": value}, each.place("1.2")


def _parties(draft: Draft, segments: list[Segment], tdt: Segment | None) -> None:
    for name, qualifiers in PARTIES.items():
        if name in draft.members:
            nad = first(segments, "NAD", *qualifiers)
            if nad is not None:
                draft.put(name, party_of(nad), nad.place())
            elif name == "carrier" and tdt is not None:
                draft.put(name, carrier_of(tdt), tdt.place("5"))


def _route(draft: Draft, direct: list[Segment], shared: list[Segment]) -> None:
    for name, qualifiers in ROUTE:
        if name in draft.members:
            loc = first(direct, "LOC", *qualifiers) or first(shared, "LOC", *qualifiers)
            if loc is not None:
                draft.put(name, place_of(loc, name, draft), loc.place("2"))


def _words(draft: Draft, unit: Unit, group: list[Segment]) -> None:
    """Free text, and that of a status: the reason of a control, else remarks."""
    said = remarks_of(group)
    status = unit.first.at(2, 4) if unit.first.tag == "STS" else ""
    if status:
        text = f"{status}\n{said[0]}"[:1_000] if said else status
        said = text, unit.first.place("2.4")
    if said is None:
        return
    if "reason" in draft.members:
        draft.data["reason"] = {"text": said[0]}
        draft.origins["/data/reason/text"] = said[1]
    else:
        draft.data["remarks"], draft.origins["/data/remarks"] = said


def beside(report: Report, unit: Unit, main: Draft) -> Iterator[tuple[str, Draft]]:
    """The events that lie in a group beside its own, each with the suffix of its number."""
    group = unit.segments
    yield from seals.beside(report, unit, main)
    if damages := [each for each in group if each.tag == "DAM"]:
        yield "damage", _damaged(main, damages)
    if temperatures := [each for each in group if each.tag in ("TMP", "RNG")]:
        draft = like(main, "sensor.temperature")
        _measure(draft, temperatures)
        if "measurements" in draft.data:
            yield "temperature", draft
    if (dtm := first(group, "DTM", STUFFED)) is not None and main.kind != "container.stuffed":
        draft = like(main, "container.stuffed")
        put_time(draft, dtm, zone_at(report.profile, str(draft.data.pop("place", {}).get("unlocode", ""))))
        yield "stuffed", draft


def _damaged(main: Draft, damages: list[Segment]) -> Draft:
    draft = like(main, "discrepancy.reported")
    said = [", ".join(filter(None, (dam.at(n, 4) or dam.at(n, 1) for n in (2, 3, 4)))) for dam in damages]
    draft.put("found", {"description": "; ".join(filter(None, said))[:1_000] or "damage"}, damages[0].place("2"))
    return draft


_RANGE = ((2, "MINIMUM"), (3, "MAXIMUM"))


def _measure(draft: Draft, segments: list[Segment]) -> None:
    """TMP is the temperature that is set, RNG what it may be between."""
    found: list[dict[str, object]] = []
    for each in segments:
        unit = each.at(2, 2) if each.tag == "TMP" else each.at(2, 1)
        values = [(1, "SET_POINT")] if each.tag == "TMP" else _RANGE
        for component, kind in values:
            value = each.at(2, component)
            if not value:
                continue
            number = number_of(value)
            if number is None or unit not in ("CEL", "FAH"):
                expected = "a number, with CEL or FAH"
                draft.faults.append(fault("VALUE_MALFORMED", each.place("2"), f"{value}:{unit}", expected))
            else:
                draft.origins[f"/data/measurements/{len(found)}/value"] = each.place(f"2.{component}")
                found.append({"value": number, "unit": unit, "kind": kind})
    draft.put("measurements", found[:100], segments[0].place())


def broken(draft: Draft) -> bool:
    return any(each.severity is Severity.ERROR for each in draft.faults)
