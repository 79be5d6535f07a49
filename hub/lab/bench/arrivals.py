"""A recipient to whom events come by themselves: over a stream, to its webhook, or from Kafka, which it reads itself.

Reads jobs from stdin and answers on stdout. It looks for the numbers of events in what comes, and parses nothing else.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from contextlib import closing, suppress

import msgspec
import orjson
import uvloop
from aiohttp import web
from aiokafka import AIOKafkaConsumer

from hub.lab.bench.jobs import ANSWER_SECONDS_MAX, ArrivalJob, PullResult
from hub.lab.bench.wire import address
from hub.trust.webhook import answer_to

SECRET = b"a benchmark's: it protects none."
READY = b"{}\n"
RECEIVE_BYTES = 262_144
_NUMBER = re.compile(rb'"id":"(\d{12})"')
_NUMBER_BYTES = 19


class _Arrivals:
    """What came in one job."""

    def __init__(self, job: ArrivalJob) -> None:
        self._job = job
        self._numbers: set[int] = set()
        self._came = 0
        self._arrived: list[tuple[int, float]] = []
        self._moved = asyncio.Event()
        self._begun, self._cpu = time.monotonic(), time.process_time()

    def take(self, data: bytes) -> None:
        now = time.monotonic()
        numbers = [number for each in _NUMBER.findall(data) if (number := int(each)) >= self._job.first]
        self._came += len(numbers)
        self._numbers.update(numbers)
        self._arrived += [(number, now) for number in numbers]
        self._moved.set()

    async def until(self, count: int) -> None:
        """Until so many events have come, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._job.seconds_max):
                while len(self._numbers) < count:
                    self._moved.clear()
                    await self._moved.wait()

    def result(self) -> PullResult:
        return PullResult(
            pulled=self._came,
            distinct=len(self._numbers),
            last=self._arrived[-1][1] if self._arrived else 0.0,
            cursor="",
            load=(time.process_time() - self._cpu) / (time.monotonic() - self._begun),
            arrived=self._arrived,
        )


class Recipient:
    """One process's: its webhook answers between jobs as well, and is verified before the first one."""

    def __init__(self) -> None:
        self._brought: _Arrivals | None = None
        """What is brought is noted here, while a job waits for that."""

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if self._brought is not None:
            self._brought.take(body)
        if b".endpoint.verification" in body:
            answer = {"answer": answer_to(orjson.loads(body)["data"]["challenge"], SECRET)}
            return web.Response(body=orjson.dumps(answer), content_type="application/json")
        return web.Response(status=204)

    async def run(self, job: ArrivalJob, lines: asyncio.StreamReader) -> PullResult:
        arrivals, open_ = _Arrivals(job), asyncio.Event()
        if job.way == "webhook":
            self._brought = arrivals
            open_.set()
        ways = {"SSE": _stream, "Kafka": _consume}
        following = asyncio.create_task(ways[job.way](job, arrivals, open_)) if job.way in ways else None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await open_.wait()
            _say(READY)
            await arrivals.until(int(await lines.readline()))
        finally:
            self._brought = None
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        return arrivals.result()


async def _stream(job: ArrivalJob, arrivals: _Arrivals, is_open: asyncio.Event) -> None:
    host, port = address(job.url)
    reader, writer = await asyncio.open_connection(host, port, limit=RECEIVE_BYTES)
    with closing(writer):
        head = f"GET /v1/feeds/{job.feed}/stream?from=now HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {job.token}"
        writer.write(f"{head}\r\n\r\n".encode())
        if b" 200 " not in await reader.readline():
            raise ConnectionError("the hub opens no stream")
        tail = b""
        while received := await reader.read(RECEIVE_BYTES):
            is_open.set()
            arrivals.take(seen := tail + received)
            tail = seen[1 - _NUMBER_BYTES :]


async def _consume(job: ArrivalJob, arrivals: _Arrivals, is_open: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(job.topic, bootstrap_servers=job.bootstrap, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        await consumer.seek_to_end()
        is_open.set()
        while True:
            found = await consumer.getmany(timeout_ms=1_000)
            arrivals.take(b"\n".join(record.value for records in found.values() for record in records if record.value))
    finally:
        await consumer.stop()


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def serve() -> None:
    """Say where the webhook is; then for each job line: a line when it is open, and (after a line with the count to
    expect) the result."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    recipient = Recipient()
    runner = web.ServerRunner(web.Server(recipient.receive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _say(msgspec.json.encode(runner.addresses[0][1]) + b"\n")
    while line := await lines.readline():
        result = await recipient.run(msgspec.json.decode(line, type=ArrivalJob), lines)
        _say(msgspec.json.encode(result) + b"\n")
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve())
