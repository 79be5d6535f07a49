"""What `Spending` and `Uptime` promise on every ground. No test here asks which driver it has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.drivers.files import spending as file_spending
from hub.drivers.files.spending import FileSpending
from hub.drivers.files.uptime import FileUptime
from hub.drivers.memory.spending import MemorySpending, MemoryUptime
from hub.ports.spending import Spending, Spent
from hub.ports.uptime import Uptime

ROOT = Path(__file__).parents[2]
WORKERS = 3
Ground = Callable[[Path], list[Spending]]


def in_memory(_: Path) -> list[Spending]:
    rows: dict[int, dict[str, Spent]] = {}
    return [MemorySpending(worker, rows) for worker in range(WORKERS)]


def in_files(directory: Path) -> list[Spending]:
    return [FileSpending(directory, worker=worker, workers=WORKERS) for worker in range(WORKERS)]


@pytest.fixture(params=[in_memory, in_files], ids=["memory", "files"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> list[Spending]:
    ground: Ground = request.param
    return ground(tmp_path)


@pytest.fixture(params=["memory", "files"])
def uptime(request: pytest.FixtureRequest, tmp_path: Path) -> Uptime:
    return MemoryUptime() if request.param == "memory" else FileUptime(tmp_path)


def spent(events: int = 1) -> Spent:
    return Spent(12.5, (events, 1 << 50, 3), (-0.5, 7.25, 0.0), 4, 5, 11.5)


def test_a_worker_hears_what_each_other_one_said_last(workers: list[Spending]) -> None:
    workers[0].tell("delta", spent(1))
    workers[0].tell("delta", spent(2))
    workers[2].tell("delta", spent(3))

    assert sorted(workers[1].others("delta"), key=lambda each: each[0]) == [(0, spent(2)), (2, spent(3))]
    assert workers[0].others("delta") == [(2, spent(3))]


def test_nothing_is_heard_of_an_account_that_nobody_spoke_of(workers: list[Spending]) -> None:
    workers[0].tell("delta", spent())

    assert workers[1].others("zephyr") == []


def test_accounts_are_never_mixed_up(workers: list[Spending]) -> None:
    for number in range(2_000):
        workers[0].tell(f"partner-{number}", spent(number))

    assert [workers[1].others(f"partner-{number}")[0][1].taken[0] for number in range(2_000)] == list(range(2_000))
    assert workers[1].others("partner-2000") == []


def test_a_worker_that_starts_anew_has_said_nothing(tmp_path: Path) -> None:
    first, other = (FileSpending(tmp_path, worker=worker, workers=2) for worker in (0, 1))
    first.tell("delta", spent())
    assert other.others("delta")

    again = FileSpending(tmp_path, worker=0, workers=2)

    assert other.others("delta") == []
    again.tell("zephyr", spent(2))
    assert other.others("zephyr") == [(0, spent(2))]


def test_where_there_is_no_room_for_an_account_it_is_left_out_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_spending, "PROBES_MAX", 1)
    teller, hearer = (FileSpending(tmp_path, worker=worker, workers=2) for worker in (0, 1))
    for number in range(5_000):
        teller.tell(f"partner-{number}", spent(number))

    heard = {number: hearer.others(f"partner-{number}") for number in range(5_000)}

    assert all(found[0][1].taken[0] == number for number, found in heard.items() if found)
    assert 3_000 < sum(map(bool, heard.values())) < 5_000


TELLER = """
import sys
from pathlib import Path
from hub.drivers.files.spending import FileSpending
from hub.ports.spending import Spent
mine = FileSpending(Path(sys.argv[1]), worker=0, workers=2)
print("ready", flush=True)
for line in sys.stdin:
    mine.tell("delta", Spent(1.0, (float(line), 0.0, 0.0), (1.0, 2.0, 3.0), 0, 0, 0.0))
    print("told", flush=True)
"""


def test_another_process_is_heard_as_soon_as_it_has_spoken(tmp_path: Path) -> None:
    mine = FileSpending(tmp_path, worker=1, workers=2)
    command = [sys.executable, "-c", TELLER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as teller:
        assert teller.stdin is not None
        assert teller.stdout is not None
        assert teller.stdout.readline() == "ready\n"
        heard = []
        for number in range(100):
            teller.stdin.write(f"{number}\n")
            teller.stdin.flush()
            assert teller.stdout.readline() == "told\n"
            heard.append(mine.others("delta")[0][1].taken[0])
        teller.stdin.close()

    assert heard == list(range(100))


def test_times_are_kept_as_they_were_said(uptime: Uptime) -> None:
    before = uptime.accepting_at(), uptime.catch_up_until()

    uptime.accepts(1_767_225_600)
    uptime.let_catch_up(1_767_229_200)

    assert before == (0, 0)
    assert (uptime.accepting_at(), uptime.catch_up_until()) == (1_767_225_600, 1_767_229_200)


def test_times_outlive_their_process_and_every_worker_sees_them(tmp_path: Path) -> None:
    one, other = FileUptime(tmp_path), FileUptime(tmp_path)

    one.accepts(1_767_225_600)

    assert other.accepting_at() == FileUptime(tmp_path).accepting_at() == 1_767_225_600


TAKER = """
import sys
from pathlib import Path
from hub.core.quota import QuotaSettings, Quota
from hub.core.registry import Snapshot
from hub.drivers.files.spending import FileSpending
from hub.drivers.memory.spending import MemoryUptime
from hub.intake.quota import Quotas
from tests.clock import ManualClock
from tests.faults.virtual import ListObserver
from tests.unit.valid_events import PRINCIPAL

quota = Quota(events_per_second=1_000, bytes_per_second=1, requests_per_second=1, burst_seconds=20,
              requests_in_flight_max=1, streams_max=1)
worker = int(sys.argv[2])
quotas = Quotas(settings=QuotaSettings(trusted=quota), largest=(5, 1, 1), places=1, snapshot=Snapshot,
                spending=FileSpending(Path(sys.argv[1]), worker=worker, workers=2), uptime=MemoryUptime(),
                clock=ManualClock(), observer=ListObserver())
print("ready", flush=True)
sys.stdin.readline()
taken = 0
while quotas.charge(quotas.accounts(PRINCIPAL), (5, 0, 0)) is None:
    taken += 5
print(taken, flush=True)
"""


def test_two_processes_at_once_take_one_quota_and_at_most_one_request_more(tmp_path: Path) -> None:
    takers = []
    for worker in ("0", "1"):
        command = [sys.executable, "-c", TAKER, str(tmp_path), worker]
        takers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
    with takers[0], takers[1]:
        for taker in takers:
            assert taker.stdout is not None
            assert taker.stdout.readline() == "ready\n"
        for taker in takers:
            assert taker.stdin is not None
            taker.stdin.write("go\n")
            taker.stdin.flush()
        taken = sum(int(taker.communicate()[0]) for taker in takers)

    assert 20_000 <= taken <= 20_000 + 5
