"""Failed authentications: answered at once, looked at no faster than the hub can afford, and nobody else's burden."""

from __future__ import annotations

import pytest

from hub.core.quota import QuotaSettings
from hub.intake.failures import BURST_LINES, BURST_LINES_OF_ADDRESS, LINES_PER_SECOND, LINES_PER_SECOND_OF_ADDRESS
from hub.intake.strangers import Strangers, prefix_of
from tests.clock import ManualClock
from tests.faults.virtual import ListObserver


class World:
    def __init__(self, **given: int) -> None:
        self.clock, self.observer = ManualClock(), ListObserver()
        self.strangers = Strangers(QuotaSettings(**given), clock=self.clock, observer=self.observer)

    def fails(self, address: str, times: int) -> float:
        """The last pause."""
        return [self.strangers.failed(address) for _ in range(times)][-1]


def test_failures_that_come_slowly_cost_their_sender_nothing() -> None:
    world = World(failures_per_second=200)

    pauses = []
    for _ in range(1_000):
        world.clock.advance(0.005)
        pauses.append(world.strangers.failed("192.0.2.1"))

    assert max(pauses) == 0
    assert not world.strangers.must_wait("192.0.2.1")


def test_a_flood_is_read_no_faster_than_failures_are_allowed() -> None:
    world = World(failures_per_second=100)
    connections = 20
    free_at = [0.0] * connections
    failures = 0
    while (now := min(free_at)) < 10:
        world.clock.advance(now - world.clock.monotonic())
        free_at[free_at.index(now)] = now + world.strangers.failed("192.0.2.1") + 0.001
        failures += 1

    assert 900 <= failures <= 1_060


def test_an_address_that_opens_ever_new_connections_is_not_looked_at_until_it_has_waited() -> None:
    world = World(failures_per_second=100)
    world.fails("192.0.2.1", 102)

    assert world.strangers.must_wait("192.0.2.1")
    assert not world.strangers.must_wait("192.0.2.2")
    assert world.observer.counts == {("quota_refused", (("reason", "failures"),)): 1}
    world.clock.advance(0.1)
    assert not world.strangers.must_wait("192.0.2.1")


def test_what_is_remembered_is_bounded_and_the_one_that_failed_longest_ago_gives_way() -> None:
    world = World(failures_per_second=1, addresses_max=2)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        world.fails(address, 3)

    waits = [world.strangers.must_wait(f"192.0.2.{last}") for last in (1, 2, 3)]

    assert waits == [True, False, True]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:0db8:0000:0000"),
        ("2001:db8:0:0:ffff::1", "2001:0db8:0000:0000"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_addresses_of_one_subscriber_count_together(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_each_failure_has_a_line_that_says_where_whence_and_why() -> None:
    world = World()

    world.strangers.refused("192.0.2.1", door="push_events", reason="expired")
    world.strangers.kept_out("192.0.2.2", door="read_feed", reason="SCOPE_MISSING", system="acme.erp")

    failed, kept_out = world.observer.events
    assert failed == (
        "authentication_failed",
        {"address": "192.0.2.1", "door": "push_events", "reason": "expired", "not_logged_before": 0},
    )
    assert kept_out[0] == "authorisation_failed"
    assert kept_out[1]["system"] == "acme.erp"


def test_an_address_that_keeps_failing_writes_ever_fewer_lines_and_the_next_says_how_many_it_did_not() -> None:
    world = World()
    for _ in range(1_000):
        world.strangers.refused("2001:db8::1", door="push_events", reason="signature")
    world.strangers.refused("2001:db8::2", door="push_events", reason="signature")
    assert len(world.observer.events) == BURST_LINES_OF_ADDRESS, "one subscriber writes with all its addresses"

    world.clock.advance(1 / LINES_PER_SECOND_OF_ADDRESS)
    world.strangers.refused("2001:db8::1", door="push_events", reason="signature")

    assert world.observer.events[-1][1]["not_logged_before"] == 1_001 - BURST_LINES_OF_ADDRESS
    assert world.observer.counts["failures_not_logged", ()] == 1_001 - BURST_LINES_OF_ADDRESS


def test_many_addresses_together_write_no_more_than_the_log_bears() -> None:
    world = World()
    for number in range(10_000):
        world.strangers.refused(f"192.0.{number % 256}.{number // 256}", door="token", reason="invalid_client")
    assert len(world.observer.events) == BURST_LINES

    world.clock.advance(1)
    for number in range(10_000):
        world.strangers.refused(f"198.51.{number % 256}.{number // 256}", door="token", reason="invalid_client")

    assert len(world.observer.events) == BURST_LINES + LINES_PER_SECOND
