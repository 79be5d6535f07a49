"""A hub of two workers on a real Kafka and a real PostgreSQL: what each does alone, they do not do together."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from connectors.keys import read_key
from hub.cli import run
from hub.core.settings import AuthSettings, KafkaSettings, LogSettings, PostgresSettings, Settings
from tests.faults.connections import EVENT, FORM, Said, assertion, connected, token
from tests.faults.history import Outcome
from tests.faults.hook import NETWORKS, hooked
from tests.faults.load import Outgoing, outgoing
from tests.faults.stage import FEEDS, Stage, stage
from tests.postgres import PostgresCluster, running_postgres

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres]

WORKERS = range(2)
PARALLEL = 100
BURST = 40
"""Requests."""
LEASE_SECONDS = 2.0
HEAD = b"id,empty,container,occurred_at,time_kind,unlocode\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[PostgresCluster]:
    """One to be frozen."""
    with running_postgres(tmp_path) as running:
        yield running


@pytest.fixture
def settings(postgres: PostgresCluster, kafka_bootstrap: str) -> Settings:
    return settings_on(postgres.database(f"workers_{uuid4().hex}"), kafka_bootstrap)


def settings_on(database: PostgresSettings, bootstrap: str) -> Settings:
    """Tokens need no proof where a test holds the wire in its own hand."""
    kafka = KafkaSettings(bootstrap=bootstrap, topic_prefix=f"{uuid4()}.")
    auth = AuthSettings(sender_constrained="offered")
    return Settings(log=LogSettings(ground="kafka"), kafka=kafka, postgres=database, auth=auth)


@asynccontextmanager
async def two_workers(settings: Settings, directory: Path, kill_at: str = "") -> AsyncIterator[Stage]:
    async with stage(settings, directory, workers=len(WORKERS)) as on:
        await on.start(kill_at)
        yield on


def event(name: str) -> Outgoing:
    return outgoing("acme", "urn:tos", name, mass_kg=10_000)


async def pid_of(on: Stage, worker: int) -> int:
    return int((await on.hub.worker(worker))["pid"])


async def operator(directory: Path, *arguments: str) -> None:
    """`customs-hub …` on the hub's admin socket."""
    assert await asyncio.to_thread(run, [*arguments, "--data", str(directory / "data")]) == 0


async def asked(on: Stage, path: str, body: bytes, **headers: str) -> Said | None:
    """The answer on a connection of its own; None: there was none."""
    try:
        async with connected(on) as connection:
            return await connection.ask("POST", path, body, **headers)
    except (ConnectionError, asyncio.IncompleteReadError):
        return None


async def test_an_assertion_is_good_for_one_token_over_all_workers_and_the_death_of_one(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path) as on:
        form = assertion(on, tmp_path, "acme")

        async def tokens() -> int:
            """How many of a hundred replays are answered with one; others may find a worker gone, or without answer."""
            said = await asyncio.gather(*(asked(on, "/oauth/token", form, Content_Type=FORM) for _ in range(PARALLEL)))
            statuses = Counter(each.status for each in said if each is not None)
            assert set(statuses) <= {200, 401, 503}
            return statuses[200]

        first = await tokens()
        under_way = asyncio.create_task(tokens())
        os.kill(await pid_of(on, 1), signal.SIGKILL)
        across = await under_way
        await on.until_ready()

        assert (first, across, await tokens()) == (1, 0, 0)


async def test_an_event_sent_to_both_workers_at_once_is_shown_once_though_one_was_killed_after_its_append(
    settings: Settings, tmp_path: Path
) -> None:
    same = event("same")
    async with two_workers(settings, tmp_path, kill_at="after-append:1") as on:

        async def at_once() -> set[Outcome]:
            posts = await asyncio.gather(*(on.desks["acme"].post([same]) for _ in range(PARALLEL)))
            return {attempt.outcome for [attempt] in posts}

        assert Outcome.UNKNOWN in await at_once()
        assert "worker_ended" in on.hub.log.read_text()
        await on.until_ready()
        assert await at_once() == {Outcome.OK}

        assert [view for view in (await on.views()).values() if [seen.key for seen in view] != [same.key]] == []
        assert await on.judge() == []
        assert on.sessions["acme"].nonces_refused <= 2 * PARALLEL, "at most once a connection"
        counted = text_string_to_metric_families(await on.hub.metrics())
        items = next(family for family in counted if family.name == "customs_hub_intake_items")
        assert {sample.labels["worker"] for sample in items.samples} == {"0", "1"}


