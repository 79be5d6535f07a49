"""Makes the brokers what the registry says of those who read feeds from Kafka itself.

Theory of operation. What should be follows from the registry and the clock alone (`Wanted`), what is from the brokers:
the difference is made, again and again, so that a crash in the middle, or brokers that were away, leave nothing behind.
Taking away comes first: a reader that is connected loses its rules, which ends it at its next fetch, then its user.
What nobody is granted is taken away from whoever has it, also where somebody gave it by hand: streams of feeds are the
hub's. A process that does not know the registry's present state only takes away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from math import inf

from msgspec import Struct

from hub.core.errors import HubError
from hub.core.feed import Feed, Way, lanes_of, stream_of
from hub.core.kafka_access import KafkaAccess, bars, groups_of, read_since
from hub.core.registry import Snapshot
from hub.operate.credentials import begin_of, of_system
from hub.ports.feed_access import FeedAccess, Right
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.sealed_password import SealBroken, open_password

LOOK_SECONDS = 0.2
"""With the registry's own polls it leaves half of the second within which a revocation is in force."""
CHECK_SECONDS = 30.0
"""How often the brokers are asked although nothing has changed."""
ALARM_SECONDS = 60.0
"""For so long the brokers may stay behind the registry before somebody is told."""


class Wanted(Struct, frozen=True):
    """How the brokers should be."""

    rights: Set[Right]
    passwords: Mapping[str, str]
    """Of the users, sealed."""

    @classmethod
    def of(cls, snapshot: Snapshot, now: int) -> Wanted:
        """By the registry at `now`, seconds since 1970."""
        rights: set[Right] = set()
        passwords: dict[str, str] = {}
        for access in snapshot.kafka_accesses:
            feed = snapshot.feeds.get(access.feed)
            if feed is None or closed_by(access, snapshot, now):
                continue
            streams = [stream_of(feed.name, lane) for lane in lanes_of(snapshot.feeds.versions(feed.name))]
            for identity in access.live(now):
                rights |= _rights(identity.principal, feed.recipient, streams)
                if identity.sealed:
                    passwords[identity.principal] = identity.sealed
        return cls(rights, passwords)


def next_change(snapshot: Snapshot, now: int) -> float:
    """The next second at which something begins or ends by its date alone; infinite if nothing does."""
    moments: set[float] = {each.until for access in snapshot.kafka_accesses for each in access.identities}
    for system in {access.system for access in snapshot.kafka_accesses}:
        for credential in of_system(system, snapshot):
            moments |= {begin_of(credential), credential.usable_until()}
    for recipient in {access.system.partition(".")[0] for access in snapshot.kafka_accesses}:
        for agreement in snapshot.agreements.of(recipient):
            moments |= {agreement.valid_from, inf if agreement.valid_to is None else agreement.valid_to}
    return min((moment for moment in moments if moment > now), default=inf)


def closed_by(access: KafkaAccess, snapshot: Snapshot, now: int) -> str:
    """Why nothing can be read by it just now; empty: it is open."""
    feed, recipient = snapshot.feeds.get(access.feed), access.system.partition(".")[0]
    partner = snapshot.partners.get(recipient)
    if not access.live(now):
        return "it was revoked, or its last identity has ended"
    if not any(each.usable_at(now) for each in of_system(access.system, snapshot)):
        return "its system has no key or certificate in use"
    if feed is None or feed.ended or Way.KAFKA not in feed.ways:
        return "the feed has ended, or is not read from Kafka"
    if partner is None or partner.stopped:
        return "the recipient is suspended, or has left"
    return closed_to_all(feed, snapshot, now)


def closed_to_all(feed: Feed, snapshot: Snapshot, now: int) -> str:
    """Why no one at all may read the feed from Kafka; empty: its agreements allow it."""
    versions = snapshot.feeds.versions(feed.name)
    created, since = snapshot.feeds.created(feed.name), read_since(versions)
    agreements = snapshot.agreements_for(feed.recipient, feed.purpose)
    barring = [
        agreement.id
        for agreement in agreements
        if snapshot.agreements.created(agreement.id) < since
        and not (agreement.ended and snapshot.agreements.since(agreement.id) <= created)
        and bars(agreement, (version for revision, version in versions if revision < since))
    ]
    if barring:
        return f"its streams hold what may not be read so, by {', '.join(barring)}"
    allowed = any(each.direct and each.in_force(now) for each in agreements)
    return "" if allowed else "no agreement in force allows it"


def _rights(principal: str, recipient: str, streams: Sequence[str]) -> set[Right]:
    return {
        Right(principal, "groups", groups_of(recipient), "read"),
        *(Right(principal, "stream", stream, "read") for stream in streams),
        *(Right(principal, "stream", stream, "describe") for stream in streams),
    }


class DirectReading:
    """Owns what the brokers know of readers. `secret` opens passwords."""

    def __init__(
        self,
        access: FeedAccess,
        *,
        snapshot: Callable[[], Snapshot],
        confirmed: Callable[[], bool],
        secret: bytes,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._access = access
        self._snapshot = snapshot
        self._confirmed = confirmed
        self._secret = secret
        self._clock = clock
        self._observer = observer
        self._made: Wanted | None = None
        """What the brokers were made last; None: nobody knows how they are."""
        self._checked = -inf
        self._wanted: tuple[int, float, Wanted] | None = None
        """For which revision, until which second."""
        self._behind_since = inf
        self._told = False

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Bring the brokers to where the registry is, if they are not there; what fails is done at the next look."""
        wanted, now = self._wanted_now(), self._clock.monotonic()
        if wanted == self._made and now - self._checked < CHECK_SECONDS:
            return
        self._made = None
        try:
            if await self._make(wanted):
                self._made, self._checked = wanted, now
        except HubError as error:
            self._tell_behind(now, str(error))
        else:
            self._behind_since, self._told = inf, False
        self._observer.gauge("kafka_access_behind_seconds", max(0.0, now - self._behind_since))

    def _wanted_now(self) -> Wanted:
        """Worked out anew only where it may have changed."""
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        if self._wanted is None or self._wanted[0] != snapshot.revision or now >= self._wanted[1]:
            self._wanted = snapshot.revision, next_change(snapshot, now), Wanted.of(snapshot, now)
        return self._wanted[2]

    async def _make(self, wanted: Wanted) -> bool:
        """False: nothing was given, since the registry is out of reach. Raises `StorageUnavailable`."""
        known = {each.principal for access in self._snapshot().kafka_accesses for each in access.identities}
        rights = await self._access.rights()
        await self._access.refuse(
            [each for each in rights - wanted.rights if each.on == "stream" or each.principal in known]
        )
        users = await self._access.users()
        await self._access.dismiss((users & known) - wanted.passwords.keys())
        if not self._confirmed():
            return False
        for user in sorted(wanted.passwords.keys() - users):
            await self._enrol(user, wanted.passwords[user])
        await self._access.allow(sorted(wanted.rights - rights))
        return True

    async def _enrol(self, user: str, sealed: str) -> None:
        try:
            password = open_password(sealed, user, self._secret)
        except SealBroken as error:
            self._observer.event("kafka_access.unreadable", user=user, error=str(error))
            return
        await self._access.enrol(user, password)

    def _tell_behind(self, now: float, error: str) -> None:
        self._behind_since = min(now, self._behind_since)
        if now - self._behind_since >= ALARM_SECONDS and not self._told:
            self._told = True
            self._observer.count("alarms", alarm="kafka_access_behind")
            self._observer.event("alarm.kafka_access_behind", error=error)
