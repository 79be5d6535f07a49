"""The operator's part: while traffic flows, one company is stopped and let go on, and another changes its key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hub.assembly import Hub
from hub.core.errors import HubError, Refusal
from hub.core.partner import KeyState
from hub.lab.demo.cast import CARRIER, TERMINAL
from hub.lab.demo.company import Company
from hub.lab.demo.tally import Tally, counted
from hub.lab.world import SYSTEM, new_key

ACTOR = "demo"
SUSPEND_AT, RESUME_AT, ROTATE_AT = 0.30, 0.55, 0.60
"""Parts of the flow's time."""
ROUND_SECONDS = 40.0
"""A longer demo repeats its incidents in rounds of this length."""

Succeed = Callable[[Company, bytes], Awaitable[None]]
"""Let a company go on with another process, which has this private key (PEM)."""


class Operator:
    """Acts on the running hub through the same registrar as the command line does."""

    def __init__(self, hub: Hub, tally: Tally, *, stopped: Company, rotated: Company, succeed: Succeed) -> None:
        self._hub, self._tally = hub, tally
        self._stopped, self._rotated, self._succeed = stopped, rotated, succeed

    async def work(self, flow_seconds: float | None) -> None:
        """The incidents of the day, in rounds that fit into `flow_seconds` (None: without end)."""
        seconds = ROUND_SECONDS if flow_seconds is None else min(flow_seconds, ROUND_SECONDS)
        begun = 0
        while flow_seconds is None or (begun + 1) * seconds <= flow_seconds:
            begun += 1
            await asyncio.sleep(SUSPEND_AT * seconds)
            await self._suspend()
            await asyncio.sleep((RESUME_AT - SUSPEND_AT) * seconds)
            await self._resume()
            await asyncio.sleep((ROTATE_AT - RESUME_AT) * seconds)
            await self._rotate()
            await asyncio.sleep((1 - ROTATE_AT) * seconds)

    async def _suspend(self) -> None:
        await self._perform("partner.suspend", id=self._stopped.id, reason="The demo's full stop.")
        self._note(f"suspended {CARRIER.name}: its posts are refused, it keeps its events")

    async def _resume(self) -> None:
        kept = self._stopped.sending.kept
        await self._perform("partner.resume", id=self._stopped.id, reason="The demo goes on.")
        self._note(f"resumed {CARRIER.name}: it sends the {counted(kept, 'event')} that it kept")

    async def _rotate(self) -> None:
        """Register the new key, let a process with it take over, revoke the old one: no request needs to fail."""
        private, public = new_key()
        failed_before = self._rotated.sending.unanswered
        await self._perform("key.rotate", partner=self._rotated.id, system=SYSTEM, key=public.decode())
        self._note(f"rotated the key of {TERMINAL.name}: both count for now")
        await self._succeed(self._rotated, private)
        for key in self._hub.snapshot().keys_of(f"{self._rotated.id}.{SYSTEM}"):
            if key.state is KeyState.GRACE:
                await self._perform("key.revoke", key=key.id)
        failed = self._rotated.sending.unanswered - failed_before
        self._note(
            f"revoked the old key of {TERMINAL.name}: it sends under the new one, {counted(failed, 'request')} failed"
        )

    async def _perform(self, act: str, **request: Any) -> None:
        outcome = await self._hub.registrar.perform(act, request, actor=ACTOR)
        if isinstance(outcome, Refusal):
            raise HubError(f"{act} was refused: {outcome.detail} {outcome.faults}")

    def _note(self, text: str) -> None:
        self._tally.note("operator", "operator", text)
