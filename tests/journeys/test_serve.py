"""`customs-hub serve` as an operator runs it: it starts or says why not, tells how it does, and ends cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.keys import signing_key
from connectors.session import HubSession
from hub.assembly import build
from hub.cli import run
from hub.core.settings import Settings
from hub.lab.world import Client, Company, Engine, hub_world
from tests.world import SOURCE, event, settings_in

COMMAND = str(Path(sys.executable).with_name("customs-hub"))
ENDS_SECONDS_MAX = 25.0
"""Less than a long poll waits."""


def environment(directory: Path, **more: str) -> dict[str, str]:
    given = {"LOG_DIRECTORY": str(directory), "HTTP_PORT": "0", "HTTP_OPERATIONS_PORT": "0"} | more
    return {**os.environ, **{f"CUSTOMS_HUB_{name}": value for name, value in given.items()}}


Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def customs_hub(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` in this process: exit code, stdout, stderr."""

    async def command(*arguments: str, directory: Path, **more: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            for name, value in environment(directory, **more).items():
                patch.setenv(name, value)
            code = await asyncio.to_thread(run, arguments)
        return code, *capfd.readouterr()

    return command


async def refused_to_serve(directory: Path, **more: str) -> tuple[int, str]:
    """`customs-hub serve`, which ends by itself: exit code, stderr."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", stderr=asyncio.subprocess.PIPE, env=environment(directory, **more)
    )
    _, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err
    return process.returncode, err.decode()


class Serving:
    """A hub in a process of its own, and what it logged."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url
        self.log = b""

    async def stop(self) -> int:
        """SIGTERM; the exit code. Raises `TimeoutError` if it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(ENDS_SECONDS_MAX):
            _, self.log = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def serving(directory: Path, **more: str) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", stderr=asyncio.subprocess.PIPE, env=environment(directory, **more)
    )
    try:
        assert process.stderr is not None
        while "url" not in (said := json.loads(await process.stderr.readline())):
            continue
        yield Serving(process, said["url"])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data", ground="sqlite")


@pytest.fixture
async def systems(settings: Settings) -> dict[str, Client]:
    return await hub_world(settings, companies=[Company(id="delta", roles=("terminal",))], engines=[Engine(id="watch")])


def session(url: str, system: Client, scope: str) -> HubSession:
    return HubSession(
        url, client_id=system.id, key=signing_key(load_pem_private_key(system.key_pem, None)), scope=scope
    )


class Sender:
    """Posts one event after the other until the hub is gone; `accepted` holds what was acknowledged."""

    def __init__(self, name: str, session: HubSession) -> None:
        self._name, self._session = name, session
        self.under_way = asyncio.Event()
        self.accepted: list[str] = []
        self.statuses: set[int] = set()

    async def run(self) -> None:
        for number in range(100_000):
            id_ = f"{self._name}-{number}"
            headers = {"Content-Type": "application/cloudevents+json"}
            try:
                answer = await self._session.request(
                    "POST", "/v1/events", body=orjson.dumps(event(id_)), headers=headers
                )
            except Exception:  # noqa: BLE001 - the hub has gone: no answer is a clean end too
                return
            self.statuses.add(answer.status)
            if answer.status == 201:
                self.accepted.append(id_)
            if number == 20:
                self.under_way.set()


async def test_sigterm_under_load_loses_nothing_that_was_acknowledged(
    settings: Settings, systems: dict[str, Client]
) -> None:
    async with serving(Path(settings.log.directory)) as hub, session(hub.url, systems["delta"], "events:write") as one:
        senders = [Sender(f"s{number}", one) for number in range(16)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        await asyncio.gather(*(sender.under_way.wait() for sender in senders))

        assert await hub.stop() == 0
        await asyncio.gather(*tasks)

    assert set().union(*(sender.statuses for sender in senders)) <= {201, 503}
    async with build(settings) as again, session(again.url, systems["delta"], "receipts:read") as reading:
        for id_ in (id_ for sender in senders for id_ in sender.accepted[-3:]):
            assert await judged(reading, id_) == ["FIRST"]


async def judged(reading: HubSession, id_: str) -> list[str]:
    while True:
        answer = await reading.request("GET", "/v1/events", query={"source": SOURCE, "id": id_})
        if items := answer.json()["items"]:
            return [item["judgement"] for item in items]
        await asyncio.sleep(0.01)


async def test_a_stop_waits_for_no_idle_connection_stream_or_long_poll(
    settings: Settings, systems: dict[str, Client]
) -> None:
    async with serving(Path(settings.log.directory)) as hub, session(hub.url, systems["watch"], "feeds:read") as watch:
        await watch.request("GET", "/v1/feeds")
        poll = asyncio.create_task(watch.request("GET", "/v1/feeds/watch/records", query={"wait": "30"}))
        async with watch.open({}, method="GET", path="/v1/feeds/watch/stream"):
            assert await hub.stop() == 0
            assert (await poll).status == 200


async def test_without_its_kafka_a_hub_serves_says_what_is_lacking_and_acknowledges_nothing(
    settings: Settings, systems: dict[str, Client], customs_hub: Command
) -> None:
    directory = Path(settings.log.directory)
    nowhere = {"LOG_GROUND": "kafka", "KAFKA_BOOTSTRAP": f"127.0.0.1:{unused_port()}"}
    async with serving(directory, **nowhere) as hub, session(hub.url, systems["delta"], "events:write") as delta:
        headers = {"Content-Type": "application/cloudevents+json"}
        async with aiohttp.request("GET", f"{hub.url}/health/ready") as response:
            ready = response.status, await response.json()
        answer = await delta.request("POST", "/v1/events", body=orjson.dumps(event("a")), headers=headers)
        status = await customs_hub("status", directory=directory)
        doctor = await customs_hub("doctor", directory=directory.with_name("other"), **nowhere)
        assert await hub.stop() == 0

    assert (ready[0], ready[1]["ready"], set(ready[1]["lacking"])) == (503, False, {"storage", "log"})
    assert (answer.status, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
    assert answer.retry_after_seconds == 1
    assert (status[0], "Kafka does not answer" in status[1]) == (0, True)
    assert (doctor[0], "FAIL  Kafka brokers: " in doctor[1]) == (1, True)
    assert all(json.loads(line) for line in hub.log.splitlines())


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_all_faults_of_the_settings_are_named_at_once(tmp_path: Path) -> None:
    code, err = await refused_to_serve(
        tmp_path, HTTP_PORT="99999", LOG_GROUND="paper", HTTP_PROT="1", INTAKE_EVENT_BYTES_MAX="0"
    )

    assert code == 2
    for name in ("HTTP_PORT", "LOG_GROUND", "HTTP_PROT", "INTAKE_EVENT_BYTES_MAX"):
        assert f"CUSTOMS_HUB_{name}: " in err


async def test_a_second_hub_on_the_same_directory_or_port_is_refused_with_the_reason(settings: Settings) -> None:
    directory = Path(settings.log.directory)
    async with serving(directory) as hub:
        port = hub.url.rpartition(":")[2]

        second, elsewhere = await asyncio.gather(
            refused_to_serve(directory), refused_to_serve(directory.with_name("other"), HTTP_PORT=port)
        )

        assert second[0] == elsewhere[0] == 1
        assert f"in use by process {hub.process.pid}" in second[1]
        assert f"cannot listen on 127.0.0.1:{port}" in elsewhere[1]
        assert await hub.stop() == 0


async def test_status_says_how_the_running_hub_does_and_doctor_leaves_it_alone(
    settings: Settings, systems: dict[str, Client], customs_hub: Command
) -> None:
    directory = Path(settings.log.directory)
    none = await customs_hub("status", directory=directory)
    async with serving(directory) as hub:
        running = await customs_hub("status", directory=directory)
        as_json = await customs_hub("status", "--json", directory=directory)
        doctor = await customs_hub("doctor", "--json", directory=directory)
        async with aiohttp.request("GET", f"{hub.url}/health/ready") as response:
            ready = await response.json()
        assert await hub.stop() == 0

    assert (none[0], "no hub runs on" in none[2]) == (1, True)
    assert running[0] == 0
    assert hub.url in running[1]
    status = json.loads(as_json[1])
    assert (status["url"], status["lacking"], ready) == (hub.url, {}, {"ready": True, "lacking": []})
    assert [partition["feeds_behind"] for partition in status["partitions"]] == [{"watch": 0}]
    findings = {each["what"]: each["level"] for each in json.loads(doctor[1])["items"]}
    assert doctor[0] == 0
    assert (findings["hub"], "storage" in findings, "port" in findings) == ("ok", False, False)


async def test_doctor_finds_a_good_machine_good_and_names_what_is_not(
    settings: Settings, tmp_path: Path, customs_hub: Command
) -> None:
    good = await customs_hub("doctor", directory=Path(settings.log.directory))
    (tmp_path / "file").write_text("")
    bad = await customs_hub("doctor", "--json", directory=tmp_path / "file")
    faulty = await customs_hub("doctor", directory=tmp_path, HTTP_PORT="x")

    assert good[0] == 0, good
    for what in ("free space", "fsync", "clock", "port", "keys", "registry", "event log"):
        assert f" {what}: " in good[1]
    findings: dict[str, Any] = {each["what"]: each for each in json.loads(bad[1])["items"]}
    assert bad[0] == 1
    assert findings["data directory"]["level"] == findings["storage"]["level"] == "fail"
    assert findings["data directory"]["fix"]
    assert faulty[0] == 2
