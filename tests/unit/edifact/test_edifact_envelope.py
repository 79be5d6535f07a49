"""The envelope: what is wrong with it is told of the message that it breaks, and no other is lost."""

from __future__ import annotations

import orjson
import pytest

from schemas.faults import Fault
from schemas.translate.edifact import Profile, read_profile, translate
from schemas.translate.item import Context
from tests.edifact import GATE_IN, interchange, message, told, told_by

GOOD = message("CODECO", *GATE_IN, reference="2")


def faults_of(document: bytes, index: int = 0) -> list[tuple[str, str, str]]:
    return [(each.code, each.place, each.severity.value) for each in told(document).judged[index].faults]


@pytest.mark.parametrize(
    ("trailer", "fault"),
    [
        ("UNT+99+1", ("SEGMENT_COUNT_WRONG", "message 1, segment 14 (UNT), element 1", "ERROR")),
        ("UNT+14+7", ("TRAILER_REFERENCE_WRONG", "message 1, segment 14 (UNT), element 2", "ERROR")),
        ("", ("MESSAGE_INCOMPLETE", "message 1, segment 14 (UNT)", "ERROR")),
    ],
)
def test_a_message_with_a_wrong_trailer_is_refused_while_the_next_passes(
    trailer: str, fault: tuple[str, str, str]
) -> None:
    document = interchange(message("CODECO", *GATE_IN, trailer=trailer), GOOD)

    assert told(document).verdicts == ["REJECTED", "ACCEPTED"]
    assert faults_of(document) == [fault]


@pytest.mark.parametrize(
    ("trailer", "fault"),
    [
        ("", ("ENVELOPE_SEGMENT_MISSING", "interchange 1 (UNZ)", "WARNING")),
        ("UNZ+3+R1'", ("ENVELOPE_COUNT_WRONG", "interchange 1 (UNZ), element 1", "WARNING")),
        ("UNZ+1+R2'", ("ENVELOPE_REFERENCE_WRONG", "interchange 1 (UNZ), element 2", "WARNING")),
    ],
)
def test_a_wrong_interchange_trailer_is_a_warning_to_each_message_in_it(
    trailer: str, fault: tuple[str, str, str]
) -> None:
    assert faults_of(interchange(GOOD, trailer=trailer)) == [fault]
    assert told(interchange(GOOD, trailer=trailer)).verdicts == ["ACCEPTED"]


def test_messages_without_an_interchange_are_known_by_their_content() -> None:
    told_ = told(GOOD.encode())

    assert told_.verdicts == ["ACCEPTED"]
    assert told_.items[0].id.startswith("sha256:")
    assert (
        told_.items[0].id == told(GOOD.encode()).items[0].id != told(GOOD.replace("22G1", "45G1").encode()).items[0].id
    )


def test_groups_count_and_name_their_messages() -> None:
    group = f"UNG+CODECO+A+B+261122:1000+G1+UN+D:95B'{GOOD}UNE+1+G1'"
    document = f"UNB+UNOA:2+TERM+LINE+261122:1000+R1'{group}UNZ+1+R1'".encode()

    assert (told(document).codes(), told(document).items[0].id) == (set(), "TERM:R1:G1/2:1")
    assert told(document.replace(b"UNE+1+G1", b"UNE+2+G9")).codes() == {
        "ENVELOPE_COUNT_WRONG",
        "ENVELOPE_REFERENCE_WRONG",
    }


def test_a_broken_off_interchange_does_not_hide_the_next() -> None:
    first = interchange(message("CODECO", *GATE_IN[:4], trailer=""), trailer="")

    told_ = told(first + interchange(GOOD, reference="R2"))

    assert told_.verdicts == ["REJECTED", "ACCEPTED"]
    assert told_.items[1].id == "TERM:R2:2:1"


@pytest.mark.parametrize("stray", ["HELLO+1'", "BGM+34'LOC+9'", "UNT+1+1'"])
def test_segments_in_no_message_are_told_once_and_cost_no_message(stray: str) -> None:
    told_ = told(interchange(stray, GOOD, trailer="UNZ+1+R1'"))

    assert told_.verdicts == ["REJECTED", "ACCEPTED"]
    assert "SEGMENT_STRAY" in told_.codes()


def test_a_reference_used_again_for_other_content_is_refused_and_the_same_content_is_a_repeat() -> None:
    other = GOOD.replace("MSKU1234565", "CSQU3054383")

    told_ = told(interchange(GOOD, GOOD, other))

    assert told_.verdicts == ["ACCEPTED", "ACCEPTED", "REJECTED"]
    assert "REFERENCE_REPEATED" in told_.codes(2)
    assert len({each.id for each in told_.items}) == 1


