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

from hub.core.settings import KafkaSettings, LogSettings, Settings
from hub.lab.kafka import KafkaCluster, running_kafka
from tests.faults.history import View, tell
from tests.faults.kill_plan import Kill, plan
from tests.faults.kill_report import Report
from tests.faults.load import Worker
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
UNDER_LOAD_SECONDS = 0.5
FINDINGS_TOLD_MAX = 5


class Cast:
    """Who acts on a stage: workers that send, and a checkpointed reader of each feed."""

    def __init__(self, on: Stage, seed: int) -> None:
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
    """Kill a hub with these settings so many times in a fresh world, stop it once, and judge.

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
            await asyncio.sleep(UNDER_LOAD_SECONDS)
            report.stop_code = await on.hub.stop()
            await on.start()
        report.findings = await on.judge(cast.views())
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
