"""When an event happened, and when its message was made: DTM and UNB, in the zone of the place or of the partner."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.faults import Fault, fault
from schemas.translate.edifact.codes import TIMES
from schemas.translate.edifact.draft import Draft
from schemas.translate.edifact.moments import Moment, moment
from schemas.translate.edifact.profile import Profile
from schemas.translate.edifact.report import Report, Segment


def zone_at(profile: Profile, unlocode: str) -> str:
    """The zone of times at a place, as the profile has it."""
    return profile.zones.get(unlocode) or profile.zones.get(unlocode[:2]) or profile.time_zone or ""


def read_time(dtm: Segment, zone: str) -> Moment | Fault:
    """The instant of a DTM segment; a fault has its place, a doubt too."""
    place = dtm.place("1.2")
    found = moment(dtm.at(1, 2), dtm.at(1, 3), zone)
    if isinstance(found, Fault):
        return replace(found, place=place)
    return found if found.doubt is None else found._replace(doubt=replace(found.doubt, place=place))


def event_time(draft: Draft, report: Report, own: list[Segment], shared: list[Segment], unlocode: str) -> None:
    """Put the time of an event: the DTM of the qualifier that counts first, of the group before the head."""
    kind = report.message.kind
    wanted = (*report.profile.times.get(kind, ()), *TIMES.get(kind, ()))
    by_qualifier = {each.qualifier: each for each in (*reversed(shared), *reversed(own)) if each.tag == "DTM"}
    dtm = next((by_qualifier[each] for each in wanted if each in by_qualifier), None)
    if dtm is None:
        expected = "a time: DTM with the qualifier " + " or ".join(wanted)
        place = own[0].place() if own else report.place
        draft.faults.append(fault("SEGMENT_MISSING", place, "nothing", expected))
        return
    put_time(draft, dtm, zone_at(report.profile, unlocode))


def put_time(draft: Draft, dtm: Segment, zone: str) -> None:
    """A time that cannot be read has its way back too: it is one fault, not a member that is missing as well."""
    found, draft.origins["/data/occurred_at"] = read_time(dtm, zone), dtm.place("1.2")
    if isinstance(found, Fault):
        draft.faults.append(found)
        return
    draft.data["occurred_at"] = found.text
    if found.assumed:
        draft.data["time_zone_source"] = "ASSUMED"
    if found.doubt is not None:
        draft.faults.append(found.doubt)


def made_at(report: Report) -> tuple[str | None, str, list[Fault]]:
    """When the message was made: its DTM 137, else the preparation of its interchange; and what is wrong with that.

    The preparation of an interchange that cannot be read is a warning: nothing depends on it.
    """
    zone = zone_at(report.profile, "")
    dtm = next((each for each in report.head if each.tag == "DTM" and each.qualifier == "137"), None)
    if dtm is not None:
        found = read_time(dtm, zone)
        if isinstance(found, Fault):
            return None, dtm.place("1.2"), [found]
        return found.text, dtm.place("1.2"), []
    interchange = report.message.interchange
    day, clock = interchange.value(4, 1), interchange.value(4, 2)
    if not day:
        return None, "", []
    prepared = moment(day + clock, {10: "201", 12: "203"}.get(len(day + clock), "201"), zone)
    return (None, "", []) if isinstance(prepared, Fault) else (prepared.text, "", [])
