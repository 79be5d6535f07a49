"""What ends when a credential is revoked: one table. A new kind of access adds its row here, and its proof to the test
that goes through the table on a running hub (`tests/wire/test_revocation.py`).

Most rows need nothing but the credential's own end: whoever uses it is looked at under every revision of the registry,
which each worker has within a second. `ends` names what has to be ended beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.mandate import MandateState
from hub.core.registry import Snapshot
from hub.operate.acts import Basis, Changes
from hub.operate.credentials import Credential
from hub.trust.mandate import named_key


class Lost(Struct, frozen=True):
    """A credential that nobody can rely on any more, and since when (seconds since 1970; its own begin: always)."""

    credential: Credential
    since: int


def _nothing_more(_: Lost, __: Basis) -> Changes:
    return ()


class Access(Struct, frozen=True):
    """One kind of access that a credential gives."""

    name: str
    ended_by: str
    """Who looks, in the code."""
    ends: Callable[[Lost, Basis], Changes] = _nothing_more


def _the_credential(lost: Lost, _: Basis) -> Changes:
    return () if lost.credential.state is KeyState.REVOKED else (revoked(lost.credential),)


def _its_successors(lost: Lost, basis: Basis) -> Changes:
    """Whoever holds a key can rotate in another one, and so go on."""
    return tuple(revoked(each) for each in successors(lost, basis.snapshot) if each.state is not KeyState.REVOKED)


def _mandates_signed(lost: Lost, basis: Basis) -> Changes:
    """Whoever holds a key can sign in its principal's name; what was meant is granted again, under another name."""
    snapshot, partner = basis.snapshot, lost.credential.system.partition(".")[0]
    return tuple(
        replace(each, state=MandateState.WITHDRAWN)
        for each in snapshot.mandates.of(partner)
        if each.principal == partner
        and each.state is not MandateState.WITHDRAWN
        and snapshot.made[snapshot.mandates.created(each.id)].time_us >= lost.since * 1_000_000
        and lost.credential.id in map(named_key, each.grant.signatures)
    )


REVOKED = (
    Access("new tokens", "Clients.prove", _the_credential),
    Access("bearer tokens", "Authenticator: the token names the credential that fetched it"),
    Access("tokens bound by DPoP", "Authenticator"),
    Access("tokens bound by a certificate", "Authenticator, also on a connection that is open; Clients.prove"),
    Access("API keys", "Authenticator: looked up at every request"),
    Access("requests under way", "Gate.enter, again after the body; authorise, again before the append"),
    Access("long polls", "Gate.enter, again before the answer"),
    Access("open streams", "ReaderAPI._must_stop, at every bell"),
    Access("documents that wait", "authorise: a job is judged for the credential that it came with"),
    Access("keys rotated in", "Clients.prove", _its_successors),
    Access("mandates signed", "authorise, for each event", _mandates_signed),
)


def ended_with(lost: Lost, basis: Basis) -> Changes:
    """Every object as it is to be once the credential is revoked; empty if all of it ended before."""
    return tuple(change for access in REVOKED for change in access.ends(lost, basis))


def revoked(credential: Credential) -> Credential:
    return replace(credential, state=KeyState.REVOKED)


def successors(lost: Lost, snapshot: Snapshot) -> list[Credential]:
    """The keys that were rotated in under the credential while it was lost, and under those, oldest first."""
    found: list[Credential] = []
    names = {lost.credential.id}
    for key in snapshot.keys.of(lost.credential.system):
        if key.rotated_by in names and (key.not_before or 0) >= lost.since:
            names.add(key.id)
            found.append(key)
    return found
