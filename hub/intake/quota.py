"""Quotas: what a request takes of its senders' accounts, before anything costlier is done for it.

Theory of operation. An account is a partner's; a request of a system that sends for another partner is charged to both.
When it comes, a request takes a place and pays for itself and for the body that it declares; once it is decoded, it
pays for its events. It is taken or refused whole: what would empty one bucket of one account is taken from none, and
certainly nothing is stored. A body of undeclared length is paid for after it came, as a debt that the next one meets.

Workers of one machine tell each other what they took (`Spending`). A worker adds to the time that passed what the
others took, and believes whoever knows of less: so over any window all of them together let no more pass than one
would, and one largest request for each other worker, where they decide within the same few microseconds.

While the hub is full, places are shared by `FairRoom`: one that is far from its quota is not kept out by those who
have reached theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from hub.core.allowance import EVERYONE, quota_of
from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.fairness import FairRoom, Pace
from hub.core.partner import Partner
from hub.core.quota import (
    NOTHING,
    RESOURCES,
    Amounts,
    Bounds,
    QuotaSettings,
    bounds_of,
    less,
    refilled,
    short,
)
from hub.core.registry import Snapshot
from hub.core.standing import standing_of
from hub.ports.observer import Observer
from hub.ports.spending import Spending, Spent
from hub.ports.system import Clock
from hub.ports.uptime import Uptime

Reason = Literal["events", "bytes", "requests", "in_flight", "streams", "full"]
PAUSE_SECONDS_MAX = 5.0
"""Within the time that requests under way have to end when the hub stops."""
AT_QUOTA_SECONDS = 60.0
"""Who was refused something so lately counts as being at its quota."""


_NONE = Bounds(NOTHING, NOTHING, 0, 0)


class Account:
    """What this worker knows of one account."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.bounds = _NONE
        self.revision = -1
        """Of the registry that the bounds follow from."""
        self.until = 0.0
        """Seconds since 1970: at this time the bounds may change by themselves."""
        self.outage_noticed = 0
        """The end of catching up after a noticed outage that the bounds follow from."""
        self.at = now
        self.levels: Amounts = NOTHING
        self.taken: Amounts = NOTHING
        self.seen: dict[int, Amounts] = {}
        """What each other worker had taken when it was last heard."""
        self.requests_in_flight = self.streams = 0
        self.requests_elsewhere = self.streams_elsewhere = 0
        self.refused_at = 0.0

    def become(self, bounds: Bounds) -> None:
        """Have these bounds from now on: of a burst that grows, what grew is there at once."""
        a, b, c = less(bounds.capacities, self.bounds.capacities)
        x, y, z = self.levels
        self.levels = x + max(0.0, a), y + max(0.0, b), z + max(0.0, c)
        self.bounds = bounds

    def told(self) -> Spent:
        return Spent(self.at, self.taken, self.levels, self.requests_in_flight, self.streams, self.refused_at)

    def hear(self, others: Sequence[tuple[int, Spent]], now: float) -> None:
        """Let time pass, with what the others took meanwhile."""
        elsewhere, known = NOTHING, []
        self.requests_elsewhere = self.streams_elsewhere = 0
        for worker, spent in others:
            before = self.seen.get(worker, spent.taken)
            if any(now_taken < then for now_taken, then in zip(spent.taken, before, strict=True)):
                before = NOTHING  # It started anew.
            self.seen[worker] = spent.taken
            a, b, c = less(spent.taken, before)
            elsewhere = elsewhere[0] + a, elsewhere[1] + b, elsewhere[2] + c
            known.append(refilled(spent.levels, max(0.0, now - spent.at), self.bounds))
            self.requests_elsewhere += spent.requests_in_flight
            self.streams_elsewhere += spent.streams
        a, b, c = refilled(self.levels, max(0.0, now - self.at), self.bounds, elsewhere)
        for x, y, z in known:
            a, b, c = min(a, x), min(b, y), min(c, z)
        self.levels, self.at = (a, b, c), now


