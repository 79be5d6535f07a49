"""Mandates over HTTP: granted, withdrawn and listed by those whom they are between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.fairness import Pace
from hub.core.mandate import MandateState
from hub.core.proposal import Authority
from hub.core.registry import Snapshot
from hub.core.settings import MandateSettings
from hub.operate.mandates import told
from hub.operate.registrar import Done, Registrar
from hub.ports.system import Clock
from hub.web.edge import JSON, BodyReader, Handler, answer, number, only
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from schemas import guard

SIGN = "mandates:sign"
BODY_BYTES_MAX = 262_144
ITEMS_MAX = 100
HOUR_SECONDS = 3_600
ACCOUNTS_MAX = 10_000


class MandatesAPI:
    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        registrar: Registrar,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        settings: MandateSettings,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._registrar = registrar
        self._snapshot = snapshot
        self._clock = clock
        self._seconds_each = HOUR_SECONDS / settings.acts_per_hour_max
        self._pace = Pace(1 / self._seconds_each, accounts_max=ACCOUNTS_MAX)

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "grant_mandate": self.grant,
            "withdraw_mandate": self.withdraw,
            "list_mandates": self.list,
        }

    async def grant(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """201: it is in force from its first second on; 202: an officer has to sign; 200: it was granted before."""
        principal, signed = await self._signed(request, "mandate")
        done = await self._perform("mandate.grant", principal, signed)
        name = str(signed["mandate"].get("id"))
        return self._told(principal, name, 201 if done.changed else 200)

    async def withdraw(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """200: nothing rests on it any more; 202: an officer has to stop it."""
        principal, signed = await self._signed(request, "withdrawal")
        if self._snapshot().mandates.get(f"{principal.partner.id}/{names['mandate']}") is None:
            raise Refused(Refusal("NOT_FOUND"))
        await self._perform("mandate.withdraw", principal, {"id": names["mandate"], **signed})
        return self._told(principal, names["mandate"], 200)

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read", SIGN)
        only(request, {"cursor", "limit"})
        start, limit = number(request, "cursor", 0), min(max(1, number(request, "limit", ITEMS_MAX)), ITEMS_MAX)
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        own = snapshot.mandates.of(principal.partner.id)
        after = start + limit
        items = [told(each, snapshot, now) for each in own[start:after]]
        return answer({"items": items, "next": str(after) if after < len(own) else None})

    async def _signed(self, request: web.BaseRequest, member: str) -> tuple[Principal, dict[str, Any]]:
        """Who asks, and a document with its signatures, parsed as strictly as events are."""
        self._gate.enter(request, SIGN)
        self._bodies.media_type(request, (JSON,))
        parsed = guard.parse(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX))
        principal = self._gate.enter(request, SIGN)  # The body may have taken seconds: who asks is looked at again.
        self._keep_pace(principal.partner.id)
        if isinstance(parsed, list):
            raise Refused(Refusal("BODY_MALFORMED", faults=parsed))
        document = parsed.value
        if set(document) != {member, "signatures"} or not isinstance(document[member], dict):
            raise Refused(Refusal("BODY_MALFORMED", f'{{"{member}": {{…}}, "signatures": ["…", "…"]}}'))
        return principal, document

    def _keep_pace(self, partner: str) -> None:
        """An hour's worth at once, then as many an hour. Raises `Refused`."""
        now = self._clock.monotonic()
        if (early := self._pace.ahead(partner, now) - HOUR_SECONDS + self._seconds_each / 2) > 0:
            raise Refused(Refusal("TOO_MANY_REQUESTS", "mandates and withdrawals", retry_after=int(early) + 1))
        self._pace.step(partner, now)

    async def _perform(self, act: str, principal: Principal, given: Mapping[str, Any]) -> Done:
        request = {"principal": principal.partner.id, **given}
        actor = principal.system.id
        return granted(await self._registrar.perform(act, request, actor=actor, authority=Authority.PARTNER))

    def _told(self, principal: Principal, name: str, status: int) -> web.StreamResponse:
        snapshot = self._snapshot()
        mandate = snapshot.mandates.get(f"{principal.partner.id}/{name}")
        assert mandate is not None
        waits = mandate.state is MandateState.SIGNED or (mandate.withdrawal and mandate.state is MandateState.GRANTED)
        document = told(mandate, snapshot, self._clock.now_us() // 1_000_000)
        return answer(document, 202 if waits else status)
