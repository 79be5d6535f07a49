"""What of an event no agreement covers: its sender is told that it may leave it out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.agreement import Agreement
from hub.core.evidence import Permit
from hub.intake.authorise import not_needed
from tests.unit.test_authorise import AGREEMENT, NOW, World

EVENT = {"data": {"occurred_at": "", "subjects": [], "place": {}, "empty": True, "seals": [], "remarks": "x"}}


def agreement(name: str, *fields: str, **more: Any) -> Agreement:
    return replace(AGREEMENT, id=name, fields=fields, **more)


def members(world: World, now: float = NOW) -> list[str]:
    """The places of what is not needed."""
    permit = world.ask(now)
    assert isinstance(permit, Permit), permit
    faults = not_needed(permit, EVENT)
    assert {fault.code for fault in faults} <= {"FIELD_NOT_NEEDED"}
    return [fault.place for fault in faults]


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        (("*",), []),
        (("/data",), []),
        (("/data/seals",), ["/data/remarks"]),
        (("/data/seals/0/number", "/data/remarks"), []),
        (("/id",), ["/data/seals", "/data/remarks"]),
    ],
)
def test_what_no_agreement_covers_and_no_schema_asks_for_is_not_needed(
    fields: tuple[str, ...], places: list[str]
) -> None:
    assert members(World(agreement("a", *fields))) == places


def test_what_any_agreement_covers_is_needed() -> None:
    world = World(agreement("a", "/data/seals"), agreement("b", "/data/remarks", recipient="another"))

    assert members(world) == []


def test_one_that_allows_everything_silences_the_advice() -> None:
    assert members(World(agreement("a", "/id"), agreement("b", "*"))) == []


def test_an_agreement_that_is_not_in_force_covers_nothing() -> None:
    later = agreement("b", "*", valid_from=NOW + 50)

    world = World(agreement("a", "/id"), later)

    assert members(world) == ["/data/seals", "/data/remarks"]
    assert members(world, NOW + 50) == []


def test_an_agent_is_told_which_member_is_not_needed_and_none_of_those_that_its_principal_agreed_on() -> None:
    permit = World(agreement("a", "/data/seals")).ask()
    assert isinstance(permit, Permit), permit
    assert "seals" in not_needed(permit, EVENT)[0].expected
    agents = replace(permit, principal=replace(permit.principal, agent=replace(permit.principal.partner, id="agent")))

    [fault] = not_needed(agents, EVENT)

    assert (fault.place, fault.expected) == ("/data/remarks", "no such member")
