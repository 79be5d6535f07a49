"""What `doctor` looks at, through the code that the hub itself runs on."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from hub.assembly.grounds import kafka_feed_access, open_ports, reads_kafka
from hub.assembly.hub import streams_of
from hub.assembly.state import open_registry
from hub.core.errors import HubError
from hub.core.finding import Finding
from hub.core.record import EVENTS
from hub.core.settings import S3Settings, Settings
from hub.drivers.kafka.topics import examine as examine_kafka
from hub.drivers.s3.blob_store import S3BlobStore
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.listen import LOOPBACK, listener
from hub.ports.system import Clock

FREE_BYTES_MIN = 1_073_741_824
FSYNC_MS_MAX = 20.0
FSYNC_TRIES = 20
CLOCK_FLOOR_US = 1_795_000_000_000_000
"""2026-11: a clock before the first release of this format is wrong."""


async def examine(settings: Settings, *, running: bool) -> AsyncIterator[Finding]:
    """Finding after finding; nothing is changed but a probe file, which is removed, and what a first start makes.

    While a hub is `running` on the directory, its ports and stores are its own: `customs-hub status` speaks for them.
    """
    clock = SystemClock()
    directory = Path(settings.log.directory)
    for finding in (*_disk(directory, clock), _clock(clock)):
        yield finding
    if running:
        yield Finding("ok", "hub", "runs on this directory and holds its ports and stores: see `customs-hub status`")
    else:
        for finding in _ports(settings):
            yield finding
        async for finding in _stores(settings, clock):
            yield finding
    if settings.s3.bucket:
        yield await _bucket(settings.s3, clock)
    if settings.postgres.url:
        yield await _database(settings, clock)
    if settings.log.ground == "kafka":
        bytes_max = settings.intake.event_bytes_max
        for finding in await examine_kafka(
            settings.kafka, streams_of(settings), clock=clock, event_bytes_max=bytes_max
        ):
            yield finding
        if reads_kafka(settings):
            for finding in await _readers(settings, clock):
                yield finding


async def _readers(settings: Settings, clock: Clock) -> list[Finding]:
    try:
        with kafka_feed_access(settings, clock) as access:
            return await access.examine()
    except HubError as e:
        fix = "the hub's own listener must answer before readers' rules can be looked at"
        return [Finding("fail", "readers' rights", str(e), f"an answer from {settings.kafka.bootstrap}", fix)]


async def _bucket(settings: S3Settings, clock: Clock) -> Finding:
    try:
        await S3BlobStore.open_at(settings, clock).examine()
    except HubError as e:
        fix = "look at `s3.endpoint`, the bucket's name and the rights of the access key: list, get, put, delete"
        return Finding("fail", "object store", str(e), "a bucket that this hub may list", fix)
    return Finding("ok", "object store", f"bucket {settings.bucket} can be listed")


async def _database(settings: Settings, clock: Clock) -> Finding:
    try:
        async with open_registry(settings, clock) as registry:
            revision = await registry.head()
    except HubError as e:
        fix = "look at `postgres.url`, the password, and the rights of the user: it makes tables in its schema"
        return Finding("fail", "database", str(e), "a PostgreSQL that this hub may use", fix)
    return Finding("ok", "database", f"answers, at revision {revision}")


def _disk(directory: Path, clock: Clock) -> Iterator[Finding]:
    probe = directory / "doctor.probe"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
        seconds = sorted(_fsync_seconds(probe, clock) for _ in range(FSYNC_TRIES))
        probe.unlink()
    except OSError as e:
        fix = "give the hub's user a directory that it may write, with room"
        yield Finding("fail", "data directory", f"{directory}: {e.strerror}", "a directory that can be written", fix)
        return
    yield Finding(
        _level(free >= FREE_BYTES_MIN),
        "free space",
        f"{free / 1e9:.1f} GB",
        "at least 1 GB",
        "make room, or move `log.directory`",
    )
    median_ms = seconds[FSYNC_TRIES // 2] * 1e3
    expected = f"at most {FSYNC_MS_MAX:g} ms"
    yield Finding(
        _level(median_ms <= FSYNC_MS_MAX),
        "fsync",
        f"{median_ms:.2f} ms (median)",
        expected,
        "use a disk with a protected write cache",
    )


def _level(good: bool) -> Literal["ok", "warn"]:
    return "ok" if good else "warn"


def _fsync_seconds(probe: Path, clock: Clock) -> float:
    with probe.open("ab") as file:
        file.write(b"\0" * 4_096)
        file.flush()
        started = clock.monotonic()
        os.fsync(file.fileno())
        return clock.monotonic() - started


def _clock(clock: Clock) -> Finding:
    now_us = clock.now_us()
    found = datetime.fromtimestamp(now_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Finding(
        "ok" if now_us >= CLOCK_FLOOR_US else "fail",
        "clock",
        found,
        "the time of day",
        "set the clock and keep it by NTP: receipts state it",
    )


def _ports(settings: Settings) -> Iterator[Finding]:
    http = settings.http
    for what, host, port in (("port", http.host, http.port), ("operations port", LOOPBACK, http.operations_port)):
        try:
            listener(host, port).close()
            yield Finding("ok", what, f"{host}:{port} is free")
        except HubError as e:
            fix = "stop what listens there, or set another port; if it is this hub, see `customs-hub status`"
            yield Finding("warn", what, str(e), "a free port", fix)
    if http.public_url.startswith("http://") and http.host not in (LOOPBACK, "localhost", "::1"):
        fix = "put the hub behind TLS and set `http.public_url` to the https address"
        yield Finding("warn", "public URL", http.public_url, "https", fix)


async def _stores(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Opens every store as the hub would: locks, formats, key files and their permissions are checked on the way."""
    try:
        async with AsyncExitStack() as stack:
            ports = await open_ports(settings, clock, stack)
            yield Finding("ok", "keys", f"seal key {ports.keys.seal_key_id}")
            yield Finding("ok", "registry", f"revision {await ports.registry.head()}")
            if settings.log.ground != "kafka":
                await ports.log.declare(streams_of(settings)[0])
                bounds = await ports.log.bounds(EVENTS, 0)
                yield Finding("ok", "event log", f"{bounds.end - bounds.start} records")
    except HubError as e:
        fix = "if the hub runs, this is as it should be: see `customs-hub status`"
        yield Finding("fail", "storage", str(e), "stores that this hub can open", fix)
