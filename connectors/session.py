"""One system's session with one hub: access tokens, requests, and refusals as the hub words them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from connectors.errors import ConnectorError
from connectors.keys import SigningKey
from connectors.language import language

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ANSWER_SECONDS_MAX = 15.0
"""The hub answers everything within 10 s, if only with *unknown*."""
TOKEN_REFRESH_SECONDS = 60
"""A token is renewed this long before it ends, or at half its life if that is shorter."""
RETRY_AFTER_SECONDS_MAX = 300.0
KEY_HISTORY_PATH = "/.well-known/customs-hub-keys.json"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HubRefused(ConnectorError):
    """The hub refused a request as a whole (RFC 9457 problem). The text says what was found and what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after_seconds: float = 0.0) -> None:
        self.status, self.problem, self.retry_after_seconds = status, problem, retry_after_seconds
        self.code = str(problem.get("code", f"HTTP_{status}"))
        words = (problem.get(name) for name in ("title", "detail", "fix"))
        self.words = " ".join(str(each) for each in words if each) or f"The hub answered {status}."
        super().__init__(f"{self.code}: {self.words}")

    @property
    def retryable(self) -> bool:
        return bool(self.problem.get("retryable", self.status == 429 or self.status >= 500))


class TokenRefused(HubRefused):
    """The hub gives this system no token: whatever it sends now is not looked at."""


class HubUnreachable(ConnectorError):
    """The hub did not answer, or not as a hub does: it may or may not have taken what was sent."""


class HubAddressInvalid(ConnectorError, ValueError):
    """This is no URL under which a hub may be spoken to."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    retry_after_seconds: float
    location: str = ""
    """Where what was begun, or made, is to be found."""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `HubUnreachable`: something else answered in the hub's place."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError as e:
            raise HubUnreachable(f"the answer ({self.status}) is not JSON") from e
        if not isinstance(document, dict):
            raise HubUnreachable(f"the answer ({self.status}) is not a JSON object")
        return document


class HubSession:
    """Authenticated requests of one system (`client_id`) to the hub at `hub_url`. Use as an async context manager.

    `hub_url` must be the hub's issuer identifier, so that an assertion made for one hub is worth nothing at another.
    Raises `HubAddressInvalid`.
    """

    def __init__(self, hub_url: str, *, client_id: str, key: SigningKey, scope: str) -> None:
        self.hub_url = hub_url.rstrip("/")
        self._check_url()
        self._client_id, self._key, self._scope = client_id, key, scope
        self._issuer: str | None = None
        self._token, self._renew_at = "", 0.0
        self._renewing = asyncio.Lock()
        self._http: aiohttp.ClientSession | None = None

    def _check_url(self) -> None:
        url = urlsplit(self.hub_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise HubAddressInvalid(f"{self.hub_url!r} is not the URL of a hub: use https://…")
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise HubAddressInvalid(
                f"{self.hub_url}: tokens travel only over https (RFC 6750 §5.3), or on this machine"
            )

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        self._http = aiohttp.ClientSession(timeout=timeout, headers={"Accept-Language": language()})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> Answer:
        """Send one request and read its whole answer, whatever its status; a refused token is renewed once.

        Raises `HubUnreachable`, and `HubRefused` where no token is to be had.
        """
        timeout = aiohttp.ClientTimeout(total=answer_seconds_max)
        sent = {"method": method, "path": path, "data": body, "params": query, "timeout": timeout}
        async with self.open(headers or {}, **sent) as response:
            return await _read(response)

    async def get(self, path: str, query: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """GET a JSON document. Raises `HubRefused`, `HubUnreachable`."""
        return accepted(await self.request("GET", path, query=query, **options)).json()

    async def public(self, path: str) -> bytes:
        """GET what needs no token. Raises `HubRefused`, `HubUnreachable`."""
        async with self._connected("GET", path) as response:
            return accepted(await _read(response)).body

    @asynccontextmanager
    async def open(self, headers: Mapping[str, str], **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is being read while it arrives; a refused token is renewed once."""
        token = await self._access_token()
        async with self._connected(headers={**headers, "Authorization": f"Bearer {token}"}, **sent) as response:
            if response.status != 401:
                yield response
                return
        token = await self._access_token(refused=token)
        async with self._connected(headers={**headers, "Authorization": f"Bearer {token}"}, **sent) as response:
            yield response

    @asynccontextmanager
    async def _connected(self, method: str, path: str, **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._http is None:
            raise RuntimeError("use the session within `async with`")
        try:
            async with self._http.request(method, self.hub_url + path, allow_redirects=False, **sent) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            # A hub that refuses a token does so before it reads the body, which may look like this from here.
            self._renew_at = 0.0
            raise HubUnreachable(f"{self.hub_url} did not answer: {str(e) or type(e).__name__}") from e

    async def _access_token(self, *, refused: str | None = None) -> str:
        async with self._renewing:
            if self._token == refused or time.monotonic() >= self._renew_at:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        if self._issuer is None:
            self._issuer = await self._read_issuer()
        now = int(time.time())
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._key.assertion(client_id=self._client_id, issuer=self._issuer, now=now),
            "scope": self._scope,
        }
        async with self._connected("POST", "/oauth/token", data=form) as response:
            answer = await _read(response)
        if answer.status != 200:
            raise _refused_token(answer, self._client_id)
        granted = answer.json()
        if not isinstance(token := granted.get("access_token"), str):
            raise HubUnreachable("the token endpoint's answer holds no access_token")
        self._token, life = token, float(granted.get("expires_in", 0))
        self._renew_at = time.monotonic() + max(life / 2, life - TOKEN_REFRESH_SECONDS)

    async def _read_issuer(self) -> str:
        """The hub's own name for itself, which must be the URL that it was found under (RFC 8414 §3.3)."""
        metadata = Answer(200, await self.public("/.well-known/oauth-authorization-server"), 0.0).json()
        issuer = str(metadata.get("issuer"))
        if issuer.rstrip("/") != self.hub_url:
            problem = {"code": "ISSUER_DIFFERS", "title": f"The hub at {self.hub_url} calls itself {issuer}."}
            raise HubRefused(200, problem | {"fix": f"If that is your hub, give --hub {issuer}.", "retryable": False})
        return issuer


