"""Failed authentications, by address: whoever keeps failing is looked at no faster than the hub can well afford.

Each failure of an address takes up its share of a second. While failures come faster than that, each answer still
leaves at once, but its connection is not read for as long as the address is ahead. An address that is ahead by a whole
second, because it opens ever new connections, has no signature checked until it is less. A token that was verified
before is not affected: partners behind the same address go on.
"""

from __future__ import annotations

from ipaddress import ip_address

from hub.core.fairness import Pace
from hub.core.quota import QuotaSettings
from hub.intake.failures import FailureLog
from hub.ports.observer import Observer
from hub.ports.system import Clock

FREE_SECONDS = 0.25
"""How far ahead an address may be before its connections wait: a few failures in a row slow nobody down."""
AHEAD_SECONDS_MAX = 1.0


class Strangers:
    """The addresses that failed of late, as this worker saw them."""

    def __init__(self, settings: QuotaSettings, *, clock: Clock, observer: Observer) -> None:
        self._pace = Pace(settings.failures_per_second, accounts_max=settings.addresses_max)
        self._clock = clock
        self._observer = observer
        self._log = FailureLog(addresses_max=settings.addresses_max, clock=clock, observer=observer)

    def must_wait(self, address: str) -> bool:
        """Whether nothing costly is done for it now."""
        if self._pace.ahead(prefix_of(address), self._clock.monotonic()) <= AHEAD_SECONDS_MAX:
            return False
        self._observer.count("quota_refused", reason="failures")
        return True

    def failed(self, address: str) -> float:
        """Count a failure; for how many seconds its connection is not to be read."""
        return max(0.0, self._pace.step(prefix_of(address), self._clock.monotonic()) - FREE_SECONDS)

    def refused(self, address: str, *, door: str, reason: str) -> float:
        """Count a failure and tell of it, as `failed`; `door`: the name of the route."""
        self._log.tell("authentication_failed", prefix_of(address), address=address, door=door, reason=reason)
        return self.failed(address)

    def kept_out(self, address: str, *, door: str, reason: str, system: str) -> None:
        """Tell that a system which is known asked for what it may not do."""
        facts = {"address": address, "door": door, "reason": reason, "system": system}
        self._log.tell("authorisation_failed", prefix_of(address), **facts)


def prefix_of(address: str) -> str:
    """What one subscriber has to itself: an IPv4 address, or the first 64 bits of an IPv6 one (RFC 6177)."""
    if ":" not in address:
        return address
    try:
        return ip_address(address.partition("%")[0]).exploded[:19]
    except ValueError:
        return address
