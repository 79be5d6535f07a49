"""Copies of documents that were set apart: what was found in each, and what an officer decides of it.

Only what was found is shown, never the copy: nothing here opens its bytes. A decision is about the bytes of one
publisher; the newest one counts, and it can be changed as long as they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.core.copies import CopyDecision, Entry, Outcome, Quarantined, Standing, decision_id, standing_of
from hub.core.operator import PARTNERS, SECURITY, Effect
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Apart, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import Plain, View, plain


class Settle(Request, frozen=True, kw_only=True):
    """`document`: a SHA-256 (hex), or the id of the event that names the copy; `partner` where several handed it in."""

    document: str
    partner: str = ""


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    quarantined: str = ""
    """`yes`: without those that are settled."""


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    document: str
    partner: str = ""


async def gather_waiting(_: Listed, snapshot: Snapshot, apart: Apart) -> Sequence[Quarantined]:
    found = [each for each in await apart.copies.quarantined() if _standing(each, snapshot) is Standing.QUARANTINED]
    return sorted(found, key=lambda each: (each.entry.event["time"], each.id))


async def gather_named(request: Settle | Shown, snapshot: Snapshot, apart: Apart) -> Sequence[Quarantined]:
    """Those that the request may mean, settled or not, as long as they are kept."""
    found = {each.id: each for each in await apart.copies.quarantined()}
    for decision in snapshot.copy_decisions:
        if decision.id not in found and request.document in (decision.sha256, decision.event_id):
            entry = await apart.copies.entry(decision.partner, decision.sha256)
            if entry is not None:
                found[decision.id] = Quarantined(decision.partner, decision.sha256, entry)
    return [each for each in found.values() if _is_named(each, request)]


def settle(outcome: Outcome) -> Callable[[Settle, Basis, Checks], Changes]:
    def decide(request: Settle, basis: Basis, checks: Checks) -> Changes:
        if not request.reason.strip():
            checks.invalid("/reason", request.reason, "why, in words for its publisher")
        copy = _one(request, basis, checks)
        if copy is None:
            return ()
        decision = CopyDecision(
            partner=copy.partner,
            sha256=copy.sha256,
            event_id=copy.entry.event["id"],
            outcome=outcome,
            reason=request.reason,
            decided=basis.now,
            codes=tuple(sorted(copy.entry.codes)),
        )
        held = basis.snapshot.copy_decision(copy.partner, copy.sha256)
        return () if held is not None and replace(held, decided=basis.now) == decision else (decision,)

    return decide


def list_copies(request: Listed, basis: Basis, _: Checks) -> Plain:
    """Those that wait, the longest first; then what became of the others."""
    waiting = [_copy(each, basis.snapshot) for each in basis.found]
    settled = [] if request.quarantined else [_settled(each) for each in basis.snapshot.copy_decisions]
    ids = {each.id for each in basis.found}
    return {"items": waiting + [each for each in settled if decision_id(each["partner"], each["sha256"]) not in ids]}


def show_copy(request: Shown, basis: Basis, checks: Checks) -> Plain:
    """One of them, with its event."""
    copy = _one(request, basis, checks)
    return {} if copy is None else {**_copy(copy, basis.snapshot), "event": copy.entry.event}


def _one(request: Settle | Shown, basis: Basis, checks: Checks) -> Quarantined | None:
    copies: Sequence[Quarantined] = basis.found
    if len(copies) == 1:
        return copies[0]
    if copies:
        found = " ".join(f"{each.partner}/{each.sha256}" for each in copies)
        checks.invalid("/document", found, "one copy: its SHA-256, and the partner where several handed it in")
    else:
        checks.fault("ACT_NOT_REGISTERED", "/document", request.document, "a copy that was set apart and is kept")
    return None


def _is_named(copy: Quarantined, request: Settle | Shown) -> bool:
    named = request.document in (copy.sha256, copy.entry.event["id"])
    return named and request.partner in ("", copy.partner)


def _standing(copy: Quarantined, snapshot: Snapshot) -> Standing:
    return standing_of(copy.entry, snapshot.copy_decision(copy.partner, copy.sha256))


def _copy(copy: Quarantined, snapshot: Snapshot) -> Plain:
    decision = snapshot.copy_decision(copy.partner, copy.sha256)
    return {
        "partner": copy.partner,
        "sha256": copy.sha256,
        "id": copy.entry.event["id"],
        "standing": standing_of(copy.entry, decision).value,
        "decision": plain(decision),
        **_found(copy.entry),
    }


def _found(entry: Entry) -> Plain:
    document = entry.event["data"]["document"]
    return {
        "since": entry.event["time"],
        "source": entry.event["source"],
        "kind": document["kind"],
        "reference": document["reference"],
        "media_type": entry.media_type,
        "bytes": entry.bytes,
        "faults": [plain(each) for each in entry.faults],
    }


def _settled(decision: CopyDecision) -> Plain:
    return {
        "partner": decision.partner,
        "sha256": decision.sha256,
        "id": decision.event_id,
        "standing": decision.outcome.value,
        "decision": plain(decision),
    }


ACTS = {
    "document.release": Act(Settle, settle(Outcome.RELEASED), Effect.STARTS, PARTNERS | SECURITY, gather_named),
    "document.refuse": Act(Settle, settle(Outcome.REFUSED), Effect.KEEPS, PARTNERS | SECURITY, gather_named),
}
VIEWS = {
    "document.list": View(Listed, list_copies, gather_waiting),
    "document.show": View(Shown, show_copy, gather_named),
}
