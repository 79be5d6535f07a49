"""Reading a feed from Kafka itself: who may, by which identities of their own, and until when.

A recipient has an identity of its own for each access: a user with a password (SCRAM-SHA-512), or the name in its
certificates (mTLS). The registry says who reads; the brokers are made to agree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from hub.core.agreement import Agreement, AgreementState, patterns_meet
from hub.core.credential import KeyState
from hub.core.feed import Feed, Way


class Proof(StrEnum):
    """How a reader proves to the brokers who it is."""

    SCRAM = "scram"
    MTLS = "mtls"


class Identity(Struct, frozen=True, omit_defaults=True):
    """One name that the brokers know a reader by."""

    principal: str
    """As Kafka names it, without `User:`: the user, or the subject of the certificate (RFC 2253)."""
    until: int
    """Seconds since 1970, exclusive: the end of its validity, or of its grace once it was rotated out."""
    sealed: str = ""
    """A user's password, sealed to the hub (`schemas/formats/direct-reading.md`); empty: a certificate has none."""
    certificate: str = ""
    """The id of the system's certificate; empty: it is a user."""


class KafkaAccess(Struct, frozen=True, omit_defaults=True):
    """One system of a feed's recipient reads its streams from Kafka. `id` is a slug, never reused."""

    id: str
    feed: str
    system: str
    proof: Proof
    identities: tuple[Identity, ...]
    """All that it ever had, the one in use last: what the brokers still know of the others goes."""
    state: KeyState = KeyState.ACTIVE
    """`active` or `revoked`."""

    def live(self, now: int) -> Sequence[Identity]:
        """Those that may be used at `now` (seconds since 1970)."""
        return [each for each in self.identities if now < each.until] if self.state is KeyState.ACTIVE else []


class Listeners(Struct, frozen=True):
    """Where recipients reach the brokers, and how a password gets to the hub without being seen on the way."""

    addresses: Mapping[Proof, str] = {}
    """Bootstrap servers, by how readers prove themselves there; what is empty or left out is not offered."""
    sealing_key: Callable[[], str] = str
    """The hub's public key to which passwords are sealed."""
    topic_prefix: str = ""

    def address(self, proof: Proof) -> str:
        return self.addresses.get(proof, "")


def groups_of(recipient: str) -> str:
    """How the names of a recipient's consumer groups begin: no other recipient's do."""
    return f"{recipient}."


def user_of(recipient: str, access: str, number: int) -> str:
    """The user of an access's `number`th password, from 1: no two recipients have the same, and none is used again."""
    return f"{recipient}.{access}.{number}"


def read_since(versions: Sequence[tuple[int, Feed]]) -> int:
    """The revision since which a feed is read from Kafka without a break, by its versions with the revision that each
    begins at: from then on it holds nothing but what may be read so."""
    since = versions[-1][0]
    for revision, version in reversed(versions):
        if Way.KAFKA not in version.ways:
            break
        since = revision
    return since


def bars(agreement: Agreement, feeds: Iterable[Feed]) -> bool:
    """Whether it gives any of these what may not be read from Kafka itself."""
    types = {pattern for feed in feeds for pattern in feed.types}
    waits = agreement.state is AgreementState.PROPOSED
    return not (agreement.direct or waits) and patterns_meet(agreement.types, types)
