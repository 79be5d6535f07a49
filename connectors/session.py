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
from yarl import URL

from connectors.api_key import ApiKey
from connectors.errors import ConnectorError
from connectors.keys import SigningKey, newest
from connectors.language import language
from connectors.possession import Lane, Lanes, Possession, asks_for_nonce
from connectors.signing import ON_BEHALF_OF, signature_headers

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ANSWER_SECONDS_MAX = 15.0
"""The hub answers everything within 10 s, if only with *unknown*."""
TOKEN_REFRESH_SECONDS = 60
"""A token is renewed this long before it ends, or at half its life if that is shorter."""
RETRY_AFTER_SECONDS_MAX = 300.0
TRIES_MAX = 4
"""Of one request: where a token and a nonce are both old, or a connection is lost in between."""
TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
METADATA_PATH = "/.well-known/oauth-authorization-server"
EVENTS_PATH = "/v1/events"
KEY_HISTORY_PATH = "/.well-known/customs-hub-keys.json"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HubRefused(ConnectorError):
    """The hub refused a request as a whole (RFC 9457 problem). The text says what was found and what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after_seconds: float = 0.0) -> None:
        self.status, self.problem, self.retry_after_seconds = status, problem, retry_after_seconds
        self.code = str(problem.get("code", f"HTTP_{status}"))
        self.words = _words(problem) or f"The hub answered {status}."
        super().__init__(f"{self.code}: {self.words}")

    @property
    def retryable(self) -> bool:
        return bool(self.problem.get("retryable", self.status == 429 or self.status >= 500))


_LOOK_THERE = ("Correct what `detail` names.", "Use what `detail` names.", "Ask for what `detail` names.")


def _words(problem: Mapping[str, Any]) -> str:
    """A problem as sentences. What only says to look at `detail` is left out: that stands here itself."""
    title, detail, fix = (str(problem.get(name) or "").strip() for name in ("title", "detail", "fix"))
    told = (title, detail, "" if fix in _LOOK_THERE else fix)
    return " ".join(each if each.endswith((".", "!", "?", ":")) else f"{each}." for each in told if each)


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

    def __init__(
        self,
        hub_url: str,
        *,
        client_id: str,
        key: SigningKey | ApiKey,
        scope: str,
        sign: bool = False,
        on_behalf_of: str = "",
    ) -> None:
        """`key`: the system's own, or an API key, which names the system and has its scopes: no token is asked for.
        `scope` empty: all that the system has. `sign`: events are sent signed (RFC 9421), and the hub keeps them as
        this system's own proof. `on_behalf_of`: the partner whose events are brought and asked for, by a mandate;
        empty: the system's own."""
        self._sign = sign
        self.on_behalf_of = on_behalf_of
        self.hub_url = hub_url.rstrip("/")
        self._check_url()
        self._client_id, self._key, self._scope = client_id, key, scope
        if sign and isinstance(key, ApiKey):
            raise ConnectorError("only a system with a key of its own signs requests: an API key signs nothing")
        self._issuer: str | None = None
        self._token, self._renew_at = "", 0.0
        self._renewing = asyncio.Lock()
        self._possession = Possession()
        self._lanes = Lanes(self._new_connection)
        self._is_open = False
        self.nonces_refused = 0
        """How often a request had to be sent again for want of the nonce of the worker that it came to."""

    @property
    def signing_key(self) -> SigningKey | None:
        """What this system proves itself by; None where that is an API key."""
        return self._key if isinstance(self._key, SigningKey) else None

    def _check_url(self) -> None:
        url = urlsplit(self.hub_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise HubAddressInvalid(f"{self.hub_url!r} is not the URL of a hub: use https://…")
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise HubAddressInvalid(
                f"{self.hub_url}: tokens travel only over https (RFC 6750 §5.3), or on this machine"
            )

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        await self._lanes.close()

    def _new_connection(self) -> aiohttp.ClientSession:
        """One that is kept open between requests."""
        if not self._is_open:
            raise RuntimeError("use the session within `async with`")
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        connector = aiohttp.TCPConnector(limit=1)
        return aiohttp.ClientSession(timeout=timeout, connector=connector, headers={"Accept-Language": language()})

    async def sign_in(self) -> None:
        """Make sure that the hub gives this system tokens, if it needs any. Raises `TokenRefused`, `HubUnreachable`."""
        await self._access_token()

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
        if self.on_behalf_of and method == "GET":
            query = {**(query or {}), "on_behalf_of": self.on_behalf_of}
        elif self.on_behalf_of:
            headers = {**(headers or {}), ON_BEHALF_OF: self.on_behalf_of}
        sent = {"method": method, "path": path, "data": body, "params": query, "timeout": timeout}
        async with self.open(headers or {}, **sent) as response:
            return await _read(response)

    async def get(self, path: str, query: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """GET a JSON document. Raises `HubRefused`, `HubUnreachable`."""
        return accepted(await self.request("GET", path, query=query, **options)).json()

    async def public(self, path: str, *, method: str = "GET", **sent: Any) -> bytes:
        """Ask for what needs no token. Raises `HubRefused`, `HubUnreachable`."""
        async with self._lanes.take() as lane, self._connected(lane, method, path, **sent) as response:
            return accepted(await _read(response)).body

    @asynccontextmanager
    async def open(self, headers: Mapping[str, str], **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is being read while it arrives; a refused nonce, and a refused token, are renewed."""
        token, tokens = await self._access_token(), 1
        async with self._lanes.take() as lane:
            for tries in range(1, TRIES_MAX + 1):
                async with self._connected(lane, token=token, headers=headers, **sent) as response:
                    is_last = isinstance(self._key, ApiKey) or tries == TRIES_MAX
                    if response.status != 401 or is_last or (tokens == 2 and not asks_for_nonce(response)):
                        yield response
                        return
                if asks_for_nonce(response):
                    await self._ready(lane, response)
                else:
                    token, tokens = await self._access_token(refused=token), 2

    @asynccontextmanager
    async def _connected(
        self,
        lane: Lane,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = {},
        **sent: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request. With `token` it goes with its proof; with an empty one, as to the token endpoint, with a proof
        alone."""
        url = URL(self.hub_url + path)
        if token is not None and isinstance(self._key, ApiKey):
            headers = {**headers, "Authorization": f"Bearer {self._key.text}"}
        elif token is not None:
            proof = self._possession.proof(method, str(url.with_query(None)), nonce=lane.nonce, token=token)
            headers = {**headers, "DPoP": proof, **({"Authorization": f"DPoP {token}"} if token else {})}
        body = sent.get("data")
        if self._sign and isinstance(self._key, SigningKey) and path == EVENTS_PATH and isinstance(body, bytes):
            target = str(url.update_query(sent.get("params") or {}))
            for_whom = headers.get(ON_BEHALF_OF, "")
            now = int(time.time())
            signed = signature_headers(self._key, method, target, body, now=now, on_behalf_of=for_whom)
            headers = {**headers, **signed}
        try:
            async with lane.http.request(method, url, allow_redirects=False, headers=headers, **sent) as response:
                lane.note(response)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            # A hub that refuses a token does so before it reads the body, which may look like this from here.
            self._renew_at = 0.0
            raise HubUnreachable(f"{self.hub_url} did not answer: {str(e) or type(e).__name__}") from e

    async def _ready(self, lane: Lane, refused: aiohttp.ClientResponse) -> None:
        """Make sure that the lane's nonce is of the worker that the next request goes to: where the hub closed the
        connection over a body that it did not read, the next one may lead to another."""
        self.nonces_refused += 1
        if refused.headers.get("Connection", "").lower() == "close":
            async with self._connected(lane, "GET", METADATA_PATH) as response:
                await response.read()

    async def _access_token(self, *, refused: str | None = None) -> str:
        """Empty where an API key stands in its place."""
        if isinstance(self._key, ApiKey):
            return ""
        async with self._renewing:
            if self._token == refused or time.monotonic() >= self._renew_at:
                await self._renew(self._key)
            return self._token

    async def _renew(self, key: SigningKey) -> None:
        if self._issuer is None:
            self._issuer = await self._read_issuer()
        self._key = key = newest(key)
        now = int(time.time())
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": key.assertion(client_id=self._client_id, issuer=self._issuer, now=now),
            **({"scope": self._scope} if self._scope else {}),
        }
        async with self._lanes.take() as lane:
            for _ in range(TRIES_MAX):
                async with self._connected(lane, "POST", TOKEN_PATH, token="", data=form) as response:
                    answer = await _read(response)
                if answer.status != 400 or answer.json().get("error") != "use_dpop_nonce":
                    break
                await self._ready(lane, response)
        if answer.status != 200:
            raise _refused_token(answer, self._client_id, self._scope)
        granted = answer.json()
        if not isinstance(token := granted.get("access_token"), str):
            raise HubUnreachable("the token endpoint's answer holds no access_token")
        if granted.get("token_type") != "DPoP":
            problem = {"code": "TOKEN_NOT_BOUND", "title": "The hub gave a token that anybody could use."}
            raise HubRefused(
                200, problem | {"fix": "Ask the operator for a hub that binds tokens.", "retryable": False}
            )
        self._token, life = token, float(granted.get("expires_in", 0))
        self._renew_at = time.monotonic() + max(life / 2, life - TOKEN_REFRESH_SECONDS)

    async def _read_issuer(self) -> str:
        """The hub's own name for itself, which must be the URL that it was found under (RFC 8414 §3.3)."""
        metadata = Answer(200, await self.public(METADATA_PATH), 0.0).json()
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


def _refused_token(answer: Answer, client_id: str, scope: str) -> HubRefused:
    """The token endpoint words its errors as OAuth does (RFC 6749 §5.2)."""
    error = refusal(answer)
    if "error" not in error.problem:
        return TokenRefused(answer.status, error.problem, answer.retry_after_seconds)
    if error.problem["error"] == "invalid_scope" and scope:
        title = f"{client_id} may not do this: it was not granted {scope}"
        fix = f"Ask the operator for a key with it (`customs-hub key add … --scope {scope}`)."
        return TokenRefused(answer.status, {"code": "INVALID_SCOPE", "title": title, "fix": fix})
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
