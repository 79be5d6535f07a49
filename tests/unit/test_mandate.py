"""Mandates: whatever there is in a registry, the rule says what a short oracle says."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.mandate import LINKS_MAX, Mandate, MandateState, SignedText, chain_of
from hub.core.partner import Partner, PartnerState, Role, Tier
from hub.core.permission import leaves_of, may_stand_in
from hub.core.registry import Snapshot, Version

PARTNERS = ("p", "a", "b", "c")
TYPES = ("customs.container.gate_in", "customs.seal.applied", "customs.goods.observed")
PATTERNS = ("*", "*", "customs.container.*", "customs.seal.applied", "customs.goods.observed")
SOURCES, SCHEMES = ("urn:1", "urn:2"), ("iso6346", "imo")
SIGNED = SignedText("{}", ())
GIVEN = Mandate(
    principal="p",
    name="m",
    agent="a",
    publisher="p",
    types=("*",),
    valid_from=10,
    valid_to=20,
    grant=SIGNED,
    state=MandateState.GRANTED,
)


def some(values: tuple[str, ...], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=False).map(tuple)


@st.composite
def registries(draw: st.DrawFn) -> list[Mandate]:
    """Up to six mandates; some rest on another, rightly or wrongly, in chains and even in circles."""
    made: list[Mandate] = []
    for number in range(draw(st.integers(2, 6))):
        under = draw(st.sampled_from(made)) if made and draw(st.integers(0, 9)) < 7 else None
        principal = under.agent if under and draw(st.integers(0, 9)) < 9 else draw(st.sampled_from(PARTNERS))
        circle = draw(st.integers(0, 19)) == 0
        made.append(
            Mandate(
                principal=principal,
                name=f"m{number}",
                agent=draw(st.sampled_from(PARTNERS)),
                publisher=under.publisher if under else principal,
                types=draw(some(PATTERNS, least=1)),
                valid_from=draw(st.sampled_from((0, 0, 0, 10, 11))),
                valid_to=draw(st.sampled_from((10, 11, 30, 30, 30, 30))),
                grant=SIGNED,
                sources=draw(some(SOURCES)),
                subjects=draw(some(SCHEMES)),
                sub_delegation=draw(st.integers(0, 9)) < 8,
                under=f"{principal}/m{number}" if circle else under.id if under else "",
                state=draw(st.sampled_from((*[MandateState.GRANTED] * 8, *MandateState))),
            )
        )
    return made


def snapshot_of(mandates: list[Mandate], stopped: set[str]) -> Snapshot:
    snapshot = Snapshot()
    states = {True: PartnerState.SUSPENDED, False: PartnerState.ACTIVE}
    partners = [
        Partner(name, name, "NL", (Role.BROKER,), Tier.TRUSTED, state=states[name in stopped]) for name in PARTNERS
    ]
    for revision, item in enumerate([*partners, *mandates], 1):
        snapshot.apply([Version(revision, item, "test", "", 0)])
    return snapshot


def oracle(mandates: list[Mandate], stopped: set[str], asked: tuple[str, str, str, str, str], now: int) -> bool:
    """The page in `schemas/formats`, said again: can the event be had by any path from agent to publisher?"""
    agent, publisher, kind, source, scheme = asked

    def means(pattern: str) -> bool:
        if kind == "customs.goods.observed":  # Shared by name only.
            return pattern == kind
        return pattern in ("*", kind) or (pattern[-2:] == ".*" and kind.startswith(pattern[:-1]))

    def leads(mandate: Mandate, by: str, links: int) -> bool:
        good = mandate.agent == by and mandate.state is MandateState.GRANTED
        good = good and mandate.valid_from <= now < mandate.valid_to and not {by, mandate.principal} & stopped
        good = good and any(map(means, mandate.types))
        good = good and source in (mandate.sources or (source,)) and scheme in (mandate.subjects or (scheme,))
        if not good or not mandate.under:
            return good and mandate.principal == publisher
        outer = next((each for each in mandates if each.id == mandate.under), None)
        return bool(outer and outer.sub_delegation and links > 1 and leads(outer, mandate.principal, links - 1))

    return any(leads(each, agent, LINKS_MAX) for each in mandates)


@given(
    registries(),
    st.sets(st.sampled_from(PARTNERS), max_size=1),
    st.sampled_from((9, 10, 11, 29, 30)),
)
def test_a_mandate_allows_what_an_oracle_says_and_nothing_else(
    mandates: list[Mandate], stopped: set[str], now: int
) -> None:
    snapshot = snapshot_of(mandates, stopped)

    for agent, publisher, kind in product(PARTNERS, PARTNERS, TYPES):
        leaves = leaves_of(agent, publisher, kind, snapshot, now)
        for source, scheme in product(SOURCES, SCHEMES):
            said = any(leave.covers(source, scheme) for leave in leaves)
            assert said == oracle(mandates, stopped, (agent, publisher, kind, source, scheme), now)
            assert not said or may_stand_in(agent, publisher, snapshot, now)


def inner(number: int, principal: str, agent: str, under: Mandate, **more: Any) -> Mandate:
    return replace(GIVEN, name=f"i{number}", principal=principal, agent=agent, under=under.id, **more)


def test_a_chain_has_three_links_at_most() -> None:
    outer = replace(GIVEN, sub_delegation=True)
    second = inner(2, "a", "b", outer, sub_delegation=True)
    third = inner(3, "b", "c", second, sub_delegation=True)
    fourth = inner(4, "c", "d", third)
    known = {each.id: each for each in (outer, second, third, fourth)}

    assert [len(chain_of(each, known.get)) for each in known.values()] == [1, 2, 3, 0]


def test_one_that_rests_on_itself_leads_nowhere() -> None:
    circle = replace(GIVEN, under=GIVEN.id)

    assert chain_of(circle, {circle.id: circle}.get) == ()


@pytest.mark.parametrize(("now", "found"), [(9, 0), (10, 1), (19, 1), (20, 0)])
def test_a_mandate_holds_from_its_first_second_to_the_one_before_its_last(now: int, found: int) -> None:
    leaves = leaves_of("a", "p", TYPES[0], snapshot_of([GIVEN], set()), now)

    assert [leave.until for leave in leaves] == [20] * found


def test_mandates_are_found_by_agent_and_publisher() -> None:
    others = [replace(GIVEN, name=f"m{n}", agent="b", principal="q", publisher="q") for n in range(50)]
    snapshot = snapshot_of([*others, GIVEN], set())

    assert snapshot.mandates_between("a", "p") == [GIVEN]
    assert len(snapshot.mandates_between("b", "q")) == 50
    assert snapshot.mandates_between("b", "p") == []
