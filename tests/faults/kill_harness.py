"""The kill harness: a real hub under load, killed again and again, judged by what its clients and readers saw.

    python -m tests.faults.kill_harness --ground sqlite --kills 50 --seed 7

Meanwhile an operator begins, changes and ends feeds and agreements, a feed is brought to an endpoint, the past of one
is replayed, and what readers were given is held against what companies are told. The seed decides kills, points,
payloads, readers and acts; what the machine does between them stays its own. A run that finds something keeps its
directory, says which attempts show it, and prints the command that plays it again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.core.settings import KafkaSettings, LogSettings, Settings, WebhookSettings
from hub.lab.kafka import KafkaCluster, running_kafka
from hub.lab.world import Engine, Sharing
from tests.faults.history import Finding, Kind, Outcome, View, tell
from tests.faults.hook import NETWORKS, Hook, hooked
from tests.faults.kill_plan import Kill, plan
from tests.faults.kill_report import Report
from tests.faults.load import Worker
from tests.faults.officer import LATE, WATCH, Officer
from tests.faults.reading import CheckpointedReader, Given, first_place, until_held
from tests.faults.rereading import Rereader
from tests.faults.stage import FEEDS, PUBLISHERS, Stage, stage
from tests.faults.telling import unchained, untold
from tests.postgres import running_postgres

SOURCES = ("urn:tos", "urn:erp")
"""Of each publisher: the same names, since a source belongs to its publisher."""
WORKERS_PER_SOURCE = 2
ENGINES = (
    Engine(id=WATCH, sharings=tuple(Sharing(partner=publisher) for publisher in PUBLISHERS)),
    Engine(id=LATE, feed=False),
)
"""Recipients of whom the operator's acts are."""
NODE = 1
"""The only broker's id."""
LEASE_SECONDS = 2.0
POINT_SECONDS_MAX = 15.0
"""A point that was not reached by then is passed too rarely: the hub is killed from outside instead."""
DRAIN_SECONDS_MAX = 60.0
UNDER_LOAD_SECONDS = 0.5
FINDINGS_TOLD_MAX = 5
GROUNDS = ("sqlite", "kafka", "workers")


class Ground(Struct):
    """Where a hub keeps what it has, and what can be killed of it."""

    settings: Settings
    cluster: KafkaCluster | None = None
    """The single broker behind it, to be killed too."""
    workers: int = 1


