"""Public keys of partners' systems: added, rotated with a time of grace, revoked at once.

A key belongs to one system and never comes back. Only public halves are taken; a private key is refused unread and
never echoed, since a private key that a second party has seen is nobody's any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import orjson
from msgspec.structs import replace

from hub.core.credential import KeyState, PublicKey
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.core.partner import SCOPES, System
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.revocation import Lost, ended_with
from hub.trust.keys import (
    PEM_BYTES_MAX,
    KeyRefused,
    algorithm_of,
    load_public_jwk,
    public_jwk,
    public_jwk_from_pem,
    thumbprint,
)

LIVE_KEYS_MAX = 2
"""One in use and one coming or going: more would only lengthen the list of what can be stolen."""


class AddKey(Request, frozen=True, kw_only=True):
    """Also makes the system, or gives it other scopes."""

    partner: str
    system: str
    """The system's own name: its id is `<partner>.<system>`."""
    key: str
    """The public key: the text of a PEM or JWK file."""
    scopes: tuple[str, ...] = ()
    """May be left out for a system that is registered: it keeps its scopes."""
    not_before: str = ""
    """A date or an RFC 3339 time from which the key counts; empty: at once."""


class RotateKey(Request, frozen=True, kw_only=True):
    partner: str
    system: str
    key: str


class RevokeKey(Request, frozen=True, kw_only=True):
    key: str
    """The key's id (RFC 7638 thumbprint)."""


def add_key(request: AddKey, basis: Basis, checks: Checks) -> Changes:
    partner = checks.known("/partner", request.partner, basis.snapshot.partners)
    system = system_of(request, basis, checks)
    key = read_key(request.key, system.id, basis, checks)
    not_before = checks.instant("/not_before", request.not_before) if request.not_before else basis.now
    if partner is None or key is None:
        return ()
    room_for_one(live_keys(system.id, basis), checks)
    key = approved(key, basis, not_before=max(not_before, basis.now))
    return (key,) if system == basis.snapshot.systems.get(system.id) else (system, key)


def rotate_key(request: RotateKey, basis: Basis, checks: Checks) -> Changes:
    """The new key is in use at once; those in use until now are accepted for the time of grace."""
    system = checks.known("/system", f"{request.partner}.{request.system}", basis.snapshot.systems)
    if system is None:
        return ()
    key = read_key(request.key, system.id, basis, checks)
    if key is None:
        return ()
    room_for_one(live_keys(system.id, basis), checks)
    return replaced_by(approved(key, basis), basis)


def replaced_by(key: PublicKey, basis: Basis) -> Changes:
    """A usable key in the place of those that its system uses now: they go on for the time of grace."""
    grace = basis.now + basis.key_grace_seconds
    leaving = [
        replace(old, state=KeyState.GRACE, not_after=int(min(grace, old.usable_until())))
        for old in live_keys(key.system, basis)
        if old.state is KeyState.ACTIVE
    ]
    return (*leaving, key)


def approved(key: PublicKey, basis: Basis, *, not_before: int | None = None) -> PublicKey:
    """The key as it counts from `not_before` (seconds since 1970; None: now) to the end of its validity."""
    begins = basis.now if not_before is None else not_before
    ends = begins + basis.key_validity_seconds
    return replace(key, state=KeyState.ACTIVE, not_before=begins, not_after=ends)


def revoke_key(request: RevokeKey, basis: Basis, checks: Checks) -> Changes:
    key = checks.known("/key", request.key, basis.snapshot.keys)
    return () if key is None else ended_with(Lost((key,)), basis)


def live_keys(system: str, basis: Basis) -> list[PublicKey]:
    """The keys that a system can authenticate with now, or will from their `not_before` on."""
    return [key for key in basis.snapshot.keys_of(system) if basis.now < key.usable_until()]


class _WithSystem(Protocol):
    @property
    def partner(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...


def system_of(request: _WithSystem, basis: Basis, checks: Checks) -> System:
    """The system that a credential is added to, as it is to be."""
    checks.slug("/system", request.system)
    name = f"{request.partner}.{request.system}"
    before = basis.snapshot.systems.get(name)
    if before is not None and not request.scopes:
        return before
    checks.some("/scopes", request.scopes)
    for index, scope in enumerate(request.scopes):
        if scope not in SCOPES:
            checks.invalid(f"/scopes/{index}", scope, "one of " + ", ".join(SCOPES))
    return System(name, request.partner, tuple(dict.fromkeys(request.scopes)))


def read_key(text: str, system: str, basis: Basis, checks: Checks) -> PublicKey | None:
    """The key as it is registered; nothing of a refused one is echoed."""
    try:
        jwk = jwk_of(text)
    except KeyRefused as refusal:
        checks.fault("ACT_KEY_REFUSED", "/key", "(not shown)", str(refusal))
        return None
    key = PublicKey(thumbprint(jwk), system, algorithm_of(load_public_jwk(jwk)), jwk)
    if (known := basis.snapshot.keys.get(key.id)) is not None:
        checks.fault("ACT_KEY_KNOWN", "/key", f"a key of {known.system}, {known.state}", "a key never registered")
        return None
    if basis.snapshot.operator_key(key.id) is not None:
        checks.fault("ACT_KEY_KNOWN", "/key", "a key of an operator", "a key never registered")
        return None
    return key


def jwk_of(text: str) -> dict[str, str]:
    """The public key in the text of a PEM or JWK file. Raises `KeyRefused`."""
    if not text.lstrip().startswith("{"):
        return public_jwk_from_pem(text.encode())
    if len(text) > PEM_BYTES_MAX:
        raise KeyRefused(f"the JWK is larger than {PEM_BYTES_MAX} bytes")
    try:
        members: Mapping[str, object] = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise KeyRefused("the file begins like a JWK and is not JSON") from None
    return public_jwk(load_public_jwk(members))


def room_for_one(live: list[PublicKey], checks: Checks) -> None:
    """There must be room for one more."""
    if len(live) >= LIVE_KEYS_MAX:
        ids = ", ".join(key.id for key in live)
        checks.fault("ACT_KEYS_TOO_MANY", "/key", f"{len(live)} live keys", f"fewer than {LIVE_KEYS_MAX}: now {ids}")


ACTS = {
    "key.add": Act(AddKey, add_key, Effect.STARTS, PARTNERS | SECURITY),
    "key.rotate": Act(RotateKey, rotate_key, Effect.STARTS, PARTNERS | SECURITY),
    "key.revoke": Act(RevokeKey, revoke_key, Effect.STOPS, ANYONE),
}
