"""IFTSAI, read only: the calls of a vessel as departures and arrivals, mostly estimated or planned."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.translate.edifact.codes import CALLS, Meaning
from schemas.translate.edifact.draft import Draft, place_of, transport_of
from schemas.translate.edifact.report import Report, Unit, first
from schemas.translate.edifact.when import put_time, zone_at


def drafts(report: Report, unit: Unit) -> Iterator[tuple[str, Draft, Meaning]]:
    """One event for each time of a place of call; its suffix is the qualifier of the time."""
    tdt = first(report.head, "TDT", "20") or next((each for each in report.head if each.tag == "TDT"), None)
    for dtm in unit.of("DTM"):
        meaning = CALLS.get(dtm.qualifier)
        if meaning is None:
            continue
        draft = Draft(meaning.type, report.profile)
        place = place_of(unit.first, "place", draft)
        draft.data["time_kind"] = meaning.time_kind
        put_time(draft, dtm, zone_at(report.profile, str(place.get("unlocode", ""))))
        draft.put("place", place, unit.first.place("2"))
        draft.data["subjects"] = []
        if tdt is not None:
            transport = transport_of(tdt, "MARITIME" if tdt.qualifier == "20" else "", draft)
            draft.put("transport", transport, tdt.place())
            if (means := transport.get("means")) is not None:
                draft.data["subjects"] = [means]
                draft.origins["/data/subjects/0/value"] = draft.origins["/data/transport/means/value"]
        yield dtm.qualifier, draft, meaning
