"""What each stage of intake proves, as the argument type of the next: skipping a stage does not type-check.

`Credentials` ▸ `Principal` ▸ `Admitted` ▸ `Decoded` ▸ `Permit` ▸ `ValidEvent` ▸ `Accepted` ▸ `Answer`. Only the
stage that earns a piece of evidence builds it. They are msgspec structs because a batch makes thousands of them a
second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from hub.core.agreement import Conditions
from hub.core.errors import Refusal
from hub.core.mandate import Leave
from hub.core.partner import Facts, Partner, System
from schemas.catalogue import EventType
from schemas.deprecation import Deprecation
from schemas.faults import Fault


class Credentials(Struct, frozen=True, gc=False):
    """What came with a request to say who sent it, and what a proof of possession must name. Nobody believes it yet.

    Every value of a header, as sent: more than one is refused, not chosen from.
    """

    method: str
    url: str
    """Of the request as its sender knows it: the hub's public URL and the path, without the query (RFC 9449 `htu`)."""
    unverified_authorizations: tuple[str, ...] = ()
    unverified_proofs: tuple[str, ...] = ()
    """`DPoP` headers."""
    proof_taken: bool = False
    """The proof was checked at this very request already: whoever sent it may be looked at again."""
    certificate: str | None = None
    """The client certificate whose key was proven in the TLS handshake: base64url of its SHA-256 (`x5t#S256`)."""
    certificate_der: bytes = b""
    """That certificate itself."""
    is_confidential: bool = False
    """Nobody on the way could read it: it came over TLS, from this machine, or by a proxy that ends TLS for the hub."""
    address: str = ""
    """Of the sender; empty: unknown."""


class Challenge(Struct, frozen=True, gc=False):
    """Why nobody is let in, as it is answered: one body for every reason."""

    refusal: Refusal
    headers: Mapping[str, str]
    asks_again: bool = False
    """Nothing was found wrong but the nonce of a proof: it is no failure, and the sender comes back with another."""
    reason: str = ""
    """For the hub's own log."""


class Principal(Struct, frozen=True, gc=False):
    """Who sent the request, from its credential, and for whom: one system of one partner."""

    partner: Partner
    """Whose request it is: what it brings is this partner's, in every respect but who may have brought it."""
    system: System
    """Which sent it: a system of the partner, or of its agent."""
    key_id: str
    scopes: frozenset[str]
    expires: int
    """Seconds since 1970."""
    agent: Partner | None = None
    """Who sent it in the partner's place; None: the partner itself."""

    @property
    def sender(self) -> Partner:
        return self.agent or self.partner


class Mode(StrEnum):
    """How events travel over HTTP: CloudEvents HTTP Protocol Binding 1.0.2 §3, and NDJSON. A document of another format
    is a batch."""

    STRUCTURED = "structured"
    BATCHED = "batched"
    BINARY = "binary"
    NDJSON = "ndjson"


class Admitted(Struct, frozen=True, gc=False):
    """The coarse answer before the body is parsed: this principal may send something, in this mode."""

    principal: Principal
    mode: Mode
    atomic: bool
    revision: int
    """The registry revision that everything about this request is decided by."""
    now_us: int
    """When the hub decided to look at it: `received` of all that it accepts."""
    proof: bytes = b""
    """SHA-256 of the sender's own proof (`schemas/formats/request-proof.md`); empty: the request was not signed."""


class Decoded(Struct, frozen=True, gc=False):
    """One event as the partner sent it: parsed, digested, not yet believed."""

    index: int
    raw: bytes
    """What the partner can hash: see `schemas/formats/identity.md`, *raw digest*."""
    event: dict[str, object]
    raw_digest: bytes
    canonical_digest: bytes
    attributes: dict[str, str] | None
    """Binary mode: the attributes that came as headers."""

    def text(self, name: str) -> str:
        """A top-level member if it is a string, else the empty string."""
        member = self.event.get(name)
        return member if isinstance(member, str) else ""


class Permit(Struct, frozen=True, gc=False):
    """A publisher that may send this kind of event, as decided at `revision`."""

    principal: Principal
    kind: EventType
    facts: Facts
    revision: int
    subjects: frozenset[str] | None = None
    """Schemes of the objects that its trade may speak of in such an event; None: of all."""
    leaves: Sequence[Leave] = ()
    """Of an agent: what mandates let it report, each by itself."""
    needed: frozenset[str] | None = None
    """The members of `data` that an agreement covers, or every event of this kind has; None: all."""
    conditions: tuple[Conditions, ...] | None = None
    """Of which the event has to meet one for an agreement to cover it; None: there is one without any."""


class ValidEvent(Struct, frozen=True, gc=False):
    """An event that its sender may send and that breaks no rule; warnings are kept beside it.

    What was parsed is not kept: thousands of events may wait for storage, and only their bytes go on.
    """

    permit: Permit
    index: int
    raw: bytes
    raw_digest: bytes
    canonical_digest: bytes
    attributes: dict[str, str] | None
    traceparent: str | None
    source: str
    id: str
    version: str | None
    identity: bytes
    partition: int
    key: str
    flags: int
    received_us: int
    """When the hub decided to take it."""
    warnings: tuple[Fault, ...]
    format: str
    """As the record's header names it."""
    place: str = ""
    """Where a translated event stands in its document."""
    leaving: Deprecation | None = None
    """Of the version that it was judged by, where its sender should leave that."""
    advice: tuple[Fault, ...] = ()
    """Warnings for its sender alone: they are not kept with it."""
    proof: bytes = b""
    """SHA-256 of the sender's own proof of the request that it came with."""


class Verdict(StrEnum):
    """What became of one item: a closed set."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    HELD = "HELD"
    REJECTED = "REJECTED"
    CONFLICT = "CONFLICT"
    UNKNOWN = "UNKNOWN"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    NOT_SHARED = "NOT_SHARED"
    """It is valid, nobody asked for it, and nothing of it is kept."""
    VALID = "VALID"
    """Of a dry run: it would be taken."""


class SealProof(Struct, frozen=True, gc=False):
    """A seal as it is answered, with the range of its leaves that belongs to one request."""

    body: bytes
    signature: bytes
    first: int
    count: int
    proof: tuple[bytes, ...]


class Receipt(Struct, frozen=True, gc=False):
    """A statement and where it stands under a seal; `path` only where the receipt stands alone."""

    statement: bytes
    leaf: int
    seal: SealProof
    path: tuple[bytes, ...] | None = None
    proof: bytes = b""
    """SHA-256 of the sender's signed request, as the record names it; empty: it was not signed, or is not told here."""


class Item(Struct, frozen=True, gc=False):
    """The verdict on one item of a request, as it is answered."""

    index: int
    id: str
    source: str
    verdict: Verdict
    receipt: Receipt | None = None
    refusal: Refusal | None = None
    warnings: Sequence[Fault] = ()
    place: str = ""
    """Where a translated event stands in its document."""
    leaving: Deprecation | None = None
    """Of the version that it was judged by, where its sender should leave that."""
