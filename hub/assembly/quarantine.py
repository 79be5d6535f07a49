"""Dead letters put together: what fills the letter box, what opens letters, and what settles them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from hub.assembly.aeo import WRITES
from hub.core.dead_letter import DeadLetter
from hub.core.errors import Overloaded, Refusal, StaleRegistry
from hub.core.evidence import Item, Mode, Principal
from hub.core.operator import CLIENT_PREFIX
from hub.core.partner import Partner, System
from hub.delivery.again import NOT_NOW
from hub.intake.decode import decode
from hub.intake.pipeline import dry as dry_item
from hub.operate.letter_box import LetterBox
from hub.operate.letter_desk import LetterDesk
from hub.operate.settler import Means

if TYPE_CHECKING:
    from hub.assembly.hub import Hub

SUBMITTED_BY = f"{CLIENT_PREFIX}quarantine"
"""In statements and headers of what operators released or repaired: no partner has a system of this name."""
_NOT_NOW = {"REGISTRY_STALE": StaleRegistry, "OVERLOADED": Overloaded}


def make_letter_box(hub: Hub) -> LetterBox:
    return LetterBox(
        log=hub.ports.log,
        letters=hub.ports.dead_letters,
        clock=hub.clock,
        observer=hub.observer,
        settings=hub.settings.quarantine,
        partitions=hub.events.partitions,
    )


def make_letter_desk(hub: Hub) -> LetterDesk:
    return LetterDesk(
        hub.ports.dead_letters,
        log=hub.ports.log,
        index=hub.ports.index,
        blobs=hub.ports.blobs,
        entropy=hub.entropy,
        foresee=lambda letter, data: settling(hub).foresee(letter, data),
    )


def settling(hub: Hub) -> Means:
    """What settles letters in this process."""

    async def submit(partner: Partner, event: Mapping[str, Any], dry: bool) -> Item | Refusal:
        """As an event of the partner's would be taken, without a token and beside its quota."""
        pipeline = hub.intake.pipeline
        system = System(SUBMITTED_BY, partner.id, WRITES)
        admitted = pipeline.admit(Principal(partner, system, "", frozenset(WRITES), 0), mode=Mode.BATCHED, atomic=False)
        if isinstance(admitted, Refusal):
            if admitted.code in _NOT_NOW:
                raise _NOT_NOW[admitted.code](admitted.code)
            return admitted
        decoded = decode(admitted, orjson.dumps([event]), {}, bounds=hub.settings.intake)
        if isinstance(decoded, Refusal):
            return decoded
        judged = [pipeline.judging.native(admitted, index, each) for index, each in enumerate(decoded)]
        [item] = map(dry_item, judged) if dry else (await pipeline.accept(admitted, judged)).items
        return item

    async def deliver(letter: DeadLetter, dry: bool) -> str:
        if hub.again is None:
            return NOT_NOW
        if dry:
            parcel = await hub.again.parcel(letter)
            return parcel if isinstance(parcel, str) else ""
        return await hub.again.deliver(letter)

    return Means(
        letters=hub.ports.dead_letters,
        submit=submit,
        deliver=deliver,
        corrected=hub.letter_desk.corrected,
        log=hub.ports.log,
        positions=hub.ports.positions,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        partitions=hub.events.partitions,
        holder=f"hub-{hub.worker.number}",
    )
