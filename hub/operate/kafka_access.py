"""Who reads feeds from Kafka itself: granted where every agreement allows it, rotated with a time of grace, revoked at
once. Passwords come sealed to the hub: whoever makes one sees it, and nobody else does, the audit trail included.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.feed import Feed, Way, lanes_of, stream_of
from hub.core.kafka_access import Identity, KafkaAccess, Proof, bars, groups_of, user_of
from hub.core.operator import AGREEMENTS, ANYONE, SECURITY, Effect
from hub.core.standing import DAY_SECONDS
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.direct_reading import closed_by, closed_to_all
from hub.operate.views import All, Plain, View, plain
from hub.trust.sealed_password import is_sealed

LIVE_IDENTITIES_MAX = 2
"""One in use and one going."""
_SUBJECT = re.compile(
    r"(?:CN|OU?|C|L|ST|STREET|DC|UID)=[\w .@/-]+(?:,(?:CN|OU?|C|L|ST|STREET|DC|UID)=[\w .@/-]+)*", re.A
)
"""Subjects that Java (RFC 2253) and RFC 4514 write in the same way: brokers know a reader by theirs."""


class GrantAccess(Request, frozen=True, kw_only=True):
    """With `user` and `sealed`, or with `certificate`."""

    id: str
    feed: str
    system: str
    """The reading system's own name: its id is `<recipient>.<system>`."""
    user: str = ""
    """As `kafka-access.next` told: its password is sealed for it and no other."""
    sealed: str = ""
    certificate: str = ""
    """The id of a certificate of the system, by whose subject the brokers know it."""
    days: int = 365


class RotateAccess(Request, frozen=True, kw_only=True):
    """The new identity is good at once, the one before for the time of grace, or not at all."""

    id: str
    user: str = ""
    sealed: str = ""
    certificate: str = ""
    days: int = 365
    at_once: bool = False


class RevokeAccess(Request, frozen=True, kw_only=True):
    id: str