@pytest.mark.parametrize("stops", ["suspension", "revocation"])
async def test_what_one_operator_stops_every_worker_refuses_once_it_has_asked_the_registry(
    stops: str, settings: Settings, tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path) as on, AsyncExitStack() as stack:
        act, refused = {
            "suspension": (("partner", "suspend", "acme"), (403, "PARTNER_SUSPENDED")),
            "revocation": (("key", "revoke", read_key(tmp_path / "acme.pem").id), (401, "UNAUTHENTICATED")),
        }[stops]
        lines = [await stack.enter_async_context(connected(on, worker)) for worker in WORKERS]
        given = {"Authorization": await token(on, tmp_path, "acme"), "Content_Type": EVENT}
        before = [await line.ask("POST", "/v1/events", event(f"{n}").raw, **given) for n, line in enumerate(lines)]
        revision = (await on.hub.worker(0))["revision"]
        await operator(tmp_path, *act)
        while any([(await on.hub.worker(worker))["revision"] <= revision for worker in WORKERS]):
            await asyncio.sleep(0.01)

        after = [await line.ask("POST", "/v1/events", event(f"{n}-late").raw, **given) for n, line in enumerate(lines)]

        assert [said.status for said in before] == [201, 201]
        assert [(said.status, said.document["code"]) for said in after] == [refused] * 2


async def test_a_worker_that_was_frozen_decides_nothing_before_it_has_asked_the_registry(
    cluster: PostgresCluster, kafka_bootstrap: str, tmp_path: Path
) -> None:
    settings = settings_on(cluster.database("workers"), kafka_bootstrap)
    async with two_workers(settings, tmp_path) as on, connected(on, 1) as line:
        given = {"Authorization": await token(on, tmp_path, "acme"), "Content_Type": EVENT}
        assert (await line.ask("POST", "/v1/events", event("before").raw, **given)).status == 201
        frozen = await pid_of(on, 1)
        os.kill(frozen, signal.SIGSTOP)
        await operator(tmp_path, "partner", "suspend", "acme")
        assert (await on.hub.health())["lacking"] == ["worker 1"]
        cluster.freeze()
        while "registry" not in (await on.hub.worker(0))["lacking"]:  # Then more than a second has passed.
            await asyncio.sleep(0.05)
        line.send("POST", "/v1/events", event("late").raw, **given)
        os.kill(frozen, signal.SIGCONT)
        awoken = await line.hear()
        cluster.thaw()
        await on.until_ready()

        assert (awoken.status, awoken.document["code"]) == (503, "REGISTRY_STALE")
        assert (await line.ask("POST", "/v1/events", event("late").raw, **given)).status == 403
        assert {tuple(seen.key.id for seen in view) for view in (await on.views()).values()} == {("before",)}


async def test_a_router_frozen_past_its_leases_wakes_with_an_older_revision_and_nothing_is_lost_or_repeated(
    settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, fanout=replace(settings.fanout, lease_seconds=LEASE_SECONDS))
    async with two_workers(settings, tmp_path) as on:

        async def shown_everywhere(name: str) -> None:
            """Events of many sources, so of every partition, until both feeds show all that was ever sent."""
            events = [outgoing("acme", f"urn:tos:{each}", name, mass_kg=10_000 + each) for each in range(BURST)]
            await on.desks["acme"].settle(events, random.Random(1))
            sent = len({attempt.key for attempt in on.history.attempts})
            while min(map(len, (await on.views()).values())) < sent:
                await asyncio.sleep(0.05)

        await shown_everywhere("before")
        os.kill(await pid_of(on, 0), signal.SIGKILL)  # What it routed goes to the other one.
        await on.until_ready()
        await shown_everywhere("by the second")
        frozen = await pid_of(on, 1)
        os.kill(frozen, signal.SIGSTOP)
        await operator(tmp_path, "partner", "suspend", "borealis")
        await shown_everywhere("by the first, who has all leases now")
        os.kill(frozen, signal.SIGCONT)
        await on.until_ready()
        await operator(tmp_path, "partner", "resume", "borealis")
        await shown_everywhere("after")

        assert await on.judge() == []


async def test_a_leak_is_told_to_each_recipient_once_whichever_worker_is_asked_and_though_one_was_killed(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path) as on:
        await on.desks["acme"].settle([event("a"), event("b")], random.Random(1))
        await on.desks["borealis"].settle([outgoing("borealis", "urn:tos", "c", 1)], random.Random(1))
        while min(map(len, (await on.views()).values())) < 3:
            await asyncio.sleep(0.05)
        key = read_key(tmp_path / "acme.pem").id

        await operator(tmp_path, "key", "leaked", key, "--since", "2020-01-01", "--reason", "stolen")
        began = await told(on, tmp_path, 1)
        os.kill(await pid_of(on, 0), signal.SIGKILL)
        await on.until_ready()
        await operator(tmp_path, "key", "settle", key, "--confirm", "--reason", "forged")
        ended = await told(on, tmp_path, 2)

        assert began == [[("TRUST_WITHDRAWN", ["a", "b"])]] * len(FEEDS) * len(WORKERS)
        assert ended == [[("TRUST_WITHDRAWN", ["a", "b"]), ("TRUST_CONFIRMED", ["a", "b"])]] * len(FEEDS) * len(WORKERS)


