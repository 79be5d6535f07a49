"""The edge: what every request passes before a stage sees it, and the only place where errors leave.

Order of checks, each before anything costlier is done: a place is free ▸ the headers are small ▸ the route exists ▸ the
method fits ▸ (the handler authenticates) ▸ media type and encoding ▸ declared size, for which there must be room until
the answer ▸ the body, under a deadline.
Refused values, `HubError`s and what nobody expected all leave as one shape: problem+json (RFC 9457).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Self, TypeVar
from uuid import UUID

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from hub.core.errors import HubError, Refusal, place_of
from hub.core.fairness import FairRoom
from hub.core.settings import HTTPSettings, addresses_of
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.web import epcis_problems
from hub.web.accepting import accepting
from hub.web.copy_routes import COPIES
from hub.web.problems import PROBLEM, Refused, problem
from hub.web.routes import Route, Router
from hub.web.under_way import CHARGE, PAUSE, ROUTE, Charge
from schemas.deprecation import headers_of
from schemas.faults import FOUND_CHARACTERS_MAX, cut

JSON = "application/json"
SERVER = {"Server": "customs-hub"}
"""aiohttp would name itself and its version."""

_NONE: Mapping[str, str] = {}

ANSWER_HEADERS = web.RequestKey("answer_headers", dict[str, str])
"""Headers that a request earned on its way and that go with whatever it is answered."""

Handler = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.StreamResponse]]


_TOO_MUCH = (429, 503)


def language_of(request: web.BaseRequest) -> str:
    """`fr` if it is asked for before `en`; all texts exist in these two."""
    wanted = request.headers.get("Accept-Language", "en").lower()
    fr, en = wanted.find("fr"), wanted.find("en")
    return "fr" if fr >= 0 and (en < 0 or fr < en) else "en"


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type=JSON, headers=headers)


R = TypeVar("R", bound=web.StreamResponse)


def announcing(response: R, leaving: Mapping[str, str]) -> R:
    """The answer with what is said of something that ends; other links stay."""
    for name, value in leaving.items():
        if name == "Link":
            response.headers.add(name, value)
        else:
            response.headers[name] = value
    return response


def number(request: web.BaseRequest, name: str, default: int) -> int:
    """A whole number of the query. Raises `Refused`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: a whole number, at most 6 digits"))
    return int(text)


def only(request: web.BaseRequest, known: Collection[str], *, several: Collection[str] = ()) -> None:
    """Only these parameters, each once unless `several` may be. Raises `Refused`: a parameter that is passed over would
    have changed the answer."""
    for name in request.query:
        if name not in known:
            named = cut(name, FOUND_CHARACTERS_MAX)
            raise Refused(Refusal("BAD_REQUEST", f"unknown parameter {named}; known are: {', '.join(sorted(known))}"))
        if name not in several and len(request.query.getall(name)) > 1:
            raise Refused(Refusal("BAD_REQUEST", f"{name} is given twice"))


