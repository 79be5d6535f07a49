"""A hub on another machine, asked over its network door by an operator with a token (`http.admin`).

The token is bound to the operator's key: it is asked for anew by each command, and worth nothing to anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

import orjson

from hub.core.errors import HubError
from hub.core.operator import ADMIN_SCOPE, CLIENT_PREFIX
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy

if TYPE_CHECKING:
    from hub.cli.signing import Signer

ANSWER_SECONDS_MAX = 10.0
METADATA = "/.well-known/oauth-authorization-server"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Answer = tuple[int, Mapping[str, str], Any]
"""Status, headers by their names in lower case, and the body."""


class Remote:
    """One operator at one hub, for one command."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._nonces: dict[str, str] = {}
        """By host: each worker gives its own."""

    def ask(self, method: Literal["GET", "POST"], path: str, request: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and document. Raises HubError where there is no answer, or no token."""
        given = {name: value for name, value in request.items() if value is not None}
        query = f"?{urlencode(given)}" if method == "GET" and given else ""
        body = orjson.dumps(request) if method == "POST" else None
        status, _, document = self._proven(method, self._url + path, query, body, JSON, self._token())
        return status, document

    def _token(self) -> str:
        status, headers, metadata = _send("GET", self._url + METADATA, None, {})
        if status != 200 or "token_endpoint" not in metadata:
            raise HubError(f"{self._url} is no door for operators")
        self._keep_nonce(self._url, headers)
        endpoint, issuer = metadata["token_endpoint"], metadata["issuer"]
        self._keep_nonce(endpoint, headers)
        client = CLIENT_PREFIX + self._signer.name
        form = {
            "grant_type": "client_credentials",
            "scope": ADMIN_SCOPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._signer.key.assertion(client, issuer, jti=_chance(), now=_now()),
        }
        status, _, granted = self._proven("POST", endpoint, "", urlencode(form).encode(), FORM, "")
        if status != 200:
            raise HubError(f"the hub gave {client} no token: {granted.get('error_description', granted.get('error'))}")
        return str(granted["access_token"])

    def _proven(self, method: str, url: str, query: str, body: bytes | None, media_type: str, token: str) -> Answer:
        """With a proof; once more with the nonce that is asked for (RFC 9449 §8, §9)."""
        for _ in range(2):
            nonce = self._nonces.get(urlsplit(url).netloc, "")
            proof = self._signer.key.proof(method, url, nonce=nonce, jti=_chance(), now=_now(), token=token)
            headers = {"DPoP": proof} | ({"Content-Type": media_type} if body is not None else {})
            if token:
                headers["Authorization"] = f"DPoP {token}"
            answer = _send(method, url + query, body, headers)
            asked_again = self._keep_nonce(url, answer[1]) and answer[0] in (400, 401) and _wants_nonce(answer)
            if not asked_again:
                return answer
        return answer

    def _keep_nonce(self, url: str, headers: Mapping[str, str]) -> bool:
        if "dpop-nonce" in headers:
            self._nonces[urlsplit(url).netloc] = headers["dpop-nonce"]
        return "dpop-nonce" in headers


def _wants_nonce(answer: Answer) -> bool:
    _, headers, document = answer
    asked = isinstance(document, dict) and document.get("error") == "use_dpop_nonce"
    return asked or "use_dpop_nonce" in headers.get("www-authenticate", "")


def _send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    parts = urlsplit(url)
    kind = {"http": HTTPConnection, "https": HTTPSConnection}.get(parts.scheme)
    if kind is None or not parts.hostname:
        raise HubError(f"{url} is not the URL of a hub")
    connection = kind(parts.hostname, parts.port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, dict(headers))
        response = connection.getresponse()
        content = response.read()
        named = {name.lower(): value for name, value in response.getheaders()}
        return response.status, named, orjson.loads(content) if content else {}
    except (OSError, HTTPException, orjson.JSONDecodeError) as error:
        raise HubError(f"{url} gave no answer; look whether it was done: {error}") from error
    finally:
        connection.close()


def _chance() -> str:
    return SystemEntropy().bytes(16).hex()


def _now() -> int:
    return SystemClock().now_us() // 1_000_000
