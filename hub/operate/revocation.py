"""What ends when a credential is revoked, for whatever reason: one table. A new kind of access adds its row here, and
its proof to the test that goes through the table on a running hub (`tests/wire/test_revocation.py`).

Most rows need nothing but the credential's own end: whoever uses it is looked at under every revision of the registry,
which each worker has within a second. `ends` names what has to be ended beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState
from hub.core.credential import KeyState
from hub.core.mandate import Mandate, MandateState
from hub.core.registry import Snapshot, kind_of, object_id
from hub.operate.acts import Basis, Changes
from hub.operate.credentials import Credential, of_system
from hub.trust.agreement import named_key as agreement_key
from hub.trust.mandate import named_key


class Lost(Struct, frozen=True):
    """Credentials that are revoked together, and since when somebody else may have had them."""

    credentials: tuple[Credential, ...]
    since: float = inf
    """Seconds since 1970; 0: always; for ever ahead: nobody is known to."""


def _nothing_more(_: Lost, __: Basis) -> Changes:
    return ()


class Access(Struct, frozen=True):
    """One kind of access that a credential gives."""

    name: str
    ended_by: str
    """Who looks, in the code."""
    ends: Callable[[Lost, Basis], Changes] = _nothing_more


def _the_credentials(lost: Lost, _: Basis) -> Changes:
    return tuple(_revoked(each) for each in lost.credentials if each.state is not KeyState.REVOKED)


def _its_successors(lost: Lost, basis: Basis) -> Changes:
    """Whoever holds a key can rotate in another one, and so go on."""
    return tuple(_revoked(each) for each in successors(lost, basis.snapshot) if each.state is not KeyState.REVOKED)


def _mandates_signed(lost: Lost, basis: Basis) -> Changes:
    """Whoever holds a key can sign in its principal's name; what was meant is granted again, under another name."""
    snapshot = basis.snapshot
    fallen = (*lost.credentials, *successors(lost, snapshot))
    names = {each.id for each in fallen}
    return tuple(
        replace(each, state=MandateState.WITHDRAWN)
        for partner in sorted({each.system.partition(".")[0] for each in fallen})
        for each in snapshot.mandates.of(partner)
        if each.principal == partner
        and each.state is not MandateState.WITHDRAWN
        and _falls(_signed_at(each, snapshot), names, lost.since, snapshot)
    )


def _falls(signed_at: Mapping[str, float], names: set[str], since: float, snapshot: Snapshot) -> bool:
    """Whether a signature came while its key was lost, or none of those who signed is left to stand by it."""
    if any(name in names and at >= since for name, at in signed_at.items()):
        return True
    keys = {name: snapshot.keys.get(name) for name in signed_at if name not in names}
    return len(keys) < len(signed_at) and all(key and key.state is KeyState.REVOKED for key in keys.values())


def _signed_at(mandate: Mandate, snapshot: Snapshot) -> dict[str, float]:
    """When the hub got the signatures of a mandate, by their keys: one may have come long after the mandate did."""
    came = _came((each[0], each[1].grant.signatures) for each in snapshot.mandates.versions(mandate.id))
    times = {signature: snapshot.made[came[signature]].time_us / 1_000_000 for signature in mandate.grant.signatures}
    return {named_key(signature): at for signature, at in sorted(times.items(), key=lambda each: each[1])}


def _came(versions: Iterable[tuple[int, Sequence[str]]]) -> dict[str, int]:
    """The revision with which each signature of an object came, by its versions, oldest first."""
    came: dict[str, int] = {}
    for revision, signatures in versions:
        for signature in signatures:
            came.setdefault(signature, revision)
    return came


def _agreements_signed(lost: Lost, basis: Basis) -> Changes:
    """What was signed with a key while it was lost is suspended; a proposal takes its side's signature anew."""
    snapshot = basis.snapshot
    names = {each.id for each in (*lost.credentials, *successors(lost, snapshot))}
    return tuple(
        replace(each, state=AgreementState.SUSPENDED)
        for each in snapshot.agreements
        if each.holds and any(at >= lost.since for at in _agreed_at(each, names, snapshot))
    )


