"""What the demo counts, and how it shows it: from lines as the companies' and engines' processes print them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from hub.lab.demo.cast import CARRIER, DUTY_RISK, EXPORTER, PORT_RISK, TERMINAL
from hub.lab.demo.closing import closing
from hub.lab.demo.lines import Lines
from hub.lab.demo.play import Options
from hub.lab.demo.pulse import Pulse
from hub.lab.demo.screen import Screen
from hub.lab.demo.shipment import FILING, LOADED
from hub.lab.demo.tally import Tally, percentile
from hub.lab.demo.view import Stage

SENTENCE = "Container NZLU3100022 came in and nothing was filed for it before loading."


def outcome(verdict: str, **more: Any) -> dict[str, Any]:
    return {"verdict": verdict, "receipt_verified": verdict in ("ACCEPTED", "DUPLICATE"), **more}


def alert(state: str, sentence: str = SENTENCE) -> dict[str, Any]:
    about = {"rule": "gate_in_without_filing", "object": "container:NZLU3100022"}
    return {"kind": "alert", "state": state, "sentence": sentence, "check": "Ask the carrier.", **about}


@pytest.fixture
def tally() -> Tally:
    told = Tally(lambda: 4.5)
    told.answered(EXPORTER.id, {"type": FILING}, outcome("ACCEPTED"))
    told.answered(EXPORTER.id, {"type": FILING}, outcome("DUPLICATE"))
    fault = {"place": "/data/goods/0/hs", "found": "84.13", "expected": "6 digits", "severity": "ERROR"}
    told.answered(EXPORTER.id, {"type": FILING}, outcome("REJECTED", code="EVENT_INVALID", faults=[fault]))
    told.answered(CARRIER.id, {"type": LOADED}, outcome("NOT_ATTEMPTED", code="PARTNER_SUSPENDED"))
    told.delivered(PORT_RISK.id, {"kind": "records", "count": 1, "milliseconds": [5.0]})
    told.delivered(PORT_RISK.id, alert("RAISED"))
    return told


def test_every_event_sent_is_counted_under_one_verdict(tally: Tally) -> None:
    told = tally.summary()

    assert (told["sent"], told["accepted"], told["duplicates"], told["rejected"]) == (4, 1, 1, 1)
    assert (told["suspended_refused"], told["unanswered"], told["receipts_verified"]) == (1, 0, 2)
    assert (told["delivered"], told["alerts"], told["p50_ms"], told["seconds_to_first_delivery"]) == (1, 1, 5.0, 4.5)


def test_an_engine_is_waited_for_until_it_has_what_its_agreements_cover(tally: Tally) -> None:
    assert not tally.all_delivered()

    tally.delivered(DUTY_RISK.id, {"kind": "records", "count": 1, "milliseconds": [7.0]})

    assert tally.all_delivered()


def test_an_outcome_that_is_none_is_counted_as_unanswered(tally: Tally) -> None:
    tally.answered(TERMINAL.id, {"type": LOADED}, outcome("UNKNOWN", code="OUTCOME_UNKNOWN"))

    assert tally.summary()["unanswered"] == 1


def test_a_withdrawn_alert_is_told_in_the_words_in_which_it_was_raised(tally: Tally) -> None:
    tally.delivered(PORT_RISK.id, alert("WITHDRAWN", "No longer so since something arrived."))

    assert [note.text for note in tally.recent("withdrawn")] == [SENTENCE]
    assert tally.summary()["alerts_withdrawn"] == 1


def test_a_refusal_names_place_found_and_expected(tally: Tally) -> None:
    [refused] = tally.recent("refused")

    assert refused.text == "filing.pre_loading: /data/goods/0/hs is '84.13', expected 6 digits"


@pytest.mark.parametrize(("part", "value"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_the_nearest_rank(part: float, value: float) -> None:
    assert percentile([float(each) for each in range(1, 101)], part) == value
    assert percentile([3.0], part) == 3.0
    assert percentile([], part) is None


def test_a_rate_is_that_of_the_last_two_seconds() -> None:
    pulse = Pulse()
    for half_second in range(10):
        pulse.look(half_second / 2, {"x": half_second * 3})

    assert pulse.rate("x") == 6.0
    assert pulse.curve("x").strip()
    assert pulse.rate("never seen") == 0.0


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 50)])
def test_the_screen_fits_the_terminal_and_says_why(tally: Tally, width: int, height: int) -> None:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    screen = Screen(console)
    screen.begin(Stage("http://127.0.0.1:1", Path("x"), "sqlite", None))

    with console.capture() as captured:
        console.print(screen.frame(tally))

    lines = captured.get().rstrip("\n").split("\n")
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    text = " ".join(captured.get().split())
    assert "SUSPENDED" in text
    assert "/data/goods/0/hs is '84.13'" in text
    assert SENTENCE[:40] in text


@pytest.mark.parametrize("ground", ["sqlite", "kafka"])
def test_the_closing_summary_fits_80_columns_and_names_three_commands(
    tally: Tally, ground: Literal["sqlite", "kafka"]
) -> None:
    lines = list(closing(tally, Options(ground=ground)))

    assert all(len(line) <= 80 for line in lines)
    assert "  Noordzee Lines    sent 1: 1 refused while suspended" in lines
    assert [line.split()[0] for line in lines[lines.index("Try next") + 1 :]] == ["customs-hub"] * 3


def test_a_demo_that_was_stopped_at_once_claims_nothing() -> None:
    lines = list(closing(Tally(lambda: 0.5), Options()))

    assert lines[:2] == ["Stopped before there was anything to see", "Try next"]


def test_plain_lines_hold_no_control_codes(tally: Tally, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for note in tally.notes:
        lines.note(note)
    lines.draw(tally)

    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "4 sent, 1 accepted" in printed
    assert SENTENCE in printed
