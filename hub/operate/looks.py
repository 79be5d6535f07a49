"""Looks: what operators see of the registry and of its audit trail, and that they saw what is confidential.

A look changes nothing; where it is noted, it is an event of the audit trail without changes, written before the answer.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
from msgspec import to_builtins
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.operator import OperatorRole
from hub.core.proposal import Authority, Proposal
from hub.operate.acts import Basis, Gather
from hub.operate.checks import Checks, decoded
from hub.operate.follow import LiveRegistry
from hub.operate.signing import lacks_role
from hub.operate.table import VIEWS, WATCH, may_know
from hub.operate.views import Plain
from hub.ports.last_use import LastUse
from hub.ports.system import Clock

READING = "audit.list"
AUDIT_EVENTS_MAX = 500
"""In one answer."""


class Looks:
    def __init__(
        self,
        live: LiveRegistry,
        *,
        basis: Callable[[Gather | None, Any], Awaitable[Basis]],
        last_use: LastUse,
        clock: Clock,
    ) -> None:
        """`basis`: what a request is answered on, with what its `gather` finds."""
        self._live = live
        self._basis = basis
        self._last_use = last_use
        self._clock = clock

    async def view(self, name: str, request: object, *, operator: str | None = None, user: str = "") -> Plain | Refusal:
        """Answer one of `VIEWS` from the snapshot. Raises HubError where it is about copies, and they are away.

        `operator`: who asks; None: the `user` of the hub's machine. Whoever sees what is confidential is written into
        the audit trail before it is shown. Raises `Conflict` and the registry's errors where that cannot be.
        """
        view = VIEWS[name]
        if operator is not None and (refusal := self.may_not(operator, view.roles)):
            return refusal
        asked = decoded(request, view.request)
        if isinstance(asked, Refusal):
            return asked
        checks = Checks()
        uses = await self._last_use.all() if view.asks_uses else {}
        basis = await self._basis(view.gather, asked)
        basis = replace(basis, uses=uses, may_know=partial(may_know, self._roles_of(operator)))
        answered = partial(view.answer, asked, basis, checks)
        answer = await to_thread(answered) if view.is_large else answered()
        if checks.faults:
            return checks.refusal(name)
        if view.is_confidential or view.discloses(asked, basis):
            said = orjson.dumps(to_builtins(view.noted(asked))).decode()
            await self._live.insist(lambda: self._note(name, said, operator, user))
        return answer

    async def audit(self, after: int, limit: int, *, operator: str | None = None, user: str = "") -> Plain | Refusal:
        """The audit events of the revisions after `after`, oldest first; `next` is where to go on, if there is more.

        `operator`, `user`: as in `view`. Once there are operators the look is noted, once for all pages of it.
        """
        if operator is not None and (refusal := self.may_not(operator, WATCH)):
            return refusal
        if len(self._live.snapshot.operators):
            await self._live.insist(lambda: self._note_reading(after, operator, user))
        events = [orjson.loads(event) for event in await self._live.audit(after, limit)]
        more = bool(events) and events[-1]["revision"] < self._live.snapshot.revision
        return {"items": events, "next": events[-1]["revision"] if more else None}

    def may_not(self, operator: str, roles: frozenset[OperatorRole]) -> Refusal | None:
        """Why the operator may not see what is for these roles."""
        now, operators = self._clock.now_us() // 1_000_000, self._live.snapshot.operators
        known = operators.get(operator)
        if known is None or not known.may_act(now, operators.get):
            return Refusal("OPERATOR_NOT_PERMITTED", f"{operator} may not act any more")
        return lacks_role(known, roles)

    def _roles_of(self, operator: str | None) -> frozenset[OperatorRole]:
        known = self._live.snapshot.operators.get(operator) if operator is not None else None
        return frozenset(OperatorRole if operator is None else known.roles if known is not None else ())

    async def _note_reading(self, after: int, operator: str | None, user: str) -> None:
        newest = [orjson.loads(event) for event in await self._live.audit(self._live.snapshot.revision - 1, 1)]
        if not any((each["act"], each["actor"]) == (READING, operator or user) for each in newest):
            await self._note(READING, f'{{"after":{after}}}', operator, user)

    async def _note(self, name: str, asked: str, operator: str | None, user: str) -> None:
        snapshot = self._live.snapshot
        alone = Authority.LOCAL if len(snapshot.operators) else Authority.SETUP
        authority = alone if operator is None else Authority.TOKEN
        await self._live.write(Proposal(snapshot.revision, (), operator or user, name, asked, authority))
