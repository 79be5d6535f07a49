"""The operators' door: every act and view of the registrar, on a Unix socket that only its owner can open.

The routes derive from the registrar's own tables: `POST /admin/v1/<noun>/<act>` with the request as JSON, `GET
/admin/v1/<noun>/<view>` with it as the query. Who acts is what the kernel says of the peer (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import orjson
from aiohttp import web

from hub.core.errors import HubError, Refusal
from hub.core.settings import HTTPSettings
from hub.operate.registrar import ACTS, VIEWS, Registrar
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.web.edge import JSON, BodyReader, Edge, Handler, Refused, answer, listening
from hub.web.routes import Route, Router

SOCKET_NAME = "admin.sock"
SOCKET_PATH_BYTES_MAX = 107
"""sun_path holds 108 with its end (unix(7))."""
BOUNDS = HTTPSettings(body_bytes_max=524_288, requests_in_flight_max=128, bytes_in_flight_max=1_048_576)
PREFIX = "/admin/v1/"

Status = Callable[[], Awaitable[Mapping[str, object]]]
"""How the running hub is doing: `customs-hub status`."""

ROUTES = tuple(
    [
        Route(
            method="POST",
            path=PREFIX + name.replace(".", "/"),
            name=name,
            media_types=(JSON,),
            answers=(200, 409, 422),
            codes=("ACT_REFUSED", "REGISTRY_MOVED"),
            summary=f"The act {name}.",
        )
        for name in ACTS
    ]
    + [
        Route(
            method="GET",
            path=PREFIX + name.replace(".", "/"),
            name=name,
            answers=(200, 422),
            codes=("ACT_REFUSED",),
            summary=f"The view {name}.",
        )
        for name in VIEWS
    ]
    + [Route(method="GET", path=PREFIX + "status", name="status", answers=(200,), summary="How the hub is doing.")]
)


class Admin:
    """Handlers of the admin socket."""

    def __init__(self, registrar: Registrar, status: Status, *, bodies: BodyReader) -> None:
        self._registrar = registrar
        self._status = status
        self._bodies = bodies

    def handlers(self) -> dict[str, Handler]:
        acts = {name: self._act(name) for name in ACTS}
        return acts | {name: self._view(name) for name in VIEWS} | {"status": self.status}

    async def status(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return answer(await self._status())

    def _act(self, name: str) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            self._bodies.media_type(request, (JSON,))
            body = await self._bodies.read(request, bytes_max=BOUNDS.body_bytes_max)
            try:
                outcome = await self._registrar.perform(name, orjson.loads(body), actor=peer(request))
            except orjson.JSONDecodeError as error:
                raise Refused(Refusal("BODY_MALFORMED", str(error))) from error
            except HubError as error:
                raise Refused(Refusal(error.code, str(error))) from error  # The operator is told what the cause is.
            if isinstance(outcome, Refusal):
                raise Refused(outcome)
            return answer(msgspec.to_builtins(outcome))

        return handle

    def _view(self, name: str) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            try:
                outcome = await self._registrar.view(name, dict(request.query))
            except HubError as error:
                raise Refused(Refusal(error.code, str(error))) from error
            if isinstance(outcome, Refusal):
                raise Refused(outcome)
            return answer(outcome)

        return handle


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
    registrar: Registrar, status: Status, *, directory: Path, clock: Clock, entropy: Entropy, observer: Observer
) -> AsyncIterator[Path]:
    """Serve the admin API in a data directory whose lock the caller holds. Raises `HubError` if that cannot be."""
    path = directory / SOCKET_NAME
    admin = Admin(registrar, status, bodies=BodyReader(bounds=BOUNDS, clock=clock))
    edge = Edge(admin.handlers(), router=Router(ROUTES), bounds=BOUNDS, clock=clock, entropy=entropy, observer=observer)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _bind(listener, path)
        try:
            async with listening(edge, bounds=BOUNDS, sockets=[listener]):
                yield path
        finally:
            path.unlink(missing_ok=True)


def _bind(listener: socket.socket, path: Path) -> None:
    """Bind it so that only its owner can connect; until somebody listens nobody can."""
    if len(str(path).encode()) > SOCKET_PATH_BYTES_MAX:
        raise HubError(f"{path} is longer than a socket's path may be ({SOCKET_PATH_BYTES_MAX} bytes): move the data")
    try:
        path.unlink(missing_ok=True)  # Left by a process that was killed; the lock says that there is no other one.
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        raise HubError(f"the admin socket {path} cannot be made: {error.strerror}") from error
    listener.setblocking(False)