class Cast:
    """Who acts on a stage: workers that send, a checkpointed reader of each feed, one who reads again what was, an
    endpoint and an operator."""

    def __init__(self, on: Stage, hook: Hook, starts: dict[str, str], seed: int) -> None:
        self._on, self._hook, self._chance = on, hook, random.Random(f"{seed}/chains")
        self.workers = [
            Worker(on.desks[publisher], publisher, source, f"{publisher}-{source[4:]}-{number}", str(seed))
            for publisher in PUBLISHERS
            for source in SOURCES
            for number in range(WORKERS_PER_SOURCE)
        ]
        self.readers = {
            feed: CheckpointedReader(on.sessions[feed], feed, start, random.Random(f"{seed}/{feed}"))
            for feed, start in starts.items()
        }
        again = FEEDS[1]
        self.rereader = Rereader(on.sessions[again], again, self.readers[again].held, random.Random(f"{seed}/again"))
        data = Path(on.settings.log.directory)
        self.officer = Officer(data, on.sessions, on.history, random.Random(f"{seed}/officer"))
        self.drained = False

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Load for the length of the block, at whose end the hub must run; then wait until readers hold everything."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(each.run(stopping)) for each in (*self.workers, self.officer)]
            reading = [tasks.create_task(reader.run()) for reader in (*self.readers.values(), self.rereader)]
            yield
            stopping.set()
            await asyncio.gather(*working)
            self.drained = await self._drain()
            for task in reading:
                task.cancel()
        await self.rereader.again()

    async def _drain(self) -> bool:
        """Send the last event of each worker, and wait until every reader holds it: what lay before has come too."""
        last = await asyncio.gather(*(worker.last() for worker in self.workers))
        held = [self._hook.held, *(reader.held for reader in self.readers.values())]
        return all([await until_held(each, last, DRAIN_SECONDS_MAX) for each in held])

    async def judge(self) -> list[Finding]:
        """What must not be, in what they hold, in what the operator made, and in what companies are told of it."""
        attempts, until = self._on.history.attempts, time.monotonic() + DRAIN_SECONDS_MAX
        dues = self.officer.dues(attempts) | self.rereader.dues()
        while True:
            views = {**self.views(), **{f"{name}": view for name, view in (await self.officer.read()).items()}}
            found = await self._on.judge(views, dues)
            if not any(each.kind is Kind.LOST for each in found) or time.monotonic() > until:
                return [*found, *self.officer.findings, *await self._of_companies()]

    async def _of_companies(self) -> list[Finding]:
        for feed in FEEDS:
            await self.readers[feed].acknowledge()
        got, found = self.given(), list[Finding]()
        for publisher in PUBLISHERS:
            keys = sorted(
                {
                    each.key
                    for each in self._on.history.attempts
                    if each.outcome is Outcome.OK and each.key.publisher == publisher
                }
            )
            session = self._on.sessions[publisher]
            found += await untold(session, publisher, got)
            found += await unchained(session, keys, FEEDS, self._chance)
        return found

    def given(self) -> dict[str, Counter[Given]]:
        """By recipient: what came over the wire, and how often."""
        got = {name: reader.got + self.officer.got[name] + self._on.got[name] for name, reader in self.readers.items()}
        got[FEEDS[0]] += self._hook.got
        got[FEEDS[1]] += self.rereader.got
        return got | {LATE: self.officer.got[LATE]}

    def views(self) -> dict[str, View]:
        """What they hold. Of what may be passed over nothing is owed to whom was reading all the time."""
        held = {f"{feed}, checkpointed": reader.held for feed, reader in self.readers.items() if feed != WATCH}
        held |= {WATCH: self.readers[WATCH].held, "brought, by webhook": self._hook.held}
        return held | self.rereader.views()


class Killer:
    """Gives a hub one life after the other."""

    def __init__(self, on: Stage, ground: Ground, report: Report, seed: int) -> None:
        self._on, self._ground, self._report = on, ground, report
        self._chance = random.Random(f"{seed}/killer")

    async def survive(self, kill: Kill) -> bool:
        """Start the hub and see it die; whether it did so at its point."""
        hub = self._on.hub
        await hub.start(str(kill) if kill.point else "")
        at_point = await self._until_dead(kill)
        self._report.at_points += at_point
        if not (at_point and self._ground.workers == 1):
            await hub.kill()
        self._report.kills += 1
        return at_point

    async def _until_dead(self, kill: Kill) -> bool:
        hub, cluster = self._on.hub, self._ground.cluster
        if kill.point:
            return await (self._one_at_its_point() if self._ground.workers > 1 else hub.ended(POINT_SECONDS_MAX))
        if not kill.while_starting:
            await self._on.until_ready()
        if kill.broker and cluster is not None:
            cluster.kill(NODE)
            self._report.kills += 1
            await asyncio.sleep(kill.seconds)
            await asyncio.to_thread(cluster.up, 1)
            await self._on.until_ready()
        else:
            await asyncio.sleep(kill.seconds)
        if kill.frozen:
            await self._freeze()
        elif self._ground.workers > 1 and hub.serving:
            with suppress(ProcessLookupError):  # One that starts may have ended by itself.
                os.kill(self._chance.choice(hub.serving), signal.SIGKILL)
            await self._recovered()
        return False

    async def _one_at_its_point(self) -> bool:
        """Of several workers; another one takes its place."""
        try:
            async with asyncio.timeout(POINT_SECONDS_MAX):
                while not self._on.hub.killed.exists():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        await self._recovered()
        return True

    async def _recovered(self) -> None:
        self._report.kills += 1
        await self._on.until_ready()
        await asyncio.sleep(self._chance.uniform(0, UNDER_LOAD_SECONDS))

    async def _freeze(self) -> None:
        """Stop one that serves until its leases are another's, who may meanwhile know a newer registry."""
        frozen = self._chance.choice(self._on.hub.serving)
        os.kill(frozen, signal.SIGSTOP)
        await asyncio.sleep(2 * LEASE_SECONDS)
        os.kill(frozen, signal.SIGCONT)
        self._report.frozen += 1
        await asyncio.sleep(self._chance.uniform(0, UNDER_LOAD_SECONDS))


