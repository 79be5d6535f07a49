"""What a route is, and what routes share: media types, and codes that go together."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from schemas.deprecation import Deprecation

Scope = Literal[
    "", "events:write", "feeds:read", "receipts:read", "aeo:write", "mandates:sign", "agreements:sign", "notices:write"
]  # fmt: skip
Places = Literal["senders", "waiters", "strangers"]


class Route(Struct, frozen=True, kw_only=True):
    """One thing that can be asked for. `scope` empty: no token is needed."""

    method: Literal["GET", "POST", "OPTIONS", "DELETE"]
    path: str
    """`{name}` stands for one segment of `[A-Za-z0-9._-]{1,64}`, `{name*}` for all of the rest, slashes too."""
    name: str
    """Label in metrics and name of the handler."""
    scope: Scope = ""
    or_scope: Scope = ""
    """Another one that lets in as well; what is seen then differs."""
    any_scope: bool = False
    """A token with any scope lets in: what is done is about the sender's own credentials."""
    media_types: tuple[str, ...] = ()
    for_another: bool = False
    """Also of what an agent brings in a principal's place (`Hub-On-Behalf-Of`), or brought and asks for
    (`on_behalf_of`)."""
    waits: bool = False
    """It may answer late: a long poll, a stream."""
    answers: tuple[int, ...]
    codes: tuple[str, ...] = ()
    """Error codes besides those of every route."""
    summary: str
    leaving: Deprecation | None = None
    """Where whoever asks should go elsewhere: since when, and until when it answers."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Those of which a token needs one; none: no token is needed."""
        if self.any_scope:
            return tuple(scope for scope in get_args(Scope) if scope)
        return tuple(scope for scope in (self.scope, self.or_scope) if scope)

    @property
    def places(self) -> Places:
        """Whose places a request takes: whoever waits, or is not known yet, takes no sender's."""
        if self.waits:
            return "waiters"
        return "senders" if self.scope else "strangers"


STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
BINARY = "application/json"
"""With `ce-` headers; without, a document of the trade."""
LINKED = "application/ld+json"
EDIFACT = "application/edifact"
CSV = "text/csv"
TEXT = "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLES = (CSV, XLSX)

BODY_CODES = ("BODY_TOO_LARGE", "BODY_TOO_SLOW", "BODY_MALFORMED", "MEDIA_TYPE_UNSUPPORTED")
DOCUMENT_CODES = (*BODY_CODES, "DOCUMENT_NOT_TAKEN")
STORE_CODES = ("OUTCOME_UNKNOWN", "STORAGE_UNAVAILABLE", "STORAGE_FULL")
FEED_CODES = ("NOT_FOUND", "FEED_GONE", "CURSOR_INVALID", "STORAGE_UNAVAILABLE")
REGISTRY_CODES = ("REGISTRY_MOVED", "STORAGE_UNAVAILABLE", "STORAGE_FULL")
JUDGED_CODES = (
    "NOT_PERMITTED",
    "ROLE_NOT_PERMITTED",
    "SUBJECT_NOT_PERMITTED",
    "AEO_REQUIRED",
    "MANDATE_MISSING",
    "EVENT_INVALID",
)
ITEM_CODES = (*JUDGED_CODES, "CONFLICT", "NOT_ATTEMPTED")
