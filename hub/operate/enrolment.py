"""Enrolment: a system is invited, brings the key that it made, and a second operator approves what was read out.

Whoever makes an invitation makes its code and gives the hub the digest alone: the hub never has a code before the
company shows it. Until its key is approved a system is nothing but a name.
"""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.codes import as_heard, is_digest, spoken
from hub.core.credential import KeyState, PublicKey
from hub.core.enrolment import INVITATION_SECONDS, Enrolment, Invitation, InvitationState, Step
from hub.core.operator import ANYONE, NOBODY, PARTNERS, SECURITY, Effect
from hub.core.partner import System
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import approved, live_keys, room_for_one, system_of
from hub.operate.views import All, Plain, View, plain
from hub.trust.keys import KeyRefused, algorithm_of, load_public_jwk, public_jwk, thumbprint

OPEN_INVITATIONS_MAX = 16
"""Of one partner."""


class MakeInvitation(Request, frozen=True, kw_only=True):
    id: str
    """SHA-256 (hex) of the code."""
    partner: str
    system: str
    """The system's own name: its id is `<partner>.<system>`."""
    scopes: tuple[str, ...] = ()
    """May be left out for a system that is registered: it keeps its scopes."""


class EndInvitation(Request, frozen=True, kw_only=True):
    id: str


class BringKey(Request, frozen=True, kw_only=True):
    """What `hub.operate.enrol` has proven: the sender has the code of this invitation, and holds this key."""

    invitation: str
    jwk: dict[str, str]
    revocation: str
    """SHA-256 (hex) of the offline code that ends the key."""
    clock_offset_seconds: int


class DecideKey(Request, frozen=True, kw_only=True):
    key: str
    """A requested key: what the company reads out of it, or its id."""


class TakeStep(Request, frozen=True, kw_only=True):
    system: str
    step: Step
    clock_offset_seconds: int | None = None


def make_invitation(request: MakeInvitation, basis: Basis, checks: Checks) -> Changes:
    snapshot = basis.snapshot
    partner = checks.known("/partner", request.partner, snapshot.partners)
    system = system_of(request, basis, checks)
    if not is_digest(request.id):
        checks.invalid("/id", "(not shown)", "the SHA-256 of a code, in hexadecimal")
    elif snapshot.invitations.get(request.id) is not None:
        checks.fault("ACT_NAME_TAKEN", "/id", request.id, "the digest of a new code")
    if partner is None:
        return ()
    if partner.stopped:
        checks.invalid("/partner", f"a partner that is {partner.state}", "one that is vetted or active")
    waiting = [each for each in snapshot.invitations.of(partner.id) if each.is_open(basis.now)]
    if len(waiting) >= OPEN_INVITATIONS_MAX:
        wanted = f"fewer than {OPEN_INVITATIONS_MAX} open invitations"
        checks.invalid("/partner", f"{len(waiting)} open invitations", wanted)
    ends = basis.now + INVITATION_SECONDS
    return (Invitation(request.id, partner.id, system.id, system.scopes, basis.now, ends),)


def end_invitation(request: EndInvitation, basis: Basis, checks: Checks) -> Changes:
    invitation = checks.named("/id", request.id, basis.snapshot.invitations)
    if invitation is None or invitation.state is not InvitationState.OPEN:
        return ()
    return (replace(invitation, state=InvitationState.ENDED),)


def bring_key(request: BringKey, basis: Basis, checks: Checks) -> Changes:
    """The code is used up by the key that it brought, and by nothing else; the same key again changes nothing."""
    snapshot, now = basis.snapshot, basis.now
    invitation = checks.known("/invitation", request.invitation, snapshot.invitations)
    key = _read_key(request, invitation, checks)
    if invitation is None or key is None:
        return ()
    partner = snapshot.partners.get(invitation.partner)
    if partner is None or partner.stopped:
        checks.invalid("/invitation", "an invitation of a partner that is stopped", "one of a partner that is not")
    if brought_before(invitation, key.id, basis):
        return ()
    if not invitation.is_open(now):
        checks.invalid("/invitation", "an invitation that is used or has ended", "one that is open")
    if (known := snapshot.keys.get(key.id)) is not None:
        checks.fault("ACT_KEY_KNOWN", "/jwk", f"a key of {known.system}, {known.state}", "a key never registered")
    used = replace(invitation, state=InvitationState.USED, key=key.id)
    begun = Enrolment(invitation.system, invitation.partner, key.id, now, request.clock_offset_seconds)
    return used, key, begun