async def told(on: Stage, directory: Path, count: int) -> list[list[tuple[str, list[str]]]]:
    """The notices of each recipient as each worker tells them, once there are so many."""
    found = []
    for feed in FEEDS:
        given = {"Authorization": await token(on, directory, feed)}
        for worker in WORKERS:
            async with connected(on, worker) as line, asyncio.timeout(60):
                while len(items := (await line.ask("GET", "/v1/notices", **given)).document["items"]) < count:
                    await asyncio.sleep(0.05)
                found.append([(each["code"], [event["id"] for event in each["events"]]) for each in items])
    return found


async def test_what_a_worker_brought_to_a_webhook_and_could_not_keep_comes_again_under_its_name(
    settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, webhooks=replace(settings.webhooks, networks=NETWORKS))
    names = [f"{number:02}" for number in range(10)]
    async with (
        stage(settings, tmp_path, workers=len(WORKERS)) as on,
        hooked(on.settings, FEEDS[0], random.Random(1)) as hook,
    ):
        await on.start("before-keep:4")  # Each message is kept when it is made, and when it is done.
        for name in names:
            await on.desks["acme"].settle([event(name)], random.Random(1))
        while len(hook.held) < len(names):
            await asyncio.sleep(0.05)

        assert on.hub.killed.exists()
        assert [seen.key.id for seen in hook.held] == names


async def test_a_quota_is_one_for_all_workers_together(settings: Settings, tmp_path: Path) -> None:
    narrow = replace(settings.quotas.trusted, requests_per_second=1, burst_seconds=BURST)
    settings = replace(settings, quotas=replace(settings.quotas, trusted=narrow))
    async with two_workers(settings, tmp_path) as on, AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected(on, worker)) for worker in WORKERS]
        given = {"Authorization": await token(on, tmp_path, "acme"), "Content_Type": EVENT}

        said = [
            await line.ask("POST", "/v1/events", event(f"{number}-{worker}").raw, **given)
            for number in range(BURST)
            for worker, line in enumerate(lines)
        ]

        assert {each.status for each in said} == {201, 429}
        assert sum(each.status == 201 for each in said) < 2 * BURST - 20, "each worker has a quota of its own"


async def test_a_table_that_one_worker_took_is_judged_by_another_and_asked_of_either(
    settings: Settings, tmp_path: Path
) -> None:
    row = b"a,no,MSKU1234565,2026-11-01T10:00:00+01:00,ACTUAL,NLRTM"
    async with two_workers(settings, tmp_path) as on, connected(on, 0) as first, connected(on, 1) as second:
        given = {"Authorization": await token(on, tmp_path, "acme")}
        path = "/v1/tables?type=customs.container.gate_in"

        taken = await second.ask("POST", path, HEAD + row, Content_Type="text/csv", **given)

        told = [await line.ask("GET", taken.location, **given) for line in (first, second)]
        assert [said.document["counts"] for said in (taken, *told)] == [{"ACCEPTED": 1}] * 3
        assert (await second.ask("GET", "/v1/events", **given)).document["known_up_to"] is not None


async def test_metrics_and_status_speak_for_all_workers_whichever_is_asked(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with two_workers(settings, tmp_path) as on:
        os.kill(await pid_of(on, 1), signal.SIGKILL)
        while (await on.hub.worker(1)).get("starts") != 2:
            await asyncio.sleep(0.05)
        await on.until_ready()

        counted = list(text_string_to_metric_families(await on.hub.metrics()))

        ended = next(family for family in counted if family.name == "customs_hub_alarms")
        assert {sample.labels["worker"] for sample in ended.samples if sample.labels["alarm"] == "worker_ended"} == {
            "1"
        }
        revisions = next(family for family in counted if family.name == "customs_hub_registry_revision")
        assert [sample.labels["worker"] for sample in revisions.samples] == ["0", "1"]
        capfd.readouterr()
        await operator(tmp_path, "status")
        assert "2 times" in capfd.readouterr().out


async def test_when_the_parent_is_killed_its_workers_end_and_another_hub_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path) as on:
        await on.desks["acme"].settle([event("before")], random.Random(1))
        workers = [await pid_of(on, worker) for worker in WORKERS]

        await on.hub.kill()

        assert [Path(f"/proc/{pid}").exists() for pid in workers] == [False, False]
        await on.start()
        await on.desks["acme"].settle([event("before"), event("after")], random.Random(1))
        assert await on.judge() == []
