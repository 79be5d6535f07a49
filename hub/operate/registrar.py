"""The registrar: performs what operators ask for, whether it came over the admin socket or from the CLI in-process.

Every act walks one way: decode the request, decide it on the newest snapshot with all faults at once, make it one
`Proposal`, write it by compare-and-set. If another act came in between, it is decided again on what that one left.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from hub.core.copies import CopyDecision, Quarantined
from hub.core.errors import HubError, Refusal
from hub.core.filter import EventSchemas
from hub.core.proposal import Conflict, Proposal
from hub.core.registry import kind_of, object_id
from hub.operate import aeo, agreements, certificates, edi, feeds, issuers, keys, partners, quarantine, quotas, why
from hub.operate.acts import Act, Basis, Changes, Gather, Quarantine, Request
from hub.operate.checks import Checks
from hub.operate.follow import LiveRegistry
from hub.operate.views import VIEWS as VIEWS_OF_THE_REGISTRY
from hub.operate.views import Plain, View, plain
from hub.ports.system import Clock

ACTS: dict[str, Act] = {
    **partners.ACTS,
    **aeo.ACTS,
    **edi.ACTS,
    **keys.ACTS,
    **certificates.ACTS,
    **issuers.ACTS,
    **agreements.ACTS,
    **feeds.ACTS,
    **quarantine.ACTS,
    **quotas.ACTS,
}
VIEWS: dict[str, View] = {
    **VIEWS_OF_THE_REGISTRY,
    **certificates.VIEWS,
    **quarantine.VIEWS,
    **why.VIEWS,
    **quotas.VIEWS,
}

ATTEMPTS_MAX = 3
"""How often an act is decided again because another one came in between."""
REASON_CHARACTERS_MAX = 500


class Done(Struct, frozen=True):
    """What an act left: the revision in force, and the objects that it changed (none: all was so already)."""

    revision: int
    changed: tuple[Plain, ...]


class Registrar:
    def __init__(
        self,
        live: LiveRegistry,
        *,
        quarantine: Quarantine,
        clock: Clock,
        event_types: EventSchemas,
        key_grace_seconds: int,
        key_validity_seconds: int,
    ) -> None:
        self._live = live
        self._quarantine = quarantine
        self._clock = clock
        self._event_types = event_types
        self._key_grace_seconds = key_grace_seconds
        self._key_validity_seconds = key_validity_seconds

    async def view(self, name: str, request: object) -> Plain | Refusal:
        """Answer one of `VIEWS` from the snapshot. Raises HubError where it is about copies, and they are away."""
        view = VIEWS[name]
        decoded = _decode(request, view.request)
        if isinstance(decoded, Refusal):
            return decoded
        checks = Checks()
        copies = await self._gathered(view.gather, decoded)
        answer = view.answer(decoded, self._basis(copies), checks)
        return _refused(name, checks) if checks.faults else answer

    async def perform(self, name: str, request: object, *, actor: str) -> Done | Refusal:
        """Do one of `ACTS`. Raises `Conflict` if others keep coming in between, and the registry's errors."""
        decoded = _decode(request, ACTS[name].request)
        if isinstance(decoded, Refusal):
            return decoded
        for _ in range(ATTEMPTS_MAX - 1):
            with suppress(Conflict):
                return await self._attempt(name, decoded, actor)
            await self._live.refresh()
        return await self._attempt(name, decoded, actor)

    async def _attempt(self, name: str, request: Request, actor: str) -> Done | Refusal:
        """Decide and write on one snapshot: nothing is awaited between the two."""
        copies = await self._gathered(ACTS[name].gather, request)
        based_on = self._live.snapshot.revision
        changes = self._decide(name, request, copies)
        if isinstance(changes, Refusal):
            return changes
        if not changes:
            return Done(based_on, ())
        revision = await self._live.write(Proposal(based_on, changes, actor, name, request.reason))
        for item in changes:
            if isinstance(item, CopyDecision):
                with suppress(HubError):  # It is decided; the mark of a copy that no longer waits is looked past.
                    await self._quarantine.unmark(item.partner, item.sha256)
        objects = ({"kind": kind_of(item), "id": object_id(item), "object": plain(item)} for item in changes)
        return Done(revision, tuple(objects))

    async def _gathered(self, gather: Gather | None, request: Any) -> Sequence[Quarantined]:
        return await gather(request, self._live.snapshot, self._quarantine) if gather is not None else ()

    def _decide(self, name: str, request: Any, copies: Sequence[Quarantined]) -> Changes | Refusal:
        checks = Checks()
        if len(request.reason) > REASON_CHARACTERS_MAX:
            checks.invalid("/reason", f"{len(request.reason)} characters", f"at most {REASON_CHARACTERS_MAX}")
        changes = ACTS[name].decide(request, self._basis(copies), checks)
        return _refused(name, checks) if checks.faults else changes

    def _basis(self, copies: Sequence[Quarantined]) -> Basis:
        return Basis(
            snapshot=self._live.snapshot,
            now=self._clock.now_us() // 1_000_000,
            event_types=self._event_types,
            key_grace_seconds=self._key_grace_seconds,
            key_validity_seconds=self._key_validity_seconds,
            copies=copies,
        )


def _decode(request: object, shape: type[Struct]) -> Any:
    """The request as its struct, or a `Refusal` that names the first member of a wrong shape."""
    try:
        return msgspec.convert(request, shape)
    except msgspec.ValidationError as error:
        return Refusal("BODY_MALFORMED", str(error))


def _refused(name: str, checks: Checks) -> Refusal:
    return Refusal("ACT_REFUSED", f"{name}: {len(checks.faults)} fault(s)", tuple(checks.faults))