class Left(Struct, frozen=True):
    """What is left of one policy, of the account that has least."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    full_in_seconds: int


class Quotas:
    """The accounts of one worker."""

    def __init__(
        self,
        *,
        settings: QuotaSettings,
        largest: Amounts,
        places: int,
        snapshot: Callable[[], Snapshot],
        spending: Spending,
        uptime: Uptime,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`largest`: the most events, bytes and requests of one request. `places`: for requests at a time, of all."""
        self._settings = settings
        self._largest = largest
        self._room = FairRoom(places)
        self._refusals = Pace(settings.refusals_per_second, accounts_max=settings.addresses_max)
        self._snapshot = snapshot
        self._spending = spending
        self._uptime = uptime
        self._clock = clock
        self._observer = observer
        self._accounts: dict[str, Account] = {}
        """At most as many as partners and API keys are registered."""

    def accounts(self, principal: Principal) -> tuple[Account, ...]:
        """Those that the principal's requests are charged to."""
        accounts = [self._account(principal.partner)]
        if principal.agent is not None:
            accounts.append(self._account(principal.agent))
        if self._snapshot().api_keys.get(principal.key_id) is not None:
            accounts.append(self._account_of_key(principal.key_id))
        return tuple(accounts)

    def enter(self, accounts: Sequence[Account], amounts: Amounts, *, stays: bool) -> Refusal | None:
        """Take a place for a request and charge what it declares. `stays`: it is a stream or a long poll.

        Whoever is not refused must `leave`. One that declares more than the hub takes is told so by whoever reads it.
        """
        now = self._clock.monotonic()
        most = self._largest
        amounts = min(amounts[0], most[0]), min(amounts[1], most[1]), min(amounts[2], most[2])
        for account in accounts:
            account.hear(self._spending.others(account.name), now)
        if (refusal := self._without_a_place(accounts, stays=stays)) or (refusal := self._take(accounts, amounts)):
            return refusal
        for account in accounts:
            if stays:
                account.streams += 1
            else:
                account.requests_in_flight += 1
                self._room.take(account.name, 1)
            self._spending.tell(account.name, account.told())
        return None

    def leave(self, accounts: Sequence[Account], *, stays: bool) -> None:
        for account in accounts:
            if stays:
                account.streams -= 1
            else:
                account.requests_in_flight -= 1
                self._room.give_back(account.name, 1)
            self._spending.tell(account.name, account.told())

    def charge(self, accounts: Sequence[Account], amounts: Amounts) -> Refusal | None:
        """Take from every account, or from none."""
        now = self._clock.monotonic()
        for account in accounts:
            account.hear(self._spending.others(account.name), now)
        if refusal := self._take(accounts, amounts):
            return refusal
        for account in accounts:
            self._spending.tell(account.name, account.told())
        return None

    def owe(self, accounts: Sequence[Account], amounts: Amounts) -> None:
        """Take what was had already, be it there or not."""
        for account in accounts:
            _pay(account, amounts)
            self._spending.tell(account.name, account.told())

    def pause(self, accounts: Sequence[Account]) -> float:
        """For how many seconds the connection of a request that was refused is not to be read."""
        now = self._clock.monotonic()
        return min(PAUSE_SECONDS_MAX, max(self._refusals.step(account.name, now) for account in accounts))

    def left(self, accounts: Sequence[Account]) -> list[Left]:
        """What can still be taken now, for those who want to know before they are refused."""
        found = []
        for index, name in enumerate(RESOURCES):
            account = min(accounts, key=lambda each: each.levels[index] / each.bounds.capacities[index])
            capacity, rate = account.bounds.capacities[index], account.bounds.rates[index]
            level = account.levels[index]
            window, full_in = max(1, round(capacity / rate)), -int((level - capacity) // rate)
            found.append(Left(name, int(capacity), window, max(0, int(level)), full_in))
        return found

    def told(self) -> dict[str, object]:
        """What `customs-hub status` shows: who was refused something in the last minute, and whether all catch up."""
        now = self._clock.monotonic()
        found: list[dict[str, object]] = []
        for partner in self._snapshot().partners:
            others = self._spending.others(partner.id)
            if not others and partner.id not in self._accounts:
                continue
            account = self._account(partner)
            account.hear(others, now)
            refused_at = max([account.refused_at, *(spent.refused_at for _, spent in others)])
            if refused_at and (since := now - refused_at) <= AT_QUOTA_SECONDS:
                left = {policy.name: policy.remaining for policy in self.left((account,))}
                catching_up = bool(self._catch_up_until(partner.id))
                found.append(
                    {"partner": partner.id, "seconds_ago": round(since, 1), "left": left, "catching_up": catching_up}
                )
        return {"at_quota": found, "catch_up_until": self._catch_up_until(EVERYONE)}

    def _without_a_place(self, accounts: Sequence[Account], *, stays: bool) -> Refusal | None:
        for account in accounts:
            bounds = account.bounds
            if stays and account.streams + account.streams_elsewhere >= bounds.streams_max:
                return self._refused(accounts, "streams", 1, f"at most {bounds.streams_max} streams at a time")
            if stays:
                continue
            if account.requests_in_flight + account.requests_elsewhere >= bounds.requests_in_flight_max:
                most = bounds.requests_in_flight_max
                return self._refused(accounts, "in_flight", 1, f"at most {most} requests at a time")
            if not self._room.admits(account.name, 1):
                return self._refused(accounts, "full", 1, code="OVERLOADED")
        return None

    def _take(self, accounts: Sequence[Account], amounts: Amounts) -> Refusal | None:
        for account in accounts:
            if missing := short(account.levels, amounts, account.bounds):
                resource, seconds = missing
                rate = int(account.bounds.rates[RESOURCES.index(resource)])
                return self._refused(accounts, resource, seconds, f"{resource}: {rate} a second")
        for account in accounts:
            _pay(account, amounts)
        return None

    def _refused(
        self,
        accounts: Sequence[Account],
        reason: Reason,
        seconds: int,
        detail: str = "",
        code: str = "TOO_MANY_REQUESTS",
    ) -> Refusal:
        self._observer.count("quota_refused", reason=reason)
        for account in accounts:
            account.refused_at = account.at
            self._spending.tell(account.name, account.told())
        return Refusal(code, detail, retry_after=seconds)

    def _account(self, partner: Partner) -> Account:
        """The account with the bounds that are in force now."""
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        account = self._accounts.get(partner.id)
        if account is None:
            account = self._accounts[partner.id] = Account(partner.id, self._clock.monotonic())
        noticed = self._uptime.catch_up_until()
        if account.revision != snapshot.revision or now >= account.until or noticed != account.outage_noticed:
            standing = standing_of(partner, snapshot, now)
            catch_up_until = self._catch_up_until(partner.id)
            quota = quota_of(partner, standing.facts.tier, self._settings, snapshot.allowances.get(partner.id))
            factor = self._settings.catch_up_factor if catch_up_until else 1.0
            account.become(bounds_of(quota, largest=self._largest, factor=factor))
            account.revision, account.outage_noticed = snapshot.revision, noticed
            account.until = min(standing.until, catch_up_until or standing.until)
        return account

    def _account_of_key(self, api_key: str) -> Account:
        """An API key's own, which never catches up."""
        name = f"api-key {api_key}"
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(name, self._clock.monotonic())
            account.become(bounds_of(self._settings.api_key, largest=self._largest))
        return account

    def _catch_up_until(self, partner: str) -> int:
        """Until when the partner may catch up, by its own allowance, everyone's, or a noticed outage; 0: not now."""
        allowances = self._snapshot().allowances
        declared = [held.catch_up_until for name in (partner, EVERYONE) if (held := allowances.get(name)) is not None]
        until = max(self._uptime.catch_up_until(), *declared, 0)
        return until if until > self._clock.now_us() // 1_000_000 else 0


def _pay(account: Account, amounts: Amounts) -> None:
    account.levels = less(account.levels, amounts)
    a, b, c = account.taken
    account.taken = a + amounts[0], b + amounts[1], c + amounts[2]
