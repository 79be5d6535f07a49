"""`why` answers with the questions that intake asks, and with its answer."""

from __future__ import annotations

from typing import Any

TYPE = "customs.container.gate_in"


async def test_a_permitted_type_shows_who_asks_for_it(desk: Any) -> None:
    await desk.enrol("delta", "terminal")
    await desk.enrol("risk", "authority")
    await desk.agree("gates", provider={"role": "terminal"}, types=[TYPE])

    answer = await desk.show("why", partner="delta", type=TYPE)

    assert answer["answer"] == "PERMITTED"
    assert [each["code"] for each in answer["questions"]] == [None] * 4
    assert answer["questions"][3]["found"] == "yes: gates"


async def test_every_question_is_answered_and_the_first_refusal_decides(desk: Any) -> None:
    await desk.enrol("zephyr")
    await desk.do("partner.suspend", id="zephyr")

    answer = await desk.show("why", partner="zephyr", type=TYPE)

    assert answer["answer"] == "PARTNER_SUSPENDED"
    assert [each["code"] for each in answer["questions"]] == [
        "PARTNER_SUSPENDED",
        "ROLE_NOT_PERMITTED",
        None,
        "NOT_PERMITTED",
    ]


async def test_what_is_not_known_is_named(desk: Any) -> None:
    await desk.enrol("zephyr")

    refused = await desk.registrar.looks.view("why", {"partner": "nobody", "type": "customs.container.gate_inn"})

    assert [fault.place for fault in refused.faults] == ["/partner", "/type"]
