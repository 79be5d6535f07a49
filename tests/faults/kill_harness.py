"""The kill harness: a real hub under load, killed again and again, judged by what its clients and readers saw.

    python -m tests.faults.kill_harness --ground sqlite --kills 50 --seed 7

The seed decides kills, points, payloads and readers; what the machine does between them stays its own. A run that finds
something keeps its directory, says which attempts show it, and prints the command that plays it again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from msgspec import Struct

from hub.core.settings import KafkaSettings, LogSettings, Settings
from hub.lab.kafka import KafkaCluster, running_kafka
from tests.faults.history import Finding, Kind, View, tell
from tests.faults.load import Worker
from tests.faults.points import COMMON_POINTS, RARE_POINTS
from tests.faults.reading import CheckpointedReader
from tests.faults.stage import FEEDS, PUBLISHERS, Stage, stage

SOURCES = ("urn:tos", "urn:erp")
"""Of each publisher: the same names, since a source belongs to its publisher."""
WORKERS_PER_SOURCE = 2
NODE = 1
"""The only broker's id."""
POINT_SECONDS_MAX = 15.0
"""A point that was not reached by then is passed too rarely: the hub is killed from outside instead."""
DRAIN_SECONDS_MAX = 60.0
FINDINGS_TOLD_MAX = 5
BROKER_TURN = 3
"""Of every ten kills this one comes after the broker's own."""


class Kill(Struct, frozen=True):
    """At a passage of a point; or, without a point, so many seconds after the hub is ready, or was started.

    With `broker`, its Kafka dies and is away for so many seconds; the hub is killed when it has recovered by itself.
    """

    point: str = ""
    passage: int = 0
    seconds: float = 0.0
    while_starting: bool = False
    broker: bool = False

    def __str__(self) -> str:
        if self.point:
            return f"{self.point}:{self.passage}"
        if self.broker:
            return f"after its Kafka was away for {self.seconds:.2f} s"
        return f"{self.seconds:.2f} s after it {'was started' if self.while_starting else 'was ready'}"


def plan(kills: int, seed: int, *, brokers: bool = False) -> list[Kill]:
    """Each common point in turn, random times between them, now and then a rare point, or a broker that dies too."""
    chance = random.Random(f"{seed}/kills")
    points = list(COMMON_POINTS)
    planned: list[Kill] = []
    while len(planned) < kills:
        if not points:
            points = list(COMMON_POINTS)
        draw = chance.random()
        if brokers and len(planned) % 10 == BROKER_TURN:
            planned.append(Kill(seconds=chance.uniform(0, 5), broker=True))
        elif draw < 0.25:
            planned.append(Kill(seconds=chance.uniform(0, 1.5)))
        elif draw < 0.35:
            planned.append(Kill(seconds=chance.uniform(0.2, 2.0), while_starting=True))
        elif draw < 0.42:
            planned.append(Kill(chance.choice(RARE_POINTS), 1))
        else:
            point = points.pop(chance.randrange(len(points)))
            planned.append(Kill(point, round(10 ** chance.uniform(0, 2))))
    return planned


class Report(Struct):
    """What a run did and found."""

    ground: str
    seed: int
    kills: int = 0
    at_points: int = 0
    events: int = 0
    attempts: int = 0
    shown: int = 0
    reader_restarts: int = 0
    codes: dict[str, int] = {}
    rss_mib_max: float = 0.0
    seconds: float = 0.0
    findings: list[Finding] = []
    told: str = ""
    drained: bool = True
    """Every reader came to hold the last event of every worker."""
    stop_code: int = 0
    """How the hub ended when it was asked to, after all."""

    def count(self, kind: Kind) -> int:
        return sum(finding.kind is kind for finding in self.findings)

    @property
    def whole(self) -> bool:
        return self.drained and not self.findings and self.stop_code == 0

    def __str__(self) -> str:
        found = ", ".join(f"{self.count(kind)} {kind}" for kind in Kind)
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.codes.items()))
        lines = [
            f"{self.ground}: {self.kills} kills ({self.at_points} at named points), {self.events} events in "
            f"{self.attempts} attempts, {self.shown} shown in each feed, {self.reader_restarts} restarts of readers",
            f"{found}; hub memory at most {self.rss_mib_max:.0f} MiB; {self.seconds:.0f} s",
            f"answers: {codes}",
        ]
        if not self.whole:
            again = f"python -m tests.faults.kill_harness --ground {self.ground} --kills {self.kills}"
            lines += [
                "" if self.drained else "the feeds did not drain",
                self.told,
                f"again: {again} --seed {self.seed}",
            ]
        return "\n".join(lines)


