"""Endpoints: addresses to which recipients have their feeds or notices brought. Secrets come sealed to the hub: whoever
makes one sees it, once, and nobody else does, the audit trail included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from hub.core.endpoint import (
    FINAL,
    Endpoint,
    EndpointKey,
    EndpointState,
    Failure,
    Mode,
    OAuth,
    client_secret_name,
    key_use,
    secret_name,
)
from hub.core.feed import Lane, Way
from hub.core.operator import AGREEMENTS, ANYONE, NOBODY, SECURITY, Effect
from hub.core.partner import PartnerState
from hub.core.record import NOTICES
from hub.core.registry import Snapshot
from hub.operate.acts import Act, Apart, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import All, Plain, View, plain
from hub.trust.sealed_password import is_sealed
from hub.trust.webhook import public_text

LIVE_KEYS_MAX = 2
"""One in use and one going."""
URL_CHARACTERS_MAX = 500
CONCURRENCY_MAX = 32
BATCH_RECORDS_MAX, BATCH_BYTES_MAX, BATCH_MS_MAX = 1_000, 4_194_304, 60_000
PER_FEED_MAX = 8


class AddEndpoint(Request, frozen=True, kw_only=True):
    id: str
    feed: str
    """`hub.notices`: those of the `recipient`."""
    url: str
    recipient: str = ""
    sealed: str
    """The `whsec_` secret, sealed to the hub for `endpoint.next`'s name."""
    lane: str = ""
    mode: str = Mode.BATCH.value
    ordered: bool = True
    concurrency: int = 4
    batch_records: int = 100
    batch_bytes: int = 1_048_576
    batch_ms: int = 100
    mtls: bool = False
    token_url: str = ""
    """Of an OAuth server; with `client_id` and `client_secret`."""
    client_id: str = ""
    client_secret: str = ""
    """Sealed to the hub."""
    token_scope: str = ""


class OfEndpoint(Request, frozen=True, kw_only=True):
    id: str


class RotateEndpoint(OfEndpoint, frozen=True, kw_only=True):
    """The new keys sign at once; those before sign beside them for the time of grace, or not at all."""

    sealed: str
    at_once: bool = False


class ReportEndpoint(OfEndpoint, frozen=True, kw_only=True):
    state: str
    since: int
    seen: str
    """The state in which whoever reports knew it, and the verification that was its last."""
    verification: int


_REPORTED = {
    EndpointState.UNVERIFIED: {EndpointState.ACTIVE, EndpointState.GONE},
    EndpointState.ACTIVE: {EndpointState.FAILING, EndpointState.DISABLED, EndpointState.GONE},
    EndpointState.FAILING: {EndpointState.ACTIVE, EndpointState.DISABLED, EndpointState.GONE},
}
"""Where delivery alone leads; out of every other state operators do."""


