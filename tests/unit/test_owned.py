"""Whose the events are, and whom else they concern where a rule says so."""

from __future__ import annotations

import orjson
import pytest
from msgspec.structs import replace

from hub.core.access import BLOCK_OFFSETS, offsets_of
from hub.core.partner import Identifier
from hub.core.registry import Snapshot, Version
from hub.ports.access_journal import Owned
from hub.views.owned import concerned, consignors, nobody_else, owned_by
from tests.contracts.views_grounds import known
from tests.faults.fanout_world import AUTHORITY, COMPANY

EORI = {"scheme": "eori", "value": "NL123456789"}
NAMED = orjson.dumps({"data": {"consignor": {"name": "Acme", "identifiers": [{"scheme": "duns", "value": "1"}, EORI]}}})


def held(owned: list[Owned]) -> dict[str, list[int]]:
    return {each.publisher: list(offsets_of(each.runs)) for each in owned}


def registry() -> Snapshot:
    snapshot = Snapshot()
    acme = replace(COMPANY, identifiers=(Identifier(**EORI),))
    partners = (acme, replace(COMPANY, id="terminal"), AUTHORITY)
    snapshot.apply([Version(1, each, "test", "", 0) for each in partners])
    return snapshot


def test_events_are_told_by_publisher_and_by_block() -> None:
    events = [known(1), known(2), known(3, publisher="borg"), known(BLOCK_OFFSETS)]

    owned = owned_by(events, nobody_else)

    assert [(each.publisher, list(offsets_of(each.runs))) for each in owned] == [
        ("acme", [1, 2]),
        ("borg", [3]),
        ("acme", [BLOCK_OFFSETS]),
    ]
    assert owned[0].received_us == events[1].received_us


def test_with_the_rule_an_event_concerns_the_consignor_that_it_identifies() -> None:
    event = known(1, publisher="terminal", value=NAMED)

    assert held(owned_by([event], consignors(registry))) == {"terminal": [1], concerned("acme"): [1]}


def test_without_the_rule_it_concerns_its_publisher_alone() -> None:
    assert held(owned_by([known(1, publisher="terminal", value=NAMED)], nobody_else)) == {"terminal": [1]}


def test_an_event_of_its_own_concerns_nobody_twice() -> None:
    assert held(owned_by([known(1, value=NAMED)], consignors(registry))) == {"acme": [1]}


def test_a_consignor_whom_nobody_knows_or_without_identifiers_is_nobody() -> None:
    for data in ({"consignor": {"name": "X"}}, {"consignor": "acme"}, {"consignor": {"identifiers": [{}, "x"]}}):
        event = known(1, publisher="terminal", value=orjson.dumps({"data": data}))

        assert held(owned_by([event], consignors(registry))) == {"terminal": [1]}


@pytest.mark.parametrize("kind", ["customs.control.inspection_selected", "customs.security.screened"])
def test_nobody_is_concerned_by_what_tells_whom_an_administration_looks_at(kind: str) -> None:
    event = replace(known(1, publisher="terminal", value=NAMED), type=kind)

    assert held(owned_by([event], consignors(registry))) == {"terminal": [1]}


def test_nobody_is_concerned_by_what_an_authority_says() -> None:
    event = known(1, publisher="customs", value=NAMED)

    assert held(owned_by([event], consignors(registry))) == {"customs": [1]}