def test_no_two_references_make_one_id() -> None:
    one = told(interchange(GOOD, sender="A?:B", reference="C")).items[0].id
    two = told(interchange(GOOD, sender="A", reference="B?:C")).items[0].id

    assert (one, two) == ("A%3AB:C:2:1", "A:B%3AC:2:1")


@pytest.mark.parametrize(
    ("senders", "verdict", "codes"),
    [
        ((), "ACCEPTED", ["SENDER_UNCHECKED"]),
        (("TERM",), "ACCEPTED", []),
        (("OTHER",), "REJECTED", ["SENDER_UNKNOWN"]),
    ],
)
def test_the_sender_is_one_that_the_credential_may_send_for(
    senders: tuple[str, ...], verdict: str, codes: list[str]
) -> None:
    context = Context(time_zone="Europe/Amsterdam", edi_senders=frozenset(senders))

    told_ = told(interchange(GOOD), context)

    assert told_.verdicts == [verdict]
    assert [each.code for each in told_.judged[0].faults] == codes


UNB = b"UNB+UNOC:3+TERM:14+LINE:ZZZ+"
PARTIES = {"sender_qualifiers": ["14"], "recipients": ["LINE"], "recipient_qualifiers": ["ZZZ"]}


@pytest.mark.parametrize(
    ("sent", "code", "place"),
    [
        (b"UNB+UNOC:3+TERM:ZZZ+LINE:ZZZ+", "SENDER_QUALIFIER_WRONG", "interchange 1 (UNB), element 2.2"),
        (b"UNB+UNOC:3+TERM+LINE:ZZZ+", "SENDER_QUALIFIER_WRONG", "interchange 1 (UNB), element 2.2"),
        (b"UNB+UNOC:3+TERM:14+DEPOT:ZZZ+", "RECIPIENT_UNKNOWN", "interchange 1 (UNB), element 3.1"),
        (b"UNB+UNOC:3+TERM:14+LINE:14+", "RECIPIENT_QUALIFIER_WRONG", "interchange 1 (UNB), element 3.2"),
    ],
)
def test_sender_and_recipient_are_qualified_as_the_profile_says(sent: bytes, code: str, place: str) -> None:
    profile = read_profile(orjson.dumps(PARTIES))
    assert isinstance(profile, Profile)
    document = interchange(GOOD).replace(b"UNB+UNOC:3+TERM+LINE+", UNB)

    refused = told_by(profile, document.replace(UNB, sent))

    assert told_by(profile, document).verdicts == ["ACCEPTED"]
    assert refused.verdicts == ["REJECTED"]
    assert [(each.code, each.place) for each in refused.judged[0].faults] == [(code, place)]


def test_where_senders_are_checked_a_message_without_an_interchange_is_refused() -> None:
    told_ = told(GOOD.encode(), Context(time_zone="Europe/Amsterdam", edi_senders=frozenset({"TERM"})))

    assert told_.verdicts == ["REJECTED"]


def test_a_test_interchange_is_refused_unless_the_profile_tolerates_it() -> None:
    document = interchange(GOOD).replace(b"+R1'\n", b"+R1++++++1'\n")

    assert told(document).codes() == {"TEST_INTERCHANGE"}
    assert told_by(Profile(tolerated=frozenset({"TEST_INTERCHANGE"})), document).verdicts == ["ACCEPTED"]


@pytest.mark.parametrize("kind", ["BAPLIE", "COPRAR", "APERAK", "ORDERS", "COPINO", "VERMAS", "CUSDEC", "MOVINS"])
def test_a_message_that_is_not_read_is_answered_by_name(kind: str) -> None:
    told_ = told(interchange(message(kind, "BGM+1"), GOOD))

    assert told_.verdicts == ["REJECTED", "ACCEPTED"]
    fault = told_.judged[0].faults[0]
    assert (fault.code, fault.place, fault.found) == (
        "UNSUPPORTED_MESSAGE",
        "message 1, segment 1 (UNH), element 2.1",
        kind,
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "EMPTY"),
        (b"UNA:+.? '", "EMPTY"),
        (b"UNB+UNOA:2+A+B+261122:1000+1'UNZ+0+1'", "EMPTY"),
        (interchange(*[GOOD] * 3), "TOO_MANY_ITEMS"),
        (interchange(message("CODECO", *GATE_IN[:3], *GATE_IN[3:11] * 3)), "TOO_MANY_ITEMS"),
    ],
)
def test_a_document_without_messages_or_with_too_many_is_refused_whole(document: bytes, code: str) -> None:
    refused = translate(document, Context(items_max=2))

    assert isinstance(refused, list)
    assert [each.code for each in refused if isinstance(each, Fault)] == [code]
