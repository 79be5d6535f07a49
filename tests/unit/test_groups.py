"""Named groups of fields stand for members that events have."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.conditions import PLACES
from hub.trust.project import OF_THE_HUB
from schemas.catalogue import catalogue
from schemas.groups import PREFIX, groups


def members(schema: dict[str, Any], place: str = "") -> set[str]:
    """The pointers of a flattened schema's members, of all that are no items of arrays."""
    found = {f"{place}/{name}" for name in schema.get("properties", {})}
    for name, inner in schema.get("properties", {}).items():
        found |= members(inner, f"{place}/{name}")
    return found


KNOWN = {pointer for kind in catalogue().types for pointer in members(kind.schema.flat)}


@pytest.mark.parametrize("name", groups())
def test_every_field_of_a_group_is_a_member_of_some_event(name: str) -> None:
    assert name.startswith(PREFIX)
    assert set(groups()[name].fields) <= KNOWN | {f"/{each}" for each in OF_THE_HUB}


def test_no_field_is_in_two_groups() -> None:
    fields = [field for group in groups().values() for field in group.fields]

    assert len(fields) == len(set(fields))


def test_every_place_of_an_event_counts_for_conditions() -> None:
    places = {pointer.removesuffix("/unlocode") for pointer in KNOWN if pointer.endswith("/unlocode")}

    assert places == {f"/data/{name}" for name in PLACES}


def test_every_mode_and_every_commodity_code_is_where_conditions_look() -> None:
    assert {pointer for pointer in KNOWN if pointer.endswith("/mode")} == {"/data/transport/mode"}
    goods = [kind.schema.flat["properties"]["data"]["properties"].get("goods", {}) for kind in catalogue().types]
    assert any("hs" in each.get("items", {}).get("properties", {}) for each in goods)
