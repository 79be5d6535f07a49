"""The operators' interface: every act and view of the registrar, on a Unix socket that only its owner can open.

The routes derive from the registrar's own tables: `POST /admin/v1/<noun>/<act>` with the request as JSON, `GET
/admin/v1/<noun>/<view>` with it as the query; a view of what becomes of a document is posted too. Who asks there is
what the kernel says of the peer (SO_PEERCRED, unix(7)). What operators sign has two routes: `act/prepare` answers the
statement of an act, `act/sign` takes a signature over it. `admin_network.py` serves the same over the network.
"""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from hub.core.errors import HubError, Refusal
from hub.core.settings import HTTPSettings
from hub.operate.announcements import VIEWS as NOTICES
from hub.operate.looks import AUDIT_EVENTS_MAX
from hub.operate.registrar import ACTS, VIEWS, Registrar
from hub.operate.replays import VIEWS as REPLAYS
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.web.edge import JSON, BodyReader, Edge, Handler, answer, listening, only
from hub.web.problems import Refused, granted
from hub.web.routes import Route, Router
from schemas import guard

BOUNDS = HTTPSettings(body_bytes_max=8_388_608, requests_in_flight_max=128, bytes_in_flight_max=16_777_216)
SIGNED_CODES = (
    "ACT_REFUSED",
    "REGISTRY_MOVED",
    "SIGNATURE_NOT_ACCEPTED",
    "OPERATOR_NOT_PERMITTED",
    "PROPOSAL_STALE",
    "PROPOSAL_CLOSED",
)
PREFIX = "/admin/v1/"


