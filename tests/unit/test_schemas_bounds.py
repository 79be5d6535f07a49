"""What costs more than it may for hostile documents: guessing what was meant is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catalogue import catalogue
from schemas.rules import check
from schemas.sites import GUESSES_MAX
from schemas.translate.item import Context, Translation
from schemas.translate.tabular import translate
from tests.unit.valid_events import KIND, NOW_US, event

MANY = 3 * GUESSES_MAX


def guessed(texts: list[str]) -> int:
    return sum(text.startswith("perhaps ") for text in texts)


@pytest.mark.parametrize(
    "sent",
    [
        event(**{f"plase{number}": 1 for number in range(MANY)}),
        event(subjects=[{"scheme": f"iso634{number}", "value": "x"} for number in range(MANY)]),
    ],
)
def test_of_many_misspelt_names_in_an_event_only_the_first_are_guessed(sent: dict[str, Any]) -> None:
    found = check(sent, KIND, now_us=NOW_US)

    assert len(found) >= MANY
    assert 0 < guessed([each.expected for each in found]) <= GUESSES_MAX


def test_of_many_misspelt_types_in_a_table_only_the_first_are_guessed_and_a_repeated_one_each_time() -> None:
    rows = [f"customs.container.gatein{number}" for number in range(MANY)] + ["customs.container.gatein0"]
    document = "\n".join(["type,container number", *(f"{name},MSKU1234565" for name in rows)]).encode()

    opened = translate(document, Context())

    assert isinstance(opened, Translation)
    told = [item.faults[0].expected for item in opened.items]
    assert guessed(told) == GUESSES_MAX + 1
    assert told[-1] == told[0] == f"perhaps {catalogue().find('customs.container.gate_in').name}"  # type: ignore[union-attr]