async def _read(response: aiohttp.ClientResponse) -> Answer:
    return Answer(
        response.status, await response.read(), retry_after(response.headers), response.headers.get("Location", "")
    )


def accepted(answer: Answer) -> Answer:
    """The answer, if it is a success. Raises `HubRefused` with the problem that it holds."""
    if answer.status < 300:
        return answer
    raise refusal(answer)


def refusal(answer: Answer) -> HubRefused:
    try:
        problem = answer.json()
    except HubUnreachable:
        problem = {}
    return HubRefused(answer.status, problem, answer.retry_after_seconds)


def _refused_token(answer: Answer, client_id: str) -> HubRefused:
    """The token endpoint words its errors as OAuth does (RFC 6749 §5.2)."""
    error = refusal(answer)
    if "error" not in error.problem:
        return TokenRefused(answer.status, error.problem, answer.retry_after_seconds)
    problem = {
        "code": str(error.problem["error"]).upper(),
        "title": f"No token for {client_id}.",
        "detail": str(error.problem.get("error_description", "")),
        "fix": "Ask the operator whether system and key are registered and the partner is not suspended.",
    }
    return TokenRefused(answer.status, problem, answer.retry_after_seconds)


def retry_after(headers: Mapping[str, str]) -> float:
    """`Retry-After` in seconds, bounded; 0 where there is none, or a date, which the hub never sends."""
    text = headers.get("Retry-After", "")
    return min(float(text), RETRY_AFTER_SECONDS_MAX) if text.isdecimal() else 0.0
