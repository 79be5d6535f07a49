"""Mandates: granted and withdrawn by their principal under two signatures, countersigned or stopped by officers.

What the principal signs is a document of its own (`schemas/formats/mandate.md`); who brings it here is of no matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import types_cover
from hub.core.credential import KeyState, PublicKey
from hub.core.mandate import LINKS_MAX, Chain, Mandate, MandateState, SignedText, chain_of, represents
from hub.core.operator import ANYONE, PARTNERS, Effect
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import All, Plain, View, plain
from hub.trust.jws import Flaw
from hub.trust.mandate import signer_of
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.identifiers import SCHEMES
from schemas.identity import SOURCE_BYTES_MAX

FORMAT, WITHDRAWAL = "customs-hub-mandate/1", "customs-hub-mandate-withdrawal/1"
SCOPE = "mandates:sign"
SIGNATURES = 2
SIGNATURES_MAX = 4
ENTRIES_MAX = 64
"""Of each list in a mandate."""
TEXT_BYTES_MAX = 8_192
"""Of what is signed."""


class MandateDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a principal signs."""

    format: str
    hub: str
    id: str
    principal: str
    agent: str
    types: tuple[str, ...]
    valid_from: int
    valid_to: int
    sub_delegation: bool
    sources: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None
    under: str | None = None


class WithdrawalDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: str
    hub: str
    principal: str
    id: str
    time: int


class GrantMandate(Request, frozen=True, kw_only=True):
    principal: str
    mandate: dict[str, Any]
    signatures: tuple[str, ...]


class WithdrawMandate(Request, frozen=True, kw_only=True):
    principal: str
    id: str
    """Its own name at the principal."""
    withdrawal: dict[str, Any]
    signatures: tuple[str, ...]


class OfMandate(Request, frozen=True, kw_only=True):
    id: str
    """`principal/name`."""


class ShowMandate(Struct, frozen=True, forbid_unknown_fields=True):
    id: str


def grant(request: GrantMandate, basis: Basis, checks: Checks) -> Changes:
    """In force at once under signatures of two systems; with one, where the principal has but one system for it, once
    an officer has countersigned."""
    read = _read(request.mandate, MandateDocument, FORMAT, "/mandate", basis, checks)
    if read is None:
        return ()
    document, text = read
    if document.principal != request.principal:
        checks.invalid("/mandate/principal", document.principal, request.principal)
    signed = _signed(request.principal, text, request.signatures, basis, checks)
    known = basis.snapshot.mandates.get(f"{document.principal}/{document.id}")
    if known is not None and known.grant.text != text:
        checks.fault("ACT_NAME_TAKEN", "/mandate/id", document.id, "a name never used before")
    if known is not None and known.state is not MandateState.SIGNED:
        if known.state is MandateState.WITHDRAWN:
            checks.invalid("/mandate/id", "a mandate that was withdrawn", "a new one, of another name")
        return ()
    mandate = _mandate(document, SignedText(text, request.signatures), basis, checks)
    state = MandateState.GRANTED if signed >= SIGNATURES else MandateState.SIGNED
    mandate = replace(mandate, state=state)
    _has_room(mandate, basis, checks)
    return () if known is not None and state is MandateState.SIGNED else (mandate,)


def withdraw(request: WithdrawMandate, basis: Basis, checks: Checks) -> Changes:
    """At once under signatures of two systems; with one, where the principal has but one for it, once an officer stops
    it."""
    read = _read(request.withdrawal, WithdrawalDocument, WITHDRAWAL, "/withdrawal", basis, checks)
    known = checks.known("/id", f"{request.principal}/{request.id}", basis.snapshot.mandates)
    if read is None or known is None:
        return ()
    document, text = read
    if (document.principal, document.id) != (known.principal, known.name):
        checks.invalid("/withdrawal", f"{document.principal}/{document.id}", known.id)
    signed = _signed(request.principal, text, request.signatures, basis, checks)
    if known.state is MandateState.WITHDRAWN:
        return ()
    withdrawal = SignedText(text, request.signatures)
    if signed >= SIGNATURES:
        return (replace(known, state=MandateState.WITHDRAWN, withdrawal=withdrawal),)
    return () if known.withdrawal else (replace(known, withdrawal=withdrawal),)


def countersign(request: OfMandate, basis: Basis, checks: Checks) -> Changes:
    """The second signature of a principal that has but one system for it: its own must still stand."""
    mandate = checks.known("/id", request.id, basis.snapshot.mandates)
    if mandate is None or mandate.state is MandateState.GRANTED:
        return ()
    if mandate.state is MandateState.WITHDRAWN or mandate.valid_to <= basis.now:
        checks.invalid("/id", f"a mandate that is {mandate.state}", "one that waits, and has not ended")
    _signed(mandate.principal, mandate.grant.text, mandate.grant.signatures, basis, checks)
    mandate = replace(mandate, state=MandateState.GRANTED)
    _has_room(mandate, basis, checks)
    return (mandate,)


