"""What anybody may know: how to get a token, under which keys tokens and receipts verify, whether it is well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from hub.core.jwk import encode_base64url
from hub.intake.grant import metadata
from hub.ports.key_ring import KeyRing, SealKey
from hub.web.edge import Handler, answer

Lacking = Callable[[], Awaitable[Mapping[str, str]]]
"""What the hub cannot do now, by name, with what was found; empty if it is ready."""


Exposition = Callable[[], Awaitable[bytes]]
"""Everything counted, in Prometheus' text format."""


class Operations:
    """Handlers of the operations port."""

    def __init__(self, exposition: Exposition, lacking: Lacking) -> None:
        self._exposition = exposition
        self._lacking = lacking

    def handlers(self) -> Mapping[str, Handler]:
        return {"metrics": self.metrics, "ready": self.ready}

    async def ready(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        lacking = await self._lacking()
        return answer({"ready": not lacking, "lacking": lacking}, 503 if lacking else 200)

    async def metrics(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return web.Response(body=await self._exposition(), headers={"Content-Type": "text/plain; version=0.0.4"})


class WellKnown:
    """Handlers of the public documents and the probes."""

    def __init__(
        self,
        *,
        url: str,
        hub: str,
        keys: KeyRing,
        lacking: Lacking,
        nonce: Callable[[], str],
        jwks: Callable[[], Sequence[Mapping[str, str]]],
    ) -> None:
        self._nonce = nonce
        self._jwks = jwks
        self._url = url
        self._hub = hub
        self._keys = keys
        self._lacking = lacking

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "metadata": self.metadata,
            "jwks": self.jwks,
            "seal_keys": self.seal_keys,
            "live": self.live,
            "ready": self.ready,
        }

    async def metadata(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        """With a first nonce for DPoP (RFC 9449 §8): whoever reads this is about to ask for a token."""
        return answer(metadata(self._url), 200, {"DPoP-Nonce": self._nonce()})

    async def jwks(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return answer({"keys": self._jwks()})

    async def seal_keys(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        """The key history (`schemas/formats/key-history.md`)."""
        return answer({"hub": self._hub, "keys": [_entry(key) for key in self._keys.seal_keys()]})

    async def live(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return answer({"live": True})

    async def ready(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        """Names what is lacking; what was found (brokers, files) is for the operations port."""
        lacking = sorted(await self._lacking())
        return answer({"ready": not lacking, "lacking": lacking}, 503 if lacking else 200)


def _entry(key: SealKey) -> dict[str, str]:
    entry = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": encode_base64url(key.public),
        "kid": key.id,
        "use": "sig",
        "valid_from": _utc(key.valid_from),
    }
    dates = {"valid_to": key.valid_to, "compromised_since": key.compromised_since}
    return entry | {name: _utc(seconds) for name, seconds in dates.items() if seconds is not None}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