class Next(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str


def add_endpoint(request: AddEndpoint, basis: Basis, checks: Checks) -> Changes:
    name = checks.new("/id", request.id, basis.snapshot.endpoints)
    lane = checks.choice("/lane", request.lane, Lane)
    if request.feed == NOTICES:
        _check_notices(request, basis, checks)
    else:
        _check_feed(request, lane, basis, checks)
    check_url("/url", request.url, basis, checks)
    for place, value, most in (
        ("/concurrency", request.concurrency, CONCURRENCY_MAX),
        ("/batch_records", request.batch_records, BATCH_RECORDS_MAX),
        ("/batch_bytes", request.batch_bytes, BATCH_BYTES_MAX),
        ("/batch_ms", request.batch_ms, BATCH_MS_MAX),
    ):
        if not 1 <= value <= most:
            checks.invalid(place, value, f"1 to {most}")
    if request.mtls and not basis.webhooks.has_certificate:
        checks.invalid("/mtls", "no certificate", "`webhooks.certificate_file`")
    for place, url in (("/url", request.url), ("/token_url", request.token_url)) if request.mtls else ():
        if url.startswith("http:"):
            checks.invalid(place, url, "an https URL: a certificate is shown over TLS alone")
    endpoint = Endpoint(
        id=name,
        feed=request.feed,
        recipient=request.recipient,
        url=request.url,
        keys=(_key(name, 1, request.sealed, basis, checks),),
        lane=lane,
        mode=checks.choice("/mode", request.mode, Mode),
        ordered=request.ordered,
        concurrency=request.concurrency,
        batch_records=request.batch_records,
        batch_bytes=request.batch_bytes,
        batch_ms=request.batch_ms,
        oauth=_oauth(request, basis, checks),
        mtls=request.mtls,
        since=basis.now,
    )
    there = [each for each in basis.snapshot.endpoints.of(endpoint.brings) if each.state not in FINAL]
    if len(there) >= PER_FEED_MAX:
        checks.invalid("/feed", f"{len(there)} endpoints", f"fewer than {PER_FEED_MAX}")
    return (endpoint,)


def rotate_endpoint(request: RotateEndpoint, basis: Basis, checks: Checks) -> Changes:
    endpoint = _open(request, basis, checks)
    if endpoint is None:
        return ()
    live = endpoint.live_keys(basis.now)
    if len(live) >= LIVE_KEYS_MAX and not request.at_once:
        checks.fault("ACT_KEYS_TOO_MANY", "/id", f"{len(live)} live keys", f"fewer than {LIVE_KEYS_MAX}")
    last = basis.now + (0 if request.at_once else basis.key_grace_seconds)
    ending = tuple(replace(key, until=last if key.until is None else min(key.until, last)) for key in live)
    key = _key(endpoint.id, endpoint.keys[-1].number + 1, request.sealed, basis, checks)
    return (replace(endpoint, keys=(*ending, key)),)


def verify_endpoint(request: OfEndpoint, basis: Basis, checks: Checks) -> Changes:
    """Ask it at once, also where it has been verified: meanwhile nothing else is sent."""
    endpoint = _open(request, basis, checks)
    return () if endpoint is None else (_asked_anew(endpoint, basis),)


def pause_endpoint(request: OfEndpoint, basis: Basis, checks: Checks) -> Changes:
    endpoint = _open(request, basis, checks)
    if endpoint is None or endpoint.state is EndpointState.PAUSED:
        return ()
    return (replace(endpoint, state=EndpointState.PAUSED, since=basis.now),)


def resume_endpoint(request: OfEndpoint, basis: Basis, checks: Checks) -> Changes:
    """It is verified before it goes on where it stood."""
    endpoint = _open(request, basis, checks)
    if endpoint is None:
        return ()
    if endpoint.state not in (EndpointState.PAUSED, EndpointState.DISABLED):
        checks.invalid("/id", endpoint.state, "an endpoint that is paused or disabled")
    return (_asked_anew(endpoint, basis),)


def end_endpoint(request: OfEndpoint, basis: Basis, checks: Checks) -> Changes:
    endpoint = checks.known("/id", request.id, basis.snapshot.endpoints)
    if endpoint is None or endpoint.state in FINAL:
        return ()
    return (replace(endpoint, state=EndpointState.ENDED, since=basis.now),)


def report_endpoint(request: ReportEndpoint, basis: Basis, checks: Checks) -> Changes:
    """What the hub saw: that it is verified, fails, works again, has failed for too long, or has gone."""
    endpoint = checks.known("/id", request.id, basis.snapshot.endpoints)
    state = checks.choice("/state", request.state, EndpointState)
    if endpoint is None or state not in _REPORTED.get(endpoint.state, ()):
        return ()  # Somebody has decided meanwhile.
    is_seen = (endpoint.state, endpoint.verification) == (request.seen, request.verification)
    if not is_seen and state is not EndpointState.GONE:
        return ()  # It is of another time; what has gone has gone for every time.
    return (replace(endpoint, state=state, since=request.since),)


def next_endpoint(request: Next, basis: Basis, checks: Checks) -> Plain:
    """What whoever makes a secret needs: for what it is sealed, to which key, and the public key that goes with it."""
    endpoint = basis.snapshot.endpoints.get(checks.slug("/id", request.id))
    number = 1 if endpoint is None else endpoint.keys[-1].number + 1
    return {
        "name": secret_name(request.id, number),
        "client_secret_name": client_secret_name(request.id),
        "key": basis.webhooks.sealing_key(),
        "public": public_text(basis.webhooks.seed(key_use(request.id, number))),
    }


async def gather_failures(_: All, snapshot: Snapshot, apart: Apart) -> Sequence[Mapping[str, Failure | None]]:
    return ({each.id: await apart.failure(each) for each in snapshot.endpoints if each.state not in FINAL},)


async def gather_failure(request: Next, snapshot: Snapshot, apart: Apart) -> Sequence[Mapping[str, Failure | None]]:
    endpoint = snapshot.endpoints.get(request.id)
    return ({} if endpoint is None else {request.id: await apart.failure(endpoint)},)


def list_endpoints(_: All, basis: Basis, __: Checks) -> Plain:
    """With the public keys that sign now, and what went wrong last; nothing of secrets."""
    return {"items": [_shown(each, basis) for each in basis.snapshot.endpoints]}


def show_endpoint(request: Next, basis: Basis, checks: Checks) -> Plain:
    endpoint = checks.known("/id", request.id, basis.snapshot.endpoints)
    return {} if endpoint is None else _shown(endpoint, basis)


def recipient_of(endpoint: Endpoint, snapshot: Snapshot) -> str:
    feed = snapshot.feeds.get(endpoint.feed)
    return endpoint.recipient or (feed.recipient if feed is not None else "")


def _shown(endpoint: Endpoint, basis: Basis) -> Plain:
    feed, partner = basis.snapshot.feeds.get(endpoint.feed), basis.snapshot.partners.get(endpoint.recipient)
    has_ended = feed.ended if feed is not None else partner is None or partner.state is PartnerState.LEFT
    oauth = endpoint.oauth
    return {
        **plain(endpoint),
        "recipient": recipient_of(endpoint, basis.snapshot),
        "keys": [
            {"number": key.number, "public": key.public, "until": key.until} for key in endpoint.live_keys(basis.now)
        ],
        "oauth": oauth and {"token_url": oauth.token_url, "client_id": oauth.client_id, "scope": oauth.scope},
        "feed_ended": has_ended,
        "last_failure": plain(basis.found[0].get(endpoint.id)),
    }


def _asked_anew(endpoint: Endpoint, basis: Basis) -> Endpoint:
    verification = endpoint.verification + 1
    return replace(endpoint, state=EndpointState.UNVERIFIED, since=basis.now, verification=verification)


def _open(request: OfEndpoint, basis: Basis, checks: Checks) -> Endpoint | None:
    endpoint = checks.known("/id", request.id, basis.snapshot.endpoints)
    if endpoint is not None and endpoint.state in FINAL:
        checks.invalid("/id", f"{endpoint.id}, which is {endpoint.state}", "an endpoint that has not ended")
    return endpoint


def _check_notices(request: AddEndpoint, basis: Basis, checks: Checks) -> None:
    partner = checks.known("/recipient", request.recipient, basis.snapshot.partners)
    if partner is not None and partner.state is PartnerState.LEFT:
        checks.invalid("/recipient", f"{partner.id}, which has left", "a partner that takes part")
    if request.lane:
        checks.invalid("/lane", request.lane, "none: notices have one lane")


def _check_feed(request: AddEndpoint, lane: Lane, basis: Basis, checks: Checks) -> None:
    if request.recipient:
        checks.invalid("/recipient", request.recipient, f"none: a feed has its own; or {NOTICES} as the feed")
    feed = checks.known("/feed", request.feed, basis.snapshot.feeds)
    if feed is None:
        return
    if feed.ended or Way.WEBHOOK not in feed.ways:
        found = "a feed that has ended" if feed.ended else ", ".join(feed.ways)
        checks.invalid("/feed", found, "a feed among whose ways is webhook")
    if lane not in feed.lanes:
        checks.invalid("/lane", lane, "a lane of the feed")


def check_url(place: str, text: str, basis: Basis, checks: Checks) -> None:
    """An address as it may be registered; where it leads is looked at whenever the hub connects."""
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    schemes = ("https", "http") if basis.webhooks.allows_http else ("https",)
    plain_text = text.isascii() and text.isprintable() and " " not in text and len(text) <= URL_CHARACTERS_MAX
    if not named or not plain_text or parts.scheme not in schemes or "@" in parts.netloc or "#" in text:
        checks.invalid(place, text, f"an {' or '.join(schemes)} URL without user or fragment")
    elif (address := _address(parts.hostname or "")) and not basis.webhooks.connects(address, parts.scheme == "https"):
        allowed = ", ".join(basis.webhooks.networks) or "empty"
        checks.invalid(place, text, f"an address in `webhooks.networks` ({allowed}), or over https a public one")


def _address(host: str) -> str:
    """The address that a host's name writes down; empty: it is looked up whenever the hub connects."""
    if host.rstrip(".") == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def _key(name: str, number: int, sealed: str, basis: Basis, checks: Checks) -> EndpointKey:
    if not is_sealed(sealed):
        checks.invalid("/sealed", "(not shown)", "a whsec_ secret sealed to the hub")
    return EndpointKey(number, sealed, public_text(basis.webhooks.seed(key_use(name, number))))


def _oauth(request: AddEndpoint, basis: Basis, checks: Checks) -> OAuth | None:
    if not (request.token_url or request.client_id or request.client_secret):
        return None
    check_url("/token_url", request.token_url, basis, checks)
    checks.text("/client_id", request.client_id)
    if not is_sealed(request.client_secret):
        checks.invalid("/client_secret", "(not shown)", "a secret of 26 characters or more, sealed to the hub")
    return OAuth(request.token_url, request.client_id, request.client_secret, request.token_scope)


ACTS = {
    "endpoint.add": Act(AddEndpoint, add_endpoint, Effect.STARTS, AGREEMENTS | SECURITY),
    "endpoint.rotate": Act(RotateEndpoint, rotate_endpoint, Effect.STARTS, AGREEMENTS | SECURITY),
    "endpoint.verify": Act(OfEndpoint, verify_endpoint, Effect.STARTS, AGREEMENTS | SECURITY),
    "endpoint.pause": Act(OfEndpoint, pause_endpoint, Effect.STOPS, ANYONE),
    "endpoint.resume": Act(OfEndpoint, resume_endpoint, Effect.STARTS, AGREEMENTS | SECURITY),
    "endpoint.end": Act(OfEndpoint, end_endpoint, Effect.STOPS, ANYONE),
    "endpoint.report": Act(ReportEndpoint, report_endpoint, Effect.KEEPS, NOBODY),
}
VIEWS = {
    "endpoint.next": View(Next, next_endpoint),
    "endpoint.list": View(All, list_endpoints, gather_failures),
    "endpoint.show": View(Next, show_endpoint, gather_failure),
}
