"""What messages become: type, time, place, subjects, and the events that lie beside."""

from __future__ import annotations

import pytest

from schemas.faults import FAULTS
from schemas.translate.edifact import Profile
from schemas.translate.edifact.codes import Meaning
from schemas.translate.item import Context
from tests.edifact import GATE_IN, LOADED, Told, interchange, message, told, told_by


def gate(*changes: tuple[str, str]) -> bytes:
    """The gate-in with segments changed; one changed into nothing is left out."""
    segments = list(GATE_IN)
    for old, new in changes:
        segments = [new if each == old else each for each in segments]
    return interchange(message("CODECO", *filter(None, segments)))


def test_a_gate_move_has_the_container_facility_time_haulage_mass_and_seals_of_its_segments() -> None:
    told_ = told(gate())
    data = told_.data()
    extension = data.pop("extensions")["edifact"]  # type: ignore[index]

    assert (told_.verdicts, told_.types(), told_.codes()) == (["ACCEPTED"], ["container.gate_in"], set())
    assert data == {
        "occurred_at": "2026-11-20T12:59:00+01:00",
        "time_zone_source": "ASSUMED",
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}],
        "references": [{"scheme": "booking", "value": "3048413690"}],
        "place": {"unlocode": "NLRTM", "facility_code": "ECTDDE", "facility_list": "SMDG"},
        "empty": False,
        "size_type": "22G1",
        "weighed_mass_kg": 21430.5,
        "seals": [{"number": "OOLAYJ9379", "source": "SHI"}],
        "transport": {"mode": "ROAD", "means": {"scheme": "vehicle_plate", "value": "CXL590"}},
    }
    assert extension["interchange"] == {"sender": "TERM", "recipient": "LINE", "reference": "R1"}
    assert extension["segments"][0] == "UNH+1+CODECO:D:95B:UN"


def test_the_event_was_made_when_the_interchange_was_prepared_unless_the_message_says() -> None:
    said = told(gate(("NAD+CF+OOL:160:166", "DTM+137:202611210800:203")))

    assert told(gate()).items[0].event["time"] == "2026-11-22T10:00:00+01:00"  # type: ignore[index]
    assert said.items[0].event["time"] == "2026-11-21T08:00:00+01:00"  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "segments", "code", "expected"),
    [
        ("CODECO", GATE_IN, "34", "container.gate_in"),
        *(("CODECO", GATE_IN, code, "container.gate_out") for code in ("35", "36")),
        *(("COARRI", LOADED, code, "container.loaded") for code in ("46", "270")),
        *(("COARRI", LOADED, code, "container.discharged") for code in ("44", "98")),
        ("COPARN", GATE_IN, "11", "container.dropped_off"),
        ("COPARN", GATE_IN, "12", "container.picked_up"),
    ],
)  # fmt: skip
def test_the_document_name_says_what_happened(kind: str, segments: tuple[str, ...], code: str, expected: str) -> None:
    told_ = told(interchange(message(kind, f"BGM+{code}+1+9", *segments[1:])))

    assert (told_.types(), told_.verdicts) == ([expected], ["ACCEPTED"])


def test_an_unknown_document_name_is_told_and_its_events_are_not_shared() -> None:
    told_ = told(gate(("BGM+34+MOVES-1+9", "BGM+MEI+1+9")))

    assert (told_.verdicts, told_.types(), told_.codes()) == (["NOT_SHARED"], ["goods.observed"], {"CODE_UNMAPPED"})


def test_a_loading_is_onto_the_vessel_of_the_head_at_the_port_of_loading() -> None:
    data = told(interchange(message("COARRI", *LOADED))).data()

    assert data["place"] == {"unlocode": "NLRTM"}
    assert data["transport"] == {
        "mode": "MARITIME",
        "means": {"scheme": "imo", "value": "9074729"},
        "name": "MAGNAVIA",
        "voyage": "055N",
    }
    assert {"scheme": "imo", "value": "9074729"} in data["references"]  # type: ignore[operator]


