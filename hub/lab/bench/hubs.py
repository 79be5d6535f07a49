"""The hub that is measured: `customs-hub serve` as a process of its own, with one terminal and, where asked, a feed."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

import jwt
import orjson
from msgspec import Struct

from hub.config import PREFIX, load, variable
from hub.intake.clients import ASSERTION_TYPE
from hub.intake.grant import GRANT_TYPE, TOKEN_PATH
from hub.lab.bench.child import START_SECONDS_MAX, BenchFailed, Server, server
from hub.lab.bench.proofs import new_key, nonce_of, proofs
from hub.lab.world import Client, Company, Engine, Webhook, hub_world

TERMINAL = Company(id="delta", roles=("terminal",))
ENGINE = "watch"
WITHOUT_QUOTAS = {
    "events_per_second": 1_000_000,
    "bytes_per_second": 1_000_000_000,
    "requests_per_second": 1_000_000,
    "requests_in_flight_max": 512,
}
"""One terminal is all that a hub can do, or more."""
_SERVE = ["-c", "from hub.cli import main; main()", "serve"]


class Ground(Struct, frozen=True):
    """Where the logs of a benchmark lie."""

    name: str
    """`sqlite` or `kafka`."""
    bootstrap: str = ""
    topic_prefix: str = ""


class Hub(Struct, frozen=True):
    """A hub that serves, and access tokens for its companies and the engine."""

    server: Server
    write_tokens: Mapping[str, str]
    """By company."""
    read_token: str
    bound_token: str
    """Of the first company too: each request with it needs a proof by `proof_key` (PEM)."""
    proof_key: str

    @property
    def write_token(self) -> str:
        return self.write_tokens[TERMINAL.id]


@contextmanager
def hub(
    name: str,
    ground: Ground,
    directory: Path,
    *,
    feed: bool,
    companies: Sequence[Company] = (TERMINAL,),
    quotas: Mapping[str, int] = WITHOUT_QUOTAS,
    settings: Mapping[str, str] = MappingProxyType({}),
    webhook: Webhook | None = None,
) -> Iterator[Hub]:
    """A hub for the length of a block, at its defaults but for storage, ports, tokens, the quotas of `trusted` and what
    `settings` (by path) name.

    Raises `BenchFailed`.

    An agreement always asks for what the terminal sends, or it would be refused; with `feed` an engine receives it,
    with `webhook` there as well.
    """
    environ = _environ(name, ground, directory / name, quotas) | {variable(path): settings[path] for path in settings}
    engine = Engine(id=ENGINE, feed=feed, webhook=webhook)
    clients = asyncio.run(hub_world(load(None, environ), companies=companies, engines=[engine]))
    with server(name, _SERVE, directory, _without_settings() | environ) as served:
        _wait_until_ready(served.url)
        tokens = {company.id: _token(served.url, clients[company.id]) for company in companies}
        key = new_key()
        bound = _token(served.url, clients[companies[0].id], key)
        yield Hub(served, tokens, _token(served.url, clients[ENGINE]), bound, key)


def _environ(name: str, ground: Ground, directory: Path, quotas: Mapping[str, int]) -> dict[str, str]:
    settings = {f"quotas.trusted.{limit}": str(most) for limit, most in quotas.items()} | {
        "log.ground": ground.name,
        "log.directory": str(directory),
        "http.port": "0",
        "http.operations_port": "0",
        "auth.sender_constrained": "offered",  # Bound tokens are a line of their own.
    }
    if ground.bootstrap:
        settings |= {"kafka.bootstrap": ground.bootstrap, "kafka.topic_prefix": f"{ground.topic_prefix}{name}."}
    return {variable(path): value for path, value in settings.items()}


def _without_settings() -> dict[str, str]:
    """This process's environment without what was set for a hub of its user's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _wait_until_ready(url: str) -> None:
    """On Kafka a hub serves before its topics are there."""
    ends = time.monotonic() + START_SECONDS_MAX
    while (answer := _ask(url, "GET", "/health/ready"))[0] != 200:
        if time.monotonic() > ends:
            raise BenchFailed(f"the hub is not ready: {answer[1].decode(errors='replace')}")
        time.sleep(0.05)


def _token(url: str, client: Client, proof_key: str = "") -> str:
    """An access token for a client assertion (RFC 7523 §2.2), bound to a key if one is given (RFC 9449 §5)."""
    now = int(time.time())
    claims = {"iss": client.id, "sub": client.id, "aud": url, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
    form = {
        "grant_type": GRANT_TYPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims, client.key_pem, algorithm="ES256"),
    }
    proven = {"DPoP": next(proofs(proof_key, url, TOKEN_PATH, nonce=nonce_of(url)))} if proof_key else {}
    status, body = _ask(url, "POST", TOKEN_PATH, urlencode(form), proven)
    if status != 200:
        raise BenchFailed(f"no token for {client.id}: {body.decode(errors='replace')}")
    return str(orjson.loads(body)["access_token"])


def _ask(
    url: str, method: str, path: str, form: str | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, bytes]:
    headers = {**more} if form is None else {**more, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=START_SECONDS_MAX)) as connection:
        connection.request(method, path, form, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
