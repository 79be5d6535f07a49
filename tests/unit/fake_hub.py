"""A hub of a few lines for the connectors' tests: the HTTP contract and real receipts, answers that a test can script.

It knows nothing of durability: the journeys run the connectors against the hub itself.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.keys import SigningKey, generate, signing_key
from connectors.session import HubSession
from connectors.verify import canonical_digest, thumbprint
from hub.trust.merkle import Tree, leaf_hash
from hub.trust.seal import make_seal
from schemas.canonical import canonical_bytes
from schemas.guard import split_array

Reply = Callable[[list[bytes]], Awaitable[web.StreamResponse]]
Pages = dict[str | None, web.Response | Callable[[], web.Response]]
"""By the cursor that is asked with."""
NOW_US = 1_795_338_000_000_000
NOW = "2026-11-22T09:00:00.000000Z"


class FakeHub:
    """`replies` are answers to the next posts; when there are none left, the events are accepted."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.posts: list[list[bytes]] = []
        self.accepted: dict[tuple[str, str], bytes] = {}
        self.assertions: list[str] = []
        self.tokens: set[str] = set()
        self.token_seconds = 600
        self.token_error: str | None = None
        self.seal_key = Ed25519PrivateKey.generate()
        self.published = [self.seal_key]
        self.client_key: SigningKey = generate("ES256")
        self.pages: Pages = {}
        self.notices: Pages = {}
        self.asked_for_notices: list[dict[str, str]] = []
        self.streams: list[bytes] = []
        self.asked: list[dict[str, str]] = []
        self.urgent: list[str] = []
        """Feeds with an urgent lane."""
        self.acknowledged: list[str] = []
        self.acknowledging: Callable[[], web.Response] = lambda: web.Response(status=204)
        self.url = ""

    def session(self, scope: str = "events:write", key: SigningKey | None = None) -> HubSession:
        return HubSession(self.url, client_id="acme.erp", key=key or self.client_key, scope=scope)

    # Routes.

    async def metadata(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url})

    async def keys(self, request: web.Request) -> web.Response:
        jwks = [{**_jwk(key), "valid_from": "2026-01-01T00:00:00Z"} for key in self.published]
        return web.json_response({"hub": "fake", "keys": jwks})

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assertion = str(form["client_assertion"])
        self.assertions.append(assertion)
        if self.token_error:
            return web.json_response({"error": self.token_error}, status=401)
        public = self.client_key.private.public_key()
        jwt.decode(assertion, public, algorithms=[self.client_key.algorithm], audience=self.url)
        token = f"token-{len(self.assertions)}"
        self.tokens.add(token)
        granted = {"access_token": token, "token_type": "DPoP", "expires_in": self.token_seconds}
        return web.json_response(granted | {"scope": form.get("scope", "")})

    async def events(self, request: web.Request) -> web.StreamResponse:
        self._authenticate(request)
        raws = split_array(await request.read(), 10_000)
        assert isinstance(raws, list)
        self.posts.append(raws)
        reply = self.replies.pop(0) if self.replies else self.accept
        return await reply(raws)

    async def records(self, request: web.Request) -> web.Response:
        return self._page(request, self.pages, self.asked)

    async def tell(self, request: web.Request) -> web.Response:
        return self._page(request, self.notices, self.asked_for_notices)

    def _page(self, request: web.Request, pages: Pages, asked: list[dict[str, str]]) -> web.Response:
        self._authenticate(request)
        asked.append(dict(request.query))
        page = pages.get(request.query.get("cursor"))
        if page is None:
            return web.json_response({"items": [], "next": request.query.get("cursor", "start")})
        return page() if callable(page) else page

    async def list_feeds(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return web.json_response({"items": [{"name": name, "urgent": ["t"]} for name in self.urgent], "next": None})

    async def acknowledge(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        self.acknowledged.append((await request.json())["cursor"])
        return self.acknowledging()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self._authenticate(request)
        self.asked.append({"last-event-id": request.headers.get("Last-Event-ID", ""), **request.query})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if self.streams:
            await response.write(self.streams.pop(0))
        return response

    def _authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization", "").removeprefix("DPoP ") not in self.tokens:
            raise web.HTTPUnauthorized(text='{"code":"UNAUTHENTICATED"}', content_type="application/problem+json")

    # Replies that a test can script.

    async def accept(self, raws: list[bytes]) -> web.Response:
        return web.json_response(self.answer(raws), dumps=dumps)

    def verdicts(self, **by_id: str) -> Reply:
        """Give these ids these verdicts, accept the others."""

        async def reply(raws: list[bytes]) -> web.Response:
            return web.json_response(self.answer(raws, by_id), status=207, dumps=dumps)

        return reply

    def problem(self, status: int, code: str, **members: Any) -> Reply:
        async def reply(raws: list[bytes]) -> web.Response:
            headers = {"Retry-After": str(members.pop("retry_after"))} if "retry_after" in members else {}
            return problem(status, code, headers, **members)

        return reply

    async def lose_the_answer(self, raws: list[bytes]) -> web.StreamResponse:
        self.answer(raws)
        raise ConnectionResetError

    def answer(self, raws: list[bytes], by_id: dict[str, str] | None = None) -> dict[str, Any]:
        """Accept what has no other verdict, under one seal that covers another's leaf too."""
        items, statements = [], [b"another's"]
        for index, raw in enumerate(raws):
            event = orjson.loads(raw)
            identity = (event["source"], event["id"])
            known = "DUPLICATE" if identity in self.accepted else "ACCEPTED"
            item = {"index": index, "id": identity[1], "source": identity[0]}
            item["verdict"] = (by_id or {}).get(identity[1], known)
            if item["verdict"] in ("ACCEPTED", "DUPLICATE"):
                self.accepted.setdefault(identity, raw)
                statement = self.statement(raw)
                item["receipt"] = {"statement": statement, "leaf": len(statements), "seal": 0}
                statements.append(canonical_bytes(statement))
            else:
                item |= {"source": "", "id": ""} if item["verdict"] == "REJECTED" else {}
                item |= {"code": "EVENT_INVALID", "faults": [{"code": "MEMBER_MISSING", "place": "/data"}]}
            items.append(item)
        return {"items": items, "seals": [self.seal(statements)]}

    def statement(self, raw: bytes) -> dict[str, str]:
        event = orjson.loads(raw)
        return {
            "format": "customs-hub-statement/1", "hub": "fake", "publisher": "acme",
            "source": event["source"], "id": event["id"], "verdict": "ACCEPTED", "salt": "00" * 16, "received": NOW,
            "raw_sha256": sha256(raw).hexdigest(), "canonical_sha256": canonical_digest(raw) or "",
        }  # fmt: skip

    def seal(self, statements: list[bytes]) -> dict[str, Any]:
        leaves = [leaf_hash(statement) for statement in statements]
        kid = thumbprint(self.seal_key.public_key())
        seal = make_seal(leaves, hub="fake", time_us=NOW_US, key_id=kid, sign=self.seal_key.sign)
        count = len(leaves) - 1
        proof = [node.hex() for node in Tree(leaves).range_proof(1, count)] if count else []
        return {
            "body": orjson.loads(seal.body),
            "signature": _base64url(seal.signature),
            "range": {"first": 1, "count": count, "proof": proof},
        }


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> web.Response:
    body = {"code": code, "title": f"The title of {code}.", "fix": "Do something.", **members}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


@asynccontextmanager
async def fake_hub() -> AsyncIterator[FakeHub]:
    hub = FakeHub()
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/oauth-authorization-server", hub.metadata),
            web.get("/.well-known/customs-hub-keys.json", hub.keys),
            web.post("/oauth/token", hub.token),
            web.post("/v1/events", hub.events),
            web.get("/v1/notices", hub.tell),
            web.get("/v1/notices/stream", hub.stream),
            web.get("/v1/feeds", hub.list_feeds),
            web.get("/v1/feeds/{feed}/records", hub.records),
            web.post("/v1/feeds/{feed}/ack", hub.acknowledge),
            web.get("/v1/feeds/{feed}/stream", hub.stream),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hub
    finally:
        await runner.cleanup()


def event(id: str, source: str = "urn:acme:erp", **members: Any) -> bytes:  # noqa: A002
    data = {"occurred_at": "2026-11-22T09:00:00Z", "time_kind": "ACTUAL", "subjects": []}
    return orjson.dumps({"specversion": "1.0", "id": id, "source": source, "type": "t", "data": data, **members})


class NoSleep:
    """Stands in for `asyncio.sleep`: remembers what was asked, and lets others run."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def _jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_key().public_bytes_raw())} | {
        "kid": signing_key(key).id
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def dumps(value: object) -> str:
    return orjson.dumps(value).decode()
