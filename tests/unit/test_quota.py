"""Quotas: nobody takes more than its own, nobody is refused for another, and several workers keep one count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.allowance import EVERYONE, Allowance
from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.partner import Partner, PartnerState, Role, System, Tier
from hub.core.quota import Quota, QuotaSettings
from hub.core.registry import Snapshot, Version
from hub.drivers.memory.spending import MemorySpending, MemoryUptime
from hub.intake.quota import Account, Quotas
from hub.operate.outage import OutageWatch
from hub.ports.spending import Spent
from tests.clock import START_US, ManualClock
from tests.faults.virtual import ListObserver

NOW = START_US // 1_000_000
SMALL = Quota(
    events_per_second=10,
    bytes_per_second=1_000,
    requests_per_second=5,
    burst_seconds=4,
    requests_in_flight_max=3,
    streams_max=2,
)
LARGEST = (20, 4_000, 1)


def partner(name: str, *roles: Role, tier: Tier = Tier.SMALL) -> Partner:
    return Partner(name, name.title(), "NL", roles or (Role.TERMINAL,), tier)


class World:
    """Workers of one hub that serve the partners `greedy` and `quiet`."""

    def __init__(self, *, workers: int = 1, places: int = 100, quota: Quota = SMALL, **given: Any) -> None:
        self.clock = ManualClock()
        self.settings = QuotaSettings(small=quota, sandbox=replace(quota, events_per_second=1), **given)
        self.snapshot = Snapshot()
        self.uptime = MemoryUptime()
        self.observer = ListObserver()
        self.register(partner("greedy"), partner("quiet"))
        rows: dict[int, dict[str, Spent]] = {}
        spendings = [MemorySpending(worker, rows) for worker in range(workers)]
        self.workers = [
            Quotas(
                settings=self.settings,
                largest=LARGEST,
                places=places,
                snapshot=lambda: self.snapshot,
                spending=spending,
                uptime=self.uptime,
                clock=self.clock,
                observer=self.observer,
            )
            for spending in spendings
        ]

    def register(self, *objects: Partner | Allowance) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply(Version(revision, each, "test", "", 0) for each in objects)

    def accounts(self, name: str, worker: int = 0) -> tuple[Account, ...]:
        known = self.snapshot.partners.get(name)
        assert known is not None
        system = System(f"{name}.sys", name, ("events:write",))
        return self.workers[worker].accounts(Principal(known, system, "key", frozenset(system.scopes), 1 << 40))

    def sends(self, name: str, events: int, *, worker: int = 0) -> Refusal | None:
        return self.workers[worker].charge(self.accounts(name, worker), (events, 0, 0))

    def enters(self, name: str, size: int = 0, *, stays: bool = False) -> Refusal | None:
        return self.workers[0].enter(self.accounts(name), (0, size, 1), stays=stays)

    def passes(self, name: str, *, worker: int = 0, each: int = 1) -> int:
        """How many events pass before the first refusal."""
        passed = 0
        while self.sends(name, each, worker=worker) is None:
            passed += each
        return passed


def test_a_burst_passes_and_then_only_what_the_rate_brings() -> None:
    world = World()

    first = world.passes("greedy")
    world.clock.advance(2)
    later = world.passes("greedy")

    assert (first, later) == (40, 20)


def test_a_batch_beyond_what_is_left_is_refused_whole_and_told_when_it_will_pass() -> None:
    world = World()
    world.sends("greedy", 30)

    refusal = world.sends("greedy", 20)

    assert refusal == Refusal("TOO_MANY_REQUESTS", "events: 10 a second", retry_after=1)
    assert world.sends("greedy", 10) is None
    world.clock.advance(2)
    assert world.sends("greedy", 20) is None


def test_the_largest_batch_that_the_hub_takes_passes_a_full_bucket_however_low_the_quota() -> None:
    world = World(quota=replace(SMALL, events_per_second=1, burst_seconds=1))

    assert world.sends("greedy", 20) is None
    assert isinstance(world.sends("greedy", 1), Refusal)
    world.clock.advance(20)
    assert world.sends("greedy", 20) is None


def test_requests_and_the_bytes_that_they_declare_are_charged_before_they_are_read() -> None:
    world = World()

    sizes = [world.enters("greedy", 2_000), world.enters("greedy", 2_000), world.enters("greedy", 1)]

    assert [size and size.detail for size in sizes] == [None, None, "bytes: 1000 a second"]


def test_a_body_of_undeclared_length_is_a_debt_that_the_next_one_meets() -> None:
    world = World()
    world.workers[0].owe(world.accounts("greedy"), (0, 5_000, 0))

    assert world.enters("greedy", 1) == Refusal("TOO_MANY_REQUESTS", "bytes: 1000 a second", retry_after=2)


def test_places_for_requests_and_for_streams_are_counted_apart_and_given_back() -> None:
    world = World()
    accounts = world.accounts("greedy")

    requests = [world.enters("greedy") for _ in range(4)]
    streams = [world.enters("greedy", stays=True) for _ in range(3)]
    world.workers[0].leave(accounts, stays=False)
    world.clock.advance(1)

    assert [each and each.detail for each in requests] == [None] * 3 + ["at most 3 requests at a time"]
    assert [each and each.detail for each in streams] == [None] * 2 + ["at most 2 streams at a time"]
    assert world.enters("greedy") is None


def test_what_is_sent_for_another_is_charged_to_both_or_to_neither() -> None:
    world = World()
    both = (*world.accounts("quiet"), *world.accounts("greedy"))
    world.passes("greedy")

    refusal = world.workers[0].charge(both, (1, 0, 0))

    assert isinstance(refusal, Refusal)
    assert world.passes("quiet") == 40


def test_one_that_holds_most_of_a_full_hub_is_refused_and_others_are_not() -> None:
    world = World(places=4, quota=replace(SMALL, requests_in_flight_max=100))

    greedy = [world.enters("greedy") for _ in range(4)]

    assert [each and each.code for each in greedy] == [None, None, "OVERLOADED", "OVERLOADED"]
    assert world.enters("quiet") is None


def test_whoever_is_refused_again_and_again_is_read_ever_later_and_others_are_not() -> None:
    world = World(refusals_per_second=10)
    greedy, quiet = world.accounts("greedy"), world.accounts("quiet")

    pauses = [round(world.workers[0].pause(greedy), 3) for _ in range(100)]

    assert pauses[:3] == [0.1, 0.2, 0.3]
    assert pauses[-1] == 5.0
    assert world.workers[0].pause(quiet) == 0.1


def test_a_refusal_is_counted_by_its_reason_and_never_by_its_partner() -> None:
    world = World()
    world.passes("greedy")

    assert world.observer.counts == {("quota_refused", (("reason", "events"),)): 1}


def test_status_names_who_was_refused_something_in_the_last_minute() -> None:
    world = World(workers=2)
    world.clock.advance(1)
    world.passes("greedy", worker=1)
    world.sends("quiet", 1)
    world.clock.advance(30)

    told: Any = world.workers[0].told()
    world.clock.advance(31)

    assert [(each["partner"], each["seconds_ago"]) for each in told["at_quota"]] == [("greedy", 30.0)]
    assert world.workers[0].told()["at_quota"] == []


def test_what_is_left_is_of_the_account_that_has_least() -> None:
    world = World()
    world.sends("greedy", 25)
    both = (*world.accounts("quiet"), *world.accounts("greedy"))

    events, size, requests = world.workers[0].left(both)

    assert (events.quota, events.window_seconds, events.remaining, events.full_in_seconds) == (40, 4, 15, 3)
    assert (size.remaining, requests.remaining) == (4_000, 20)


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        (partner("greedy", tier=Tier.SANDBOX), 20),
        (replace(partner("greedy"), state=PartnerState.VETTED), 20),
        (Allowance("greedy", events_per_second=15), 60),
        (Allowance("greedy", catch_up_until=NOW + 60), 120),
        (Allowance(EVERYONE, catch_up_until=NOW + 60), 120),
        (Allowance(EVERYONE, catch_up_until=NOW), 40),
    ],
)
def test_what_the_registry_says_of_a_partner_counts_from_its_revision_on(
    changed: Partner | Allowance, passes: int
) -> None:
    world = World()
    world.accounts("greedy")

    world.register(changed)

    assert world.passes("greedy") == passes


def test_catching_up_ends_by_itself() -> None:
    world = World()
    world.register(Allowance(EVERYONE, catch_up_until=NOW + 60))
    world.passes("greedy")
    world.clock.advance(60)

    assert world.passes("greedy") == 40


def test_an_authority_has_the_quota_of_authorities_in_any_tier() -> None:
    world = World(authority=replace(SMALL, events_per_second=100))
    world.register(partner("watch", Role.AUTHORITY))

    assert world.passes("watch") == 400


@pytest.mark.parametrize(("gone", "factor"), [(59, 1), (60, 3), (600, 3)])
def test_after_an_outage_that_the_hub_notices_itself_everyone_may_catch_up(gone: int, factor: int) -> None:
    world = World()
    accepting = [True]
    watch = OutageWatch(
        world.uptime,
        accepting=lambda: accepting[0],
        settings=world.settings,
        clock=world.clock,
        observer=world.observer,
    )
    watch.look()
    accepting[0] = False
    world.clock.advance(gone)
    watch.look()
    accepting[0] = True
    watch.look()

    assert world.passes("greedy") == 40 * factor
    assert world.uptime.catch_up_until() == (NOW + gone + max(600, 2 * gone) if factor > 1 else 0)


def test_the_first_start_of_a_hub_is_no_outage() -> None:
    world = World()
    watch = OutageWatch(
        world.uptime, accepting=lambda: True, settings=world.settings, clock=world.clock, observer=world.observer
    )
    watch.look()

    assert world.uptime.catch_up_until() == 0


Step = tuple[float, int, int]
"""Seconds that pass, the worker, and the events of one request."""
STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.3, 2.0, 50.0]), st.integers(0, 2), st.integers(1, 20)), max_size=120
)


def passed(world: World, steps: Sequence[Step]) -> list[tuple[float, int]]:
    """When how many events of the greedy one passed."""
    found = []
    for seconds, worker, events in steps:
        world.clock.advance(seconds)
        if world.sends("greedy", events, worker=worker) is None:
            found.append((world.clock.monotonic(), events))
    return found


@given(STEPS)
@settings(max_examples=150)
def test_over_any_window_no_more_passes_than_a_burst_and_what_the_rate_brings(steps: list[Step]) -> None:
    times = passed(World(workers=3), steps)

    for first, (start, _) in enumerate(times):
        total = 0
        for end, events in times[first:]:
            total += events
            assert total <= 40 + 10 * (end - start) + 1e-6


@given(STEPS)
@settings(max_examples=150)
def test_a_quiet_partner_is_never_refused_whatever_the_greedy_one_does(steps: list[Step]) -> None:
    world = World(workers=3)

    for seconds, worker, events in steps:
        world.clock.advance(seconds + 0.1)
        for _ in range(5):
            world.sends("greedy", events, worker=worker)
        assert world.sends("quiet", 1, worker=worker) is None


@given(STEPS)
@settings(max_examples=100)
def test_three_workers_refuse_nothing_that_one_alone_would_let_pass(steps: list[Step]) -> None:
    together = passed(World(workers=3), steps)
    alone = passed(World(), [(seconds, 0, events) for seconds, _, events in steps])

    assert together == alone
