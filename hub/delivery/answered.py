"""Acknowledging what customs answered: by the company or its agent, signed or not, once."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct

from hub.core.dispatch import Dispatch, Sent
from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.permission import may_stand_in
from hub.core.registry import Snapshot
from hub.ports.dispatches import Dispatches
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.ack import signed_now
from hub.trust.jws import Flaw
from schemas.canonical import canonical_bytes

FORMAT = "customs-hub-notice-ack/1"


class SaidOfNotice(Struct, frozen=True):
    time: int = 0
    """Seconds since 1970."""
    signature: str = ""
    """A JWS; empty: it is not signed."""


def notice_ack_text(hub: str, dispatch: Dispatch, time: int) -> bytes:
    """What is signed: that this very notice was read (`schemas/formats/notice.md`)."""
    read = sha256(canonical_bytes(dispatch.document())).hexdigest()
    return canonical_bytes({"format": FORMAT, "hub": hub, "notice": dispatch.id, "notice_sha256": read, "time": time})


class NoticeAcknowledgements:
    def __init__(
        self,
        dispatches: Dispatches,
        *,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        hub: str,
    ) -> None:
        self._dispatches = dispatches
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._hub = hub

    async def take(self, reader: Principal, notice: str, said: SaidOfNotice) -> Sent | Refusal:
        """Remember it; the first one stands. `NOT_FOUND`, `ACK_SIGNATURE_INVALID`.

        Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """
        sent = await self._dispatches.get(notice)
        if sent is None or not sent.written_us or not self._is_for(reader.partner.id, sent.dispatch):
            return Refusal("NOT_FOUND")
        signature = self._checked(reader, sent.dispatch, said) if said.signature else ""
        if isinstance(signature, Flaw):
            return Refusal("ACK_SIGNATURE_INVALID", signature.value)
        if not sent.acknowledged_us:
            await self._dispatches.acknowledge(notice, self._clock.now_us(), by=reader.system.id, signature=signature)
            self._observer.count("notices_acknowledged", kind=sent.dispatch.kind.value)
        return await self._dispatches.get(notice) or Refusal("NOT_FOUND")

    def _is_for(self, partner: str, dispatch: Dispatch) -> bool:
        if partner == dispatch.partner:
            return True
        now = self._clock.now_us() // 1_000_000
        return partner == dispatch.agent and may_stand_in(partner, dispatch.partner, self._snapshot(), now)

    def _checked(self, reader: Principal, dispatch: Dispatch, said: SaidOfNotice) -> str | Flaw:
        """The signature, if it is a live key's of the very system, made now over just this notice."""
        text = notice_ack_text(self._hub, dispatch, said.time)
        keys, now = self._snapshot().keys_of(reader.system.id), self._clock.now_us() // 1_000_000
        return signed_now(said.signature, text, keys, time=said.time, now=now)