class Cast:
    """Who acts on a stage: workers that send, and a checkpointed reader of each feed."""

    def __init__(self, on: Stage, seed: int) -> None:
        self.stage = on
        self.workers = [
            Worker(on.desks[publisher], publisher, source, f"{publisher}-{source[4:]}-{number}", str(seed))
            for publisher in PUBLISHERS
            for source in SOURCES
            for number in range(WORKERS_PER_SOURCE)
        ]
        self.readers = {
            feed: CheckpointedReader(on.sessions[feed], feed, on.starts[feed], random.Random(f"{seed}/{feed}"))
            for feed in FEEDS
        }
        self.drained = False

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Load for the length of the block, at whose end the hub must run; then wait until readers hold everything."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(worker.run(stopping)) for worker in self.workers]
            reading = [tasks.create_task(reader.run()) for reader in self.readers.values()]
            yield
            stopping.set()
            await asyncio.gather(*working)
            self.drained = await self._drain()
            for task in reading:
                task.cancel()

    async def _drain(self) -> bool:
        """Send the last event of each worker, and wait until every reader holds it: what lay before has come too."""
        last = await asyncio.gather(*(worker.last() for worker in self.workers))
        return all([await reader.until(last, DRAIN_SECONDS_MAX) for reader in self.readers.values()])

    def views(self) -> dict[str, View]:
        return {f"{feed}, checkpointed": reader.held for feed, reader in self.readers.items()}


async def survive(on: Stage, kill: Kill, cluster: KafkaCluster | None) -> bool:
    """Start the hub and see it die; whether it did so at its point."""
    await on.hub.start(str(kill) if kill.point else "")
    if kill.point:
        if await on.hub.ended(POINT_SECONDS_MAX):
            return True
    else:
        if not kill.while_starting:
            await on.until_ready()
        if kill.broker and cluster is not None:
            cluster.kill(NODE)
            await asyncio.sleep(kill.seconds)
            await asyncio.to_thread(cluster.up, 1)
            await on.until_ready()
        else:
            await asyncio.sleep(kill.seconds)
    await on.hub.kill()
    return False


async def run(
    settings: Settings,
    directory: Path,
    *,
    kills: int,
    seed: int,
    cluster: KafkaCluster | None = None,
    say: bool = False,
) -> Report:
    """Kill a hub with these settings so many times in a fresh world, and judge. Leaves the directory as it is.

    `cluster`: the single broker behind it, to be killed too.
    """
    began = time.monotonic()
    report = Report(settings.log.ground, seed)
    async with stage(settings, directory) as on:
        await on.start()
        cast = Cast(on, seed)
        async with cast.acting():
            await on.hub.kill()
            for kill in plan(kills, seed, brokers=cluster is not None):
                at_point = await survive(on, kill, cluster)
                report.kills, report.at_points = report.kills + 1, report.at_points + at_point
                if say:
                    late = ", not reached: killed from outside" if kill.point and not at_point else ""
                    print(f"{report.kills:3} {kill}{late}; {len(on.history.attempts)} attempts", file=sys.stderr)
            await on.start()
        report.findings = await on.judge(cast.views())
        report.stop_code = await on.hub.stop()
    attempts = on.history.attempts
    report.events, report.attempts = len({attempt.key for attempt in attempts}), len(attempts)
    report.shown = min(len(view) for view in cast.views().values())
    report.reader_restarts = sum(reader.restarts for reader in cast.readers.values())
    report.codes, report.drained = dict(on.codes), cast.drained
    report.told = tell(report.findings[:FINDINGS_TOLD_MAX], attempts)
    report.rss_mib_max = on.hub.rss_bytes_max / 1_048_576
    report.seconds = time.monotonic() - began
    return report


@contextmanager
def ground_of(name: str, directory: Path) -> Iterator[tuple[Settings, KafkaCluster | None]]:
    """The settings of a ground; for Kafka, with a broker of its own."""
    if name == "sqlite":
        yield Settings(), None
        return
    with running_kafka(directory / "kafka") as cluster:
        yield Settings(log=LogSettings(ground="kafka"), kafka=KafkaSettings(bootstrap=cluster.bootstrap)), cluster


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a hub under load, and judge what its clients and readers saw.")
    parser.add_argument("--ground", choices=("sqlite", "kafka"), default="sqlite")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="customs-hub-kills-"))
    print(f"seed {seed}, in {directory}", file=sys.stderr)
    with ground_of(given.ground, directory) as (settings, cluster):
        report = asyncio.run(run(settings, directory, kills=given.kills, seed=seed, cluster=cluster, say=True))
    print(report)
    if report.whole:
        shutil.rmtree(directory)
    return 0 if report.whole else 1


if __name__ == "__main__":
    sys.exit(main())
