"""EDIFACT of partners: what they mean by codes that the guides leave open."""

from __future__ import annotations

from hub.core.operator import PARTNERS, Effect
from hub.core.partner import EDIProfile
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from schemas.translate.edifact.profile import read_profile

PROFILE_CHARACTERS_MAX = 131_072


class SetProfile(Request, frozen=True, kw_only=True):
    """`profile`: the whole profile in its JSON form, as text, so that every fault of it can be told with its place."""

    id: str
    profile: str


def set_profile(request: SetProfile, basis: Basis, checks: Checks) -> Changes:
    checks.known("/id", request.id, basis.snapshot.partners)
    if len(request.profile) > PROFILE_CHARACTERS_MAX:
        checks.invalid("/profile", f"{len(request.profile)} characters", f"at most {PROFILE_CHARACTERS_MAX} characters")
        return ()
    profile = read_profile(request.profile.encode(errors="replace"))
    if isinstance(profile, list):
        checks.within("/profile", profile)
        return ()
    changed = EDIProfile(request.id, profile)
    return () if changed == basis.snapshot.edi_profiles.get(request.id) else (changed,)


ACTS = {"edi.profile.set": Act(SetProfile, set_profile, Effect.STARTS, PARTNERS)}
