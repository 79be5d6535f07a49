"""Posts over aiohttp. Every connection is looked at when its socket is made: the address that is connected to decides,
whatever its name was resolved to before, and by whom.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from errno import EACCES
from functools import cache
from socket import socket
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from yarl import URL

from hub.core.settings import WebhookSettings, addresses_of
from hub.drivers.http.certificate import ShownCertificate
from hub.drivers.http.networks import Network, is_open, networks_of
from hub.drivers.http.resolver import ASKER, OwnThreads
from hub.ports.system import Clock
from hub.ports.webhooks import BODY_BYTES_MAX, Post, Reply, always

REDIRECTS_MAX = 3
_FOLLOWED = (307, 308)
"""RFC 9110 §15.4: method and body stay."""
IDLE_CONNECTIONS_MAX = 256
IDLE_SECONDS = 15.0


_STILL: ContextVar[Callable[[], bool]] = ContextVar("still", default=always)
"""Whether what is being posted may leave."""


class Withheld(Exception):
    """It may not leave any more."""


class _Asking(aiohttp.ClientRequest):
    """A request that is looked at once more when it is connected: to connect may have taken all its time."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if not _STILL.get()():
            raise Withheld
        return await super().send(conn)


class NotAllowed(OSError):
    """The address is none that the hub connects to."""


class HttpPoster:
    """A `Poster`, open while its block runs. `resolver` finds addresses; None: as the machine does."""

    def __init__(self, settings: WebhookSettings, clock: Clock, resolver: AbstractResolver | None = None) -> None:
        """Raises `ValueError` or `OSError` where the settings name no network, or no certificate."""
        self._seconds_max = settings.answer_seconds_max
        self._clock = clock
        allowed = networks_of(addresses_of(settings.networks))
        self._resolver = resolver = resolver or OwnThreads()
        tls = _tls(settings.ca_file) if settings.ca_file else _of_the_machine()
        self._sessions = {
            ("https", False): _session(tls, allowed, resolver, public=True),
            ("http", False): _session(tls, allowed, resolver, public=False),
        }
        self._shown: ShownCertificate | None = None
        if settings.certificate_file:
            own = _tls(settings.ca_file)
            self._shown = ShownCertificate(own, settings.certificate_file, settings.key_file)
            self._sessions["https", True] = _session(own, allowed, resolver, public=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()
        await self._resolver.close()

    async def post(self, post: Post) -> Reply:
        try:
            ASKER.set(URL(post.url).host or "")
            _STILL.set(post.still)
            async with self._clock.deadline(self._seconds_max):
                return await self._post(post)
        except TimeoutError:
            return Reply(0, f"no answer within {self._seconds_max:g} s")
        except Withheld:
            return Reply(0, withheld=True)
        except Exception as error:  # noqa: BLE001  Whatever a receiver answers with: it is an attempt that failed.
            return Reply(0, _told(error), detail=f"{type(error).__name__}: {error}"[:200])

    async def _post(self, post: Post) -> Reply:
        url = origin = URL(post.url)
        if post.shows_certificate and self._shown is not None:
            self._shown.renew()
        for _ in range(REDIRECTS_MAX + 1):
            headers = dict(post.headers)
            if post.credential and url.origin() == origin.origin():
                headers["Authorization"] = post.credential
            session = self._sessions.get((url.scheme, post.shows_certificate and url.origin() == origin.origin()))
            if session is None:
                return Reply(0, "no address that a message can be posted to", detail=f"{url.scheme}: no such session")
            async with session.post(url, data=post.body, headers=headers, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in _FOLLOWED or location is None:
                    return Reply(
                        response.status,
                        retry_after=self._retry_after(response.headers.get("Retry-After", "")),
                        body=await _beginning(response),
                    )
                url = url.join(URL(location))
        return Reply(0, f"more than {REDIRECTS_MAX} redirects")

    def _retry_after(self, text: str) -> int | None:
        """RFC 9110 §10.2.3: seconds, or a date; None for anything else."""
        if text.isascii() and text.isdecimal():
            return int(text[:9])
        try:
            at = parsedate_to_datetime(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            seconds = (at - datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
        return max(0, round(seconds))


def _session(
    tls: ssl.SSLContext, allowed: Sequence[Network], resolver: AbstractResolver, *, public: bool
) -> aiohttp.ClientSession:
    def checked(info: tuple[Any, ...]) -> socket:
        """The socket of a connection that is about to be opened, where it may be."""
        family, kind, protocol, _, address = info
        if not is_open(str(address[0]), allowed, public=public):
            raise NotAllowed(EACCES, f"{address[0]} is no address that the hub connects to")
        return socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=tls,
        resolver=resolver,
        use_dns_cache=False,
        limit=0,
        keepalive_timeout=IDLE_SECONDS,
        socket_factory=checked,
    )
    return aiohttp.ClientSession(
        connector=connector,
        request_class=_Asking,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        headers={"User-Agent": "customs-hub"},
        skip_auto_headers=("Accept-Encoding",),
    )


def _tls(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


@cache
def _of_the_machine() -> ssl.SSLContext:
    """Shared by all, and changed by none: to read all authorities that the machine trusts takes some 30 ms."""
    return _tls("")


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """What comes first of the body; the connection of one that is longer is closed."""
    body = b""
    while len(body) < BODY_BYTES_MAX and (chunk := await response.content.read(BODY_BYTES_MAX - len(body))):
        body += chunk
    if not response.content.at_eof():
        response.close()
    return body


def _told(error: Exception) -> str:
    """In words without names and addresses: a redirect leads to whichever the receiver is curious about."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "no TLS connection with a certificate that is trusted here"
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return "no address that a message can be posted to"
    return "no connection" if isinstance(error, aiohttp.ClientConnectorError) else "no answer that can be read"
