"""What becomes of an agreement once it is made: signed by both sides, suspended, resumed, ended.

With an agreement end the feeds for which no other one stands: in the same revision, so that none is left over.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Held
from hub.core.credential import KeyState, PublicKey
from hub.core.feed import Feed
from hub.core.operator import AGREEMENTS, ANYONE, NOBODY, Effect
from hub.core.registry import Registered, Snapshot
from hub.core.retention import DAY_SECONDS
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.feeds import ended_feed, share_a_type
from hub.operate.mandates import signing_keys
from hub.operate.views import Plain, View, plain
from hub.trust.agreement import named_key, signer_of
from hub.trust.jws import Flaw

SCOPE = "agreements:sign"
PROPOSAL_DAYS = 90
"""So long a proposal waits for its signatures."""


class OfAgreement(Request, frozen=True, kw_only=True):
    id: str


class SignAgreement(OfAgreement, frozen=True, kw_only=True):
    partner: str
    """Whose signature it is."""
    signature: str


class NoteCopies(OfAgreement, frozen=True, kw_only=True):
    copies: tuple[Held, ...]


def sign_agreement(request: SignAgreement, basis: Basis, checks: Checks) -> Changes:
    """Take one side's signature; the last one makes a proposal active, if the others still stand.

    One that is suspended stays so: signed anew, it can be resumed.
    """
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None or not _waits(agreement, request.partner, basis, checks):
        return ()
    keys = signing_keys(request.partner, basis.snapshot, basis.now, SCOPE)
    signer = signer_of(request.signature, agreement.text, keys)
    if isinstance(signer, Flaw):
        wanted = f"a signature by a key in use of {request.partner} with the scope {SCOPE}, over this very text"
        checks.fault("ACT_SIGNATURE_REFUSED", "/signature", signer.value, wanted)
        return ()
    signed = signatures_by_side(agreement, basis.snapshot)
    if request.partner in signed:
        return ()
    signed[request.partner] = request.signature
    complete = agreement.state is AgreementState.PROPOSED and agreement.sides <= set(signed)
    state = AgreementState.ACTIVE if complete else agreement.state
    return (replace(agreement, signatures=tuple(signed.values()), state=state),)


def signatures_by_side(agreement: Agreement, snapshot: Snapshot) -> dict[str, str]:
    """The signatures whose keys were not revoked since, by the side that each is of."""
    found: dict[str, str] = {}
    for signature in agreement.signatures:
        key = snapshot.keys.get(named_key(signature))
        if key is not None and key.state is not KeyState.REVOKED:
            found[owner_of(key)] = signature
    return found


def owner_of(key: PublicKey) -> str:
    """The partner of whose systems it is."""
    return key.system.partition(".")[0]


def _waits(agreement: Agreement, partner: str, basis: Basis, checks: Checks) -> bool:
    """Whether it still waits for signatures, this partner's among them."""
    if partner not in agreement.sides:
        checks.fault("ACT_NOT_REGISTERED", "/id", agreement.id, "an agreement that this partner is to sign")
        return False
    if agreement.state is AgreementState.ACTIVE and partner in signatures_by_side(agreement, basis.snapshot):
        return True
    if agreement.state is AgreementState.SUSPENDED and agreement.text:
        return True
    if (stale := staleness(agreement, basis.snapshot, basis.now)) is not None:
        checks.fault("ACT_AGREEMENT_CLOSED", "/id", stale, "a proposal that waits for signatures")
    return not checks.faults


def waits_for(agreement: Agreement, snapshot: Snapshot) -> frozenset[str]:
    """The sides whose signature it lacks to be active, or to be resumed; where no text was signed, none."""
    waits = agreement.text and agreement.state in (AgreementState.PROPOSED, AgreementState.SUSPENDED)
    return agreement.sides - set(signatures_by_side(agreement, snapshot)) if waits else frozenset()


def lacking(item: Registered | None, snapshot: Snapshot) -> Plain:
    """What is told beside a change of an agreement: whose signatures it waits for."""
    return {"waits_for": sorted(waits_for(item, snapshot))} if isinstance(item, Agreement) else {}


def staleness(agreement: Agreement, snapshot: Snapshot, now: int) -> str | None:
    """Why no signature makes it active any more; None: it waits."""
    if agreement.state is not AgreementState.PROPOSED:
        return f"an agreement that is {agreement.state}"
    proposed = snapshot.made[snapshot.agreements.created(agreement.id)].time_us // 1_000_000
    if now >= proposed + PROPOSAL_DAYS * DAY_SECONDS:
        return f"a proposal of more than {PROPOSAL_DAYS} days"
    if agreement.valid_to is not None and agreement.valid_to <= now:
        return "a proposal whose last day has passed"
    for side in sorted(agreement.sides):
        partner = snapshot.partners.get(side)
        if partner is None or partner.stopped:
            return f"a proposal to {side}, who takes no part"
    return None


def suspend_agreement(request: OfAgreement, basis: Basis, checks: Checks) -> Changes:
    """What comes meanwhile is shown to nobody, also afterwards."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None or agreement.state is AgreementState.SUSPENDED:
        return ()
    _must_be(AgreementState.ACTIVE, agreement, checks)
    return (replace(agreement, state=AgreementState.SUSPENDED),)


def resume_agreement(request: OfAgreement, basis: Basis, checks: Checks) -> Changes:
    """It lets events be shown again, if what made it active still stands: the signatures of all its sides."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None or agreement.state is AgreementState.ACTIVE:
        return ()
    _must_be(AgreementState.SUSPENDED, agreement, checks)
    if agreement.valid_to is not None and agreement.valid_to <= basis.now:
        checks.fault("ACT_AGREEMENT_CLOSED", "/id", "an agreement whose last day has passed", "one that still holds")
    if lacking := waits_for(agreement, basis.snapshot):
        found = f"an agreement without a signature that counts of {', '.join(sorted(lacking))}"
        checks.fault("ACT_AGREEMENT_CLOSED", "/id", found, "one that every side has signed")
    return (replace(agreement, state=AgreementState.ACTIVE),)


