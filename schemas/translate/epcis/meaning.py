"""What an EPCIS event means to customs: an ordered table, the first row that fits decides.

An empty column fits everything; `-` among words stands for "none, or private vocabulary". The table is total: its last
row fits every event. `goods.observed` is for what has no customs meaning, such as a sale in a shop.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OBSERVED = "customs.goods.observed"

SETS = {
    "WRONG": "damaged mismatch_instance mismatch_class mismatch_quantity stolen no_pedigree_match",
    "MOVING": "arriving departing shipping receiving accepting collecting loading unloading transporting consigning",
    "IDLE": "- other sensor_reporting transporting inspecting storing entering_exiting",
    "UNSAID": "- other sensor_reporting",
    "CARGO": "container goods",
}
"""Names of the table for several words."""

# Of seals, an association with a container: damage makes a removal a broken seal, otherwise it is a planned change.
# What is wrong with things comes before what was done with them; without a thing there is nothing to tell customs of.
# `available` after holding is the end of it (CBV 2.0 §7.2).
TABLE = """
class          | action | step                | disposition      | about     | seen        | customs.…
Transformation |        |                     |                  |           |             | goods.transformed
Association    | ADD    | installing - other  |                  | container |             | seal.applied
Association    |        | replacing           |                  | container |             | seal.changed
Association    | DELETE | removing - other    | WRONG            | container |             | seal.broken
Association    | DELETE | removing - other    |                  | container |             | seal.changed
Association    |        |                     |                  |           |             | goods.observed
Transaction    | ADD    |                     |                  |           | declaration | declaration.lodged
Transaction    |        | void_shipping       |                  |           |             | booking.cancelled
Transaction    | DELETE | consigning          |                  |           |             | booking.cancelled
Transaction    | ADD    | consigning          |                  |           |             | booking.confirmed
               |        |                     |                  | nothing   |             | goods.observed
               |        |                     | WRONG            | CARGO     |             | discrepancy.reported
Aggregation    | ADD    |                     |                  | container |             | container.stuffed
Aggregation    | DELETE |                     |                  | container |             | container.stripped
Aggregation    | ADD    |                     |                  |           | inside      | container.loaded
Aggregation    | DELETE |                     |                  |           | inside      | container.discharged
Aggregation    | ADD    |                     |                  | goods     |             | goods.packed
Aggregation    | DELETE |                     |                  | goods     |             | goods.observed
               |        | packing             |                  | container |             | container.stuffed
               |        | unpacking           |                  | container |             | container.stripped
               |        | IDLE                | container_open   | container |             | sensor.door_opened
               |        | IDLE                | container_closed | container |             | sensor.door_closed
               |        | holding             | available        | CARGO     |             | control.released
               |        | holding             |                  | CARGO     |             | control.held
               |        | inspecting          | conformant       | CARGO     |             | security.screened
               |        | inspecting          | non_conformant   | CARGO     |             | security.screened
               |        | IDLE                |                  | CARGO     | temperature | sensor.temperature
               |        | inspecting          |                  | CARGO     |             | control.inspection_selected
               |        | shipping receiving  |                  | CARGO     | handover    | custody.transferred
               |        | accepting           |                  | CARGO     | handover    | custody.transferred
               |        | arriving receiving  |                  | container |             | container.gate_in
               |        | departing shipping  |                  | container |             | container.gate_out
               |        | loading             |                  | container |             | container.loaded
               |        | unloading           |                  | container |             | container.discharged
               |        | collecting          |                  | container |             | container.picked_up
               |        | accepting           |                  | container |             | container.dropped_off
               |        | departing shipping  |                  | transport |             | transport.departed
               |        | arriving receiving  |                  | transport |             | transport.arrived
               |        | packing repackaging |                  | goods     |             | goods.packed
               |        | MOVING              |                  |           |             | position.updated
               |        | UNSAID              |                  |           | position    | position.updated
               |        |                     |                  |           |             | goods.observed
"""


class Facts(NamedTuple):
    """What the table asks about an event; words are those of the CBV, `-` for none or private vocabulary."""

    event_class: str
    """Of the standard; empty for a class of somebody else's."""
    action: str
    step: str
    dispositions: frozenset[str]
    """The disposition, and those that are set to stay; never empty."""
    about: str
    """`container`, `transport` (a ship) or `goods`: the first of these among the objects; `nothing` without any."""
    seen: frozenset[str] = frozenset()
    """Which hold of: `inside` (children are containers), `temperature`, `position` (coordinates), `handover` (a party
    before and one after), `declaration` (an MRN among the transactions)."""


class Rule(NamedTuple):
    """One row; an empty set fits everything."""

    classes: frozenset[str]
    actions: frozenset[str]
    steps: frozenset[str]
    dispositions: frozenset[str]
    about: frozenset[str]
    seen: frozenset[str]
    type: str

    def fits(self, facts: Facts) -> bool:
        return (
            (not self.classes or facts.event_class in self.classes)
            and (not self.actions or facts.action in self.actions)
            and (not self.steps or facts.step in self.steps)
            and (not self.dispositions or not self.dispositions.isdisjoint(facts.dispositions))
            and (not self.about or facts.about in self.about)
            and self.seen <= facts.seen
        )


def _rule(row: str) -> Rule:
    classes, *columns, type_ = (column.strip() for column in row.split("|"))
    actions, steps, dispositions, about, seen = (frozenset(SETS.get(each, each).split()) for each in columns)
    named = frozenset(f"{each}Event" for each in classes.split())
    return Rule(named, actions, steps, dispositions, about, seen, f"customs.{type_}")


RULES = tuple(map(_rule, TABLE.strip().splitlines()[1:]))


@lru_cache(maxsize=4_096)
def meaning(facts: Facts) -> str:
    """The type that an event with these facts becomes."""
    return next(rule.type for rule in RULES if rule.fits(facts))
