"""Break-glass: a company that lost its key in the night is let in again for half a day.

Whoever is on call signs as the second, whatever the role, and another person looks at it within a day. The key ends by
itself: a company that is to go on is enrolled as always.
"""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.operator import ANYONE, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import live_keys, read_key, room_for_one

BREAK_GLASS_SECONDS = 12 * 3_600


class BreakGlass(Request, frozen=True, kw_only=True):
    partner: str
    system: str
    """The system's own name; it is registered already, and keeps its scopes."""
    key: str
    """The public key: the text of a PEM or JWK file."""


def break_glass(request: BreakGlass, basis: Basis, checks: Checks) -> Changes:
    checks.text("/reason", request.reason)
    system = checks.known("/system", f"{request.partner}.{request.system}", basis.snapshot.systems)
    if system is None:
        return ()
    key = read_key(request.key, system.id, basis, checks)
    if key is None:
        return ()
    room_for_one(live_keys(system.id, basis), checks)
    ends = basis.now + BREAK_GLASS_SECONDS
    return (replace(key, state=KeyState.ACTIVE, not_before=basis.now, not_after=ends, break_glass=True),)


ACTS = {"key.break-glass": Act(BreakGlass, break_glass, Effect.STARTS, ANYONE, in_haste=True)}
