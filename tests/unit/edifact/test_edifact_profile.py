"""Mapping profiles: what they change, and what is wrong with one, all at once."""

from __future__ import annotations

import json

import pytest

from schemas.faults import Fault
from schemas.translate.edifact import Profile, read_profile
from schemas.translate.edifact.profile import written
from tests.edifact import GATE_IN, interchange, message, told, told_by

WHOLE = {
    "profile": 1,
    "name": "Example Terminal",
    "time_zone": "Europe/Lisbon",
    "zones": {"NLRTM": "Europe/Amsterdam", "US": "America/New_York"},
    "identity": "document",
    "documents": {"CODECO": {"MEI": {"type": "container.gate_in", "empty": True}, "35": {"type": "container.gate_in"}}},
    "statuses": {"87:I": {"type": "container.dropped_off", "time_kind": "ACTUAL", "mode": "ROAD"}},
    "times": {"CODECO": ["137"]},
    "references": {"ZZZ": "booking", "BN": ""},
    "facilities": {
        "ECTDDE": {"unlocode": "NLRTM", "facility_code": "ECTDDE", "facility_list": "SMDG", "name": "Delta"}
    },
    "facility_list": "BIC",
    "filing_country": "NL",
    "filing_kind": "ENS",
    "tolerated": ["SEGMENT_COUNT_WRONG"],
    "sender_qualifiers": ["14", "ZZZ"],
    "recipients": ["CUSTOMS"],
    "recipient_qualifiers": ["14"],
}


def read(document: object) -> Profile:
    profile = read_profile(json.dumps(document).encode())
    assert isinstance(profile, Profile), profile
    return profile


def test_a_profile_is_read_and_written_as_it_is() -> None:
    profile = read(WHOLE)

    assert read_profile(written(profile)) == profile
    assert json.loads(written(Profile())) == {}


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [
        ("profile", 2, "/profile"),
        ("profile", True, "/profile"),
        ("time_zone", "Europe/Atlantis", "/time_zone"),
        ("zones", {"Rotterdam": "UTC"}, "/zones/Rotterdam"),
        ("zones", {"NLRTM": "x"}, "/zones/NLRTM"),
        ("identity", "hash", "/identity"),
        ("documents", {"ORDERS": {}}, "/documents/ORDERS"),
        ("documents", {"CODECO": {"34": {"type": "container.lost"}}}, "/documents/CODECO/34/type"),
        ("documents", {"CODECO": {"34": {}}}, "/documents/CODECO/34/type"),
        ("documents", {"CODECO": {"34": "container.gate_in"}}, "/documents/CODECO/34"),
        ("statuses", {"I": {"type": "container.gate_in", "time_kind": "MAYBE"}}, "/statuses/I/time_kind"),
        ("statuses", {"I": {"type": "container.gate_in", "empty": 1}}, "/statuses/I/empty"),
        ("statuses", {"I": {"type": "container.gate_in", "mode": "SEA"}}, "/statuses/I/mode"),
        ("statuses", {"I": {"type": "container.gate_in", "x": 1}}, "/statuses/I/x"),
        ("statuses", {str(n): {"type": "container.gate_in"} for n in range(1_001)}, "/statuses"),
        ("times", {"CODECO": ["a", ""]}, "/times/CODECO/1"),
        ("times", {"CODECO": "137"}, "/times/CODECO"),
        ("references", {"ZZZ": "number"}, "/references/ZZZ"),
        ("facilities", {"A": {"unlocode": "ROTTERDAM"}}, "/facilities/A/unlocode"),
        ("facilities", {"A": 1}, "/facilities/A"),
        ("facility_list", "TER", "/facility_list"),
        ("filing_country", "NLD", "/filing_country"),
        ("tolerated", ["TIME_INVALID"], "/tolerated/0"),
        ("tolerated", "all", "/tolerated"),
        ("sender_qualifiers", "14", "/sender_qualifiers"),
        ("sender_qualifiers", ["14", "ZZZZZ"], "/sender_qualifiers/1"),
        ("recipients", [" CUSTOMS"], "/recipients/0"),
        ("recipient_qualifiers", [14], "/recipient_qualifiers/0"),
        ("name", 1, "/name"),
        ("statusses", {}, "/statusses"),
    ],
)
def test_what_is_wrong_with_a_profile_is_told_at_its_place(member: str, value: object, place: str) -> None:
    faults = read_profile(json.dumps({**WHOLE, member: value}).encode())

    assert isinstance(faults, list)
    assert [each.place for each in faults] == [place]


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b'{"a":1,"a":2}', b"\xff", b'{"name": 1, "zones": 2, "x": 3}'])
def test_every_fault_of_a_profile_is_told_at_once(content: bytes) -> None:
    faults = read_profile(content)

    assert isinstance(faults, list)
    assert all(isinstance(each, Fault) for each in faults)
    assert len(faults) == (3 if b"zones" in content else 1)


def test_a_profile_says_what_a_code_means_here() -> None:
    document = interchange(message("CODECO", "BGM+35+1+9", *GATE_IN[1:]))

    assert told(document).types() == ["container.gate_out"]
    assert told_by(read({"documents": WHOLE["documents"]}), document).types() == ["container.gate_in"]


def test_a_status_of_the_carriers_own_means_what_the_profile_says() -> None:
    document = interchange(
        message("IFTSTA", "BGM+23+1+9", "CNI+1", "STS+1+I::87", "DTM+334:202611201259:203", "EQD+CN+MSKU1234565")
    )

    assert told_by(read({"statuses": WHOLE["statuses"]}), document).types() == ["container.dropped_off"]


def test_a_profile_names_zones_facilities_references_and_times() -> None:
    segments = [each.replace("ECTDDE:TER:306", "ECTDDE:TER:ZZZ") for each in GATE_IN]
    segments.insert(7, "RFF+ZZZ:OWN-1")
    profile = read({name: WHOLE[name] for name in ("time_zone", "zones", "references", "facilities")})

    data = told_by(profile, interchange(message("CODECO", *segments))).data()

    assert data["occurred_at"] == "2026-11-20T12:59:00+01:00"
    assert data["references"] == [{"scheme": "booking", "value": "OWN-1"}]
    assert data["place"] == {"unlocode": "NLRTM", "facility_code": "ECTDDE", "facility_list": "SMDG", "name": "Delta"}


def test_a_zone_of_the_profile_counts_before_the_one_agreed() -> None:
    event = told_by(read({"time_zone": "America/New_York"}), interchange(message("CODECO", *GATE_IN))).items[0].event

    assert event is not None
    assert (event["time"], event["data"]["occurred_at"]) == ("2026-11-22T10:00:00-05:00", "2026-11-20T12:59:00-05:00")


def test_a_tolerated_fault_of_the_envelope_is_a_warning() -> None:
    document = interchange(message("CODECO", *GATE_IN, trailer="UNT+99+1"))

    assert told(document).verdicts == ["REJECTED"]
    assert told_by(read({"tolerated": WHOLE["tolerated"]}), document).verdicts == ["ACCEPTED"]
