"""A receiver of webhooks: it verifies what comes with the connectors' own code, and answers as a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from connectors.webhook import Keys, verification_answer, verify
from hub.trust.webhook import secret_text
from tests.endpoints import SECRET

Answering = Callable[["Came"], int | web.Response]


@dataclass(frozen=True)
class Came:
    """One message that came, as it was verified."""

    id: str
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def records(self) -> list[dict[str, Any]]:
        return self.json if isinstance(self.json, list) else [self.json]

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.records]


@dataclass
class Receiver:
    url: str = ""
    keys: Keys = field(default_factory=lambda: Keys(secret_text(SECRET)))
    answering: Answering = lambda _: 204
    came: list[Came] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    token: str = "token"
    """What it gives as an OAuth server."""
    hanging: asyncio.Event | None = None
    """While it is there and not set, nothing is answered."""
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.content_type == "application/x-www-form-urlencoded":
            return web.json_response({"access_token": self.token, "token_type": "Bearer", "expires_in": 600})
        name = verify(request.headers, body, self.keys)
        if (answer := verification_answer(body, self.keys)) is not None:
            self.verified.append(name)
            return web.Response(body=answer, content_type="application/json")
        came = Came(name, {key.lower(): value for key, value in request.headers.items()}, body, request.path)
        self.came.append(came)
        async with self._moved:
            self._moved.notify_all()
        if self.hanging is not None:
            await self.hanging.wait()
        said = self.answering(came)
        return said if isinstance(said, web.Response) else web.Response(status=said)

    async def until(self, stands: Callable[[list[Came]], bool]) -> list[Came]:
        """What has come, once it is as asked."""
        async with self._moved:
            await self._moved.wait_for(lambda: stands(self.came))
            return list(self.came)

    async def event_ids(self, count: int) -> list[str]:
        """The ids of the events of all messages, once there are `count`."""
        came = await self.until(lambda came: sum(len(each.records) for each in came) >= count)
        return [name for each in came for name in each.ids]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()
