"""The routes as data. Router, OpenAPI, quotas, the README's table and metric labels derive from this one table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hub.core.dispatch import Kind
from hub.web.access_routes import ACCESS_ROUTES
from hub.web.agreement_routes import AGREEMENT_ROUTES
from hub.web.copy_routes import COPY_ROUTES
from hub.web.dead_letter_routes import DEAD_LETTER_ROUTES
from hub.web.document_routes import DOCUMENT_ROUTES, EPCIS_ROUTES
from hub.web.endpoint_routes import ENDPOINT_ROUTES
from hub.web.enrolment_routes import ENROLMENT_ROUTES
from hub.web.feed_routes import FEED_ROUTES
from hub.web.mandate_routes import MANDATE_ROUTES
from hub.web.notice_routes import ANSWER_ROUTES
from hub.web.replay_routes import REPLAY_ROUTES
from hub.web.route import BATCHED as BATCHED
from hub.web.route import BINARY as BINARY
from hub.web.route import (
    BODY_CODES,
    DOCUMENT_CODES,
    EDIFACT,
    FEED_CODES,
    ITEM_CODES,
    LINKED,
    REGISTRY_CODES,
    STORE_CODES,
)
from hub.web.route import NDJSON as NDJSON
from hub.web.route import STRUCTURED as STRUCTURED
from hub.web.route import Route as Route
from hub.web.schema_routes import SCHEMA_ROUTES
from hub.web.status_routes import STATUS_ROUTES

NOTICE_CODES = (
    *("TRUST_WITHDRAWN", "TRUST_CONFIRMED", "TRUST_RETRACTED", "KEY_EXPIRES"),
    *("QUARANTINE_RELEASED", "QUARANTINE_REPAIRED", "QUARANTINE_DISCARDED"),
    *("ENDPOINT_FAILING", "ENDPOINT_RECOVERED", "ENDPOINT_DISABLED", "ENDPOINT_GONE"),
    *(kind.code for kind in Kind),
)
"""In items: what is told of no single event."""


def _oauth(name: str, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"/oauth/{name}",
        name=name,
        media_types=("application/x-www-form-urlencoded",),
        answers=(200, 400, 401),
        codes=(*BODY_CODES, "STORAGE_UNAVAILABLE", "STORAGE_FULL"),
        summary=summary,
    )


ROUTES = (
    _oauth("token", "An access token for a signed client assertion (RFC 6749 §4.4, RFC 7523)."),
    _oauth(
        "introspect",
        "Whether a token of yours is good, and what it says (RFC 7662); you prove yourself as for a token.",
    ),
    _oauth(
        "revoke",
        "Let a token of yours be good no more, within a second (RFC 7009); you prove yourself as for a token.",
    ),
    *ENROLMENT_ROUTES,
    Route(
        method="POST",
        path="/v1/credentials/rotate",
        name="rotate_credential",
        scope="receipts:read",
        any_scope=True,
        media_types=("application/json",),
        answers=(201, 422),
        codes=(*BODY_CODES, *REGISTRY_CODES, "ACT_REFUSED"),
        summary="Put a new key, which proves itself, in the place of the one that the token was asked for with; the "
        "old one goes on for the time of grace.",
    ),
    Route(
        method="POST",
        path="/v1/credentials/revoke",
        name="revoke_credential",
        media_types=("application/json",),
        answers=(204,),
        codes=(*BODY_CODES, *REGISTRY_CODES),
        summary="End a key with its offline revocation code; answered the same whether there is such a code or not.",
    ),
    Route(
        method="GET",
        path="/.well-known/oauth-authorization-server",
        name="metadata",
        answers=(200,),
        summary="What the token endpoint takes (RFC 8414).",
    ),
    Route(
        method="GET",
        path="/.well-known/jwks.json",
        name="jwks",
        answers=(200,),
        summary="Public keys of access tokens (RFC 7517).",
    ),
    Route(
        method="GET",
        path="/.well-known/customs-hub-keys.json",
        name="seal_keys",
        answers=(200,),
        summary="The history of the keys under which receipts verify.",
    ),
    Route(
        method="POST",
        path="/v1/events",
        name="post_events",
        for_another=True,
        scope="events:write",
        media_types=(STRUCTURED, BATCHED, NDJSON, BINARY, LINKED, EDIFACT),
        answers=(200, 201, 202, 207, 400, 403, 409, 422, 503, 507),
        codes=(*DOCUMENT_CODES, *STORE_CODES, *ITEM_CODES, "BATCH_REFUSED", "REQUEST_SIGNATURE_INVALID"),
        summary="Push one event, a batch, or a document (EPCIS, DCSA, ONE Record, EDIFACT); every item gets a verdict, "
        "every accepted one a receipt; `answer=dcsa` adds DCSA feedback, `answer=contrl` and `answer=aperak` answer "
        "EDIFACT in EDIFACT. A request signed by RFC 9421 is kept as its sender's own proof.",
    ),
    *DOCUMENT_ROUTES,
    *COPY_ROUTES,
    *SCHEMA_ROUTES,
    *MANDATE_ROUTES,
    *AGREEMENT_ROUTES,
    *ACCESS_ROUTES,
    *DEAD_LETTER_ROUTES,
    Route(
        method="GET",
        path="/v1/events",
        name="get_events",
        for_another=True,
        scope="receipts:read",
        or_scope="feeds:read",
        answers=(200, 400),
        codes=("CURSOR_INVALID", "STORAGE_UNAVAILABLE"),
        summary="Your events, and those that agreements show you, by `publisher`, `object`, `type`, time, `status`, "
        "`tied`. With `source` and `id`: what was judged of that identity of yours; `version` names a correction.",
    ),
    Route(
        method="GET",
        path="/v1/objects/{scheme}/{value*}",
        name="get_object",
        scope="receipts:read",
        or_scope="feeds:read",
        answers=(200, 400, 404),
        codes=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        summary="What is known of a container, consignment, transport, document …: identifiers tied to it, milestones "
        "that count, place, seals, and from which events.",
    ),
    Route(
        method="GET",
        path="/v1/receipts",
        name="get_receipts",
        for_another=True,
        scope="receipts:read",
        answers=(200,),
        codes=("STORAGE_UNAVAILABLE",),
        summary="The receipts of an identity of yours, the first occurrence's first, 100 at a time.",
    ),
    Route(
        method="GET",
        path="/v1/proofs/{sha256}",
        name="get_proof",
        scope="receipts:read",
        answers=(200, 404),
        codes=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        summary="A request of yours that you signed (RFC 9421), as it is kept with its events.",
    ),
    Route(
        method="GET",
        path="/v1/notices",
        name="get_notices",
        scope="receipts:read",
        waits=True,
        answers=(200, 400, 410),
        codes=("CURSOR_INVALID", "CURSOR_EXPIRED", "STORAGE_UNAVAILABLE", *NOTICE_CODES),
        summary="What customs has to tell you, oldest first; long poll with `wait`.",
    ),
    Route(
        method="GET",
        path="/v1/notices/stream",
        name="stream_notices",
        scope="receipts:read",
        waits=True,
        answers=(200, 400, 410),
        codes=("CURSOR_INVALID", "CURSOR_EXPIRED", "STORAGE_UNAVAILABLE", *NOTICE_CODES),
        summary="The same notices as Server-Sent Events; `id:` is a cursor, `Last-Event-ID` resumes.",
    ),
    *ANSWER_ROUTES,
    Route(
        method="GET",
        path="/v1/feeds",
        name="list_feeds",
        scope="feeds:read",
        answers=(200,),
        summary="The feeds that you may read.",
    ),
    Route(
        method="GET",
        path="/v1/feeds/{feed}/records",
        name="get_records",
        scope="feeds:read",
        waits=True,
        answers=(200, 400, 404, 410),
        codes=(*FEED_CODES, "CURSOR_EXPIRED"),
        summary="Records after a cursor; repeatable; long poll with `wait`.",
    ),
    Route(
        method="POST",
        path="/v1/feeds/{feed}/ack",
        name="acknowledge",
        scope="feeds:read",
        media_types=("application/json",),
        answers=(204, 400, 404, 410),
        codes=(*FEED_CODES, "CURSOR_EXPIRED", "ACK_SIGNATURE_INVALID", "OUTCOME_UNKNOWN", *BODY_CODES),
        summary="Remember that everything up to a cursor, or the marks of a Kafka reader, is done; signed or not.",
    ),
    Route(
        method="GET",
        path="/v1/feeds/{feed}/stream",
        name="stream",
        scope="feeds:read",
        waits=True,
        answers=(200, 400, 404, 410),
        codes=(*FEED_CODES, "CURSOR_EXPIRED"),
        summary="The same records as Server-Sent Events; `id:` is a cursor, `Last-Event-ID` resumes.",
    ),
    *REPLAY_ROUTES,
    *FEED_ROUTES,
    *ENDPOINT_ROUTES,
    *STATUS_ROUTES,
    *EPCIS_ROUTES,
    Route(method="GET", path="/health/live", name="live", answers=(200,), summary="The process runs."),
    Route(
        method="GET",
        path="/health/ready",
        name="ready",
        answers=(200, 503),
        summary="The hub can accept and deliver; what cannot is named.",
    ),
)

OPERATIONS_ROUTES = (
    *(route for route in ROUTES if route.path.startswith("/health/")),
    Route(method="GET", path="/metrics", name="metrics", answers=(200,), summary="Counters for Prometheus."),
)
"""What the operations port answers: for monitoring, never for partners."""

EVERYWHERE = (
    "UNAUTHENTICATED",
    "PARTNER_SUSPENDED",
    "SCOPE_MISSING",
    "REGISTRY_STALE",
    "BAD_REQUEST",
    "TOO_MANY_REQUESTS",
    "OVERLOADED",
    "INTERNAL",
)
"""Codes that every route may answer (the first three where a scope is asked for, the fourth where a token is too)."""


class Router:
    """Finds the route of a request: a dict for fixed paths, one pattern each for the others."""

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if "{" in path:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[A-Za-z0-9._-]{1,64})", path.replace(".", r"\."))
                pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>[^\\x00-\\x1f\\x7f]{1,600})", pattern)
                self._patterns.append((re.compile(pattern), methods))
            else:
                self._fixed[path] = methods

    def find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        """The routes at a path, by method, and what stands for its names; empty if there is none."""
        if (methods := self._fixed.get(path)) is not None:
            return methods, {}
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return {}, {}
