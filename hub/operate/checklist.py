"""How far the systems of a company have come, as a list that turns green by itself.

Nobody ticks anything: each item follows from what is registered, or from what the hub saw and noted once.
"""

from __future__ import annotations

from msgspec import Struct

from hub.core.enrolment import Enrolment
from hub.core.partner import PartnerState
from hub.core.registry import Snapshot
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.views import OfPartner, Plain, View, plain


class Item(Struct, frozen=True):
    """One line. `at`: seconds since 1970; None where it is not done, or where nobody noted when it was."""

    name: str
    done: bool
    at: int | None = None
    found: str = ""


class Checklist(Struct, frozen=True):
    system: str
    key: str
    items: tuple[Item, ...]

    @property
    def complete(self) -> bool:
        return all(item.done for item in self.items)


def checklist_of(enrolment: Enrolment, snapshot: Snapshot, now: int) -> Checklist:
    """All items in the order in which they are usually done. The key of the enrolment may have been rotated since."""
    key, partner = snapshot.keys.get(enrolment.key), snapshot.partners.get(enrolment.partner)
    state = key.state_at(now) if key is not None else None
    approved = snapshot.systems.get(enrolment.id) is not None and any(
        each.usable_at(now) for each in snapshot.keys_of(enrolment.id)
    )
    offset = f"{enrolment.clock_offset_seconds:+d} s"
    items = (
        Item("key_proven", True, enrolment.proven),
        Item("key_approved", approved, key.not_before if approved and key else None, state.value if state else ""),
        Item("clock", enrolment.clock is not None, enrolment.clock, offset),
        Item("event_accepted", enrolment.event is not None, enrolment.event),
        Item("receipt_verified", enrolment.receipt is not None, enrolment.receipt),
        Item(
            "partner_active",
            partner is not None and partner.state is PartnerState.ACTIVE,
            None,
            partner.state.value if partner is not None else "",
        ),
    )
    return Checklist(enrolment.id, enrolment.key, items)


def show_checklist(request: OfPartner, basis: Basis, checks: Checks) -> Plain:
    """Of every system of a partner that was enrolled."""
    if checks.known("/id", request.id, basis.snapshot.partners) is None:
        return {}
    lists = [checklist_of(each, basis.snapshot, basis.now) for each in basis.snapshot.enrolments.of(request.id)]
    return {"systems": [{**plain(each), "complete": each.complete} for each in lists]}


VIEWS = {"partner.checklist": View(OfPartner, show_checklist)}
