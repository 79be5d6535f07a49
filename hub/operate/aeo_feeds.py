"""Status feeds: the keys by which an administration tells how its AEO authorisations stand, and what it tells.

A message is believed for its signature, whoever brings it. What is told at once is taken in whole or not at all; each
message makes a version of its authorisation, so that a reversal leaves what it reverses in the history.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hub.core.aeo import AEOStatus, Authorisation, StatusFeed
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.core.partner import Identifier
from hub.core.registry import Registered
from hub.core.standing import day_of
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.aeo import check_authorisation
from hub.operate.checks import Checks
from hub.operate.keys import jwk_of
from hub.operate.views import All, Plain, View
from hub.trust.aeo_status import StatusMessage, open_status, proven_by
from hub.trust.keys import KeyRefused, thumbprint

KEYS_MAX = 4
LINES_MAX = 500
"""In one act: each costs a signature to verify while nothing else is done."""
AHEAD_SECONDS_MAX = 30
"""How far the clock of an administration may be ahead of the hub's."""


class SetFeed(Request, frozen=True, kw_only=True):
    """Registers a feed, or gives it other keys: all of them from now on."""

    issuer: str
    keys: tuple[str, ...]
    """Public keys: the texts of PEM or JWK files."""


class EndFeed(Request, frozen=True, kw_only=True):
    issuer: str


class Tell(Request, frozen=True, kw_only=True):
    lines: tuple[str, ...]
    """One JWS each, in the order of their `seq`."""


def set_feed(request: SetFeed, basis: Basis, checks: Checks) -> Changes:
    issuer = checks.country("/issuer", request.issuer)
    if not 1 <= len(request.keys) <= KEYS_MAX:
        checks.invalid("/keys", f"{len(request.keys)} keys", f"1 to {KEYS_MAX}")
    keys: dict[str, dict[str, str]] = {}
    for index, text in enumerate(request.keys):
        try:
            jwk = jwk_of(text)
            keys[thumbprint(jwk)] = jwk
        except KeyRefused as refusal:
            checks.fault("ACT_KEY_REFUSED", f"/keys/{index}", "(not shown)", str(refusal))
    before = basis.snapshot.status_feeds.get(issuer)
    feed = replace(before or StatusFeed(issuer, (), heard_at=basis.now), keys=tuple(keys.values()))
    return () if feed == before else (feed,)


def end_feed(request: EndFeed, basis: Basis, checks: Checks) -> Changes:
    """Nothing that comes under its keys is believed any more; its place is kept, for the keys to come."""
    feed = checks.known("/issuer", request.issuer, basis.snapshot.status_feeds)
    return () if feed is None or not feed.keys else (replace(feed, keys=()),)


def tell(request: Tell, basis: Basis, checks: Checks) -> Changes:
    if not 1 <= len(request.lines) <= LINES_MAX:
        checks.invalid("/lines", f"{len(request.lines)} lines", f"1 to {LINES_MAX}")
        return ()
    told = _Told(basis, checks)
    for number, line in enumerate(request.lines, 1):
        told.take(f"line {number}", line)
    return tuple(told.changes())


class _Told:
    """What is believed so far of one telling."""

    def __init__(self, basis: Basis, checks: Checks) -> None:
        self._basis = basis
        self._checks = checks
        self._today = day_of(basis.now)
        self._feeds: dict[str, StatusFeed] = {}
        self._newest: dict[str, Authorisation] = {}
        self._versions: list[Registered] = []

    def changes(self) -> Iterator[Registered]:
        yield from self._versions
        yield from self._feeds.values()

    def take(self, place: str, line: str) -> None:
        # Steps 1 to 3 of the proof: its form.
        opened = open_status(line)
        if isinstance(opened, str):
            self._checks.fault("STATUS_MALFORMED", place, "(not shown)", opened)
            return
        message = opened.unverified
        # Steps 4 and 5: the administration that it names has a feed here, and signed it.
        feed = self._feeds.get(message.iss) or self._basis.snapshot.status_feeds.get(message.iss)
        if feed is None or not proven_by(opened, feed):
            expected = "a message of a registered feed, signed by a key of it"
            self._checks.fault("STATUS_FOREIGN", place, message.iss, expected)
            return
        # 6. It is the next one: one taken in before changes nothing, and none is missing.
        if message.seq <= feed.sequence:
            return
        if message.seq != feed.sequence + 1:
            self._checks.fault("STATUS_GAP", place, f"seq {message.seq}", f"seq {feed.sequence + 1} of {feed.issuer}")
            return
        # 7. It does not come from the future.
        if message.iat > self._basis.now + AHEAD_SECONDS_MAX:
            self._checks.fault("STATUS_INVALID", place, f"iat {message.iat}", "a time that has come")
        self._feeds[feed.issuer] = replace(feed, sequence=message.seq, heard_at=self._basis.now)
        if message.number is not None:
            self._take_status(place, message, message.number)

    def _take_status(self, place: str, message: StatusMessage, number: str) -> None:
        """8. What it says can be so."""
        invalid = [
            f"{name} {value}" for name, value in (("type", message.type), ("status", message.status)) if value is None
        ]
        for name in invalid:
            self._checks.fault("STATUS_INVALID", place, name, "a value: only a sign of life has none")
        if message.effective_from is None or message.effective_from > self._today:
            expected = f"effective_from not after {self._today}: what is to come is told when it comes"
            self._checks.fault("STATUS_INVALID", place, message.effective_from, expected)
        known = self._known(f"{message.iss}-{number}")
        partner = known.partner if known is not None else self._holder(message)
        if partner is None or message.type is None or message.status is None:
            return  # Of a company that is not a partner here nothing is registered; the message counts.
        authorisation = Authorisation(
            issuer=message.iss,
            number=number,
            partner=partner,
            type=message.type,
            valid_from=message.valid_from or "",
            valid_to=message.valid_to,
            status=AEOStatus(message.status),
            validated_on=message.validated_on or (known.validated_on if known is not None else None),
            sequence=message.seq,
            reason_class=message.reason_class or "",
        )
        check_authorisation(authorisation, self._checks, lambda _: place, code="STATUS_INVALID")
        self._newest[authorisation.id] = authorisation
        self._versions.append(authorisation)

    def _known(self, key: str) -> Authorisation | None:
        return self._newest.get(key) or self._basis.snapshot.authorisations.get(key)

    def _holder(self, message: StatusMessage) -> str | None:
        if (holder := message.holder) is None:
            return None
        return self._basis.snapshot.partner_of(Identifier(holder.scheme, holder.value))


def list_feeds(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [_feed(feed) for feed in basis.snapshot.status_feeds]}


def _feed(feed: StatusFeed) -> Plain:
    keys = [thumbprint(jwk) for jwk in feed.keys]
    return {"issuer": feed.issuer, "keys": keys, "sequence": feed.sequence, "heard_at": feed.heard_at}


ACTS = {
    "aeo.feed.add": Act(SetFeed, set_feed, Effect.STARTS, SECURITY),
    "aeo.feed.end": Act(EndFeed, end_feed, Effect.STOPS, ANYONE),
    "aeo.tell": Act(Tell, tell, Effect.KEEPS, PARTNERS, proves_itself=True),
}
VIEWS = {"aeo.feed.list": View(All, list_feeds)}
