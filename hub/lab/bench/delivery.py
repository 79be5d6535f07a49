"""How long it takes from the answer that an event is accepted until a recipient has it, by the way that it comes: at
half of the rate at which single posts came through by that way in the same round."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec import Struct

from hub.lab.bench.arrivals import SECRET
from hub.lab.bench.child import BenchFailed, Child, child
from hub.lab.bench.figures import percentile
from hub.lab.bench.hubs import ENGINE, Ground, Hub, hub
from hub.lab.bench.jobs import LOAD_MAX, ArrivalJob, LoadJob, LoadResult, PullJob, PullResult
from hub.lab.world import Webhook

ROUNDS, SECONDS = 3, 4.0
ROUNDS_QUICK, SECONDS_QUICK = 1, 1.5
CONNECTIONS = 64
EVENTS_MAX = 1_000_000
MARGIN_SECONDS = 60.0
PULL, WEBHOOK = "pull", "webhook"
ASKED_MS = {PULL: 150.0, "SSE": 150.0, "Kafka": 150.0, WEBHOOK: 400.0}
"""What the 99th percentile is to stay within."""
FETCHED = "fetched"
SETTINGS = {"webhooks.networks": "127.0.0.0/8"}


class Delivered(Struct, frozen=True, kw_only=True):
    """One way: medians over the rounds that are not void (if all are: over all), counts of all."""

    name: str
    asked_ms: float
    most_per_second: float
    """Events that came through where posts follow each other as fast as they are answered."""
    per_second: float
    """At this rate the times were measured."""
    p50_ms: float
    p99_ms: float
    load: float
    """The largest share of a core that the load or the recipient used while times were measured."""
    runs: int
    void: int
    accepted: int
    delivered: int


class _Run(Struct, frozen=True):
    load: LoadResult
    came: PullResult

    @property
    def per_second(self) -> float:
        return self.load.accepted / (self.came.last - self.load.begun)

    @property
    def used(self) -> float:
        return max(self.load.load, self.came.load)

    def took_ms(self) -> list[float]:
        answered = dict(self.load.answered)
        return [max(at - answered[number], 0.0) * 1e3 for number, at in self.came.arrived if number in answered]


def measure_delivery(ground: Ground, data: Path, say: Callable[[str], None], *, quick: bool) -> list[Delivered]:
    """Raises `BenchFailed`, also if an event that was accepted did not come, or came twice. Takes a directory of its
    own in `data` and removes it."""
    rounds, seconds = (ROUNDS_QUICK, SECONDS_QUICK) if quick else (ROUNDS, SECONDS)
    data.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=data) as made, ExitStack() as stack:
        bench = _Bench(ground, Path(made), stack)
        found: dict[str, list[tuple[_Run, _Run]]] = {
            name: [] for name in ASKED_MS if name != "Kafka" or ground.bootstrap
        }
        for name in found:
            say(f"first events, by {name}")
            bench.run(name, seconds / 4, 0.0)  # They find nothing warm.
        for number in range(rounds):
            turn = number % len(found)
            for name in [*found][turn:] + [*found][:turn]:
                say(f"round {number + 1} of {rounds}: {name}")
                most = bench.run(name, seconds, 0.0)
                found[name].append((most, bench.run(name, seconds, most.per_second / 2)))
    return [_summed(name, runs) for name, runs in found.items()]


class _Bench:
    """The load, the recipients, and two hubs with a feed: from one it is brought, from the other it is fetched."""

    def __init__(self, ground: Ground, directory: Path, stack: ExitStack) -> None:
        self._load: Child = stack.enter_context(child("load", directory))
        self._pull: Child = stack.enter_context(child("pull", directory))
        self._arrivals: Child = stack.enter_context(child("arrivals", directory))
        webhook = Webhook(f"http://127.0.0.1:{self._arrivals.hear(int, MARGIN_SECONDS)}/", SECRET)
        self._hub: Hub = stack.enter_context(hub(FETCHED, ground, directory, feed=True))
        bringing = hub("brought", ground, directory, feed=True, settings=SETTINGS, webhook=webhook)
        self._bringing: Hub = stack.enter_context(bringing)
        self._ground = ground
        self._cursor: str | None = None
        self._first = 0

    def run(self, name: str, seconds: float, per_second: float) -> _Run:
        """Single posts as fast as they are answered, or at a rate, until the last event has come by this way."""
        to = self._bringing if name == WEBHOOK else self._hub
        job = LoadJob(
            url=to.server.url,
            path="/v1/events",
            token=to.write_token,
            connections=CONNECTIONS,
            seconds=seconds,
            events_max=EVENTS_MAX,
            first=self._first,
            events_per_second=per_second,
        )
        recipient = self._pull if name == PULL else self._arrivals
        recipient.say(self._pulling(job) if name == PULL else self._waiting(name, job))
        recipient.hear(dict, MARGIN_SECONDS)
        load = self._load.ask(job, LoadResult, seconds + MARGIN_SECONDS)
        self._first += load.sent
        recipient.say(load.accepted)
        came = recipient.hear(PullResult, MARGIN_SECONDS)
        self._cursor = came.cursor or self._cursor
        to.server.settle()
        if not 0 < load.accepted <= came.pulled <= load.sent or came.pulled != came.distinct:
            raise BenchFailed(f"of {load.accepted} accepted events {came.pulled} came by {name}, {came.distinct} ids")
        return _Run(load, came)

    def _pulling(self, job: LoadJob) -> PullJob:
        return PullJob(
            url=job.url,
            feed=ENGINE,
            token=self._hub.read_token,
            cursor=self._cursor,
            seconds_max=job.seconds + MARGIN_SECONDS / 2,
            first=job.first,
            note_times=True,
        )

    def _waiting(self, way: str, job: LoadJob) -> ArrivalJob:
        return ArrivalJob(
            way=way,
            url=job.url,
            feed=ENGINE,
            token=self._hub.read_token,
            bootstrap=self._ground.bootstrap,
            topic=f"{self._ground.topic_prefix}{FETCHED}.hub.feed.{ENGINE}",
            seconds_max=job.seconds + MARGIN_SECONDS / 2,
            first=job.first,
        )


def _summed(name: str, runs: list[tuple[_Run, _Run]]) -> Delivered:
    counted = [pair for pair in runs if pair[1].used <= LOAD_MAX] or runs
    paced = [run for _, run in counted]
    return Delivered(
        name=name,
        asked_ms=ASKED_MS[name],
        most_per_second=median(most.per_second for most, _ in counted),
        per_second=median(run.load.accepted / run.load.seconds for run in paced),
        p50_ms=median(percentile(run.took_ms(), 0.5) for run in paced),
        p99_ms=median(percentile(run.took_ms(), 0.99) for run in paced),
        load=max(run.used for _, run in runs),
        runs=len(runs),
        void=sum(run.used > LOAD_MAX for _, run in runs),
        accepted=sum(run.load.accepted for pair in runs for run in pair),
        delivered=sum(run.came.distinct for pair in runs for run in pair),
    )