def test_each_container_is_an_event_with_the_number_of_its_group() -> None:
    second = tuple(each.replace("MSKU1234565", "CSQU3054383") for each in GATE_IN[3:-1])

    told_ = told(interchange(message("CODECO", *GATE_IN[:-1], *second, "CNT+16:2")))

    assert [each.id for each in told_.items] == ["TERM:R1:1:1", "TERM:R1:1:2"]
    assert [each.place for each in told_.items] == ["message 1, segment 5 (EQD)", "message 1, segment 13 (EQD)"]
    assert told_.data(1)["subjects"] == [{"scheme": "iso6346", "value": "CSQU3054383"}]


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("EQD+CN+MSKU1234565+22G1:102:5++2+5", "EQD+CN++22G1:102:5++2+5", "ELEMENT_MISSING", "5 (EQD), element 2.1"),
        ("EQD+CN+MSKU1234565+22G1:102:5++2+5", "EQD+CH+X+22G1", "VALUE_NOT_ALLOWED", "5 (EQD), element 1"),
        ("EQD+CN+MSKU1234565+22G1:102:5++2+5", "EQD+CN+MSKU12", "IDENTIFIER_MALFORMED", "5 (EQD), element 2.1"),
        ("EQD+CN+MSKU1234565+22G1:102:5++2+5", "EQD+CN+MSKU1234566", "CHECK_DIGIT_WRONG", "5 (EQD), element 2.1"),
        ("DTM+7:202611201259:203", "", "SEGMENT_MISSING", "5 (EQD)"),
        ("DTM+7:202611201259:203", "DTM+7:20261120:203", "DTM_INVALID", "7 (DTM), element 1.2"),
        ("DTM+7:202611201259:203", "DTM+7:202613201259:203", "DTM_INVALID", "7 (DTM), element 1.2"),
        ("DTM+7:202611201259:203", "DTM+7:202711201259:203", "TIME_IN_FUTURE", "7 (DTM), element 1.2"),
        (GATE_IN[7], "LOC+165+ROTTERDAM:139:6", "IDENTIFIER_MALFORMED", "9 (LOC), element 2.1"),
        ("MEA+AAE+VGM+KGM:21430,5", "MEA+AAE+VGM+KGM:heavy", "VALUE_MALFORMED", "10 (MEA), element 3.2"),
        ("MEA+AAE+VGM+KGM:21430,5", "MEA+AAE+VGM+STN:12", "VALUE_NOT_ALLOWED", "10 (MEA), element 3.1"),
        ("SEL+OOLAYJ9379+SH+1", "SEL+*###*+SH", "VALUE_MALFORMED", "11 (SEL), element 1"),
        ("BGM+34+MOVES-1+9", "DTM+137:202611221000:203", "SEGMENT_MISSING", ""),
    ],
)  # fmt: skip
def test_a_fault_is_at_its_segment_and_element(old: str, new: str, code: str, place: str) -> None:
    faults = told(gate((old, new))).judged[0].faults

    assert (code, f"message 1, segment {place}" if place else "message 1") in {
        (each.code, each.place) for each in faults
    }


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("202607201259:203", "Europe/Amsterdam", "2026-07-20T12:59:00+02:00"),
        ("2607201259:201", "Asia/Singapore", "2026-07-20T12:59:00+08:00"),
        ("20260720125930:204", "UTC", "2026-07-20T12:59:30Z"),
        ("202607202400:203", "UTC", "2026-07-21T00:00:00Z"),
        ("202607201259UTC:303", None, "2026-07-20T12:59:00Z"),
        ("202607201259CET:303", None, "2026-07-20T12:59:00+01:00"),
        ("202607201259+0530:205", None, "2026-07-20T12:59:00+05:30"),
        ("202607201259-03:303", None, "2026-07-20T12:59:00-03:00"),
        ("202607201259", "UTC", "2026-07-20T12:59:00Z"),
    ],
)
def test_a_time_has_the_zone_that_it_states_or_the_one_agreed(value: str, zone: str | None, expected: str) -> None:
    document = gate(("DTM+7:202611201259:203", f"DTM+7:{value.replace('+', '?+')}"))

    data = told(document, Context(time_zone=zone)).data()

    assert data["occurred_at"] == expected
    assert ("time_zone_source" in data) == (zone is not None)


