"""`customs-hub bench` as its user calls it. What it measures is not judged here: speeds are no test's business."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.cli import run


@pytest.mark.slow
def test_a_short_benchmark_accounts_for_every_event(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["bench", "--quick", "--json", "--rounds", "1", "--seconds", "0.1", "--data", str(tmp_path)])

    out, err = capfd.readouterr()
    assert code == 0, err
    document = json.loads(out)
    posted = [each for each in document["measures"].values() if each["sent"]]
    assert len(posted) == 8
    assert all(each["sent"] == each["accepted"] for each in posted)
    delivered = {name: each["delivered"] for name, each in document["measures"].items() if each["delivered"]}
    assert delivered == {name: document["measures"][name]["sent"] for name in ("end to end", "paced")}
    assert all(each["events_per_second"] > 0 for each in document["measures"].values())
    assert document["hub_peak_bytes"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [["--log", "paper"], ["--rounds", "0"], ["--seconds", "-1"]])
def test_a_benchmark_that_cannot_be_is_a_misuse(wrong: list[str]) -> None:
    assert run(["bench", *wrong]) == 2


@pytest.mark.slow
def test_the_cost_of_each_format_is_told_beside_that_of_reading_its_bytes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["bench", "--formats", "--quick", "--json", "--data", str(tmp_path)])

    out, err = capfd.readouterr()
    assert code == 0, err
    measured = json.loads(out)["formats"]
    assert len(measured) == 8
    assert all(each["ratio"] > 0 and each["peak_bytes"] > 0 for each in measured.values())
    assert measured["workbook row judged"]["events"] == 1_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_flood_is_measured_beside_quiet_partners_that_lose_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["bench", "--fairness", "--quick", "--json", "--data", str(tmp_path)])

    out, err = capfd.readouterr()
    assert code == 0, err
    beside = json.loads(out)["beside"]
    assert len(beside) == 3
    assert all(each["sent"] == each["accepted"] > 0 for each in beside.values())
    ten_times, bad_tokens = beside["beside one at 10 times its quota"], beside["beside a flood of bad tokens"]
    assert 0 < ten_times["flood_accepted"] < ten_times["flood_sent"]
    assert bad_tokens["flood_accepted"] == 0 < bad_tokens["flood_sent"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_time_to_the_recipient_is_told_for_each_way_and_every_event_comes_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["bench", "--delivery", "--quick", "--json", "--data", str(tmp_path)])

    out, err = capfd.readouterr()
    assert code == 0, err
    ways = json.loads(out)["ways"]
    assert set(ways) == {"pull", "SSE", "webhook"}
    assert all(each["accepted"] == each["delivered"] > 0 for each in ways.values())
    assert all(each["most_per_second"] > 0 and each["per_second"] > 0 for each in ways.values())
    assert list(tmp_path.iterdir()) == []