def brought_before(invitation: Invitation, key_id: str, basis: Basis) -> bool:
    """Whether this very key came by it and still waits: whoever lost the answer may ask again."""
    key = basis.snapshot.keys.get(key_id)
    waits = key is not None and key.state is KeyState.REQUESTED
    return waits and invitation.key == key_id and basis.now < invitation.ends


def approve_key(request: DecideKey, basis: Basis, checks: Checks) -> Changes:
    """The second pair of eyes: the key is the one that the company reads out. Its system is made with it."""
    key = _requested(request.key, basis, checks)
    if key is None:
        return ()
    invitation = _invitation_of(key, basis)
    partner = basis.snapshot.partners.get(invitation.partner) if invitation is not None else None
    if invitation is None or partner is None or partner.stopped:
        checks.invalid("/key", "a key of a partner that is stopped", "one of a partner that is vetted or active")
        return ()
    room_for_one(live_keys(key.system, basis), checks)
    system = System(key.system, partner.id, invitation.scopes)
    key = approved(key, basis)
    return (key,) if system == basis.snapshot.systems.get(system.id) else (system, key)


def refuse_key(request: DecideKey, basis: Basis, checks: Checks) -> Changes:
    """It is not what the company reads out, or nobody asked for it. It never comes back."""
    key = _requested(request.key, basis, checks)
    return () if key is None else (replace(key, state=KeyState.REVOKED),)


def take_step(request: TakeStep, basis: Basis, checks: Checks) -> Changes:
    """Note what the hub saw of a system, once."""
    enrolment = checks.known("/system", request.system, basis.snapshot.enrolments)
    if enrolment is None or enrolment.reached(request.step) is not None:
        return ()
    reached = {request.step.value: basis.now}
    if request.clock_offset_seconds is not None:
        reached["clock_offset_seconds"] = request.clock_offset_seconds
    return (replace(enrolment, **reached),)


def list_invitations(_: All, basis: Basis, __: Checks) -> Plain:
    """The newest first; each with what is to be compared of the key that came by it."""
    invitations = reversed(list(basis.snapshot.invitations))
    return {"items": [_shown(each, basis) for each in invitations]}


def _shown(invitation: Invitation, basis: Basis) -> Plain:
    key = basis.snapshot.keys.get(invitation.key)
    is_late = invitation.state is InvitationState.OPEN and not invitation.is_open(basis.now)
    return {
        **plain(invitation),
        "state": "expired" if is_late else invitation.state.value,
        "key_state": key.state_at(basis.now).value if key is not None else None,
        "spoken": spoken(key.id) if key is not None else None,
    }


def _read_key(request: BringKey, invitation: Invitation | None, checks: Checks) -> PublicKey | None:
    try:
        key = load_public_jwk(request.jwk)
    except KeyRefused as refusal:
        checks.fault("ACT_KEY_REFUSED", "/jwk", "(not shown)", str(refusal))
        return None
    jwk = public_jwk(key)
    system = invitation.system if invitation is not None else ""
    return PublicKey(thumbprint(jwk), system, algorithm_of(key), jwk, KeyState.REQUESTED, revocation=request.revocation)


def _requested(name: str, basis: Basis, checks: Checks) -> PublicKey | None:
    """The requested key of this id, or that is read out so. Keys that wait are few: those of invitations."""
    heard = as_heard(name)
    for invitation in basis.snapshot.invitations:
        key = basis.snapshot.keys.get(invitation.key)
        if key is not None and key.state is KeyState.REQUESTED and (key.id == name or spoken(key.id) == heard):
            return key
    checks.fault("ACT_NOT_REGISTERED", "/key", name, "a key that waits for approval")
    return None


def _invitation_of(key: PublicKey, basis: Basis) -> Invitation | None:
    partner = key.system.partition(".")[0]
    return next((each for each in basis.snapshot.invitations.of(partner) if each.key == key.id), None)


ACTS = {
    "invitation.make": Act(MakeInvitation, make_invitation, Effect.STARTS, PARTNERS | SECURITY),
    "invitation.end": Act(EndInvitation, end_invitation, Effect.STOPS, ANYONE),
    "enrolment.key": Act(BringKey, bring_key, Effect.KEEPS, NOBODY),
    "enrolment.step": Act(TakeStep, take_step, Effect.KEEPS, NOBODY),
    "key.approve": Act(DecideKey, approve_key, Effect.STARTS, PARTNERS | SECURITY),
    "key.refuse": Act(DecideKey, refuse_key, Effect.STOPS, ANYONE),
}
VIEWS = {"invitation.list": View(All, list_invitations)}
