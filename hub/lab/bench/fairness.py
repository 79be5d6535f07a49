"""What a flood costs the others: a quiet partner's answers alone, beside one that sends ten times its quota, and beside
one that sends bad tokens. The flood and the quiet one are processes of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec import Struct

from hub.lab.bench.child import Child, child
from hub.lab.bench.hubs import Ground, Hub, hub
from hub.lab.bench.jobs import LoadJob, LoadResult
from hub.lab.world import Company

QUIET_PER_SECOND, QUIET_CONNECTIONS = 50, 8
QUOTA_PER_SECOND = 100
FLOOD_PER_SECOND, FLOOD_CONNECTIONS = 1_000, 128
ROUNDS, SECONDS = 3, 4.0
ROUNDS_QUICK, SECONDS_QUICK = 1, 1.5
FLOOD_LONGER_SECONDS = 2.0
"""The flood begins before the quiet one is measured, with what its burst lets through, and ends after it."""
EVENTS_MAX = 1_000_000
MARGIN_SECONDS = 60.0
QUIET, GREEDY = (Company(id=name, roles=("terminal",)) for name in ("quiet", "greedy"))
ALONE, TEN_TIMES, BAD_TOKENS = "alone", "beside one at 10 times its quota", "beside a flood of bad tokens"


class Beside(Struct, frozen=True, kw_only=True):
    """The quiet partner beside one flood: medians over the rounds, counts of all."""

    name: str
    p50_ms: float
    p99_ms: float
    ratio: float
    """Its p99, of that of the same round alone."""
    sent: int
    accepted: int
    flood_sent: int
    flood_accepted: int


class _Measured(Struct, frozen=True):
    quiet: LoadResult
    flood: LoadResult | None


def measure_fairness(data: Path, say: Callable[[str], None], *, quick: bool) -> list[Beside]:
    """Raises `BenchFailed`. Takes a directory of its own in `data` and removes it."""
    rounds, seconds = (ROUNDS_QUICK, SECONDS_QUICK) if quick else (ROUNDS, SECONDS)
    data.mkdir(parents=True, exist_ok=True)
    quotas = {
        "events_per_second": QUOTA_PER_SECOND,
        "requests_per_second": QUOTA_PER_SECOND,
        "burst_seconds": 1,
    }
    with TemporaryDirectory(prefix="bench-", dir=data) as made, ExitStack() as stack:
        directory = Path(made)
        quiet, flood = (stack.enter_context(child("load", _within(directory, name))) for name in ("quiet", "flood"))
        served = hub("fair", Ground("sqlite"), directory, feed=False, companies=[QUIET, GREEDY], quotas=quotas)
        bench = _Bench(stack.enter_context(served), quiet, flood, seconds)
        found: dict[str, list[_Measured]] = {ALONE: [], TEN_TIMES: [], BAD_TOKENS: []}
        bench.beside(None)  # The hub's first events find nothing warm.
        for number in range(rounds):
            for name, runs in found.items():
                say(f"round {number + 1} of {rounds}: {name}")
                runs.append(bench.beside({TEN_TIMES: GREEDY.id, BAD_TOKENS: ""}.get(name)))
    return [_summed(name, runs, found[ALONE]) for name, runs in found.items()]


class _Bench:
    def __init__(self, served: Hub, quiet: Child, flood: Child, seconds: float) -> None:
        self._hub = served
        self._quiet = quiet
        self._flood = flood
        self._seconds = seconds
        self._first = 0

    def beside(self, flooder: str | None) -> _Measured:
        """The quiet one for its seconds, in the middle of a flood. `flooder` empty: of bad tokens; None: there is
        none."""
        if flooder is None:
            return _Measured(self._quiet.ask(self._quiet_job(), LoadResult, MARGIN_SECONDS), None)
        token = self._hub.write_tokens[flooder] if flooder else "not.a.token"
        flooding = self._job(token, FLOOD_PER_SECOND, FLOOD_CONNECTIONS, self._seconds + 2 * FLOOD_LONGER_SECONDS)
        self._flood.say(flooding)
        self._quiet.ask(self._quiet_job(FLOOD_LONGER_SECONDS), LoadResult, MARGIN_SECONDS)
        measured = self._quiet.ask(self._quiet_job(), LoadResult, MARGIN_SECONDS)
        return _Measured(measured, self._flood.hear(LoadResult, MARGIN_SECONDS))

    def _quiet_job(self, seconds: float = 0.0) -> LoadJob:
        token = self._hub.write_tokens[QUIET.id]
        return self._job(token, QUIET_PER_SECOND, QUIET_CONNECTIONS, seconds or self._seconds)

    def _job(self, token: str, per_second: int, connections: int, seconds: float) -> LoadJob:
        self._first += EVENTS_MAX
        return LoadJob(
            url=self._hub.server.url,
            path="/v1/events",
            token=token,
            connections=connections,
            seconds=seconds,
            events_max=EVENTS_MAX,
            first=self._first,
            events_per_second=per_second,
        )


def _summed(name: str, runs: list[_Measured], alone: list[_Measured]) -> Beside:
    pairs = zip(runs, alone, strict=True)
    floods = [run.flood for run in runs if run.flood is not None]
    return Beside(
        name=name,
        p50_ms=median(run.quiet.p50_ms for run in runs),
        p99_ms=median(run.quiet.p99_ms for run in runs),
        ratio=median(run.quiet.p99_ms / other.quiet.p99_ms for run, other in pairs),
        sent=sum(run.quiet.sent for run in runs),
        accepted=sum(run.quiet.accepted for run in runs),
        flood_sent=sum(flood.sent for flood in floods),
        flood_accepted=sum(flood.accepted for flood in floods),
    )


def _within(directory: Path, name: str) -> Path:
    (directory / name).mkdir()
    return directory / name