def stop(request: OfMandate, basis: Basis, checks: Checks) -> Changes:
    mandate = checks.known("/id", request.id, basis.snapshot.mandates)
    if mandate is None or mandate.state is MandateState.WITHDRAWN:
        return ()
    return (replace(mandate, state=MandateState.WITHDRAWN),)


def told(mandate: Mandate, snapshot: Snapshot, now: int) -> Plain:
    """A mandate with what was signed, so that it can be proven without the hub."""
    in_force = represents(chain_of(mandate, snapshot.mandates.get), now)
    return {**plain(mandate), "id": mandate.id, "in_force": in_force}


def list_mandates(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [told(each, basis.snapshot, basis.now) for each in basis.snapshot.mandates]}


def show_mandate(request: ShowMandate, basis: Basis, checks: Checks) -> Plain:
    mandate = checks.known("/id", request.id, basis.snapshot.mandates)
    return {} if mandate is None else told(mandate, basis.snapshot, basis.now)


def _read(document: Mapping[str, Any], shape: type[Any], name: str, place: str, basis: Basis, checks: Checks) -> Any:
    """The document as its struct and its canonical text; None: it is none."""
    try:
        read, text = msgspec.convert(document, shape), canonical_bytes(document).decode()
    except (msgspec.ValidationError, NotCanonical) as error:
        checks.fault("ACT_MANDATE_MALFORMED", place, str(error), f"{name}, as schemas/formats/mandate.md says")
        return None
    if len(text.encode()) > TEXT_BYTES_MAX:
        checks.fault("ACT_MANDATE_MALFORMED", place, f"{len(text.encode())} bytes", f"at most {TEXT_BYTES_MAX} bytes")
        return None
    for member, wanted in (("format", name), ("hub", basis.hub)):
        if (found := getattr(read, member)) != wanted:
            checks.invalid(f"{place}/{member}", found, wanted)
    return read, text


def signing_keys(partner: str, snapshot: Snapshot, now: int, scope: str = SCOPE) -> dict[str, PublicKey]:
    """The keys that may sign for a partner, by id: in use, since one in grace was replaced already."""
    systems = (system for system in snapshot.systems.of(partner) if scope in system.scopes)
    keys = (key for system in systems for key in snapshot.keys_of(system.id))
    return {key.id: key for key in keys if key.state_at(now) is KeyState.ACTIVE}


def _signed(principal: str, text: str, signatures: Sequence[str], basis: Basis, checks: Checks) -> int:
    """How many systems of the principal signed: two, or the only one that there is.

    Whoever holds a key can have its system's other one, by rotating it in: all keys of a system are one voice.
    """
    keys, signers = signing_keys(principal, basis.snapshot, basis.now), set()
    wanted = f"a signature by a key in use of {principal} with the scope {SCOPE}, over this very document"
    for index, signature in enumerate(signatures[:SIGNATURES_MAX]):
        signer = signer_of(signature, text.encode(), keys)
        if isinstance(signer, Flaw):
            checks.fault("ACT_SIGNATURE_REFUSED", f"/signatures/{index}", signer.value, wanted)
        else:
            signers.add(keys[signer].system)
    needed = min(SIGNATURES, max(1, len({key.system for key in keys.values()})))
    if len(signers) < needed or len(signatures) > SIGNATURES_MAX:
        found = f"{len(signatures)} signatures by {len(signers)} systems"
        checks.fault("ACT_SIGNATURES_FEW", "/signatures", found, f"signatures by {needed} different systems")
    return len(signers)


def _has_room(mandate: Mandate, basis: Basis, checks: Checks) -> None:
    """Whether its principal may have one more in this state: what waits, or holds, before its end."""
    settings = basis.mandates
    most = settings.in_force_max if mandate.state is MandateState.GRANTED else settings.waiting_max
    others = sum(
        each.state is mandate.state and each.valid_to > basis.now
        for each in basis.snapshot.mandates.of(mandate.principal)
        if each.principal == mandate.principal and each.id != mandate.id
    )
    if others >= most:
        checks.fault(
            "ACT_MANDATES_TOO_MANY", "/mandate", f"{others} mandates that are {mandate.state}", f"at most {most}"
        )