async def run(ground: Ground, directory: Path, *, kills: int, seed: int, name: str = "", say: bool = False) -> Report:
    """Kill a hub on a ground so many times in a fresh world, stop it once, and judge."""
    began = time.monotonic()
    report = Report(name, seed)
    settings = replace(
        ground.settings,
        webhooks=WebhookSettings(networks=NETWORKS),
        fanout=replace(ground.settings.fanout, lease_seconds=LEASE_SECONDS),
    )
    async with (
        stage(settings, directory, workers=ground.workers, engines=ENGINES) as on,
        hooked(on.settings, FEEDS[0], random.Random(f"{seed}/hook")) as hook,
    ):
        await on.start()
        starts = {**on.starts, WATCH: await first_place(on.sessions[WATCH], WATCH)}
        cast = Cast(on, hook, starts, seed)
        killer = Killer(on, ground, report, seed)
        async with cast.acting():
            await on.hub.kill()
            for kill in plan(kills, seed, brokers=ground.cluster is not None):
                if report.kills >= kills:
                    break
                at_point = await killer.survive(kill)
                if say:
                    late = ", not reached: killed from outside" if kill.point and not at_point else ""
                    print(f"{report.kills:3} {kill}{late}; {len(on.history.attempts)} attempts", file=sys.stderr)
            await on.start()
            await asyncio.sleep(UNDER_LOAD_SECONDS)
            report.stop_code = await on.hub.stop()
            await on.start()
        report.findings = await cast.judge()
    _sum_up(report, on, cast)
    report.seconds = time.monotonic() - began
    return report


def _sum_up(report: Report, on: Stage, cast: Cast) -> None:
    attempts = on.history.attempts
    report.events, report.attempts = len({attempt.key for attempt in attempts}), len(attempts)
    report.shown = min(len(cast.readers[feed].held) for feed in FEEDS)
    report.reader_restarts = sum(reader.restarts for reader in cast.readers.values())
    report.acts, report.given = cast.officer.acts, sum(got.total() for got in cast.given().values())
    report.codes, report.drained = dict(on.codes), cast.drained
    report.told = tell(report.findings[:FINDINGS_TOLD_MAX], attempts)
    report.rss_mib_max = on.hub.rss_bytes_max / 1_048_576


@contextmanager
def ground_of(name: str, directory: Path) -> Iterator[Ground]:
    """A ground of its own: a file; a Kafka; or two workers, so two routers, on a Kafka and a PostgreSQL."""
    if name == "sqlite":
        yield Ground(Settings())
        return
    with running_kafka(directory / "kafka") as cluster:
        kafka = KafkaSettings(bootstrap=cluster.bootstrap)
        settings = Settings(log=LogSettings(ground="kafka"), kafka=kafka)
        if name == "kafka":
            yield Ground(settings, cluster)
            return
        with running_postgres(directory) as postgres:
            yield Ground(replace(settings, postgres=postgres.database("hub")), cluster, workers=2)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a hub under load, and judge what its clients and readers saw.")
    parser.add_argument("--ground", choices=GROUNDS, default="sqlite")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="customs-hub-kills-"))
    print(f"seed {seed}, in {directory}", file=sys.stderr)
    with ground_of(given.ground, directory) as ground:
        report = asyncio.run(run(ground, directory, kills=given.kills, seed=seed, name=given.ground, say=True))
    print(report)
    if report.whole:
        shutil.rmtree(directory)
    return 0 if report.whole else 1


if __name__ == "__main__":
    sys.exit(main())
