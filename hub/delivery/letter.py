"""What goes over the wire to an endpoint: bodies, signatures, and what proves the hub to the receiver."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, urlencode

import orjson
from msgspec import Struct

from hub.core.endpoint import SECRETS_USE, Endpoint, Mode, client_secret_name, key_use, secret_name
from hub.core.feed import lane_name
from hub.ports.system import Clock
from hub.ports.webhooks import Post, Poster, Reply, always
from hub.trust.feed_seal import FeedSeal
from hub.trust.sealed_password import SealBroken, open_password
from hub.trust.statement import utc_text
from hub.trust.webhook import SigningKey, is_answer, message_id, secret_bytes, signatures

IDS_USE = "webhook-ids"
MOVED, NOTICES_MOVED = "customs-hub.feed.moved", "customs-hub.notices.moved"
VERIFICATION = "customs-hub.endpoint.verification"
JSON = "application/json"
_MEDIA_TYPES = {
    Mode.BATCH: "application/cloudevents-batch+json",
    Mode.SINGLE: "application/cloudevents+json",
    Mode.THIN: JSON,
}
TOKEN_SECONDS = 60
"""How long a token counts that says nothing of it."""
TOKEN_MARGIN_SECONDS = 10


Failed = Callable[[Endpoint, Reply], Awaitable[None]]


class _Token(Struct, frozen=True):
    text: str
    until: float
    """By the monotonic clock."""


class Letters:
    """Signed messages of all endpoints; `secret`: of the key ring, `failed`: told of each that was not taken."""

    def __init__(
        self,
        poster: Poster,
        secret: Callable[[str], bytes],
        clock: Clock,
        failed: Failed | None = None,
    ) -> None:
        self._poster = poster
        self._secret = secret
        self._clock = clock
        self._failed = failed
        self._keys: dict[tuple[str, int, str], SigningKey] = {}
        self._tokens: dict[str, _Token] = {}

    def message_id(self, meant: bytes) -> str:
        return message_id(self._secret(IDS_USE), meant)

    async def send(
        self,
        endpoint: Endpoint,
        name: str,
        values: Sequence[bytes],
        cursor: str,
        seal: FeedSeal | None,
        still: Callable[[], bool],
    ) -> Reply:
        """Records to an endpoint, or that there is something behind the cursor; `name`: the id of the message.

        `seal`: over its cut records; the receiver makes its leaves himself. `still`: whether it may leave; asked last,
        when all that takes its time is done.
        """
        media_type, more = JSON if endpoint.recipient else _MEDIA_TYPES[endpoint.mode], {"hub-cursor": cursor}
        if endpoint.mode is Mode.THIN and endpoint.recipient:
            body = self._said(NOTICES_MOVED, {"cursor": cursor})
        elif endpoint.mode is Mode.THIN:
            members = {"feed": endpoint.feed, "lane": endpoint.lane.value, "cursor": cursor}
            body = self._said(MOVED, members)
        else:
            body = values[0] if endpoint.mode is Mode.SINGLE else b"[" + b",".join(values) + b"]"
            more |= {"hub-seal": seal.header} if seal is not None else {}
        reply = await self._post(endpoint, name, body, media_type, more, still)
        return await self._noted(endpoint, reply)

    async def verify(self, endpoint: Endpoint, challenge: str) -> Reply:
        """Ask whether whoever answers has the secret; taken: so it is."""
        body = self._said(VERIFICATION, {"endpoint": endpoint.id, "challenge": challenge})
        reply = await self._post(endpoint, self.message_id(challenge.encode()), body, JSON, {})
        if not reply.taken:
            return await self._noted(endpoint, reply)
        try:
            answer = orjson.loads(reply.body)["answer"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            answer = None
        right = isinstance(answer, str) and is_answer(answer, challenge, self._signing_keys(endpoint))
        if right:
            return reply
        return await self._noted(endpoint, Reply(0, "the answer does not prove that the secret is known there"))

    async def _noted(self, endpoint: Endpoint, reply: Reply) -> Reply:
        if self._failed is not None and not reply.taken and not reply.withheld:
            await self._failed(endpoint, reply)
        return reply

    async def _post(
        self,
        endpoint: Endpoint,
        name: str,
        body: bytes,
        media_type: str,
        more: dict[str, str],
        still: Callable[[], bool] = always,
    ) -> Reply:
        keys = self._signing_keys(endpoint)
        if not keys:
            return Reply(0, "none of its keys can be opened here")
        credential = await self._credential(endpoint)
        if isinstance(credential, Reply):
            return credential
        stamp = self._clock.now_us() // 1_000_000
        headers = {
            "Content-Type": media_type,
            "webhook-id": name,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures(keys, name, stamp, body),
            "hub-endpoint": endpoint.id,
            "hub-feed": lane_name(endpoint.feed, endpoint.lane),
            **more,
        }
        reply = await self._poster.post(Post(endpoint.url, headers, body, credential, endpoint.mtls, still))
        if reply.status in (401, 403):
            self._tokens.pop(endpoint.id, None)
        return reply

    def _said(self, kind: str, members: dict[str, str]) -> bytes:
        return orjson.dumps({"type": kind, "timestamp": utc_text(self._clock.now_us()), "data": members})

    def _signing_keys(self, endpoint: Endpoint) -> list[SigningKey]:
        """Those that live and were sealed to this hub, the newest last."""
        found = []
        for key in endpoint.live_keys(self._clock.now_us() // 1_000_000):
            kept = endpoint.id, key.number, key.sealed
            if kept not in self._keys:
                try:
                    text = open_password(key.sealed, secret_name(endpoint.id, key.number), self._secret(SECRETS_USE))
                    self._keys[kept] = SigningKey(secret_bytes(text), self._secret(key_use(endpoint.id, key.number)))
                except (SealBroken, ValueError):
                    continue
            found.append(self._keys[kept])
        return found

    async def _credential(self, endpoint: Endpoint) -> str | Reply:
        """`Authorization` towards the receiver; a `Reply` says why there is none."""
        oauth = endpoint.oauth
        if oauth is None:
            return ""
        token = self._tokens.get(endpoint.id)
        if token is not None and self._clock.monotonic() < token.until:
            return token.text
        try:
            secret = open_password(oauth.sealed, client_secret_name(endpoint.id), self._secret(SECRETS_USE))
        except SealBroken as error:
            return Reply(0, str(error))
        basic = b64encode(f"{quote(oauth.client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        form = {"grant_type": "client_credentials", **({"scope": oauth.scope} if oauth.scope else {})}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": JSON}
        asked = Post(oauth.token_url, headers, urlencode(form).encode(), f"Basic {basic}", endpoint.mtls)
        reply = await self._poster.post(asked)
        given = _token_in(reply)
        if given is None:
            why = reply.why or f"the token endpoint answered {reply.status}"
            return Reply(0, f"no token: {why}", detail=reply.detail)
        text, seconds = given
        until = self._clock.monotonic() + max(0, seconds - TOKEN_MARGIN_SECONDS)
        self._tokens[endpoint.id] = _Token(f"Bearer {text}", until)
        return f"Bearer {text}"


def _token_in(reply: Reply) -> tuple[str, int] | None:
    """The token and its seconds (RFC 6749 §5.1; there are servers that write them as text)."""
    try:
        document = orjson.loads(reply.body) if reply.taken else {}
        text, seconds = document["access_token"], int(document.get("expires_in", TOKEN_SECONDS))
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return None
    is_token = isinstance(text, str) and text.isascii() and text.isprintable()
    return (text, seconds) if is_token else None
