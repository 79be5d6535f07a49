"""The ceiling of single posts: aiohttp as its manual shows it, reading the body and answering 202."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import orjson
import uvloop
from aiohttp import web


async def _accepted(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202)


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application()
    app.router.add_post("/", _accepted)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    await web.SockSite(runner, listener).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(orjson.dumps({"event": "serving", "url": url}).decode(), file=sys.stderr, flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_serve())