def _mandate(document: MandateDocument, grant: SignedText, basis: Basis, checks: Checks) -> Mandate:
    snapshot = basis.snapshot
    checks.known("/mandate/principal", document.principal, snapshot.partners)
    checks.known("/mandate/agent", document.agent, snapshot.partners)
    checks.slug("/mandate/id", document.id)
    for member in ("types", "sources", "subjects"):
        if len(entries := getattr(document, member) or ()) > ENTRIES_MAX:
            checks.invalid(f"/mandate/{member}", f"{len(entries)} entries", f"at most {ENTRIES_MAX} entries")
    if document.valid_to <= max(document.valid_from, basis.now):
        checks.invalid("/mandate/valid_to", document.valid_to, "a time after now and after valid_from")
    mandate = Mandate(
        principal=document.principal,
        name=document.id,
        agent=document.agent,
        publisher=document.principal,
        types=checks.types("/mandate/types", document.types, basis.event_types),
        valid_from=document.valid_from,
        valid_to=document.valid_to,
        grant=grant,
        sources=_limited("/mandate/sources", document.sources, checks),
        subjects=_limited("/mandate/subjects", document.subjects, checks),
        sub_delegation=document.sub_delegation,
        under=document.under or "",
    )
    for index, source in enumerate(mandate.sources):
        if not 0 < len(source.encode(errors="replace")) <= SOURCE_BYTES_MAX:
            checks.invalid(f"/mandate/sources/{index}", source, f"1 to {SOURCE_BYTES_MAX} bytes")
    for index, scheme in enumerate(mandate.subjects):
        if scheme not in SCHEMES:
            checks.invalid(f"/mandate/subjects/{index}", scheme, "a scheme of the naming table, such as iso6346")
    chain = _chain(mandate, snapshot, checks)
    if document.agent in {link.principal for link in chain}:
        checks.invalid("/mandate/agent", document.agent, "a partner that is no principal of this mandate")
    return replace(mandate, publisher=chain[-1].principal)


def _limited(place: str, items: tuple[str, ...] | None, checks: Checks) -> tuple[str, ...]:
    """Left out means all; an empty list would mean nothing, and is a mistake."""
    if items is not None:
        checks.some(place, items)
    return tuple(dict.fromkeys(items or ()))


def _chain(mandate: Mandate, snapshot: Snapshot, checks: Checks) -> Chain:
    """The mandate with those that it rests on, of which the next one must let it be, and allow all that it allows."""
    outer = checks.known("/mandate/under", mandate.under, snapshot.mandates) if mandate.under else None
    if outer is None:
        return (mandate,)
    chain = chain_of(mandate, snapshot.mandates.get)
    if not chain:
        checks.fault("ACT_MANDATE_TOO_WIDE", "/mandate/under", outer.id, f"a chain of at most {LINKS_MAX} mandates")
    if outer.agent != mandate.principal or not outer.sub_delegation:
        wanted = f"a mandate of which {mandate.principal} is the agent, with sub_delegation"
        checks.fault("ACT_MANDATE_TOO_WIDE", "/mandate/under", outer.id, wanted)
    for member, holds in _within(mandate, outer):
        if not holds:
            wanted = f"no more than {outer.id} allows"
            checks.fault("ACT_MANDATE_TOO_WIDE", f"/mandate/{member}", getattr(mandate, member) or "all", wanted)
    return chain or (mandate,)


def _within(inner: Mandate, outer: Mandate) -> list[tuple[str, bool]]:
    return [
        ("types", all(_covered(each, outer.types) for each in inner.types)),
        ("sources", not outer.sources or (bool(inner.sources) and set(inner.sources) <= set(outer.sources))),
        ("subjects", not outer.subjects or (bool(inner.subjects) and set(inner.subjects) <= set(outer.subjects))),
        ("valid_from", outer.valid_from <= inner.valid_from),
        ("valid_to", inner.valid_to <= outer.valid_to),
    ]


def _covered(pattern: str, outer: Sequence[str]) -> bool:
    """Whether patterns mean all that one means; types shared by name only are meant by their names."""
    if pattern in outer:
        return True
    if "*" not in pattern:
        return types_cover(outer, pattern)
    return "*" in outer


ACTS = {
    "mandate.grant": Act(GrantMandate, grant, Effect.STARTS, PARTNERS),
    "mandate.withdraw": Act(WithdrawMandate, withdraw, Effect.STOPS, ANYONE),
    "mandate.countersign": Act(OfMandate, countersign, Effect.STARTS, PARTNERS),
    "mandate.stop": Act(OfMandate, stop, Effect.STOPS, ANYONE),
}
VIEWS = {"mandate.list": View(All, list_mandates), "mandate.show": View(ShowMandate, show_mandate)}
