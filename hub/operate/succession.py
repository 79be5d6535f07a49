"""What a company does with its own keys, without an operator: put a new one in a key's place, and end one for good.

A successor has the scopes of its system and the offline revocation code of the key that it follows, and falls with it
if that one turns out to have been stolen (`revocation.py`).
"""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import approved, live_keys, read_key, replaced_by, room_for_one
from hub.operate.revocation import Lost, ended_with


class SucceedKey(Request, frozen=True, kw_only=True):
    key: str
    """The id of the key under which it is asked for."""
    jwk: dict[str, str]
    """The successor's public half; whoever asks has proven to hold it."""


class DisownKey(Request, frozen=True, kw_only=True):
    revocation: str
    """SHA-256 (hex) of an offline revocation code."""


def succeed_key(request: SucceedKey, basis: Basis, checks: Checks) -> Changes:
    """The successor is in use at once; the key that it follows goes on for the time of grace."""
    old = checks.known("/key", request.key, basis.snapshot.keys)
    if old is None:
        return ()
    if old.state_at(basis.now) is not KeyState.ACTIVE:
        checks.invalid("/key", old.state_at(basis.now).value, "a key in use: one in grace was followed already")
    if old.break_glass:
        checks.invalid("/key", "a key by break-glass", "a key that was enrolled: this one ends by itself")
    new = read_key(orjson.dumps(request.jwk).decode(), old.system, basis, checks)
    if new is None:
        return ()
    room_for_one(live_keys(old.system, basis), checks)
    new = replace(approved(new, basis), rotated_by=old.id, revocation=old.revocation)
    return replaced_by(new, basis)


def disown_key(request: DisownKey, basis: Basis, _: Checks) -> Changes:
    """Nothing, where nobody has such a code: whoever asks is not told. Its company disowns all that the keys did in its
    name: since when they were lost, a code cannot say."""
    names = sorted(basis.snapshot.revocations.get(request.revocation, ()))
    keys = (basis.snapshot.keys.get(name) for name in names)
    return ended_with(Lost(tuple(key for key in keys if key is not None), since=0), basis)


ACTS = {
    "key.succeed": Act(SucceedKey, succeed_key, Effect.STARTS, PARTNERS | SECURITY),
    "key.disown": Act(DisownKey, disown_key, Effect.STOPS, ANYONE),
}