@pytest.mark.parametrize(
    ("value", "zone", "code"),
    [
        ("202603290230:203", "Europe/Amsterdam", "DTM_INVALID"),
        ("202610250230:203", "Europe/Amsterdam", "TIME_TWICE"),
        ("20261120:102", "Europe/Amsterdam", "TIME_OF_DAY_MISSING"),
        ("202611201259:203", None, "DTM_ZONE_MISSING"),
        ("202611201259IST:303", "Europe/Amsterdam", "DTM_ZONE_MISSING"),
        ("202611201259:999", "Europe/Amsterdam", "DTM_INVALID"),
    ],
)
def test_a_time_that_is_no_instant_or_may_be_two_is_told(value: str, zone: str | None, code: str) -> None:
    told_ = told(gate(("DTM+7:202611201259:203", f"DTM+7:{value}")), Context(time_zone=zone))

    assert code in told_.codes()
    assert told_.verdicts == ["ACCEPTED" if code in ("TIME_TWICE", "TIME_OF_DAY_MISSING") else "REJECTED"]


def test_an_hour_that_is_there_twice_is_the_first() -> None:
    data = told(gate(("DTM+7:202611201259:203", "DTM+7:202610250230:203"))).data()

    assert data["occurred_at"] == "2026-10-25T02:30:00+02:00"


def test_damage_a_broken_seal_a_set_temperature_and_stuffing_are_events_beside_the_move() -> None:
    more = (
        "SEL+OOLAYJ9379+SH+2",
        "DAM+1+DEN:ZZZ::DENT+LEFT:ZZZ::LEFT+MIN:ZZZ",
        "TMP+2+-18:CEL",
        "DTM+798:202611190800:203",
    )

    told_ = told(interchange(message("CODECO", *GATE_IN[:9], *more, *GATE_IN[10:])))

    assert told_.types() == [
        "container.gate_in", "seal.broken", "discrepancy.reported", "sensor.temperature", "container.stuffed",
    ]  # fmt: skip
    assert told_.verdicts == ["ACCEPTED"] * 5
    assert [each.id.rpartition(":")[2] for each in told_.items] == [
        "1",
        "1.seal1",
        "1.damage",
        "1.temperature",
        "1.stuffed",
    ]
    assert (told_.data(1)["finding"], told_.data(2)["found"]) == ("BROKEN", {"description": "DENT, LEFT, MIN"})
    assert told_.data(3)["measurements"] == [{"value": -18.0, "unit": "CEL", "kind": "SET_POINT"}]
    assert told_.data(4)["occurred_at"] == "2026-11-19T08:00:00+01:00"


STATUS = (
    "BGM+23+S-1+9", "DTM+137:202611211000:203", "NAD+CA+OOLU:160:182", "RFF+BM:OOLU999", "CNI+1", "STS+1+{}",
    "RFF+BN:3048413690", "DTM+334:202611201259:203", "LOC+175+NLRTM:139:6",
    "TDT+20+055N+1++OOLU:172:182+++9074729:146:11:MAGNAVIA",
    "LOC+11+USNYC:139:6", "DTM+132:202612010000:203", "EQD+CN+MSKU1234565+42G1:102:5+++5",
)  # fmt: skip


def status(code: str) -> bytes:
    return interchange(message("IFTSTA", *(each.format(code) for each in STATUS)))


@pytest.mark.parametrize(
    ("code", "kind", "time_kind"),
    [
        ("VD::22", "transport.departed", "ACTUAL"), ("VA", "transport.arrived", "ACTUAL"),
        ("AE", "container.loaded", "ACTUAL"), ("UV", "container.discharged", "ACTUAL"),
        ("I", "container.gate_in", "ACTUAL"), ("OA", "container.gate_out", "ACTUAL"),
        ("E", "transport.arrived", "ESTIMATED"), ("CT", "control.released", "ACTUAL"), ("PA", "control.held", "ACTUAL"),
        ("24::6", "transport.departed", "ACTUAL"), ("RD", "container.gate_in", "ACTUAL"),
        ("12::6", "control.released", "ACTUAL"), ("25", "transport.delayed", "ESTIMATED"),
        ("6", "booking.confirmed", "ACTUAL"), ("29", "container.discharged", "ACTUAL"),
    ],
)  # fmt: skip
def test_a_status_says_what_happened(code: str, kind: str, time_kind: str) -> None:
    told_ = told(status(code))

    assert (told_.types(), told_.verdicts) == ([kind], ["ACCEPTED"])
    assert told_.data()["time_kind"] == time_kind
    assert told_.data()["occurred_at"] == "2026-11-20T12:59:00+01:00"


