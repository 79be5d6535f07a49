"""EDIFACT at `POST /v1/events`: each message answered, the good ones accepted, used references told apart."""

from __future__ import annotations

import orjson

from tests.edifact import GATE_IN, interchange, message
from tests.world import RISK, Answer, Caller

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


OWN_CODE = message("CODECO", *(each.replace("BGM+34+", "BGM+98+") for each in ZONED))
LOCAL = interchange(message("CODECO", *GATE_IN), reference="R2")


def faults(answer: Answer) -> set[str]:
    return {each["code"] for item in answer.json["items"] for each in item.get("faults", ())}


async def set_profile(caller: Caller, **members: object) -> None:
    text = orjson.dumps({"profile": 1, **members}).decode()
    await caller.world.act("edi.profile.set", id=caller.partner, profile=text)


async def test_a_foreign_sender_is_refused_with_its_interchange_and_not_with_the_others(delta: Caller) -> None:
    await delta.world.act("partner.set", id="delta", edi_senders=["TERM", "TERM2"])
    sent = interchange(message("CODECO", *ZONED)), interchange(message("CODECO", *ZONED), sender="OTHER")

    answer = await delta.post(b"".join(sent), EDIFACT)

    assert (answer.status, verdicts(answer)) == (207, ["ACCEPTED", "REJECTED"])
    assert faults(answer) == {"SENDER_UNKNOWN"}


async def test_a_profile_says_what_a_code_means_from_the_next_request_on(delta: Caller) -> None:
    watch = await delta.world.company("risk", scopes=("feeds:read",), roles=["authority"])
    agreed = {"provider": {"all": True}, "types": ["*"], "fields": ["*"]}
    await delta.world.act("agreement.add", id="risk-all", recipient="risk", purpose=RISK, **agreed)
    await delta.world.act("feed.add", name="risk", recipient="risk", purpose=RISK)
    meant = []
    for reference, type_ in enumerate(("container.gate_in", "container.gate_out")):
        await set_profile(delta, documents={"CODECO": {"98": {"type": type_}}})
        meant.append(await delta.post(interchange(OWN_CODE, reference=f"R{reference}"), EDIFACT))

    assert [verdicts(each) for each in meant] == [["ACCEPTED"], ["ACCEPTED"]]
    types = [record["type"] for record in await watch.records("risk", 2)]
    assert types == ["customs.container.gate_in", "customs.container.gate_out"]


async def test_the_zone_agreed_with_a_partner_is_that_of_local_times_unless_its_profile_names_one(
    delta: Caller,
) -> None:
    without = await delta.post(LOCAL, EDIFACT)
    await delta.world.act("partner.set", id="delta", time_zone="Europe/Amsterdam")
    agreed = await delta.post(LOCAL, EDIFACT)
    await set_profile(delta, time_zone="Europe/Lisbon")
    other = await delta.post(LOCAL, EDIFACT)

    assert [verdicts(each) for each in (without, agreed, other)] == [["REJECTED"], ["ACCEPTED"], ["CONFLICT"]]


async def test_a_dry_run_looks_at_senders_and_profile_too(delta: Caller) -> None:
    await delta.world.act("partner.set", id="delta", edi_senders=["OTHER"])
    sent, headers = interchange(message("CODECO", *ZONED)), {"Content-Type": EDIFACT}

    answer = await delta.ask("POST", "/v1/validate", data=sent, headers=headers)

    assert faults(answer) == {"SENDER_UNKNOWN"}
