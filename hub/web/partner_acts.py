"""Acts of partners about what is their own: brought with their signatures, at an hourly pace, done on their word."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.proposal import Authority
from hub.operate.registrar import Done, Registrar
from hub.ports.system import Clock
from hub.web.edge import JSON, BodyReader
from hub.web.gate import Gate
from hub.web.hourly import Hourly
from hub.web.problems import Refused, granted
from schemas import guard

BODY_BYTES_MAX = 262_144


class PartnerActs:
    def __init__(
        self, *, gate: Gate, bodies: BodyReader, registrar: Registrar, clock: Clock, acts_per_hour_max: int
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._registrar = registrar
        self._hourly = Hourly(acts_per_hour_max, "mandates, withdrawals and signatures", clock=clock)

    async def read(
        self, request: web.BaseRequest, scope: str, members: Set[str], form: str
    ) -> tuple[Principal, dict[str, Any]]:
        """Who asks, and an object of these members, parsed as strictly as events are. `form`: how it should look."""
        self._gate.enter(request, scope)
        self._bodies.media_type(request, (JSON,))
        parsed = guard.parse(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX))
        principal = self._gate.enter(request, scope)  # The body may have taken seconds: who asks is looked at again.
        self._hourly.step(principal.partner.id)
        if isinstance(parsed, list):
            raise Refused(Refusal("BODY_MALFORMED", faults=parsed))
        if set(parsed.value) != members:
            raise Refused(Refusal("BODY_MALFORMED", form))
        return principal, parsed.value

    async def perform(self, act: str, principal: Principal, asked: Mapping[str, Any]) -> Done:
        actor = principal.system.id
        return granted(await self._registrar.perform(act, asked, actor=actor, authority=Authority.PARTNER))