def test_a_departure_is_about_the_vessel_and_refers_to_container_booking_and_bill() -> None:
    data = told(status("VD")).data()

    assert data["subjects"] == [{"scheme": "imo", "value": "9074729"}]
    assert [each["scheme"] for each in data["references"]] == ["iso6346", "booking", "bill_of_lading"]  # type: ignore[attr-defined]


def test_a_code_of_the_carriers_own_means_nothing_without_a_profile() -> None:
    told_ = told(status("I::87:DELIVERED"))

    assert (told_.verdicts, told_.data()["remarks"]) == (["NOT_SHARED"], "DELIVERED")


def test_a_figure_of_x12_is_not_one_of_recommendation_24() -> None:
    assert told(status("1::116")).codes() == {"CODE_UNMAPPED"}


def test_each_status_of_each_consignment_is_an_event() -> None:
    first, more = [each.format("I") for each in STATUS], (*STATUS[6:9], STATUS[-1])

    told_ = told(interchange(message("IFTSTA", *first, "STS+1+OA", *more, "CNI+2", "STS+1+I", *more)))

    assert told_.types() == ["container.gate_in", "container.gate_out", "container.gate_in"]
    assert [each.id.rpartition(":")[2] for each in told_.items] == ["1", "2", "3"]


def test_an_order_for_containers_without_numbers_is_about_the_booking_and_not_shared() -> None:
    told_ = told(
        interchange(
            message("COPARN", "BGM+12+1+9", "EQD+CN++45G1:102:5+2+2+4", "RFF+BN:204549739", "DTM+201:202611210000:203")
        )
    )

    assert (told_.verdicts, told_.types()) == (["NOT_SHARED"], ["goods.observed"])
    assert told_.data()["subjects"] == [{"scheme": "booking", "value": "204549739"}]
    assert told_.data()["time_kind"] == "REQUESTED"


def test_an_order_taken_back_is_a_cancelled_booking() -> None:
    segments = (
        "BGM+12+1+1",
        "DTM+137:202611221000:203",
        "RFF+BN:204549739",
        "NAD+CA+MAEU:172:182",
        "EQD+CN++45G1:102:5",
    )

    told_ = told(interchange(message("COPARN", *segments)))

    assert (told_.verdicts, told_.types()) == (["ACCEPTED"], ["booking.cancelled"])
    assert told_.data()["carrier"] == {"identifiers": [{"scheme": "scac", "value": "MAEU"}]}


def test_a_cancellation_that_names_nothing_is_refused_and_a_replacement_is_warned_of() -> None:
    cancelled, replaced = (told(gate(("BGM+34+MOVES-1+9", f"BGM+34+MOVES-1+{function}"))) for function in "15")

    assert (cancelled.verdicts, cancelled.codes()) == (["REJECTED"], {"CANCELLED_NOT_NAMED"})
    assert (replaced.verdicts, replaced.codes()) == (["ACCEPTED"], {"REPLACED_NOT_NAMED"})


def test_where_document_numbers_name_events_a_cancellation_is_a_version_that_retracts() -> None:
    profile = Profile(identity="document")
    functions = [gate(("BGM+34+MOVES-1+9", f"BGM+34+MOVES-1+{function}")) for function in "951"]

    first, replaced, cancelled = (told_by(profile, each) for each in functions)

    assert {each.items[0].id for each in (first, replaced, cancelled)} == {"TERM:CODECO:MOVES-1:MSKU1234565"}
    assert cancelled.types() == ["event.retracted"]
    assert cancelled.data()["retracts"] == {"source": "edifact", "id": "TERM:CODECO:MOVES-1:MSKU1234565"}
    assert [each.data().get("updated_at") for each in (first, replaced)] == [None, "2026-11-22T10:00:00+01:00"]
    assert [each.verdicts for each in (first, replaced, cancelled)] == [["ACCEPTED"]] * 3


