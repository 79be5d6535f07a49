"""EDIFACT at `POST /v1/events`: each message answered, the good ones accepted, used references told apart."""

from __future__ import annotations

from tests.edifact import GATE_IN, interchange, message
from tests.world import Answer, Caller

EDIFACT = "application/edifact"
ZONED = tuple(each.replace("202611201259:203", "202611200845UTC:303") for each in GATE_IN)


def verdicts(answer: Answer) -> list[str]:
    return [item["verdict"] for item in answer.json["items"]]


async def test_good_messages_are_accepted_beside_one_that_is_not_read(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED), message("BAPLIE", "BGM++1+9", reference="2"))

    answer = await delta.post(sent, EDIFACT)

    assert (answer.status, verdicts(answer)) == (207, ["ACCEPTED", "REJECTED"])
    assert answer.json["items"][1]["faults"][0]["code"] == "UNSUPPORTED_MESSAGE"


async def test_the_same_interchange_is_a_repeat_and_its_references_with_other_content_a_conflict(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED))

    answers = [await delta.post(each, EDIFACT) for each in (sent, sent, sent.replace(b"MSKU1234565", b"CSQU3054383"))]

    assert [verdicts(each) for each in answers] == [["ACCEPTED"], ["DUPLICATE"], ["CONFLICT"]]