def _agreed_at(agreement: Agreement, names: set[str], snapshot: Snapshot) -> Iterator[float]:
    """When the hub got the signatures of these keys; seconds since 1970."""
    signed = [each for each in agreement.signatures if agreement_key(each) in names]
    if signed:
        came = _came((each[0], each[1].signatures) for each in snapshot.agreements.versions(agreement.id))
        yield from (snapshot.made[came[each]].time_us / 1_000_000 for each in signed)


def _kafka_accesses(lost: Lost, basis: Basis) -> Changes:
    """Whoever had a system's key may have had its passwords; a certificate is how the brokers know it; a system that
    has nothing else to prove itself by is shut out, also of Kafka."""
    fallen = (*lost.credentials, *successors(lost, basis.snapshot))
    names, systems = {each.id for each in fallen}, dict.fromkeys(each.system for each in fallen)
    return tuple(
        replace(access, state=KeyState.REVOKED)
        for system in systems
        for access in basis.snapshot.kafka_accesses.of(system)
        if access.state is not KeyState.REVOKED
        and (
            lost.since < inf
            or any(each.certificate in names for each in access.live(basis.now))
            or not any(each.usable_at(basis.now) for each in of_system(system, basis.snapshot) if each.id not in names)
        )
    )


REVOKED = (
    Access("new tokens", "Clients.prove", _the_credentials),
    Access("bearer tokens", "Authenticator: the token names the credential that fetched it"),
    Access("tokens bound by DPoP", "Authenticator"),
    Access("tokens bound by a certificate", "Authenticator, also on a connection that is open; Clients.prove"),
    Access("API keys", "Authenticator: looked up at every request"),
    Access("requests under way", "Gate.enter, again after the body; authorise, again before the append"),
    Access("long polls", "Gate.enter, again before the answer"),
    Access("open streams", "ReaderAPI._must_stop, at every bell"),
    Access("streams of notices", "ReaderAPI._must_stop, at every bell"),
    Access("replay pages", "Gate.enter, again before the answer"),
    Access("live counts", "Gate.enter, again after the body and before the answer"),
    Access("notices sent by an engine", "Gate.enter, again after the body; DoubtHerald tells who was sent one"),
    Access("notices acknowledged", "Gate.enter, again after the body"),
    Access("dead letters", "Gate.enter"),
    Access("documents that wait", "authorise: a job is judged for the credential that it came with"),
    Access("keys rotated in", "Clients.prove", _its_successors),
    Access("mandates signed", "authorise, for each event", _mandates_signed),
    Access("agreements signed", "authorise, and fan-out, for each event", _agreements_signed),
    Access("feeds read from Kafka", "DirectReading: the brokers' rules, then their users", _kafka_accesses),
)


def ended_with(lost: Lost, basis: Basis) -> Changes:
    """Every object, once, as it is to be when the credentials are revoked; empty if all of it ended before."""
    changes = (change for access in REVOKED for change in access.ends(lost, basis))
    return tuple({(kind_of(each), object_id(each)): each for each in changes}.values())


def _revoked(credential: Credential) -> Credential:
    return replace(credential, state=KeyState.REVOKED)


def successors(lost: Lost, snapshot: Snapshot) -> list[Credential]:
    """The keys that were rotated in under the credentials while they were lost, and under those, oldest first."""
    found: list[Credential] = []
    names = {each.id for each in lost.credentials}
    systems = dict.fromkeys(each.system for each in lost.credentials)
    for key in (key for system in systems for key in snapshot.keys.of(system)):
        if key.rotated_by in names and (key.not_before or 0) >= lost.since:
            names.add(key.id)
            found.append(key)
    return found
