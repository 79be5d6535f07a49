"""What a system does with its own credentials: rotate its key in time, and end one with the code kept offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from msgspec import Struct

from hub.core.codes import digest_of
from hub.core.errors import Refusal
from hub.core.partner import SCOPES
from hub.core.proposal import Authority
from hub.core.settings import AuthSettings
from hub.operate.registrar import Done, Registrar
from hub.ports.system import Clock
from hub.trust.jws import Flaw
from hub.trust.possession import verify_possession
from hub.trust.statement import utc_text
from hub.web.charge import too_many_failures
from hub.web.edge import JSON, BodyReader, Handler, answer
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from hub.web.under_way import PAUSE
from schemas.faults import Fault
from schemas.guard import parse_as

BODY_BYTES_MAX = 8_192
WITHOUT_A_KEY = "the holder of an offline code"
"""Who asked, in the audit trail."""


class _Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    proof: str


class _Revocation(Struct, frozen=True, forbid_unknown_fields=True):
    code: str


T = TypeVar("T", bound=Struct)


class OwnCredentials:
    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        registrar: Registrar,
        url: str,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        """`url`: the hub's issuer identifier, which a proof has to name."""
        self._gate = gate
        self._bodies = bodies
        self._registrar = registrar
        self._url = url
        self._clock = clock
        self._settings = settings

    def handlers(self) -> Mapping[str, Handler]:
        return {"rotate_credential": self.rotate, "revoke_credential": self.revoke}

    async def rotate(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Asked for under the key in use, with a proof by the new one."""
        self._gate.enter(request, *SCOPES)
        self._bodies.media_type(request, (JSON,))
        body = await self._bodies.read(request, bytes_max=BODY_BYTES_MAX)
        principal = self._gate.enter(request, *SCOPES)  # The body may have taken seconds: who asks is looked at again.
        proof = _read(body, _Rotation, '{"proof": "…"}').proof
        now = self._clock.now_us() // 1_000_000
        shown = verify_possession(proof, hub=self._url, now=now, settings=self._settings)
        if isinstance(shown, Flaw) or shown.claims.system != principal.system.id:
            found = shown.value if isinstance(shown, Flaw) else "another system"
            fault = Fault("ACT_PROOF_REFUSED", "/proof", found, "a proof by the new key, for this hub and system, now")
            raise Refused(Refusal("ACT_REFUSED", "key.succeed: 1 fault(s)", (fault,)))
        done = await self._registrar.perform(
            "key.succeed",
            {"key": principal.key_id, "jwk": shown.jwk, "reason": "rotated by its company"},
            actor=principal.system.id,
            authority=Authority.PARTNER,
        )
        return answer(_told(granted(done), principal.key_id), 201)

    async def revoke(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """204 whether there is such a code or not; each try slows its sender down like a failed authentication."""
        address = self._gate.address(request)
        if self._gate.strangers.must_wait(address):
            raise too_many_failures()
        self._bodies.media_type(request, (JSON,))
        body = await self._bodies.read(request, bytes_max=BODY_BYTES_MAX)
        code = _read(body, _Revocation, '{"code": "chr_…"}').code
        request[PAUSE] = self._gate.strangers.failed(address)
        done = await self._registrar.perform(
            "key.disown",
            {"revocation": digest_of(code), "reason": "ended with its offline code"},
            actor=WITHOUT_A_KEY,
            authority=Authority.PARTNER,
        )
        granted(done)
        return web.Response(status=204)


def _told(done: Done, replaced: str) -> dict[str, object]:
    """What became of both keys."""
    keys = {change["id"]: change["object"] for change in done.changed}
    old = keys.pop(replaced)
    [(name, new)] = keys.items()
    return {
        "key": name,
        "not_before": _utc(new["not_before"]),
        "not_after": _utc(new["not_after"]),
        "replaces": {"key": replaced, "not_after": _utc(old["not_after"])},
    }


def _utc(seconds: int) -> str:
    return utc_text(seconds * 1_000_000)


def _read(body: bytes, shape: type[T], wanted: str) -> T:
    """Raises `Refused`."""
    if (found := parse_as(body, shape)) is None:
        raise Refused(Refusal("BODY_MALFORMED", wanted))
    return found
