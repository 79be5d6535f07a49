"""Whose authorisation counts, for what, and what the silence of its issuer changes."""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from hub.core.aeo import (
    AEOStatus,
    AEOType,
    Arrangement,
    Authorisation,
    Benefit,
    Recognition,
    StalePolicy,
    StatusFeed,
    recognised,
)
from hub.core.partner import Partner, Role, Tier
from hub.core.registry import Snapshot, Version
from hub.core.standing import standing_of

DAY, NOW = "2026-01-01", 1_767_225_600
BELGIAN = Authorisation("BE", "BEAEOF1", "delta", AEOType.F, "2025-01-01")
MUTUAL = Arrangement("benelux", ("BE",), "2025-01-01")
ALL = frozenset(Benefit)


def asked(authorisation: Authorisation = BELGIAN, *arrangements: Arrangement, heard_at: int = NOW) -> Recognition:
    return recognised([authorisation], arrangements, [StatusFeed("BE", (), 1, heard_at)], day=DAY, now=NOW)


def test_without_any_arrangement_the_word_of_the_operator_is_enough() -> None:
    assert asked() == Recognition(AEOType.F, ALL)


@pytest.mark.parametrize(
    "arrangement",
    [
        replace(MUTUAL, issuers=("US",)),
        replace(MUTUAL, valid_from="2026-01-02"),
        replace(MUTUAL, valid_to="2025-12-31"),
        replace(MUTUAL, types=(AEOType.C,)),
        replace(MUTUAL, ended=True),
    ],
    ids=["another issuer", "not yet", "no more", "another type", "ended"],
)
def test_an_authorisation_that_no_arrangement_covers_counts_for_nothing(arrangement: Arrangement) -> None:
    found = asked(BELGIAN, arrangement)

    assert (found.type, found.benefits) == (None, frozenset())
    assert found.shortfall == "AEO authorisation BEAEOF1 counts under no arrangement"


def test_an_arrangement_gives_the_benefits_that_it_names() -> None:
    assert asked(BELGIAN, replace(MUTUAL, benefits=(Benefit.TYPES,))).benefits == {Benefit.TYPES}


@pytest.mark.parametrize(("policy", "benefits"), [(StalePolicy.KEEP, ALL), (StalePolicy.DROP, frozenset())])
def test_a_silent_feed_makes_the_status_stale_and_the_arrangement_says_what_follows(
    policy: StalePolicy, benefits: frozenset[Benefit]
) -> None:
    arrangement = replace(MUTUAL, stale_after_seconds=3_600, stale_policy=policy)

    fresh, silent = asked(BELGIAN, arrangement, heard_at=NOW - 3_599), asked(BELGIAN, arrangement, heard_at=NOW - 3_600)

    assert (fresh.stale, fresh.benefits, fresh.until) == (False, ALL, NOW + 1)
    assert (silent.stale, silent.benefits, silent.until) == (True, benefits, inf)


def test_the_authorisation_that_earns_most_counts() -> None:
    revoked = replace(BELGIAN, number="BEAEOC2", status=AEOStatus.REVOKED)

    for order in ([revoked, BELGIAN], [BELGIAN, revoked]):
        assert recognised(order, [MUTUAL], [], day=DAY, now=NOW).benefits == ALL


@pytest.mark.parametrize(
    ("status", "tier", "aeo"), [(AEOStatus.VALID, Tier.AEO, "F"), (AEOStatus.SUSPENDED, Tier.TRUSTED, None)]
)
def test_a_suspended_authorisation_takes_the_tier_away_and_nothing_else(
    status: AEOStatus, tier: Tier, aeo: str | None
) -> None:
    partner = Partner("delta", "Delta", "BE", (Role.EXPORTER,), Tier.AEO)
    snapshot = Snapshot()
    snapshot.apply([Version(1, each, "ada", "", 0) for each in (partner, replace(BELGIAN, status=status))])

    standing = standing_of(partner, snapshot, NOW)

    assert (standing.facts.tier, standing.facts.aeo) == (tier, aeo)
    assert not partner.stopped