class Next(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which access; of one that is to be granted, for which feed."""

    id: str
    feed: str = ""


def grant_access(request: GrantAccess, basis: Basis, checks: Checks) -> Changes:
    snapshot = basis.snapshot
    name = checks.new("/id", request.id, snapshot.kafka_accesses)
    feed = checks.known("/feed", request.feed, snapshot.feeds)
    if feed is None:
        return ()
    system = f"{feed.recipient}.{request.system}"
    checks.known("/system", system, snapshot.systems)
    _may_be_read(feed, basis, checks)
    proof = Proof.MTLS if request.certificate else Proof.SCRAM
    identity = _identity(request, user_of(feed.recipient, name, 1), system, basis, checks)
    return (KafkaAccess(name, feed.name, system, proof, (identity,)),)


def rotate_access(request: RotateAccess, basis: Basis, checks: Checks) -> Changes:
    access = checks.known("/id", request.id, basis.snapshot.kafka_accesses)
    if access is None:
        return ()
    live = access.live(basis.now)
    if not live:
        checks.invalid("/id", f"{access.id}, which was revoked or has ended", "an access that is live")
    if (access.proof is Proof.MTLS) != bool(request.certificate):
        checks.invalid("/certificate", request.certificate or "none", f"as it was granted: {access.proof}")
    if len(live) >= LIVE_IDENTITIES_MAX and not request.at_once:
        checks.fault("ACT_KEYS_TOO_MANY", "/id", f"{len(live)} live identities", f"fewer than {LIVE_IDENTITIES_MAX}")
    user = user_of(access.system.partition(".")[0], access.id, len(access.identities) + 1)
    identity = _identity(request, user, access.system, basis, checks)
    last = basis.now + (0 if request.at_once else basis.key_grace_seconds)
    before = tuple(replace(each, until=min(each.until, last)) for each in access.identities)
    return (replace(access, identities=(*before, identity)),)


def revoke_access(request: RevokeAccess, basis: Basis, checks: Checks) -> Changes:
    access = checks.known("/id", request.id, basis.snapshot.kafka_accesses)
    revoked = access is None or access.state is KeyState.REVOKED
    return () if access is None or revoked else (replace(access, state=KeyState.REVOKED),)


def next_identity(request: Next, basis: Basis, checks: Checks) -> Plain:
    """What whoever makes a password needs: the user that it will be for, and the key to which it is sealed."""
    access = basis.snapshot.kafka_accesses.get(request.id)
    feed = checks.known("/feed", access.feed if access is not None else request.feed, basis.snapshot.feeds)
    if feed is None:
        return {}
    number = 1 if access is None else len(access.identities) + 1
    lanes, prefix = lanes_of(basis.snapshot.feeds.versions(feed.name)), basis.listeners.topic_prefix
    return {
        "user": user_of(feed.recipient, request.id, number),
        "key": basis.listeners.sealing_key(),
        "addresses": {proof.value: address for proof, address in basis.listeners.addresses.items()},
        "groups": groups_of(feed.recipient),
        "topics": [prefix + stream_of(feed.name, lane) for lane in lanes],
    }


def list_accesses(_: All, basis: Basis, __: Checks) -> Plain:
    """With the users and subjects that are live, and why an access is closed; nothing of passwords."""
    return {"items": [_shown(each, basis) for each in basis.snapshot.kafka_accesses]}


def _shown(access: KafkaAccess, basis: Basis) -> Plain:
    live = access.live(basis.now)
    return {
        **plain(access),
        "identities": [{"principal": each.principal, "until": each.until} for each in live],
        "closed_by": closed_by(access, basis.snapshot, basis.now),
    }


def _may_be_read(feed: Feed, basis: Basis, checks: Checks) -> None:
    if feed.ended or Way.KAFKA not in feed.ways:
        found = "a feed that has ended" if feed.ended else ", ".join(feed.ways)
        checks.fault("ACT_NOT_DIRECT", "/feed", found, "a feed among whose ways is kafka")
        return
    agreements = basis.snapshot.agreements_for(feed.recipient, feed.purpose)
    barring = [each.id for each in agreements if not each.ended and bars(each, [feed])]
    why = f"not agreed on by {', '.join(barring)}" if barring else closed_to_all(feed, basis.snapshot, basis.now)
    if why:
        checks.fault("ACT_NOT_DIRECT", "/feed", why, "agreements in force that allow direct reading, and no others")


def _identity(request: GrantAccess | RotateAccess, user: str, system: str, basis: Basis, checks: Checks) -> Identity:
    """The identity that is asked for; a stand-in where something is wrong with it."""
    days_max = basis.key_validity_seconds // DAY_SECONDS
    if not 1 <= request.days <= days_max:
        checks.invalid("/days", request.days, f"1 to {days_max}")
    until = basis.now + request.days * DAY_SECONDS
    proof = Proof.MTLS if request.certificate else Proof.SCRAM
    if not basis.listeners.address(proof):
        checks.invalid(
            "/certificate" if request.certificate else "/sealed", "no listener", f"`kafka.recipients_{proof}`"
        )
    if request.certificate:
        return _by_certificate(request.certificate, system, until, basis, checks)
    if request.user != user:
        checks.invalid("/user", request.user, f"{user}: ask for it again")
    if not is_sealed(request.sealed):
        checks.invalid("/sealed", "(not shown)", "a password sealed to the hub, of 26 characters or more")
    return Identity(user, until, request.sealed)


def _by_certificate(name: str, system: str, until: int, basis: Basis, checks: Checks) -> Identity:
    certificate = checks.named("/certificate", name, basis.snapshot.certificates)
    if certificate is None:
        return Identity("", until)
    if certificate.system != system or certificate.is_name or not certificate.usable_at(basis.now):
        found = f"{certificate.id} of {certificate.system}"
        checks.invalid("/certificate", found, f"a live certificate of {system}, and no name alone")
    if not _SUBJECT.fullmatch(certificate.subject):
        checks.invalid(
            "/certificate", certificate.subject, "a subject of plain names, such as CN=engine,O=Customs,C=NL"
        )
    others = (each for each in basis.snapshot.kafka_accesses if each.system != system)
    if any(each.principal == certificate.subject for other in others for each in other.identities):
        checks.fault("ACT_NAME_TAKEN", "/certificate", certificate.subject, "a subject of no other system")
    ends = int(min(until, certificate.usable_until()))
    return Identity(certificate.subject, ends, certificate=certificate.id)


ACTS = {
    "kafka-access.grant": Act(GrantAccess, grant_access, Effect.STARTS, AGREEMENTS | SECURITY),
    "kafka-access.rotate": Act(RotateAccess, rotate_access, Effect.STARTS, AGREEMENTS | SECURITY),
    "kafka-access.revoke": Act(RevokeAccess, revoke_access, Effect.STOPS, ANYONE),
}
VIEWS = {"kafka-access.next": View(Next, next_identity), "kafka-access.list": View(All, list_accesses)}
