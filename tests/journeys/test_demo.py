"""The demo as a stranger runs it: one command, one JSON object, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.cli import run

COMMAND = (sys.executable, "-P", "-c", "from hub.cli import main; main()", "demo")
SETTLED = ("accepted", "duplicates", "rejected", "suspended_refused", "unanswered")


def start(*options: str, scratch: Path) -> subprocess.Popen[bytes]:
    """The demo as a process of its own, whose temporary directory lies in `scratch`."""
    environment = {**os.environ, "TMPDIR": str(scratch)}
    return subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def told_by(demo: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, err = demo.communicate(timeout=100.0)
    assert demo.returncode == 0, err.decode()
    assert out.count(b"\n") == 1
    return dict(orjson.loads(out))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids: list[int], seconds_max: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds_max
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


def speaks_for_others(pid: int) -> bool:
    """Whether it is a company's or an engine's process; the hub has children of its own."""
    return b"connectors.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()


def with_children(demo: subprocess.Popen[bytes], count: int) -> list[int]:
    """The demo's children, once there are so many."""
    deadline = time.monotonic() + 100.0
    while len(children := children_of(demo.pid)) < count:
        assert demo.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return children


def assert_consistent(told: dict[str, Any]) -> None:
    assert told["sent"] == sum(told[verdict] for verdict in SETTLED)
    assert told["receipts_verified"] == told["accepted"] + told["duplicates"]
    assert told["delivered"] > told["accepted"] > 0, "the risk centre gets all of it, the revenue service a part"
    assert told["unanswered"] == 0, "no request failed, also not while the key was rotated"
    for shown in ("duplicates", "rejected", "suspended_refused", "alerts", "alerts_withdrawn"):
        assert told[shown] > 0, shown
    assert 0 < told["p50_ms"] <= told["p99_ms"]


@pytest.mark.slow
def test_the_demo_tells_in_one_json_object_what_its_companies_and_engines_reported(tmp_path: Path) -> None:
    demo = start("--for", "12s", "--json", scratch=tmp_path)

    told = told_by(demo)

    assert_consistent(told)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.kafka
def test_the_demo_does_the_same_on_a_kafka_that_it_is_given(tmp_path: Path, kafka_bootstrap: str) -> None:
    demo = start("--for", "14s", "--json", "--kafka", kafka_bootstrap, scratch=tmp_path)

    assert_consistent(told_by(demo))


@pytest.mark.slow
@pytest.mark.kafka
def test_the_demo_starts_a_kafka_and_stops_it(tmp_path: Path) -> None:
    demo = start("--for", "20s", "--json", "--log", "kafka", scratch=tmp_path)
    children = with_children(demo, 1)

    assert_consistent(told_by(demo))
    assert gone(children)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_stop_at_any_time_leaves_nothing_running(tmp_path: Path, count: int) -> None:
    demo = start(scratch=tmp_path)
    children = with_children(demo, count)

    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=100.0)

    assert (demo.returncode, err) == (0, b"")
    assert gone(children)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_child_that_fails_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    demo = start(scratch=tmp_path)
    children = with_children(demo, 7)

    os.kill(next(filter(speaks_for_others, children)), signal.SIGKILL)
    _, err = demo.communicate(timeout=100.0)

    assert demo.returncode == 1
    assert b"port-risk ended with code -9" in err
    assert gone(children)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_reader_who_goes_away_ends_the_demo_without_a_word(tmp_path: Path) -> None:
    demo = start(scratch=tmp_path)
    children = with_children(demo, 5)
    assert demo.stdout is not None and demo.stderr is not None

    demo.stdout.close()

    with demo.stderr as errors:
        assert errors.read() == b""
    assert demo.wait(timeout=100.0) == 1
    assert gone(children)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_children_go_even_if_the_demo_is_killed(tmp_path: Path) -> None:
    demo = start(scratch=tmp_path)
    children = with_children(demo, 5)
    assert demo.stdout is not None
    while b"first event arrived" not in demo.stdout.readline():
        assert demo.poll() is None

    demo.kill()
    demo.communicate(timeout=100.0)

    assert gone(children)


def test_a_directory_that_is_not_empty_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()

    code = run(["demo", "--data", str(tmp_path), "--json"])

    out, err = capfd.readouterr()
    assert (code, out) == (1, "")
    assert "is not empty" in err


@pytest.mark.parametrize("time_given", ["", "20", "s", "-5s", "0s", "ten"])
def test_a_time_that_is_none_is_refused(time_given: str, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["demo", f"--for={time_given}"])

    assert code == 2
    assert "20s" in capfd.readouterr().err
