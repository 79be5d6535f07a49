"""Receive a feed as webhooks (`schemas/formats/webhook.md`), in the same groups as it is read in any other way.

    webhooks = Webhooks(Keys("whsec_…", "whpk_…"), "gates by webhook")
    async with webhooks.listening(port=8080), aclosing(webhooks.groups()) as groups:
        ...

A message is answered 204 once its group is `done`: what is not stored comes again. A group's token is where its gaps
are pulled from, the `message` what a checkpoint knows a repeat by.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from connectors.feed_seal import SealInvalid, page_of_webhook
from connectors.risk.group import Group
from connectors.webhook import Keys, NotVerified, verification_answer, verify

WAITING_COUNT_MAX = 8
"""Messages that may wait for the engine; further ones are answered 503, and come again."""
BODY_BYTES_MAX = 32 * 1024 * 1024
RETRY_SECONDS = 5
_BROUGHT = {"specversion", "code"}
"""One of these members is in every record, or notice."""


class Receiver:
    """What a receiver for one endpoint of a hub has to do in every mode."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @asynccontextmanager
    async def listening(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Serve at every path of the address; yields the URL. Without `tls`, something in front has to speak HTTPS."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_post("/{path:.*}", self.receive)
        runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
            yield f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        """An aiohttp handler, for a server that is there already."""
        body = await request.read()
        try:
            message = verify(request.headers, body, self._keys)
            answer = verification_answer(body, self._keys)
        except NotVerified as e:
            return web.Response(status=401, text=str(e))
        if answer is not None:
            return web.Response(body=answer, content_type="application/json")
        return await self.take(message, orjson.loads(body), request)

    async def take(self, message: str, sent: Any, request: web.Request) -> web.Response:
        """The answer to a message of the hub's."""
        raise NotImplementedError


class Webhooks(Receiver):
    """A receiver for an endpoint in mode `batch` or `single`; for one in mode `thin` there is `ThinWebhooks`."""

    def __init__(self, keys: Keys, place: str, *, on_page: Callable[[bytes], None] | None = None) -> None:
        """`on_page` is called before each group with a page of its records, with the seal over them."""
        super().__init__(keys)
        self.place, self._on_page = place, on_page
        self._waiting = asyncio.Queue[tuple[Group, bytes]](WAITING_COUNT_MAX)
        self._answers: dict[str, list[asyncio.Future[int]]] = {}
        """By message: one that came again while it is worked off is answered with the first."""

    async def take(self, message: str, sent: Any, request: web.Request) -> web.Response:
        if (records := _records(sent)) is None:
            return web.Response(status=415, text="Set the endpoint to the mode batch or single.")
        try:
            page = page_of_webhook(await request.read(), request.headers.get("hub-seal")) if self._on_page else b""
        except SealInvalid as e:
            return web.Response(status=422, text=str(e))
        if self._waiting.full():
            return web.Response(status=503, headers={"Retry-After": str(RETRY_SECONDS)})
        answered = asyncio.get_running_loop().create_future()
        self._answers.setdefault(message, []).append(answered)
        group = Group(records, request.headers.get("hub-cursor", ""), place=self.place, message=message)
        self._waiting.put_nowait((group, page))
        return web.Response(status=await answered)

    async def groups(self) -> AsyncGenerator[Group, None]:
        """Messages one by one. Who leaves early has those sent again that are not done."""
        try:
            while True:
                group, page = await self._waiting.get()
                if self._on_page:
                    self._on_page(page)
                yield group
        finally:
            for message in [*self._answers]:
                self._answer(message, 503)

    async def done(self, group: Group) -> None:
        self._answer(group.message, 204)

    def _answer(self, message: str, status: int) -> None:
        for answer in self._answers.pop(message, ()):
            if not answer.done():
                answer.set_result(status)


def _records(sent: Any) -> tuple[dict[str, Any], ...] | None:
    """None: it brings neither records nor notices."""
    records = sent if isinstance(sent, list) else [sent]
    return tuple(records) if all(isinstance(each, dict) and not _BROUGHT.isdisjoint(each) for each in records) else None
