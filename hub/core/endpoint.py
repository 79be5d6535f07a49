"""Endpoints: where a recipient has the records of a feed brought to (`schemas/formats/webhook.md`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf

from msgspec import Struct

from hub.core.feed import Lane
from hub.core.record import NOTICES


class Mode(StrEnum):
    """What one message holds."""

    BATCH = "batch"
    SINGLE = "single"
    THIN = "thin"
    """Only that there is something, with a cursor behind which it is pulled."""


class EndpointState(StrEnum):
    UNVERIFIED = "unverified"
    """Nothing is sent but the question whether whoever answers has the secret."""
    ACTIVE = "active"
    FAILING = "failing"
    """It goes on being tried: for an hour or more nothing was taken."""
    PAUSED = "paused"
    """By an operator."""
    DISABLED = "disabled"
    """By the hub, after days of warnings; it is verified anew before it goes on."""
    GONE = "gone"
    """It said so itself (410): for good."""
    ENDED = "ended"
    """By an operator: for good."""


SECRETS_USE = "webhook-secrets"
"""The use for which the key ring derives the key that opens what was sealed to the hub."""
FINAL = frozenset({EndpointState.GONE, EndpointState.ENDED})
TRIED = frozenset({EndpointState.ACTIVE, EndpointState.FAILING})


class EndpointKey(Struct, frozen=True, omit_defaults=True):
    """A secret shared with the receiver, and the hub's own key beside it. `number` counts from 1."""

    number: int
    sealed: str
    """The `whsec_` secret, sealed to the hub."""
    public: str
    """`whpk_…`: the public half of the key that the hub derives for this number."""
    until: int | None = None
    """Seconds since 1970, exclusive: rotated out."""


class OAuth(Struct, frozen=True, omit_defaults=True):
    """Client credentials (RFC 6749 §4.4) by which the hub gets a token for the receiver."""

    token_url: str
    client_id: str
    sealed: str
    """The client secret, sealed to the hub."""
    scope: str = ""


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """One address for one lane of a feed, or for a partner's notices. `id` is a slug, never reused."""

    id: str
    feed: str
    """`hub.notices`: those of its `recipient`."""
    url: str
    keys: tuple[EndpointKey, ...]
    """At most two of them live, the newest last."""
    lane: Lane = Lane.MAIN
    mode: Mode = Mode.BATCH
    ordered: bool = True
    """A message that fails holds back its source, and nothing else; parallel, it holds back nothing."""
    concurrency: int = 4
    """Messages under way at once."""
    batch_records: int = 100
    batch_bytes: int = 1_048_576
    batch_ms: int = 200
    """How long records may wait for others to fill a batch."""
    oauth: OAuth | None = None
    mtls: bool = False
    """The hub shows its own client certificate (`webhooks.certificate_file`)."""
    state: EndpointState = EndpointState.UNVERIFIED
    since: int = 0
    """Failing: seconds since 1970 of the first failure after the last success."""
    verification: int = 1
    """Counts the times that it was asked to prove itself: another number asks at once."""
    recipient: str = ""
    """The partner whose notices it is brought; empty: it is brought a feed, which has its own."""

    @property
    def brings(self) -> str:
        """What it belongs to: its feed, or its recipient's notices."""
        return notices_of(self.recipient) if self.recipient else self.feed

    def live_keys(self, now: int) -> Sequence[EndpointKey]:
        return [key for key in self.keys if now < (inf if key.until is None else key.until)]


class Failure(Struct, frozen=True, array_like=True):
    """What went wrong with an endpoint last."""

    verification: int
    """Which of its verifications was the last by then."""
    at: int
    """Seconds since 1970."""
    why: str
    """In words that its recipient may read."""
    detail: str = ""
    """For operators; empty: the same."""
    over: bool = False
    """As it is told, never as it is kept: what was tried last was taken."""


def notices_of(partner: str) -> str:
    """What endpoints for a partner's notices belong to; no feed is called so."""
    return f"{NOTICES}/{partner}"


def secret_name(endpoint: str, number: int) -> str:
    """For what an endpoint's `number`th secret is sealed."""
    return f"endpoint:{endpoint}:{number}"


def client_secret_name(endpoint: str) -> str:
    """For what the OAuth client secret is sealed."""
    return f"endpoint-oauth:{endpoint}"


def key_use(endpoint: str, number: int) -> str:
    """The use for which the key ring derives the seed of the hub's own key."""
    return f"webhook:{endpoint}:{number}"


class Sending(Struct, frozen=True):
    """What whoever registers an endpoint has to know of the hub."""

    sealing_key: Callable[[], str] = str
    """The hub's public key to which secrets are sealed."""
    seed: Callable[[str], bytes] = lambda _: bytes(32)
    """Of the hub's own key for a use (`key_use`)."""
    has_certificate: bool = False
    """It has one to show to receivers."""
    allows_http: bool = False
    """There are networks to which it may connect without TLS."""
    connects: Callable[[str, bool], bool] = lambda _, __: True
    """Whether it would ever connect to this address (no name), and without TLS (True: over TLS)."""
    networks: Sequence[str] = ()
    """To which it may, although they are not public (`webhooks.networks`)."""