class Edge:
    """Receives every request of one listener."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        router: Router,
        bounds: HTTPSettings,
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
    ) -> None:
        self._clock = clock
        self._handlers = handlers
        self._router = router
        self._header_bytes_max = bounds.header_bytes_max
        self._proxies = addresses_of(bounds.trusted_proxies)
        self._entropy = entropy
        self._observer = observer
        most = bounds.requests_in_flight_max
        self._places_max = {"senders": most, "waiters": most, "strangers": max(1, most // 8)}
        self._in_flight = dict.fromkeys(self._places_max, 0)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        methods, names = self._router.find(request.path)
        route = methods.get(request.method)
        places = route.places if route is not None else "strangers"
        charge: Charge | None = None
        if self._in_flight[places] >= self._places_max[places]:
            response: web.StreamResponse = problem(Refusal("OVERLOADED"), language=language_of(request))
        else:
            self._in_flight[places] += 1
            if route is not None:
                request[ROUTE] = route
            try:
                response = await self._answer(request, route, methods, names)
            finally:
                self._in_flight[places] -= 1
                if (charge := request.get(CHARGE)) is not None:
                    charge.end(request.content.total_bytes)
        if not response.prepared:
            if charge is not None:
                response.headers.update(charge.headers())
                if response.status in _TOO_MUCH:
                    request[PAUSE] = charge.pause()
            if response.content_type == PROBLEM and request.path.startswith(epcis_problems.ROOT):
                assert isinstance(response, web.Response)
                epcis_problems.speak_epcis(response, reading=request.method == "GET")
            response.headers.update(SERVER)
            response.headers.update(request.get(ANSWER_HEADERS, _NONE))
            if route is not None and route.leaving is not None:
                announcing(response, headers_of(route.leaving))
            if not request.content.is_eof():
                response.force_close()  # The rest of an unread body is not worth waiting for.
        self._observer.count("http_requests", route=route.name if route else "", status=str(response.status))
        # A trusted proxy's connection brings others as well: nobody waits there for what one of them did.
        if (pause := request.get(PAUSE)) and request.remote not in self._proxies:
            await self._not_listening(request, response, pause)
        return response

    async def _not_listening(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> None:
        """Answer now, and let the connection's next request wait: who does not wait by himself costs little then."""
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return
        await self._clock.sleep(seconds)

    async def _answer(
        self, request: web.BaseRequest, route: Route | None, methods: Mapping[str, Route], names: Mapping[str, str]
    ) -> web.StreamResponse:
        try:
            if (size := sum(len(name) + len(value) for name, value in request.raw_headers)) > self._header_bytes_max:
                raise Refused(Refusal("BAD_REQUEST", f"{size} bytes of headers; at most {self._header_bytes_max}"))
            _framed(request)
            if request.query_string and "access_token" in request.query:
                raise Refused(Refusal("BAD_REQUEST", "access_token: no token travels in a URL (RFC 9700 §2.6)"))
            if not methods:
                raise Refused(Refusal("NOT_FOUND"))
            if route is None:
                raise Refused(Refusal("METHOD_NOT_ALLOWED"), Allow=", ".join(sorted(methods)))
            return await self._handlers[route.name](request, names)
        except Refused as e:
            response = problem(e.refusal, language=language_of(request))
            response.headers.update(e.headers)
            request[PAUSE] = e.pause
            if e.closes:
                response.force_close()
        except ConnectionError:
            raise
        except Exception as e:
            response = self._failed(e, language_of(request))
            if request.writer.output_size > 0:
                raise ConnectionResetError("the answer had begun: all that is left is to end the connection") from e
        return response

    def _failed(self, error: Exception, language: str) -> web.Response:
        if isinstance(error, HubError):
            return problem(Refusal(error.code), language=language)
        instance = f"urn:uuid:{UUID(bytes=self._entropy.bytes(16), version=4)}"
        self._observer.event("internal_error", instance=instance, error=place_of(error))
        return problem(Refusal("INTERNAL"), language=language, instance=instance)


def _framed(request: web.BaseRequest) -> None:
    """One coding and one length: where a proxy could see another end than we do, what follows could be anybody's.

    RFC 9112 §6.1 and §6.3, taken strictly: `chunked` alone, and no Content-Length beside it. Raises `Refused`.
    """
    codings = request.headers.getall("Transfer-Encoding", ())
    if codings and ([each.lower() for each in codings] != ["chunked"] or "Content-Length" in request.headers):
        detail = "Transfer-Encoding: chunked and nothing else, without Content-Length"
        raise Refused(Refusal("BAD_REQUEST", detail)).closing()


