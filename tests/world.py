"""A hub on the spot, and who speaks to it: partners with keys, readers with feeds, and strangers on a bare socket.

Every answer that a caller gets is looked at on the way: its code must be one that the route's row promises, and no
answer names the software or shows a traceback. The registrar does what an operator would do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import orjson
from msgspec.structs import replace

from connectors.keys import SigningKey, generate
from connectors.verify import KeyHistory
from hub.assembly import Hub, build
from hub.assembly.grounds import Ports, open_ports
from hub.core.errors import Refusal
from hub.core.settings import AuthSettings, HTTPSettings, IntakeSettings, LogSettings, Settings
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.listen import bound
from hub.drivers.system.observer import SystemObserver
from hub.operate.registrar import Done
from hub.web.routes import EVERYWHERE, STRUCTURED, Router
from tests.described import departure

GATE_IN = "customs.container.gate_in"
SOURCE = "urn:example:delta:tos"
RISK = "security-risk-assessment"
TOLD_SOON = {"append_seconds_max": 0.5, "registry_seconds_max": 1.0}
"""For `intake`: of a leak is told once what was under way has ended, so after a second and a half."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ROUTER = Router()
_WITHOUT_A_ROUTE = {"NOT_FOUND", "METHOD_NOT_ALLOWED"}


def settings_in(directory: Path, *, ground: str = "memory", **rooms: Any) -> Settings:
    """Settings of a hub on free ports; `rooms` are `http`, `intake`, … with what differs from the defaults."""
    http = HTTPSettings(port=0, operations_port=0)
    log = LogSettings(ground=ground, directory=str(directory))  # type: ignore[arg-type]
    auth = AuthSettings(sender_constrained="offered")  # Most tests are not about how a sender proves itself.
    # A machine that stands still for a second is no hub in doubt; and brokers take what time they need.
    intake = IntakeSettings(registry_seconds_max=30.0, append_seconds_max=61.0)
    settings = Settings(http=http, log=log, auth=auth, intake=intake)
    return replace(settings, **{room: replace(getattr(settings, room), **given) for room, given in rooms.items()})


def event(id: str | None = None, *, type: str = GATE_IN, source: str = SOURCE, **data: Any) -> dict[str, Any]:  # noqa: A002
    """An event of now; `data` changes or adds members of its data (None takes one away)."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    good = {
        "occurred_at": at,
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}],
        "place": {"unlocode": "NLRTM"},
        "empty": False,
    }
    return {
        "specversion": "1.0",
        "id": id or uuid4().hex,
        "source": source,
        "type": type,
        "time": at,
        "data": {name: value for name, value in (good | data).items() if value is not None},
    }


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code; it must be a whole problem."""
        document = self.json
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        assert document["status"] == self.status
        assert document["type"].startswith((f"urn:customs-hub:error:{document['code']}", "epcisException:"))
        assert document["title"]
        assert document["fix"]
        assert ("Retry-After" in self.headers) == document["retryable"]
        return str(document["code"])


def looked_at(method: str, path: str, answer: Answer) -> Answer:
    """The answer, if it is one that this route may give at all, as the OpenAPI document describes it."""
    assert answer.headers.get("Server") == "customs-hub", answer
    assert b"Traceback" not in answer.body
    assert answer.status != 500, answer
    methods, _ = _ROUTER.find(urlsplit(path).path)
    route = methods.get(method)
    content_type = answer.headers.get("Content-Type", "")
    holds_json = "json" in content_type and "ndjson" not in content_type and bool(answer.body)
    if holds_json and isinstance(answer.json, dict):
        document = answer.json
        said = {document.get("code")} | {
            item.get("code") for item in document.get("items", ()) if isinstance(item, dict)
        }
        allowed = _WITHOUT_A_ROUTE if route is None else {*route.codes, *EVERYWHERE}
        is_error = answer.status >= 400 or (route is not None and route.name == "post_events")
        assert not is_error or said - {None} <= allowed, f"{method} {path} must not answer {said - {None} - allowed}"
    if route is not None:
        body = answer.json if holds_json else None
        assert (told := departure(route, answer.status, content_type, body)) == "", told
    return answer


