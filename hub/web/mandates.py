"""Mandates over HTTP: granted, withdrawn and listed by those whom they are between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.mandate import MandateState
from hub.core.registry import Snapshot
from hub.operate.mandates import told
from hub.operate.registrar import Done
from hub.ports.system import Clock
from hub.web.edge import Handler, answer, number, only
from hub.web.gate import Gate
from hub.web.partner_acts import PartnerActs
from hub.web.problems import Refused

SIGN = "mandates:sign"
ITEMS_MAX = 100


class MandatesAPI:
    def __init__(
        self,
        *,
        gate: Gate,
        acts: PartnerActs,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._snapshot = snapshot
        self._clock = clock
        self._acts = acts

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
        """Who asks, and a document with its signatures."""
        form = f'{{"{member}": {{…}}, "signatures": ["…", "…"]}}'
        principal, document = await self._acts.read(request, SIGN, {member, "signatures"}, form)
        if not isinstance(document[member], dict):
            raise Refused(Refusal("BODY_MALFORMED", form))
        return principal, document

    async def _perform(self, act: str, principal: Principal, given: Mapping[str, Any]) -> Done:
        return await self._acts.perform(act, principal, {"principal": principal.partner.id, **given})

    def _told(self, principal: Principal, name: str, status: int) -> web.StreamResponse:
        snapshot = self._snapshot()
        mandate = snapshot.mandates.get(f"{principal.partner.id}/{name}")
        assert mandate is not None
        waits = mandate.state is MandateState.SIGNED or (mandate.withdrawal and mandate.state is MandateState.GRANTED)
        document = told(mandate, snapshot, self._clock.now_us() // 1_000_000)
        return answer(document, 202 if waits else status)
