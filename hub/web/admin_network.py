"""The network's door to the operators' interface: the routes of the admin socket, for operators with a token.

An act over the network is signed: the token says who looks, the signature who acts. A token alone changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web

from hub.core.errors import Refusal
from hub.intake.grant import METADATA_PATH
from hub.intake.operators import Operators
from hub.intake.strangers import Strangers
from hub.operate.registrar import Registrar
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.trust.jws import Flaw
from hub.trust.keys import ALGORITHMS
from hub.web.admin import BOUNDS, PREFIX, ROUTES, Admin, Asker, Running
from hub.web.charge import too_many_failures
from hub.web.credentials import CredentialReader
from hub.web.edge import ANSWER_HEADERS, BodyReader, Edge, Handler, answer, listening
from hub.web.interface.admin import admin_openapi
from hub.web.problems import Refused
from hub.web.route import Route
from hub.web.routes import Router

METADATA = Route(
    method="GET", path=METADATA_PATH, name="metadata", answers=(200,), summary="Where to get a token (RFC 8414)."
)

DESCRIBED = Route(
    method="GET",
    path=f"{PREFIX}openapi.json",
    name="admin_openapi",
    answers=(200,),
    summary="This interface, described for machines.",
)


class NetworkEntrance:
    """Lets an operator in, or nobody."""

    def __init__(self, operators: Operators, reader: CredentialReader, strangers: Strangers) -> None:
        self._operators = operators
        self._reader = reader
        self._strangers = strangers

    def __call__(self, request: web.BaseRequest) -> Asker:
        """Asked once a request: a proof is good once. Raises `Refused`."""
        address = request.remote or ""
        if self._strangers.must_wait(address):
            raise too_many_failures()
        found = self._operators.authenticate(self._reader.read(request))
        if not isinstance(found, Flaw):
            request[ANSWER_HEADERS] = {"DPoP-Nonce": self._operators.nonce()}
            return Asker(found.id, local=False)
        error = "use_dpop_nonce" if found is Flaw.NONCE else "invalid_token"
        headers = {
            "WWW-Authenticate": f'DPoP error="{error}", algs="{" ".join(ALGORITHMS)}"',
            "DPoP-Nonce": self._operators.nonce(),
        }
        refused = Refused(Refusal("UNAUTHENTICATED"), **headers)
        raise (
            refused
            if found is Flaw.NONCE
            else refused.pausing(self._strangers.refused(address, door="admin", reason=found.value))
        )


@asynccontextmanager
async def listening_network(
    registrar: Registrar,
    running: Running,
    entrance: NetworkEntrance,
    metadata: Handler,
    *,
    url: str,
    listener: socket.socket,
    tls: SSLContext | None,
    clock: Clock,
    entropy: Entropy,
    observer: Observer,
) -> AsyncIterator[None]:
    """Serve the admin API to operators with tokens, who know it as `url`."""
    admin = Admin(registrar, running, entrance=entrance, bodies=BodyReader(bounds=BOUNDS, clock=clock))
    handlers: Mapping[str, Handler] = {**admin.handlers(), "metadata": metadata, "admin_openapi": _described(url)}
    router = Router((*ROUTES, METADATA, DESCRIBED))
    edge = Edge(handlers, router=router, bounds=BOUNDS, clock=clock, entropy=entropy, observer=observer)
    async with listening(edge, bounds=BOUNDS, sockets=[listener], tls=tls):
        yield


def _described(url: str) -> Handler:
    async def describe(_: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return answer(admin_openapi(url))

    return describe
