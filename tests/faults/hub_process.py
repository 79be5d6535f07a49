"""A hub in a process of its own, to be killed and started again on the same directory and port."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from hub.config import variable
from hub.core.settings import Settings

SERVE = (str(Path(sys.executable).with_name("customs-hub")), "serve")
SERVE_WITH_POINTS = (sys.executable, "-m", "tests.faults.serve_with_points", "serve")
READY_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 100.0
POLL_SECONDS = 0.05


class HubProcess:
    """`settings` must name a port: it stays the same over restarts, and so does the hub's URL."""

    def __init__(self, settings: Settings, log: Path, workers: int = 1) -> None:
        self.url = f"http://{settings.http.host}:{settings.http.port}"
        self.operations_url = f"http://127.0.0.1:{settings.http.operations_port}"
        self.log = log
        """What all its processes wrote, one after the other."""
        self.rss_bytes_max = 0
        """The most that any of them had in memory (VmHWM), workers too."""
        self.workers = [Path(settings.log.directory) / f"worker-{number}.sock" for number in range(workers)]
        """Where each tells how it does; nobody listens there if it is the only one."""
        self.killed = Path(f"{log}.killed")
        """Of several workers: there once one has ended itself at its point."""
        self._several = ("--workers", str(workers)) if workers > 1 else ()
        self._environment = {**os.environ, **environment_of(settings)}
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, kill_at: str = "") -> None:
        """`kill_at`: a point of `tests.faults.points`, at which it ends itself."""
        command = SERVE_WITH_POINTS if kill_at else SERVE
        self.killed.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                *self._several,
                stderr=log,
                env={**self._environment, "KILL_AT": kill_at, "KILL_MARK": str(self.killed)},
            )
        self._watching = asyncio.create_task(self._watch_memory(self._process.pid))

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def worker(self, number: int) -> Mapping[str, Any]:
        """What one of several workers tells of itself; empty: it does not answer."""
        connector = aiohttp.UnixConnector(str(self.workers[number]))
        try:
            async with aiohttp.request("GET", "http://worker/state", connector=connector) as said:
                return dict(await said.json())
        except aiohttp.ClientError:
            return {}
        finally:
            await connector.close()

    async def health(self) -> Mapping[str, Any]:
        """What `GET /health/ready` answers; empty if nothing does."""
        try:
            async with aiohttp.request("GET", f"{self.url}/health/ready") as response:
                return dict(await response.json())
        except aiohttp.ClientError:
            return {}

    async def metrics(self) -> str:
        async with aiohttp.request("GET", f"{self.operations_url}/metrics") as response:
            return await response.text()

    async def ready(self) -> bool:
        """Wait until it is ready; False if it ended before. Raises `TimeoutError`."""
        return await self._until(lambda health: bool(health.get("ready")))

    async def listening(self) -> bool:
        """Wait until it answers; False if it ended before. Raises `TimeoutError`."""
        return await self._until(bool)

    async def _until(self, told: Callable[[Mapping[str, Any]], bool]) -> bool:
        async with asyncio.timeout(READY_SECONDS_MAX):
            while self.runs:
                if told(await self.health()):
                    return True
                await asyncio.sleep(POLL_SECONDS)
        return False

    async def ended(self, seconds_max: float | None = None) -> bool:
        """Whether it ends by itself within the time; without one, once it has."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds_max):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    @property
    def serving(self) -> list[int]:
        """The processes that serve: its workers, or it alone; none while it does not run."""
        if self._process is None or not self.runs:
            return []
        return children_of(self._process.pid) if self._several else [self._process.pid]

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to stop; return its exit code. Raises `TimeoutError` if work under way does not end."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, watching = self._process, self._watching
        assert process is not None
        assert watching is not None
        workers = children_of(process.pid) if self._several else []
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS_MAX):
            code = await process.wait()
            while any(_runs(pid) for pid in workers):  # Those of a parent that was killed end by themselves.
                await asyncio.sleep(POLL_SECONDS)
        watching.cancel()
        return code

    async def _watch_memory(self, pid: int) -> None:
        while self.runs:
            pids = [pid, *(children_of(pid) if self._several else ())]
            self.rss_bytes_max = max(self.rss_bytes_max, *map(_peak_bytes, pids))
            await asyncio.sleep(POLL_SECONDS)


def children_of(pid: int) -> list[int]:
    """The processes that it started, oldest first; none if it has ended."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sorted(int(child) for task in tasks for child in (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _peak_bytes(pid: int) -> int:
    """0: it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1_024 for line in lines if line.startswith("VmHWM")), 0)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives these settings."""
    return dict(_variables("", settings))


def _variables(prefix: str, room: Struct) -> Iterator[tuple[str, str]]:
    for name, value in asdict(room).items():
        if isinstance(value, Struct):
            yield from _variables(f"{prefix}{name}.", value)
        else:
            yield variable(prefix + name), _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
