"""Failed authentications, by address: whoever keeps failing is looked at no faster than the hub can well afford.

Each failure of an address takes up its share of a second. While failures come faster than that, each answer still
leaves at once, but its connection is not read for as long as the address is ahead. An address that is ahead by a whole
second, because it opens ever new connections, has no signature checked until it is less. A token that was verified
before is not affected: partners behind the same address go on.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address

from hub.core.quota import QuotaSettings
from hub.ports.observer import Observer
from hub.ports.system import Clock

FREE_SECONDS = 0.25
"""How far ahead an address may be before its connections wait: a few failures in a row slow nobody down."""
AHEAD_SECONDS_MAX = 1.0


class Strangers:
    """The addresses that failed of late, as this worker saw them."""

    def __init__(self, settings: QuotaSettings, *, clock: Clock, observer: Observer) -> None:
        self._seconds_each = 1 / settings.failures_per_second
        self._addresses_max = settings.addresses_max
        self._clock = clock
        self._observer = observer
        self._worked_off: OrderedDict[str, float] = OrderedDict()
        """By address: when its failures so far have had their time."""

    def must_wait(self, address: str) -> bool:
        """Whether nothing costly is done for it now."""
        if not self._worked_off or self._ahead(prefix_of(address)) <= AHEAD_SECONDS_MAX:
            return False
        self._observer.count("quota_refused", reason="failures")
        return True

    def failed(self, address: str) -> float:
        """Count a failure; for how many seconds its connection is not to be read."""
        prefix = prefix_of(address)
        ahead = self._ahead(prefix) + self._seconds_each
        if prefix not in self._worked_off and len(self._worked_off) >= self._addresses_max:
            self._worked_off.popitem(last=False)
        self._worked_off[prefix] = self._clock.monotonic() + ahead
        self._worked_off.move_to_end(prefix)
        return max(0.0, ahead - FREE_SECONDS)

    def _ahead(self, prefix: str) -> float:
        return max(0.0, self._worked_off.get(prefix, 0.0) - self._clock.monotonic())


def prefix_of(address: str) -> str:
    """What one subscriber has to itself: an IPv4 address, or the first 64 bits of an IPv6 one (RFC 6177)."""
    if ":" not in address:
        return address
    try:
        return ip_address(address.partition("%")[0]).exploded[:19]
    except ValueError:
        return address
