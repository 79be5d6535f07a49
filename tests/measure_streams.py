"""What a stream costs that many read: `python -m tests.measure_streams` has 500 readers follow one feed over
Server-Sent Events, paced and as fast as it goes.

    --readers 500                  how many
    --mercure 'bash …/run.sh'      beside them in the same run, round by round: Mercure at 127.0.0.1:18083, with the
                                   key that its own documentation uses and anonymous readers
    --centrifugo 'bash …/run.sh'   Centrifugo 5 at 127.0.0.1:18085, `uni_sse` on, anonymous readers, API key
                                   `bench-api-key`, histories of `t1` kept as its configuration says
    --rounds 2 --quick

All are sent the same event over HTTP, one a request. The hub writes it down before it answers, judges it, shows each
record by agreement and notes who was given what before it leaves; the others keep it in memory and check nothing. What
the hub sends out is longer, by the attributes that it adds.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlencode

import jwt
import orjson
import uvloop
from msgspec import Struct

from hub.lab.bench.child import Server, peak_bytes_of
from hub.lab.bench.hubs import ENGINE, Ground, hub
from hub.lab.bench.jobs import LOAD_MAX
from hub.lab.bench.wire import event_of
from tests.crowd import Crowd, Shown, Stage

MERCURE, CENTRIFUGO = "http://127.0.0.1:18083", "http://127.0.0.1:18085"
MERCURE_KEY, CENTRIFUGO_KEY = "!ChangeThisMercureHubJWTSecretKey!", "bench-api-key"
START_SECONDS_MAX = 30.0
PACED_PER_SECOND = 20
PUBLISHERS, AHEAD_MAX = 16, 64
PACED, FLOODED = "paced", "as fast as it goes"


class Measured(Struct, frozen=True):
    shown: Shown
    cpu_us: float
    """Of the server, for each event that went out."""


class Side(Struct, frozen=True):
    """One server with its crowd."""

    name: str
    server: Server
    crowd: Crowd


def hub_settings(readers: int) -> dict[str, str]:
    """What lets so many streams of one recipient be open, where the defaults allow eight of a feed."""
    return {
        "delivery.streams_per_reader_max": str(readers),
        "quotas.authority.streams_max": str(readers),
        "http.requests_in_flight_max": str(4 * readers),
    }


@contextmanager
def the_hub(directory: Path, readers: int) -> Iterator[tuple[Server, Stage]]:
    with hub("streaming", Ground("sqlite"), directory, feed=True, settings=hub_settings(readers)) as served:
        stream = (
            f"GET /v1/feeds/{ENGINE}/stream?from=now HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {served.read_token}\r\n\r\n"
        )
        kind = f"Authorization: Bearer {served.write_token}\r\nContent-Type: application/cloudevents+json"
        yield served.server, Stage(served.server.url, stream, lambda number: _post("/v1/events", kind, _event(number)))


@contextmanager
def mercure(command: str, directory: Path) -> Iterator[tuple[Server, Stage]]:
    token = jwt.encode({"mercure": {"publish": ["*"], "subscribe": ["*"]}}, MERCURE_KEY, algorithm="HS256")
    kind = f"Authorization: Bearer {token}\r\nContent-Type: application/x-www-form-urlencoded"

    def publish(number: int) -> bytes:
        form = urlencode({"topic": "t1", "data": _event(number).decode()}, quote_via=quote)
        return _post("/.well-known/mercure", kind, form.encode())

    stream = "GET /.well-known/mercure?topic=t1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with _running("mercure", command, MERCURE, directory) as server:
        yield server, Stage(MERCURE, stream, publish)


@contextmanager
def centrifugo(command: str, directory: Path) -> Iterator[tuple[Server, Stage]]:
    kind = f"X-API-Key: {CENTRIFUGO_KEY}\r\nContent-Type: application/json"

    def publish(number: int) -> bytes:
        return _post("/api/publish", kind, b'{"channel":"t1","data":' + _event(number) + b"}")

    asked = urlencode({"cf_connect": '{"subs":{"t1":{}}}'})
    stream = f"GET /connection/uni_sse?{asked} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with _running("centrifugo", command, CENTRIFUGO, directory) as server:
        yield server, Stage(CENTRIFUGO, stream, publish)


@contextmanager
def _running(name: str, command: str, url: str, directory: Path) -> Iterator[Server]:
    """A server that is started by its user's own command, which becomes it, for the length of a block."""
    with (directory / f"{name}.err").open("wb") as words:
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        try:
            ends = time.monotonic() + START_SECONDS_MAX
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > ends:
                    raise OSError(f"{name} does not serve: {(directory / f'{name}.err').read_text()[-500:]}")
                time.sleep(0.1)
            yield Server(url, process.pid)
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=1)
    with suppress(OSError):
        connection.connect()
        connection.close()
        return True
    return False