@dataclass
class Caller:
    """A system of a partner, with its access token."""

    world: HubWorld
    id: str
    key: SigningKey
    token: str = ""

    @property
    def partner(self) -> str:
        return self.id.partition(".")[0]

    async def sign_in(self, *, headers: Mapping[str, str] | None = None, **form: str) -> Answer:
        """Ask the token endpoint, and keep the token if there is one."""
        good = {"grant_type": "client_credentials"} | self.assertion()
        answer = await self.world.ask("POST", "/oauth/token", data=good | form, headers=headers)
        self.token = answer.json.get("access_token", "")
        return answer

    def assertion(self) -> dict[str, str]:
        """The parameters by which the system proves itself."""
        assertion = self.key.assertion(client_id=self.id, issuer=self.world.hub.url, now=int(time.time()))
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        given = {"Authorization": f"Bearer {self.token}"} | dict(headers or {})
        return await self.world.ask(method, path, headers=given, **more)

    async def get(self, path: str, **query: str | int) -> Answer:
        return await self.ask("GET", path, params=query)

    async def post(self, body: object, media_type: str = STRUCTURED, **headers: str) -> Answer:
        """Events, as bytes or as what becomes JSON; `Hub_Batch="atomic"` is the header `Hub-Batch`."""
        sent = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"Content-Type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "/v1/events", data=sent, headers=given)

    async def records(self, feed: str, count: int, *, wait: int = 5) -> list[dict[str, Any]]:
        """At least `count` records of a feed from its first on, as pages give them."""
        records: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"wait": wait}
        while len(records) < count:
            answer = await self.get(f"/v1/feeds/{feed}/records", **query)
            assert answer.status == 200, answer
            records += answer.json["items"]
            query["cursor"] = answer.json["next"]
        return records

    async def judged(self, event_id: str, count: int = 1, **version: str) -> list[str]:
        """What was judged of an identity, once there are `count` occurrences."""
        while True:
            items = (await self.get("/v1/events", source=SOURCE, id=event_id, **version)).json["items"]
            if len(items) >= count:
                return [item["judgement"] for item in items]
            await asyncio.sleep(0.005)

    def head(self, method: str = "POST", path: str = "/v1/events", **headers: str) -> bytes:
        """The head of a raw request by this caller, without the empty line."""
        given = {"Host": "hub", "Content-Type": STRUCTURED, "Authorization": f"Bearer {self.token}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
        return ("\r\n".join(lines) + "\r\n").encode("latin-1")


class Wire:
    """A bare connection to the hub: what is written is what is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *chunks: bytes) -> Self:
        for chunk in chunks:
            self._writer.write(chunk)
            await self._writer.drain()
        return self

    async def line(self) -> bytes:
        """One line as it comes; empty at the end."""
        return await self._reader.readline()

    async def answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer on this connection, with its own Content-Length."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = 0 if bodiless else int(headers.get("Content-Length", 0))
        body = await self._reader.readexactly(size)
        assert headers.get("Server") == "customs-hub" or first.split()[1] == "100", head
        return Answer(int(first.split()[1]), headers, body)

    async def ended(self) -> bool:
        """Whether the hub closes the connection, with nothing more to say."""
        try:
            return await self._reader.read() == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@dataclass
class HubWorld:
    """A running hub. The acts are an operator's, through the registrar."""

    hub: Hub
    http: aiohttp.ClientSession
    _wires: list[Wire] = field(default_factory=list)

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.http.request(method, self.hub.url + path, allow_redirects=False, **more) as response:
            answer = Answer(response.status, response.headers, await response.read())
        return looked_at(method, path, answer)

    async def wire(self) -> Wire:
        url = urlsplit(self.hub.url)
        wire = Wire(*await asyncio.open_connection(url.hostname, url.port))
        self._wires.append(wire)
        return wire

    async def act(self, act: str, /, **request: Any) -> Done:
        outcome = await self.hub.registrar.perform(act, request, actor="test")
        assert not isinstance(outcome, Refusal), outcome
        return outcome

    async def company(self, name: str = "delta", /, *, scopes: tuple[str, ...] = (), **partner: Any) -> Caller:
        """A partner with one system that has signed in."""
        facts = {"name": name.title(), "country": "NL", "roles": ["terminal", "carrier"]} | partner
        await self.act("partner.add", id=name, **facts)
        caller = Caller(self, f"{name}.sys", generate("EdDSA"))
        await self.add_key(caller, scopes=scopes or ("events:write", "receipts:read"))
        assert (await caller.sign_in()).status == 200
        return caller

    async def add_key(self, caller: Caller, *, act: str = "key.add", **more: Any) -> str:
        """Register the caller's key; return its id."""
        public = caller.key.public_pem().decode()
        done = await self.act(act, partner=caller.partner, system="sys", key=public, **more)
        return next(str(each["id"]) for each in done.changed if each["kind"] == "key")

    async def reader(self, name: str = "watch", /, *, feed: bool = True, **agreement: Any) -> Caller:
        """An authority that is given everything of everybody by agreement `<name>-all`, with a feed of its name."""
        scopes = ("feeds:read", "receipts:read")
        caller = await self.company(name, scopes=scopes, roles=["authority"])
        given = {"provider": {"all": True}, "types": ["*"], "fields": ["*"]} | agreement
        await self.act("agreement.add", id=f"{name}-all", recipient=name, purpose=RISK, **given)
        if feed:
            await self.act("feed.add", name=name, recipient=name, purpose=RISK)
        return caller

    async def reader_of(self, *names: str) -> Caller:
        """A reader whose feed shows these events of a company, each sent on its own."""
        reader, company = await self.reader(), await self.company()
        for name in names:
            assert (await company.post(event(name))).status == 201
        await reader.records("watch", len(names))
        return reader

    async def keys(self) -> KeyHistory:
        return KeyHistory.from_json((await self.ask("GET", "/.well-known/customs-hub-keys.json")).body)

    async def close(self) -> None:
        await self.http.close()
        for wire in self._wires:
            await wire.close()


@asynccontextmanager
async def hub_world(settings: Settings, wrap: Callable[[Ports], Ports] | None = None) -> AsyncIterator[HubWorld]:
    """A world around a hub; `wrap` puts other ports, such as faulty ones, around those of the ground."""
    async with build(settings) if wrap is None else _built_around(settings, wrap) as hub:
        timeout = aiohttp.ClientTimeout(total=None)  # What hangs is ended by the limit of the suite.
        connector = aiohttp.TCPConnector(limit=0)
        world = HubWorld(hub, aiohttp.ClientSession(timeout=timeout, connector=connector))
        try:
            await hub.prepared.wait()
            yield world
        finally:
            await world.close()


@asynccontextmanager
async def _built_around(settings: Settings, wrap: Callable[[Ports], Ports]) -> AsyncIterator[Hub]:
    """As `build` does it."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        ports = wrap(await open_ports(settings, clock, stack))
        hub = Hub(
            settings,
            ports=ports,
            sockets=stack.enter_context(bound(settings)),
            clock=clock,
            entropy=SystemEntropy(),
            observer=SystemObserver(),
        )
        await stack.enter_async_context(hub.running())
        yield hub
