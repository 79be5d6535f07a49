"""Many organisations at once: a file taken in whole or not at all, as CSV or as a JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from hub.core.operator import PARTNERS, Effect
from hub.core.partner import Identifier, Partner, Tier
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.aeo_table import read_table
from hub.operate.checks import Checks
from hub.operate.partners import AddPartner, new_partner

ROWS_MAX = 10_000
REQUIRED = ("id", "name", "country", "roles")
OPTIONAL = ("tier", "identifiers", "time_zone")


class Import(Request, frozen=True, kw_only=True):
    format: Literal["csv", "ndjson"]
    text: str
    """CSV: several roles, or identifiers as scheme=value, are separated by `;`. NDJSON: the members of
    `partner.add`."""


def import_partners(request: Import, basis: Basis, checks: Checks) -> Changes:
    rows = _csv_rows(request.text, checks) if request.format == "csv" else _json_rows(request.text, checks)
    added: dict[str, Partner] = {}
    holders: dict[Identifier, str] = {}
    for place, row in rows:
        found = Checks()
        partner = new_partner(row, basis, found)
        if partner.id in added:
            found.fault("ACT_NAME_TAKEN", "/id", partner.id, "a name that stands once in the file")
        for index, each in enumerate(partner.identifiers):
            if (holder := holders.setdefault(each, partner.id)) != partner.id:
                found_text = f"{each.scheme}={each.value} of {holder}"
                found.fault("ACT_IDENTIFIER_TAKEN", f"/identifiers/{index}", found_text, "one of nobody else")
        checks.within(place, found.faults)
        added[partner.id] = partner
    return tuple(added.values())


def _csv_rows(text: str, checks: Checks) -> Iterator[tuple[str, AddPartner]]:
    for number, row in read_table(text, REQUIRED, OPTIONAL, ROWS_MAX, checks):
        pairs = [each.partition("=") for each in _several(row["identifiers"])]
        yield (
            f"row {number}",
            AddPartner(
                id=row["id"],
                name=row["name"],
                country=row["country"],
                roles=tuple(_several(row["roles"])),
                tier=row["tier"] or Tier.TRUSTED.value,
                identifiers=tuple(Identifier(scheme, value) for scheme, _, value in pairs),
                time_zone=row["time_zone"] or None,
            ),
        )


def _several(cell: str) -> list[str]:
    return [each.strip() for each in cell.split(";") if each.strip()]


def _json_rows(text: str, checks: Checks) -> Iterator[tuple[str, AddPartner]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not 1 <= len(lines) <= ROWS_MAX:
        checks.invalid("/text", f"{len(lines)} lines", f"1 to {ROWS_MAX}")
        return
    for number, line in lines:
        try:
            yield f"line {number}", msgspec.json.decode(line, type=AddPartner)
        except msgspec.DecodeError as error:
            checks.invalid(f"line {number}", str(error), "a JSON object with the members of `partner.add`")


ACTS = {"partner.import": Act(Import, import_partners, Effect.STARTS, PARTNERS, is_large=True)}