def _post(path: str, fields: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


_EVENT = orjson.dumps(event_of(0))


def _event(number: int) -> bytes:
    return _EVENT.replace(b"#" * 12, b"%012d" % number, 1)


async def measure(side: Side, run: str, seconds: float) -> Measured:
    side.server.settle()
    cpu = side.server.cpu_seconds()
    if run == PACED:
        shown = await side.crowd.paced(PACED_PER_SECOND, int(PACED_PER_SECOND * seconds))
    else:
        shown = await side.crowd.flooded(PUBLISHERS, int(200 * seconds), AHEAD_MAX)
    out = shown.published * len(side.crowd)
    return Measured(shown, (side.server.cpu_seconds() - cpu) / out * 1e6)


async def rounds(sides: Sequence[Side], number: int, seconds: float) -> dict[tuple[str, str], list[Measured]]:
    """Each side in turn, round by round; a first short round of each finds nothing warm and is not counted."""
    found: dict[tuple[str, str], list[Measured]] = {}
    for side in sides:
        await side.crowd.connect()
        await side.crowd.flooded(PUBLISHERS, 2 * AHEAD_MAX, AHEAD_MAX)
    for turn in range(number):
        for side in [*sides[turn % len(sides) :], *sides[: turn % len(sides)]]:
            for run in (PACED, FLOODED):
                found.setdefault((run, side.name), []).append(await measure(side, run, seconds))
    for side in sides:
        side.crowd.close()
    return found


def told(sides: Sequence[Side], found: dict[tuple[str, str], list[Measured]]) -> Iterator[str]:
    yield f"{'':32}{'events out/s':>14}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs each':>13}{'driver':>8}"
    for (run, name), runs in found.items():
        figure: Callable[[Callable[[Measured], float]], float] = lambda of: median(map(of, runs))  # noqa: B023, E731
        load = max(each.shown.load for each in runs)
        yield (
            f"{name + ', ' + run:32}{figure(lambda each: each.shown.per_second):>14,.0f}"
            f"{figure(lambda each: each.shown.p50_ms):>9.1f}{figure(lambda each: each.shown.p99_ms):>9.1f}"
            f"{figure(lambda each: each.cpu_us):>13.1f}{load:>8.0%}{' VOID' * (load > LOAD_MAX)}"
        )
    for side in sides:
        yield f"{side.name}: {peak_bytes_of(side.server.pid) / 2**20:.0f} MiB at most, with {len(side.crowd)} readers"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--readers", type=int, default=500)
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--quick", action="store_true")
    given.add_argument("--mercure", default="")
    given.add_argument("--centrifugo", default="")
    asked = given.parse_args()
    with TemporaryDirectory(prefix="streams-") as made, ExitStack() as stack:
        directory = Path(made)
        served = {"hub": stack.enter_context(the_hub(directory, asked.readers))}
        if asked.mercure:
            served["mercure"] = stack.enter_context(mercure(asked.mercure, directory))
        if asked.centrifugo:
            served["centrifugo"] = stack.enter_context(centrifugo(asked.centrifugo, directory))
        sides = [Side(name, server, Crowd(stage, asked.readers)) for name, (server, stage) in served.items()]
        found = uvloop.run(rounds(sides, 1 if asked.quick else asked.rounds, 2.0 if asked.quick else 6.0))
        print(*told(sides, found), sep="\n")


if __name__ == "__main__":
    main()
