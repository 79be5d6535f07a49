"""EDIFACT at `POST /v1/events`: each message answered, the good ones accepted, used references told apart."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pytest

from hub.core.errors import Unknown
from tests.edifact import GATE_IN, interchange, message
from tests.wire.conftest import MakeWorld
from tests.world import RISK, STRUCTURED, Answer, Caller, HubWorld

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


async def test_where_no_sender_is_agreed_any_is_taken_with_a_warning_but_that_of_another_partner(delta: Caller) -> None:
    await delta.world.company("other")
    await delta.world.act("partner.set", id="other", edi_senders=["OTHER"])
    sent = interchange(message("CODECO", *ZONED)), interchange(message("CODECO", *ZONED), sender="OTHER")

    answer = await delta.post(b"".join(sent), EDIFACT)

    assert verdicts(answer) == ["ACCEPTED", "REJECTED"]
    told = [{(each["code"], each["severity"]) for each in item["faults"]} for item in answer.json["items"]]
    assert told == [{("SENDER_UNCHECKED", "WARNING")}, {("SENDER_UNKNOWN", "ERROR")}]


async def test_a_sender_is_free_again_when_its_partner_is_agreed_another(delta: Caller) -> None:
    await delta.world.company("other")
    for senders in (["TERM"], ["ELSE"]):
        await delta.world.act("partner.set", id="other", edi_senders=senders)

    answer = await delta.post(interchange(message("CODECO", *ZONED)), EDIFACT)

    assert verdicts(answer) == ["ACCEPTED"]


async def test_of_too_many_messages_the_refusal_names_the_limit_and_nothing_is_stored(delta: Caller) -> None:
    many = interchange(*(message("CODECO", *ZONED, reference=str(n)) for n in range(1_001)))

    answer = await delta.post(many, EDIFACT)

    assert (answer.status, answer.code, answer.json["detail"]) == (413, "BODY_TOO_LARGE", "at most 1000 events")
    assert [each["code"] for each in answer.json["faults"]] == ["TOO_MANY_ITEMS"]
    assert verdicts(await delta.post(interchange(message("CODECO", *ZONED)), EDIFACT)) == ["ACCEPTED"]


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


async def answered(caller: Caller, sent: bytes, form: str, path: str = "/v1/events", **headers: str) -> Answer:
    given = {"Content-Type": EDIFACT} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await caller.ask("POST", f"{path}?answer={form}", data=sent, headers=given)


def said(answer: Answer) -> list[str]:
    """The segments of an answer in EDIFACT."""
    assert answer.headers["Content-Type"] == EDIFACT, answer
    return answer.body.decode("latin-1").split("'")[:-1]


async def test_contrl_acknowledges_what_was_understood_and_rejects_what_was_not(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED), message("BAPLIE", "BGM++1+9", reference="2"))

    answer = await answered(delta, sent, "contrl")

    segments = said(answer)
    assert answer.status == 207
    assert re.fullmatch(r"UNB\+UNOC:3\+LINE\+TERM\+\d{6}:\d{4}\+[0-9A-F]{14}", segments[1])
    assert segments[3:6] == ["UCI+R1+TERM+LINE+7", "UCM+1+CODECO:D:95B:UN+7", "UCM+2+BAPLIE:D:95B:UN+4+14"]


async def test_aperak_tells_what_was_accepted_and_of_what_was_not_why(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED))
    other = sent.replace(b"MSKU1234565", b"CSQU3054383")

    answers = [await answered(delta, each, "aperak") for each in (sent, sent, other)]

    assert [each.status for each in answers] == [200, 200, 422]
    functions = [next(segment for segment in said(each) if segment.startswith("BGM")) for each in answers]
    assert [each.rpartition("+")[2] for each in functions] == ["29", "29", "27"]
    assert "ERC+18" in said(answers[2])
    assert any(segment.startswith("FTX+AAO+++CONFLICT?: ") for segment in said(answers[2]))


async def test_aperak_speaks_french_to_who_asks_for_it(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED))
    await answered(delta, sent, "aperak")

    other = await answered(delta, sent.replace(b"MSKU1234565", b"CSQU3054384"), "aperak", Accept_Language="fr-CA")

    texts = [segment for segment in said(other) if segment.startswith("FTX")]
    assert any("Un autre événement est déjà connu sous cette identité." in text for text in texts)


async def test_what_no_agreement_covers_is_refused_in_aperak_and_understood_in_contrl(world: HubWorld) -> None:
    alone = await world.company()
    sent = interchange(message("CODECO", *ZONED))

    answers = [await answered(alone, sent, form) for form in ("aperak", "contrl")]

    assert [each.status for each in answers] == [403, 403]
    assert any(segment.startswith("FTX+AAO+++NOT_PERMITTED?: ") for segment in said(answers[0]))
    assert "UCM+1+CODECO:D:95B:UN+7" in said(answers[1])


async def test_a_dry_run_is_answered_in_edifact_too_and_each_answer_has_its_own_reference(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED)) + interchange(message("CODECO", *ZONED), reference="R2")

    answers = [await answered(delta, sent, "contrl", "/v1/validate") for _ in range(2)]

    references = [segment.rpartition("+")[2] for each in answers for segment in said(each) if segment[:3] == "UNB"]
    assert [each.status for each in answers] == [200, 200]
    assert len(set(references)) == 4
    assert verdicts(await delta.post(sent, EDIFACT)) == ["ACCEPTED", "ACCEPTED"]


async def test_a_foreign_sender_is_told_so_in_contrl(delta: Caller) -> None:
    await delta.world.act("partner.set", id="delta", edi_senders=["OTHER"])

    answer = await answered(delta, interchange(message("CODECO", *ZONED)), "contrl")

    assert (answer.status, said(answer)[3]) == (422, "UCI+R1+TERM+LINE+4+23+UNB+3:1")


async def test_a_batch_that_is_refused_whole_is_refused_in_every_message(delta: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED), message("BAPLIE", "BGM++1+9", reference="2"))

    answer = await answered(delta, sent, "aperak", Hub_Batch="atomic")

    assert answer.status == 422
    assert [segment[-2:] for segment in said(answer) if segment.startswith("BGM")] == ["27", "27"]


async def test_nothing_final_is_said_in_edifact_while_it_is_not_known_what_is_stored(
    delta: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> Unknown:
        return Unknown("away")

    monkeypatch.setattr(delta.world.hub.ports.log, "append", away)

    answer = await answered(delta, interchange(message("CODECO", *ZONED)), "contrl")

    assert (answer.status, verdicts(answer)) == (503, ["UNKNOWN"])


async def test_where_no_interchange_names_a_sender_the_answer_is_json(delta: Caller) -> None:
    sent = message("CODECO", *ZONED).encode()

    answer = await answered(delta, sent, "contrl")

    assert verdicts(answer) == ["ACCEPTED"]


async def test_what_cannot_be_opened_is_a_problem_whatever_answer_is_asked_for(delta: Caller) -> None:
    assert (await answered(delta, b"", "contrl")).status == 400
    assert (await answered(delta, b"UNA:+.? '", "aperak")).code == "BODY_MALFORMED"


@pytest.mark.parametrize("form", ["contrl", "aperak"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/validate"])
async def test_other_formats_are_not_answered_in_edifact(delta: Caller, path: str, form: str) -> None:
    types = (STRUCTURED, "application/json", "application/ld+json")
    answers = [await answered(delta, b"{}", form, path, Content_Type=each) for each in types]

    assert [each.code for each in answers] == ["BAD_REQUEST"] * 3
    assert "application/edifact" in answers[0].json["detail"]


async def test_a_form_of_answer_that_does_not_exist_is_refused(delta: Caller) -> None:
    answer = await answered(delta, interchange(message("CODECO", *ZONED)), "iftmbc")

    assert (answer.code, answer.json["detail"]) == ("BAD_REQUEST", "answer: dcsa, contrl or aperak, or left out")


async def test_what_is_sent_again_after_a_restart_is_a_repeat_item_by_item_and_what_changed_in_it_a_conflict(
    make_world: MakeWorld,
) -> None:
    second = tuple(each.replace("MSKU1234565", "CSQU3054383") for each in ZONED)
    sent = interchange(message("CODECO", *ZONED), message("CODECO", *second, reference="2"))
    async with make_world(ground="sqlite") as world:
        await world.reader(feed=False)
        delta = await world.company()
        first = await delta.post(sent, EDIFACT)

    async with make_world(ground="sqlite") as world:
        delta = replace(delta, world=world)
        await delta.sign_in()
        answers = [await delta.post(each, EDIFACT) for each in (sent, sent.replace(b"CSQU3054383", b"TEMU6079348"))]

    told = [verdicts(each) for each in (first, *answers)]
    assert told == [["ACCEPTED", "ACCEPTED"], ["DUPLICATE", "DUPLICATE"], ["DUPLICATE", "CONFLICT"]]
    assert answers[1].status == 207