class BodyReader:
    """Reads bodies: media type, encoding, size, deadline, each checked before the next costs anything."""

    def __init__(self, *, bounds: HTTPSettings, clock: Clock) -> None:
        self._bounds = bounds
        self._clock = clock
        self.room = FairRoom(bounds.bytes_in_flight_max)

    def media_type(self, request: web.BaseRequest, taken: Iterable[str], *, any_charset: bool = False) -> str:
        """One of `taken`, in UTF-8, not compressed: a small body must not become a large one. Raises `Refused`."""
        media_type = request.content_type
        if media_type not in taken:
            elsewhere = "; copies of documents go to POST /v1/documents" if media_type in COPIES else ""
            raise Refused(Refusal("MEDIA_TYPE_UNSUPPORTED", f"one of: {', '.join(taken)}{elsewhere}"))
        if not any_charset and (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
            raise Refused(Refusal("MEDIA_TYPE_UNSUPPORTED", "charset UTF-8"))
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(Refusal("MEDIA_TYPE_UNSUPPORTED", "no Content-Encoding"))
        return media_type

    async def read(self, request: web.BaseRequest, *, bytes_max: int) -> bytes:
        """A small body, whole. Raises `Refused` as `Hold.read` does."""
        with self.hold(request, bytes_max=bytes_max) as held:
            return await held.read()

    def hold(self, request: web.BaseRequest, *, sender: str = "", bytes_max: int = 0) -> Hold:
        """Room for a body until the request is answered; without `bytes_max`, for the largest that is taken.

        Raises `Refused`: a declared size is checked before a byte is read. Senders share the room fairly. Small bodies
        are bounded by their routes' places and take none of it: a stranger cannot use it up.
        """
        takes_room = not bytes_max
        bytes_max = bytes_max or self._bounds.body_bytes_max
        _check_declared(request, bytes_max)
        declared = request.content_length if request.content_length is not None else bytes_max
        if takes_room and not self.room.admits(sender, declared):
            raise Refused(Refusal("OVERLOADED"))
        return Hold(self, request, sender, declared if takes_room else 0, bytes_max)

    async def receive(self, request: web.BaseRequest, bytes_max: int) -> bytes:
        """The whole body. Raises `Refused`: too large, too slow, cut."""
        if request.content_length is not None and request.content.is_eof():
            return request.content.read_nowait()  # It came with its headers: nothing is waited for.
        try:
            await _ask_to_go_on(request)
            async with self._clock.deadline(self._bounds.body_seconds_max):
                body = await request.read()
        except TimeoutError as e:
            raise Refused(Refusal("BODY_TOO_SLOW", f"{self._bounds.body_seconds_max:g} s for the whole body")) from e
        except web.HTTPRequestEntityTooLarge as e:
            raise Refused(Refusal("BODY_TOO_LARGE", f"at most {bytes_max} bytes")) from e
        except (web.RequestPayloadError, HttpProcessingError) as e:
            raise Refused(Refusal("BAD_REQUEST", "the body ended early or is not framed as its headers say")) from e
        if len(body) > bytes_max:
            raise Refused(Refusal("BODY_TOO_LARGE", f"at most {bytes_max} bytes"))
        return body

    def chunks(self, request: web.BaseRequest, *, bytes_max: int, seconds_max: float) -> AsyncIterator[bytes]:
        """A body as it comes, for what is written to disk: it takes no room.

        Raises `Refused`: a declared size at once, and on the way as `Hold.read` does.
        """
        _check_declared(request, bytes_max)
        return self._chunks(request, bytes_max, seconds_max)

    async def _chunks(self, request: web.BaseRequest, bytes_max: int, seconds_max: float) -> AsyncIterator[bytes]:
        received = 0
        ends = self._clock.monotonic() + seconds_max
        await _ask_to_go_on(request)
        try:
            while True:
                async with self._clock.deadline(max(0.0, ends - self._clock.monotonic())):
                    chunk = await request.content.readany()
                if not chunk:
                    return
                received += len(chunk)
                if received > bytes_max:
                    raise Refused(Refusal("BODY_TOO_LARGE", f"at most {bytes_max} bytes"))
                yield chunk
        except TimeoutError as e:
            raise Refused(Refusal("BODY_TOO_SLOW", f"{seconds_max:g} s for the whole body")) from e
        except (web.RequestPayloadError, HttpProcessingError) as e:
            raise Refused(Refusal("BAD_REQUEST", "the body ended early or is not framed as its headers say")) from e


def _check_declared(request: web.BaseRequest, bytes_max: int) -> None:
    if (declared := request.content_length or 0) > bytes_max:
        raise Refused(Refusal("BODY_TOO_LARGE", f"{declared} bytes; at most {bytes_max}"))


async def _ask_to_go_on(request: web.BaseRequest) -> None:
    """Only now the sender is asked to go on (RFC 9110 §10.1.1): whoever was refused has sent no body."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


class Hold:
    """Room for one body, given back when the block ends: what waits for storage still counts."""

    def __init__(self, bodies: BodyReader, request: web.BaseRequest, sender: str, room: int, bytes_max: int) -> None:
        self._bodies = bodies
        self._request = request
        self._sender = sender
        self._room = room
        self._bytes_max = bytes_max

    def __enter__(self) -> Self:
        self._bodies.room.take(self._sender, self._room)
        return self

    def __exit__(self, *_: object) -> None:
        self._bodies.room.give_back(self._sender, self._room)

    async def read(self) -> bytes:
        """The whole body. Raises `Refused`: too large, too slow, cut."""
        return await self._bodies.receive(self._request, self._bytes_max)


class _QuietHandler(RequestHandler):
    """aiohttp's protocol, except that what cannot be parsed is answered as a problem, with no echo and no traceback."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was already begun")
        code = "BAD_REQUEST" if status < 500 else "INTERNAL"
        response = problem(Refusal(code))
        response.headers.update(SERVER)
        response.force_close()
        return response


class _QuietServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _QuietHandler(self, loop=self._loop, **self._kwargs)


@asynccontextmanager
async def listening(
    edge: Edge,
    *,
    bounds: HTTPSettings,
    sockets: Iterable[Any],
    tls: SSLContext | None = None,
    shared: bool = False,
) -> Any:
    """Serve `edge` on sockets that are already bound; on exit stop listening, then let requests under way end.

    `shared`: other processes listen there too.
    """

    def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(
            message, payload, protocol, writer, task, server._loop, client_max_size=bounds.body_bytes_max
        )

    server = _QuietServer(
        edge,
        request_factory=make_request,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=75.0,
        lingering_time=1.0,
        max_line_size=8_190,
        max_field_size=bounds.header_bytes_max,
    )
    runner = web.ServerRunner(server, shutdown_timeout=bounds.shutdown_seconds_max)
    await runner.setup()
    try:
        async with accepting(server, sockets, tls, shared=shared):
            yield runner
    finally:
        await runner.cleanup()