def end_agreement(request: OfAgreement, basis: Basis, checks: Checks) -> Changes:
    """For good, with the feeds that rest on no other."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    return () if agreement is None or agreement.ended else with_feeds(agreement, basis)


def lapse_agreement(request: OfAgreement, basis: Basis, checks: Checks) -> Changes:
    """The same, of one whose last day has passed."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None or agreement.ended:
        return ()
    if agreement.valid_to is None or basis.now < agreement.valid_to:
        checks.fault("ACT_AGREEMENT_CLOSED", "/id", "an agreement that still holds", "one whose last day has passed")
    return with_feeds(agreement, basis)


def with_feeds(agreement: Agreement, basis: Basis) -> Changes:
    """The agreement as ended, and the feeds that end with it. What was never in force left no copies."""
    never = agreement.state is AgreementState.PROPOSED
    ended = replace(agreement, state=AgreementState.ENDED, copies=() if never else None)
    feeds = (each for each in basis.snapshot.feeds_of(agreement.recipient) if each.purpose is agreement.purpose)
    return (ended, *(ended_feed(feed) for feed in feeds if not feed.ended and _is_last(agreement, feed, basis)))


def _is_last(agreement: Agreement, feed: Feed, basis: Basis) -> bool:
    """Whether no other agreement that stands shares a type with the feed."""
    others = (
        each
        for each in basis.snapshot.agreements_for(feed.recipient, feed.purpose)
        if each.id != agreement.id
        and each.state in (AgreementState.ACTIVE, AgreementState.SUSPENDED)
        and (each.valid_to is None or basis.now < each.valid_to)
    )
    return not any(share_a_type(feed, other, basis.event_types) for other in others)


def note_copies(request: NoteCopies, basis: Basis, checks: Checks) -> Changes:
    """What the recipient of an ended agreement holds: said once."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None or agreement.copies is not None:
        return ()
    _must_be(AgreementState.ENDED, agreement, checks)
    return (replace(agreement, copies=request.copies),)


def _must_be(state: AgreementState, agreement: Agreement, checks: Checks) -> None:
    if agreement.state is not state:
        checks.fault(
            "ACT_AGREEMENT_CLOSED", "/id", f"an agreement that is {agreement.state}", f"an agreement that is {state}"
        )


_ACT_OF = {
    AgreementState.PROPOSED: "agreement.propose",
    AgreementState.ACTIVE: "agreement.resume",
    AgreementState.SUSPENDED: "agreement.suspend",
    AgreementState.ENDED: "agreement.end",
}
"""What leads to a state: who may know of that may know why it came to be."""


class ShowAgreement(Struct, frozen=True, forbid_unknown_fields=True):
    id: str


def show_agreement(request: ShowAgreement, basis: Basis, checks: Checks) -> Plain:
    """With what was signed, by whom, whose signature it waits for, and the feeds that rest on it."""
    agreement = checks.known("/id", request.id, basis.snapshot.agreements)
    if agreement is None:
        return {}
    signed = signatures_by_side(agreement, basis.snapshot)
    feeds = (each for each in basis.snapshot.feeds_of(agreement.recipient) if each.purpose is agreement.purpose)
    waits = agreement.state is AgreementState.PROPOSED
    return {
        **plain(agreement),
        "in_force": agreement.in_force(basis.now),
        "signed_by": sorted(signed),
        "waits_for": sorted(waits_for(agreement, basis.snapshot)),
        "stale": staleness(agreement, basis.snapshot, basis.now) if waits else None,
        "became": _became(agreement, basis),
        "feeds": [feed.name for feed in feeds if not feed.ended and share_a_type(feed, agreement, basis.event_types)],
    }


def _became(agreement: Agreement, basis: Basis) -> Plain:
    """When it came to be in its state; by whom and why, for those who may know."""
    versions = basis.snapshot.agreements.versions(agreement.id)
    revision = versions[0][0]
    for (_, before), (later, after) in pairwise(versions):
        revision = revision if before.state is after.state else later
    made, may_know = basis.snapshot.made[revision], basis.may_know(_ACT_OF[agreement.state])
    return {"at": made.time_us // 1_000_000, **({"by": made.actor, "why": made.reason} if may_know else {})}


VIEWS = {"agreement.show": View(ShowAgreement, show_agreement)}
ACTS: Mapping[str, Act] = {
    "agreement.sign": Act(SignAgreement, sign_agreement, Effect.STARTS, AGREEMENTS),
    "agreement.suspend": Act(OfAgreement, suspend_agreement, Effect.STOPS, ANYONE),
    "agreement.resume": Act(OfAgreement, resume_agreement, Effect.STARTS, AGREEMENTS),
    "agreement.end": Act(OfAgreement, end_agreement, Effect.STOPS, ANYONE),
    "agreement.lapse": Act(OfAgreement, lapse_agreement, Effect.STOPS, ANYONE),
    "agreement.note-copies": Act(NoteCopies, note_copies, Effect.KEEPS, NOBODY),
}
