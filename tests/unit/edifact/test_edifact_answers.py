"""CONTRL and APERAK: valid EDIFACT, back to the sender, with each fault at its segment."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.translate.edifact import Profile
from schemas.translate.edifact.answers import Result, aperak, contrl, result_of
from schemas.translate.edifact.envelope import Envelopes
from schemas.translate.edifact.syntax import opened
from schemas.translate.item import Context
from tests.edifact import GATE_IN, interchange, message, told, told_by

MADE = datetime(2026, 11, 22, 9, 45, tzinfo=UTC)
GOOD = message("CODECO", *GATE_IN, reference="2")


def answer_of(document: bytes, *, application: bool = False) -> list[str]:
    results = [result_of(each) for each in told(document).judged]
    written = (aperak if application else contrl)(document, results, made=MADE, reference="A1")
    return written.decode("latin-1").split("'")


def faults_of_envelope(document: bytes) -> list[object]:
    envelopes = Envelopes(opened(document), {}, 1_000)
    envelopes.read()
    return [each for message in envelopes.messages for each in (*message.interchange.faults, *message.faults)]


def test_an_interchange_that_was_understood_is_acknowledged_to_its_sender() -> None:
    assert answer_of(interchange(GOOD)) == [
        "UNA:+.? ", "UNB+UNOC:3+LINE+TERM+261122:0945+A1", "UNH+1+CONTRL:D:3:UN", "UCI+R1+TERM+LINE+7",
        "UCM+2+CODECO:D:95B:UN+7", "UNT+4+1", "UNZ+1+A1", "",
    ]  # fmt: skip


def test_a_message_with_a_wrong_count_is_rejected_at_its_segment_and_element() -> None:
    said = answer_of(interchange(message("CODECO", *GATE_IN, trailer="UNT+99+1"), GOOD))

    assert said[4:8] == ["UCM+1+CODECO:D:95B:UN+4+29", "UCS+14", "UCD+29+2", "UCM+2+CODECO:D:95B:UN+7"]


def test_what_is_wrong_with_the_facts_is_no_matter_of_syntax() -> None:
    document = interchange(message("CODECO", *(each.replace("2026112012", "2026113012") for each in GATE_IN)))

    assert answer_of(document)[4] == "UCM+1+CODECO:D:95B:UN+7"
    said = answer_of(document, application=True)
    assert said[3] == "BGM+313+A1-1+27"
    assert said[10].startswith("FTX+AAO+++ERROR TIME_IN_FUTURE:message 1, segment 7 (DTM), element 1.2:")


def test_a_whole_message_without_faults_is_accepted_by_the_application() -> None:
    assert answer_of(interchange(GOOD), application=True)[2:9] == [
        "UNH+1+APERAK:D:00B:UN", "BGM+312+A1-1+29", "DTM+137:202611220945UTC:303", "RFF+ACW:2", "RFF+ACE:R1",
        "NAD+MS+LINE", "NAD+MR+TERM",
    ]  # fmt: skip


def test_an_unknown_sender_rejects_the_interchange() -> None:
    wrong = told(interchange(GOOD)).judged[0].item.place
    fault = told(interchange(GOOD).replace(b"+R1'\n", b"+R1++++++1'\n")).judged[0].faults

    said = contrl(interchange(GOOD), [Result(wrong, True, fault)], made=MADE, reference="A1").decode()

    assert "UCI+R1+TERM+LINE+4+25+UNB+12'UNT+3+1'" in said


@pytest.mark.parametrize(
    ("profile", "error"),
    [
        (Profile(sender_qualifiers=frozenset({"14"})), "14+UNB+3:2"),
        (Profile(recipients=frozenset({"CUSTOMS"})), "7+UNB+4:1"),
        (Profile(recipient_qualifiers=frozenset({"ZZZ"})), "14+UNB+4:2"),
    ],
)
def test_a_party_other_than_agreed_rejects_the_interchange_at_its_element(profile: Profile, error: str) -> None:
    results = [result_of(each) for each in told_by(profile, interchange(GOOD)).judged]

    said = contrl(interchange(GOOD), results, made=MADE, reference="A1").decode()

    assert f"UCI+R1+TERM+LINE+4+{error}'UNT+3+1'" in said


def test_an_answer_of_the_application_speaks_french_when_asked_for() -> None:
    document = interchange(message("CODECO", *(each.replace("2026112012", "2026113012") for each in GATE_IN)))
    results = [result_of(each) for each in told(document).judged]

    written = aperak(document, results, made=MADE, reference="A1", language="fr").decode("latin-1")

    assert ":Un fait annoncé comme accompli se situe dans le futur.:trouvé 2026-11-30T12?:59" in written
    assert ":attendu pas plus de 10 minutes après maintenant'" in written


def test_an_interchange_without_a_header_has_no_one_to_be_answered() -> None:
    assert answer_of(GOOD.encode()) == [""]


def test_what_is_refused_for_no_fault_of_the_document_is_told_with_the_reason() -> None:
    refused = [Result("message 1, segment 5 (EQD)", True, (), "NOT_PERMITTED: not agreed")] * 2

    said = aperak(interchange(GOOD), refused, made=MADE, reference="A1").decode().split("'")

    assert said[3] == "BGM+313+A1-1+27"
    assert said[9:11] == ["ERC+18", "FTX+AAO+++NOT_PERMITTED?: not agreed"]
    assert said[11].startswith("UNT")


def test_each_interchange_of_a_file_is_answered() -> None:
    said = answer_of(interchange(GOOD) + interchange(GOOD, sender="DEPOT"))

    assert [each for each in said if each.startswith("UNB")] == [
        "UNB+UNOC:3+LINE+TERM+261122:0945+A1",
        "UNB+UNOC:3+LINE+DEPOT+261122:0945+A1-2",
    ]


def test_what_stands_outside_of_every_interchange_is_told_to_the_sender_of_the_one_before_it() -> None:
    document = interchange(GOOD) + b"garbage'" + message("CODECO", *GATE_IN, reference="7").encode()

    syntax, application = answer_of(document), answer_of(document, application=True)

    assert [each[:6] for each in syntax if each.startswith("UCM")] == ["UCM+2+", "UCM+7+"]
    assert [each[-2:] for each in application if each.startswith("BGM")] == ["29", "27", "29"]
    assert any(each.startswith("FTX+AAO+++ERROR SEGMENT_STRAY:message 2, segment 1 (gar):") for each in application)
    assert [each for each in application if each.startswith("RFF")] == ["RFF+ACW:2", "RFF+ACE:R1", "RFF+ACW:7"]


def test_what_is_wrong_with_the_sender_of_a_stray_message_rejects_no_interchange() -> None:
    document = message("CODECO", *GATE_IN, reference="7").encode() + b"UNZ+1+X'" + interchange(GOOD)
    context = Context(time_zone="Europe/Amsterdam", edi_senders=frozenset({"TERM"}))

    said = contrl(document, map(result_of, told(document, context).judged), made=MADE, reference="A1").decode()

    assert "UCI+R1+TERM+LINE+7'" in said


def said_of(results: list[Result], *, application: bool) -> list[str]:
    document = interchange(message("CODECO", *GATE_IN), GOOD)
    written = (aperak if application else contrl)(document, results, made=MADE, reference="A1")
    return written.decode("latin-1").split("'")


def test_a_file_that_was_refused_whole_is_refused_in_every_message() -> None:
    whole = [Result("", True, (), "TOO_MANY_ITEMS: at most 1000 events")]

    syntax, application = said_of(whole, application=False), said_of(whole, application=True)

    assert syntax[3:5] == ["UCI+R1+TERM+LINE+4+18", "UNT+3+1"]
    assert [each[-2:] for each in application if each.startswith("BGM")] == ["27", "27"]
    assert application.count("FTX+AAO+++TOO_MANY_ITEMS?: at most 1000 events") == 2


def test_no_result_never_reads_as_accepted() -> None:
    assert said_of([], application=False)[3] == "UCI+R1+TERM+LINE+4+18"
    assert [each[-2:] for each in said_of([], application=True) if each.startswith("BGM")] == ["27", "27"]


def test_a_message_without_a_result_is_refused_beside_one_that_has_it() -> None:
    one = [Result("message 1, segment 5 (EQD)", False, ())]

    assert said_of(one, application=False)[4:6] == ["UCM+1+CODECO:D:95B:UN+7", "UCM+2+CODECO:D:95B:UN+4+18"]
    assert [each[-2:] for each in said_of(one, application=True) if each.startswith("BGM")] == ["29", "27"]


@pytest.mark.parametrize("application", [False, True])
@settings(max_examples=200)
@given(sender=st.text(max_size=40), reference=st.text(max_size=40), text=st.text(max_size=60))
def test_an_answer_is_valid_whatever_was_sent(sender: str, reference: str, text: str, application: bool) -> None:
    sender, reference, text = (re.sub(r"([+:?'])", r"?\1", each) for each in (sender, reference, text))
    segments = ("BGM+34+1+9", f"EQD+CN+{text}", f"DTM+7:{text}:203")
    document = f"UNB+UNOY:4+{sender}+LINE+261122:1000+{reference}'{message('CODECO', *segments, reference=reference)}"
    results = [Result("message 1, segment 3 (EQD)", True, told(document.encode("utf-8", "replace")).judged[0].faults)]

    answer = (aperak if application else contrl)(document.encode("utf-8", "replace"), results, made=MADE, reference="A")

    assert faults_of_envelope(answer) == []
