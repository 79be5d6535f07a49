"""The order of a benchmark: which measures, round by round, and what is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from hub.lab.bench.child import BenchFailed, Child, Server, child, server
from hub.lab.bench.figures import Figures, Run, figures, percentile
from hub.lab.bench.hubs import ENGINE, Ground, Hub, hub
from hub.lab.bench.jobs import CeilingJob, CeilingResult, LoadJob, LoadResult, PullJob, PullResult, Way

CONNECTIONS = {1: 64, 10: 64, 100: 16, 1_000: 4}
"""By the size of a request: enough that the hub never waits for the load."""
EVENTS_MAX = 250_000
"""Events, or records, of one measure in one round."""
PROOFS_PER_SECOND_MAX = 5_000
"""Proofs that are made beforehand: more than are used up, or the measure ends early."""
PACED_EVENTS_PER_SECOND = 1_000
PACED_SECONDS_MIN = 2.0
MARGIN_SECONDS = 90.0
"""How long a process may take beyond its job before it counts as stuck."""


class Plan(Struct, frozen=True, kw_only=True):
    rounds: int
    seconds: float
    """Of one measure in one round."""


class Ratio(Struct, frozen=True):
    """One measure's events a second, as a share of another's."""

    of: str
    to: str
    ratio: float


class Outcome(Struct, frozen=True):
    figures: list[Figures]
    ratios: list[Ratio]
    hub_peak_bytes: int
    """The most memory that either hub had resident at any time."""


def run(plan: Plan, ground: Ground, data: Path, say: Callable[[str], None]) -> Outcome:
    """Measure everything; `say` hears what is under way. Takes a directory of its own in `data` and removes it.

    Raises `BenchFailed` if a process ends early, or if what was accepted and what was delivered do not agree.
    """
    data.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=data) as directory, ExitStack() as stack:
        bench = Bench(plan, ground, Path(directory), stack)
        measures = bench.measures()
        runs: dict[str, list[Run]] = {name: [] for name in measures}
        for number in range(plan.rounds):
            turn = number * len(measures) // plan.rounds
            for name in [*measures][turn:] + [*measures][:turn]:
                say(f"round {number + 1} of {plan.rounds}: {name}")
                runs[name].append(measures[name]())
        found = {name: figures(name, each) for name, each in runs.items()}
        return Outcome(list(found.values()), ratios(found), bench.hub_peak_bytes())


COMPARED = (
    ("single posts", "bare aiohttp"),
    ("100 a post", "rows by hand, 1000 a commit"),
    ("100 a post", "raw producer, 1000 a batch"),
    ("100 a post", "own log, 100 an append"),
    ("end to end", "100 a post"),
)


def ratios(found: Mapping[str, Figures]) -> list[Ratio]:
    """What is worth comparing, of what was measured."""
    return [
        Ratio(of, to, found[of].events_per_second / found[to].events_per_second)
        for of, to in COMPARED
        if of in found and to in found
    ]


class Bench:
    """The processes of one benchmark, which live until `stack` ends, and the measures that they take part in."""

    def __init__(self, plan: Plan, ground: Ground, directory: Path, stack: ExitStack) -> None:
        self._plan, self._ground, self._directory = plan, ground, directory
        self._load: Child = stack.enter_context(child("load", directory))
        self._pull: Child = stack.enter_context(child("pull", directory))
        self._ceiling: Child = stack.enter_context(child("ceiling", directory))
        self._bare = stack.enter_context(server("bare", ["-m", "hub.lab.bench.bare"], directory))
        self._quiet = stack.enter_context(hub("accepting", ground, directory, feed=False))
        self._feeding = stack.enter_context(hub("feeding", ground, directory, feed=True))
        self._cursor: str | None = None
        self._first = 0

    def measures(self) -> dict[str, Callable[[], Run]]:
        """By name, in order."""
        measures: dict[str, Callable[[], Run]] = {
            "bare aiohttp": lambda: self._posted(self._bare, self._job(self._bare, "/")),
            "single posts": lambda: self._accepting(1),
            "single posts, each with a proof (DPoP)": self._proven,
            "10 a post": lambda: self._accepting(10),
            "100 a post": lambda: self._accepting(100),
            "1000 a post": lambda: self._accepting(1_000),
            "end to end": self._end_to_end,
            "paced": self._paced,
        }
        if self._ground.bootstrap:
            measures["raw producer, 1000 a batch"] = lambda: self._written("producer", 1_000)
        else:
            measures["rows by hand, 1000 a commit"] = lambda: self._written("rows", 1_000)
        measures["own log, 100 an append"] = lambda: self._written("log", 100)
        measures["own log, 1000 an append"] = lambda: self._written("log", 1_000)
        return measures

    def hub_peak_bytes(self) -> int:
        return max(each.server.peak_bytes() for each in (self._quiet, self._feeding))

    def _job(self, to: Server, path: str, token: str = "", batch: int = 1) -> LoadJob:
        return LoadJob(
            url=to.url,
            path=path,
            token=token,
            batch=batch,
            connections=CONNECTIONS[batch],
            seconds=self._plan.seconds,
            events_max=EVENTS_MAX,
            first=self._first,
        )

    def _accepting(self, batch: int) -> Run:
        return self._posted(self._quiet.server, self._events(self._quiet, batch))

    def _proven(self) -> Run:
        """Single posts with a token that is bound to a key. The proofs were made before."""
        to = self._quiet
        job = replace(self._job(to.server, "/v1/events", to.bound_token), proof_key=to.proof_key)
        return self._posted(to.server, replace(job, events_max=int(PROOFS_PER_SECOND_MAX * job.seconds)))

    def _events(self, to: Hub, batch: int) -> LoadJob:
        return self._job(to.server, "/v1/events", to.write_token, batch)

    def _posted(self, to: Server, job: LoadJob) -> Run:
        cpu = to.cpu_seconds()
        load = self._post(job)
        to.settle()
        return Run(
            events_per_second=load.accepted / load.seconds,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            cpu_us=(to.cpu_seconds() - cpu) / load.accepted * 1e6,
            load=load.load,
            sent=load.sent,
            accepted=load.accepted,
        )

    def _post(self, job: LoadJob) -> LoadResult:
        load = self._load.ask(job, LoadResult, job.seconds + MARGIN_SECONDS)
        self._first += load.sent
        if not load.accepted:
            raise BenchFailed(f"of {load.sent} events none was accepted; answers: {load.statuses}")
        return load

    def _end_to_end(self) -> Run:
        """100 a post, until the last record is pulled."""
        return self._delivered(self._events(self._feeding, 100))[0]

    def _paced(self) -> Run:
        """Single posts at a steady rate; the times are from the answer's arrival to the record's."""
        seconds = max(self._plan.seconds, PACED_SECONDS_MIN)
        job = replace(self._events(self._feeding, 1), seconds=seconds, events_per_second=PACED_EVENTS_PER_SECOND)
        measured, load, pulled = self._delivered(job)
        answered = dict(load.answered)
        took = [max(arrived - answered[number], 0.0) * 1e3 for number, arrived in pulled.arrived if number in answered]
        return replace(measured, p50_ms=percentile(took, 0.5), p99_ms=percentile(took, 0.99))

    def _delivered(self, job: LoadJob) -> tuple[Run, LoadResult, PullResult]:
        to = self._feeding
        self._pull.say(
            PullJob(
                url=to.server.url,
                feed=ENGINE,
                token=to.read_token,
                cursor=self._cursor,
                seconds_max=job.seconds + MARGIN_SECONDS / 2,
                first=job.first,
                note_times=job.events_per_second > 0,
            )
        )
        self._pull.hear(dict, MARGIN_SECONDS)
        cpu = to.server.cpu_seconds()
        load = self._post(job)
        self._pull.say(load.accepted)
        pulled = self._pull.hear(PullResult, MARGIN_SECONDS)
        self._cursor = pulled.cursor
        to.server.settle()
        if not load.accepted <= pulled.pulled <= load.sent or pulled.pulled != pulled.distinct:
            raise BenchFailed(f"of {load.accepted} accepted events {pulled.pulled} were pulled, {pulled.distinct} ids")
        measured = Run(
            events_per_second=pulled.pulled / (pulled.last - load.begun),
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            cpu_us=(to.server.cpu_seconds() - cpu) / load.accepted * 1e6,
            load=load.load,
            sent=load.sent,
            accepted=load.accepted,
            delivered=pulled.distinct,
        )
        return measured, load, pulled

    def _written(self, way: Way, records: int) -> Run:
        with TemporaryDirectory(dir=self._directory) as directory:
            job = CeilingJob(
                way=way,
                directory=directory,
                bootstrap=self._ground.bootstrap,
                topic_prefix=f"{self._ground.topic_prefix}{Path(directory).name}.",
                records=records,
                seconds=self._plan.seconds,
                records_max=EVENTS_MAX,
            )
            written = self._ceiling.ask(job, CeilingResult, job.seconds + MARGIN_SECONDS)
        return Run(
            events_per_second=written.records / written.seconds,
            p50_ms=written.p50_ms,
            p99_ms=written.p99_ms,
            cpu_us=written.cpu_seconds / written.records * 1e6,
        )