class Running(Protocol):
    """What only a running hub can answer."""

    async def status(self, feed: str = "") -> Mapping[str, object]:
        """How it is doing: `customs-hub status`; how far one feed is behind, as of now."""

    async def preview(self, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """How much a feed would have brought: `customs-hub feed preview`. Raises `HubError`."""

    async def notice(self, name: str, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """List notices, or send one to a class of partners (`notice.list`, `notice.send`). Raises `HubError`."""

    async def replay(self, name: str, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """List, begin or end replays (`replay.list`, `replay.start`, `replay.end`). Raises `HubError`."""


Ask = Callable[[str, object, str | None, str], Awaitable[Mapping[str, object] | Refusal]]
"""What is asked by name, the request, the operator (None: the machine's own user), and how whoever asks is called."""

ROUTES = tuple(
    [
        Route(
            method="POST",
            path=PREFIX + name.replace(".", "/"),
            name=name,
            media_types=(JSON,),
            answers=(200, 403, 409, 422),
            codes=("ACT_REFUSED", "REGISTRY_MOVED", "OPERATOR_REQUIRED"),
            summary=f"The act {name}.",
        )
        for name in ACTS
    ]
    + [
        Route(
            method="POST" if view.posted else "GET",
            path=PREFIX + name.replace(".", "/"),
            name=name,
            media_types=(JSON,) if view.posted else (),
            answers=(200, 422),
            codes=("ACT_REFUSED",),
            summary=f"The view {name}.",
        )
        for name, view in VIEWS.items()
    ]
    + [
        Route(
            method="POST",
            path=PREFIX + "act/prepare",
            name="act.prepare",
            media_types=(JSON,),
            answers=(200, 403, 422),
            codes=("ACT_REFUSED", "OPERATOR_NOT_PERMITTED"),
            summary="The statement of an act, to be signed.",
        ),
        Route(
            method="POST",
            path=PREFIX + "act/sign",
            name="act.sign",
            media_types=(JSON,),
            answers=(200, 403, 409, 422),
            codes=SIGNED_CODES,
            summary="A signature over the statement of an act.",
        ),
        Route(
            method="GET",
            path=PREFIX + "audit/list",
            name="audit.list",
            answers=(200, 403),
            codes=("OPERATOR_NOT_PERMITTED",),
            summary="Audit events, oldest first: `after` a revision, at most `limit`.",
        ),
        Route(
            method="GET",
            path=PREFIX + "status",
            name="status",
            answers=(200,),
            summary="How the hub is doing; `feed`: how far it is behind now.",
        ),
        Route(
            method="POST",
            path=PREFIX + "feed/preview",
            name="feed.preview",
            media_types=(JSON,),
            answers=(200, 422),
            codes=("ACT_REFUSED", "STORAGE_UNAVAILABLE"),
            summary="How much a feed would have brought in the last 24 hours, rounded.",
        ),
    ]
)


class Asker(Struct, frozen=True):
    """Who asks. Only a `local` one may act without a signature."""

    name: str
    local: bool


Entrance = Callable[[web.BaseRequest], Asker]
"""Who is at a door; raises `Refused` for whoever is not let in."""


class ToPrepare(Struct, frozen=True, forbid_unknown_fields=True):
    act: str
    request: dict[str, Any]
    operator: str


class ToSign(Struct, frozen=True, forbid_unknown_fields=True):
    statement: str
    signature: str


class ToRead(Struct, frozen=True):
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: Annotated[int, Meta(ge=1, le=AUDIT_EVENTS_MAX)] = AUDIT_EVENTS_MAX


B = TypeVar("B")


class Admin:
    """Handlers of the operators' interface behind one door."""

    def __init__(self, registrar: Registrar, running: Running, *, entrance: Entrance, bodies: BodyReader) -> None:
        self._registrar = registrar
        self._running = running
        self._entrance = entrance
        self._bodies = bodies

    def handlers(self) -> dict[str, Handler]:
        acts = {name: self._act(name) for name in ACTS}
        others = {"act.prepare": self.prepare, "act.sign": self.sign, "audit.list": self.audit}
        of_the_running: dict[str, Handler] = {"status": self.status, "feed.preview": self.preview}
        of_the_running |= {name: self._of_the_running(name, self._running.replay) for name in REPLAYS}
        of_the_running |= {name: self._of_the_running(name, self._running.notice) for name in NOTICES}
        return acts | {name: self._view(name) for name in VIEWS} | others | of_the_running

    async def status(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        self._entrance(request)
        only(request, ("feed",))
        return answer(await self._running.status(request.query.get("feed", "")))

    async def preview(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        asker = self._entrance(request)
        asked = await self._read(request, dict[str, Any])
        return await _answered(self._running.preview(asked, None if asker.local else asker.name, asker.name))

    def _of_the_running(self, name: str, ask: Ask) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            asker = self._entrance(request)
            asked = await self._read(request, dict[str, Any]) if VIEWS[name].posted else dict(request.query)
            operator = None if asker.local else asker.name
            return await _answered(ask(name, asked, operator, asker.name))

        return handle

    async def audit(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Reasons that are confidential stand in it."""
        asker = self._entrance(request)
        only(request, ("after", "limit"))
        try:
            asked = msgspec.convert(dict(request.query), ToRead, strict=False)
        except msgspec.ValidationError as error:
            raise Refused(Refusal("BAD_REQUEST", str(error))) from error
        operator, looks = None if asker.local else asker.name, self._registrar.looks
        return await _answered(looks.audit(asked.after, asked.limit, operator=operator, user=asker.name))

    async def prepare(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        asker = self._entrance(request)
        asked = await self._read(request, ToPrepare)
        if not asker.local and asker.name != asked.operator:
            raise Refused(Refusal("OPERATOR_NOT_PERMITTED", "an operator prepares what is to be signed by none other"))
        if asked.act not in ACTS:
            raise Refused(Refusal("NOT_FOUND"))
        remote = not asker.local
        return await _answered(
            self._registrar.prepare(asked.act, asked.request, operator=asked.operator, remote=remote)
        )

    async def sign(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        asker = self._entrance(request)
        given = await self._read(request, ToSign)
        return await _answered(self._registrar.sign(given.statement, given.signature, local=asker.local))

    def _act(self, name: str) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            asker = self._entrance(request)
            if not asker.local:
                raise Refused(Refusal("OPERATOR_REQUIRED", name))
            asked = await self._read(request, dict[str, Any])
            return await _answered(self._registrar.perform(name, asked, actor=asker.name))

        return handle

    def _view(self, name: str) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            asker = self._entrance(request)
            operator = None if asker.local else asker.name
            posted = VIEWS[name].posted
            asked = await self._read(request, dict[str, Any]) if posted else dict(request.query)
            return await _answered(self._registrar.looks.view(name, asked, operator=operator, user=asker.name))

        return handle

    async def _read(self, request: web.BaseRequest, shape: type[B]) -> B:
        """What is asked, parsed as strictly as events are. Raises `Refused`."""
        self._bodies.media_type(request, (JSON,))
        parsed = guard.parse(await self._bodies.read(request, bytes_max=BOUNDS.body_bytes_max))
        if isinstance(parsed, list):
            raise Refused(Refusal("BODY_MALFORMED", faults=parsed))
        try:
            return msgspec.convert(parsed.value, shape)
        except msgspec.ValidationError as error:
            raise Refused(Refusal("BODY_MALFORMED", str(error))) from error


async def _answered(outcome: Awaitable[object]) -> web.StreamResponse:
    """Raises `Refused`; the operator is told what the cause is."""
    try:
        found = await outcome
    except HubError as error:
        raise Refused(Refusal(error.code, str(error))) from error
    return answer(msgspec.to_builtins(granted(found)))


def local(request: web.BaseRequest) -> Asker:
    return Asker(peer(request), local=True)


def peer(request: web.BaseRequest) -> str:
    """The OS user at the other end, as the kernel saw it connect."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


@asynccontextmanager
async def listening_admin(
    registrar: Registrar,
    running: Running,
    *,
    listener: socket.socket,
    clock: Clock,
    entropy: Entropy,
    observer: Observer,
) -> AsyncIterator[None]:
    """Serve the admin API on a Unix socket that only its owner can open."""
    admin = Admin(registrar, running, entrance=local, bodies=BodyReader(bounds=BOUNDS, clock=clock))
    edge = Edge(admin.handlers(), router=Router(ROUTES), bounds=BOUNDS, clock=clock, entropy=entropy, observer=observer)
    async with listening(edge, bounds=BOUNDS, sockets=[listener]):
        yield