def test_the_calls_of_a_schedule_are_estimated_arrivals_and_departures() -> None:
    told_ = told(
        interchange(
            message(
                "IFTSAI",
                "BGM+TS2+1+9",
                "TDT+20+905W+1++:172+++9074729:146::MADISON",
                "LOC+9+NLRTM:139:6",
                "DTM+132:202611250711:203",
                "DTM+133:202611261505:203",
                "LOC+94+CNTAO:139:6",
                "DTM+186:202611010215:203",
            )
        )
    )

    assert told_.types() == ["transport.arrived", "transport.departed", "transport.departed"]
    assert [told_.data(n)["time_kind"] for n in range(3)] == ["ESTIMATED", "ESTIMATED", "ACTUAL"]
    assert told_.verdicts == ["ACCEPTED"] * 3
    assert [each.id.rpartition(":")[2] for each in told_.items] == ["1.132", "1.133", "2.186"]


def test_a_cargo_report_is_a_filing_for_each_consignment() -> None:
    head = (
        "BGM+85+DOC1+9",
        "DTM+137:202611210852:203",
        "TDT+20+T1+1++OOLU:172:182+++9074729:146::SHIP",
        "LOC+60+GBPME:139:6",
    )
    one = (
        "CNI+1+BL1",
        "RFF+BM:BL1",
        "LOC+9+CRMOB:139:6",
        "NAD+CZ++A PERSON",
        "NAD+CN++B PERSON",
        "GID+1+60:CT",
        "FTX+AAA+++TAPS",
        "MEA+AAE+G+KGM:640",
        "CST++848180",
        "SGP+MSKU1234565+60",
    )
    profile = Profile(filing_kind="ENS")

    told_ = told_by(profile, interchange(message("CUSCAR", *head, *one, *one[:1])))

    assert (told_.verdicts, told_.types()) == (["ACCEPTED"] * 2, ["filing.pre_loading"] * 2)
    assert told_.codes() == set()
    assert told_.data()["filing"] == {"country": "GB", "kind": "ENS", "reference": "DOC1"}
    assert told_.data()["goods"] == [
        {"pieces": 60, "package_type": "CT", "description": "TAPS", "gross_mass_kg": 640.0, "hs": "848180"}
    ]
    assert [each["value"] for each in told_.data()["subjects"]] == ["BL1", "MSKU1234565"]  # type: ignore[index]


def test_a_gate_move_without_a_place_of_its_own_is_at_the_terminal_of_the_head() -> None:
    told_ = told(gate((GATE_IN[7], ""), ("NAD+CF+OOL:160:166", "LOC+9+THLCH:139:6+LCIT:TER:306")))

    assert told_.data()["place"] == {"unlocode": "THLCH", "facility_code": "LCIT", "facility_list": "SMDG"}


def test_a_delivery_of_a_parcel_is_no_move_of_a_container() -> None:
    segments = ("BGM+77+1+9", "CNI+1", "STS+1+21", "DTM+78:202611201259:203", "PCI+30+370726206369762060")

    told_ = told(interchange(message("IFTSTA", *segments)))

    assert (told_.verdicts, told_.types()) == (["NOT_SHARED"], ["goods.observed"])
    assert told_.data()["subjects"] == [{"scheme": "sscc", "value": "370726206369762060"}]


SEAL_STATUSES = {"S": Meaning("seal.applied"), "C": Meaning("seal.changed"), "B": Meaning("seal.broken")}


def sealing(code: str, *seals: str) -> Told:
    segments = (each.replace("{}", f"{code}::87") for each in (*STATUS, *seals))
    return told_by(Profile(statuses=SEAL_STATUSES), interchange(message("IFTSTA", *segments)))


def test_a_status_that_means_it_says_that_seals_were_applied_and_by_whom() -> None:
    told_ = sealing("S", "SEL+NEW123+CA+1", "SEL+NEW124+TO:::Delta Terminal", "SEL+OLD999+SH+3")

    assert told_.types() == ["seal.applied", "seal.broken", "seal.applied"]
    assert told_.verdicts == ["ACCEPTED"] * 3
    assert told_.data(0)["seal"] == {"number": "NEW123", "source": "CAR"}
    assert told_.data(0)["applied_by"] == {"identifiers": [{"scheme": "scac", "value": "OOLU"}]}
    assert (told_.data(2)["seal"], told_.data(2)["applied_by"]) == (
        {"number": "NEW124", "source": "TER"},
        {"name": "Delta Terminal"},
    )


