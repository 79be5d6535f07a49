"""Messages of status feeds: one line, one JWS, one thing that an administration says of an authorisation of its own
(`schemas/formats/status-feed.md`)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hub.core.aeo import AEOStatus, AEOType, StatusFeed
from hub.trust.jws import Flaw, UnverifiedJWS, open_jws, verify_signature
from hub.trust.keys import load_public_jwk, thumbprint
from schemas.guard import Parsed, parse

STATUS_TYPE = "customs-hub-aeo-status+jws"
FORMAT = "customs-hub-aeo-status/1"
LINE_BYTES_MAX = 8_192


class Holder(Struct, frozen=True, forbid_unknown_fields=True):
    scheme: str
    value: str


class StatusMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """What a line says; without `number` it is a sign of life."""

    format: Literal["customs-hub-aeo-status/1"]
    iss: str
    seq: Annotated[int, Meta(ge=1)]
    iat: Annotated[int, Meta(ge=0)]
    number: str | None = None
    type: AEOType | None = None
    status: AEOStatus | None = None
    effective_from: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    validated_on: str | None = None
    reason_class: str | None = None
    holder: Holder | None = None


class UnverifiedStatus(Struct, frozen=True):
    """A line in its one form, whose signature nobody has looked at yet."""

    jws: UnverifiedJWS
    unverified: StatusMessage


def open_status(line: str) -> UnverifiedStatus | str:
    """Steps 1 to 3: the line's form; or what is wrong with it, without echo."""
    # 1. The gate: one spelling, allowed header members only.
    jws = open_jws(line, bytes_max=LINE_BYTES_MAX)
    if isinstance(jws, Flaw):
        return f"a JWS in compact form of at most {LINE_BYTES_MAX} bytes, with alg, kid and typ alone in its header"
    # 2. It is meant to be a message of a status feed, under a key that it names.
    if jws.header.typ != STATUS_TYPE or not jws.header.kid:
        return f"a header with typ {STATUS_TYPE} and kid"
    # 3. It says one thing: one JSON object without repeated members, and with known ones only.
    parsed = parse(jws.unverified_payload)
    if not isinstance(parsed, Parsed):
        return "a payload that is one JSON object without repeated members"
    try:
        return UnverifiedStatus(jws, msgspec.convert(parsed.value, StatusMessage, strict=True))
    except msgspec.ValidationError:
        return f"a payload of the members of {FORMAT}, each of its type"


def proven_by(status: UnverifiedStatus, feed: StatusFeed) -> bool:
    """Steps 4 and 5: whether the feed's administration said it."""
    # 4. The key is one that operators registered for this feed.
    key = next((jwk for jwk in feed.keys if thumbprint(jwk) == status.jws.header.kid), None)
    # 5. The signature is that key's over exactly this line.
    return key is not None and not isinstance(verify_signature(status.jws, load_public_jwk(key)), Flaw)