def test_a_changed_seal_is_the_one_that_was_hurt_and_the_one_that_is_whole() -> None:
    told_ = sealing("C", "SEL+NEW123+CA+1", "SEL+OLD999+SH+4", "FTX+AAI+++Cut for inspection")

    assert (told_.types(), told_.verdicts) == (["seal.changed"], ["ACCEPTED"])
    assert told_.data()["seal_before"] == {"number": "OLD999", "source": "SHI"}
    assert told_.data()["seal_after"] == {"number": "NEW123", "source": "CAR"}
    assert told_.data()["reason"] == {"text": "Cut for inspection"}


def test_which_of_two_whole_seals_was_there_before_is_not_guessed() -> None:
    told_ = sealing("C", "SEL+NEW123+CA+1", "SEL+OLD999+SH+1")

    assert told_.codes() == {"FACT_NOT_CARRIED"}
    assert {"seal_before", "seal_after"}.isdisjoint(told_.data())


def test_a_status_of_broken_seals_is_one_event_for_each_of_them() -> None:
    told_ = sealing("B", "SEL+OLD998+SH+4", "SEL+OLD999+SH+3", "SEL+NEW123+CA+1")

    assert told_.types() == ["seal.broken"] * 2
    assert [told_.data(n)["finding"] for n in (0, 1)] == ["BROKEN", "MISSING"]


def test_the_seals_of_a_move_are_members_of_it_and_no_events() -> None:
    document = interchange(message("CODECO", *GATE_IN[:10], "SEL+NIL+CA", "SEL+CON1+AA", *GATE_IN[10:]))

    assert told(document).types() == ["container.gate_in"]
    assert told(document).data()["seals"] == [
        {"number": "OOLAYJ9379", "source": "SHI"},
        {"number": "CON1", "source": "CNS"},
    ]


def timed(text: str, context: Context | None = None) -> Told:
    return told(gate(("DTM+7:202611201259:203", f"DTM+7:{text}")), context)


@pytest.mark.parametrize("text", ["20261120083000+0800:304", "202611200830+01:203", "202611201259:203:X:Y"])
def test_a_time_that_a_separator_tore_apart_is_refused_at_the_element_too_many(text: str) -> None:
    told_ = timed(text)

    assert (told_.verdicts, told_.codes()) == (["REJECTED"], {"ELEMENT_SURPLUS"})


def test_a_surplus_of_a_text_is_a_warning_and_separators_at_the_end_are_none() -> None:
    surplus, blank = (told(gate((GATE_IN[2], each))) for each in ("FTX+AAI+++a:b:c:d:e:f", "NAD+CF+OOL::++++++++++"))

    assert (surplus.verdicts, surplus.codes()) == (["ACCEPTED"], {"ELEMENT_LEFT_OUT"})
    assert blank.codes() == set()


@pytest.mark.parametrize(
    "text", ["20261120083000:304", "202611200830:303", "2026112008:203", "20261120083000?+1:304", "20261120:203"]
)
def test_a_time_that_has_not_the_full_length_of_its_format_is_one_fault(text: str) -> None:
    told_ = timed(text)

    assert (told_.verdicts, told_.codes()) == (["REJECTED"], {"DTM_INVALID"})


def test_a_time_without_a_zone_is_told_in_words_of_edifact_and_once() -> None:
    told_ = timed("202611201259:203", Context())

    assert [each.code for each in told_.judged[0].faults] == ["DTM_ZONE_MISSING"]
    assert "format 303 or 304" in FAULTS["DTM_ZONE_MISSING"].fix


@pytest.mark.parametrize(
    ("total", "codes"), [("16:1", set()), ("16:01", set()), ("1:5", set()), ("16:5", {"TOTAL_WRONG"})]
)
def test_a_control_total_of_containers_that_counts_other_than_the_message_has_is_told(
    total: str, codes: set[str]
) -> None:
    told_ = told(gate(("CNT+16:1", f"CNT+{total}")))

    assert (told_.verdicts, told_.codes()) == (["ACCEPTED"], codes)


def test_a_wrong_total_is_told_at_its_segment() -> None:
    assert told(gate(("CNT+16:1", "CNT+16:2"))).judged[0].faults[0].place == "message 1, segment 13 (CNT), element 1.2"
