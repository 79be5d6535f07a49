"""AEO authorisations as a table: a CSV file taken in whole or not at all, and what operators look up in the registry.

CSV as RFC 4180 has it, in UTF-8, with a header line; columns in any order.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from io import StringIO

from msgspec import Struct

from hub.core.aeo import AEOStatus, AEOType, Authorisation
from hub.core.operator import PARTNERS, SECURITY, Effect, OperatorRole
from hub.core.partner import Identifier
from hub.core.registry import Snapshot
from hub.core.standing import day_of
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.aeo import check_authorisation
from hub.operate.checks import Checks
from hub.operate.views import Plain, View, plain
from schemas.codes import COUNTRIES

ROWS_MAX = 5_000
REQUIRED = ("issuer", "number", "partner", "type", "status", "valid_from")
OPTIONAL = ("valid_to", "validated_on", "reason_class")


class Import(Request, frozen=True, kw_only=True):
    csv: str
    """`partner` is its name here, or `scheme=value` of one of its identifiers."""


class Which(Struct, frozen=True, forbid_unknown_fields=True):
    partner: str = ""
    stale: str = ""
    """`yes`: only those whose issuer has been silent for too long."""


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    number: str
    """With its issuer in front (`NL-NLAEOF1`), or alone where only one administration has it."""


def import_rows(request: Import, basis: Basis, checks: Checks) -> Changes:
    """What the file says and the registry does not; empty members of a row that is known are taken away."""
    changes: dict[str, Authorisation] = {}
    for number, row in read_table(request.csv, REQUIRED, OPTIONAL, ROWS_MAX, checks):
        authorisation = _authorisation(row, number, basis.snapshot, checks)
        if authorisation is None:
            continue
        if authorisation.id in changes:
            checks.invalid(_place(number, "number"), authorisation.number, "an authorisation named in one row")
        changes[authorisation.id] = authorisation
    known = basis.snapshot.authorisations
    return tuple(each for each in changes.values() if not _is_so(each, known.get(each.id)))


def _is_so(told: Authorisation, known: Authorisation | None) -> bool:
    """Whether the registry says the same, whoever said it there."""
    return known is not None and plain(told) | {"sequence": 0} == plain(known) | {"sequence": 0}


def _authorisation(row: Mapping[str, str], number: int, snapshot: Snapshot, checks: Checks) -> Authorisation | None:
    """Of one row; None where no partner is found for it."""
    partner = _partner(row["partner"], snapshot)
    if partner is None:
        expected = "a partner's name, or scheme=value of its identifier"
        checks.fault("ACT_NOT_REGISTERED", _place(number, "partner"), row["partner"], expected)
    if row["issuer"] not in COUNTRIES:
        checks.invalid(_place(number, "issuer"), row["issuer"], "an ISO 3166-1 alpha-2 code, such as NL")
    authorisation = Authorisation(
        issuer=row["issuer"],
        number=row["number"],
        partner=partner or "",
        type=checks.choice(_place(number, "type"), row["type"], AEOType),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"] or None,
        status=checks.choice(_place(number, "status"), row["status"], AEOStatus),
        validated_on=row["validated_on"] or None,
        reason_class=row["reason_class"],
    )
    check_authorisation(authorisation, checks, lambda member: _place(number, member))
    known = snapshot.authorisations.get(authorisation.id)
    if partner is not None and known is not None and known.partner != partner:
        checks.invalid(_place(number, "partner"), row["partner"], f"{known.partner}, who holds it")
    return None if partner is None else authorisation


def _partner(text: str, snapshot: Snapshot) -> str | None:
    scheme, equals, value = text.partition("=")
    if equals:
        return snapshot.partner_of(Identifier(scheme, value))
    return text if snapshot.partners.get(text) is not None else None


def read_table(
    text: str, required: tuple[str, ...], optional: tuple[str, ...], rows_max: int, checks: Checks
) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by its number in the file (the header is row 1), with every column and no blanks around its cells."""
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows = 0
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not _is_header(header, required, optional, checks):
            return
        for number, cells in enumerate(reader, 2):
            if not any(cell.strip() for cell in cells):
                continue
            rows += 1
            if rows > rows_max:
                checks.invalid(f"row {number}", f"more than {rows_max} rows", f"at most {rows_max} in one file")
                return
            if len(cells) != len(header):
                checks.invalid(f"row {number}", f"{len(cells)} cells", f"{len(header)}, as in the header")
                continue
            given = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            yield number, dict.fromkeys((*required, *optional), "") | given
    except csv.Error as error:
        checks.invalid(f"row {reader.line_num}", str(error), "CSV as RFC 4180 has it")
    if not rows and not checks.faults:
        checks.invalid("row 2", "no rows", "at least one")


def _is_header(header: list[str], required: tuple[str, ...], optional: tuple[str, ...], checks: Checks) -> bool:
    missing = [name for name in required if name not in header]
    strange = [name for name in header if name not in (*required, *optional) or header.count(name) > 1]
    if missing or strange:
        found = f"without {', '.join(missing)}" if missing else f"with {', '.join(strange)}"
        checks.invalid("row 1", found, f"{', '.join(required)}; may be: {', '.join(optional)}; each once")
    return not missing and not strange


def _place(row: int, column: str) -> str:
    return f"row {row}, {column}"


def list_authorisations(request: Which, basis: Basis, checks: Checks) -> Plain:
    snapshot = basis.snapshot
    if request.partner and checks.known("/partner", request.partner, snapshot.partners) is None:
        return {}
    found = snapshot.authorisations.of(request.partner) if request.partner else list(snapshot.authorisations)
    items = [_shown(each, basis) for each in found]
    return {"items": [item for item in items if item["status_stale"] or request.stale != "yes"]}


def show_authorisation(request: Named, basis: Basis, checks: Checks) -> Plain:
    """All its versions, the newest first; nothing says why."""
    return _history(request, basis, checks, hidden=("reason_class",))


def show_reasons(request: Named, basis: Basis, checks: Checks) -> Plain:
    """The same with what is confidential."""
    return _history(request, basis, checks, hidden=())


def _history(request: Named, basis: Basis, checks: Checks, *, hidden: Collection[str]) -> Plain:
    history = basis.snapshot.authorisations
    found = [each for each in history if request.number in (each.id, each.number)]
    if len(found) != 1:
        named = ", ".join(each.id for each in found) or request.number
        checks.fault("ACT_NOT_REGISTERED", "/number", named, "one authorisation, by issuer and number: NL-NLAEOF1")
        return {}
    made = basis.snapshot.made
    versions = [
        {name: value for name, value in plain(version).items() if name not in hidden}
        | {"revision": revision, "time_us": made[revision].time_us, "actor": made[revision].actor}
        | ({} if hidden else {"reason": made[revision].reason})
        for revision, version in history.versions(found[0].id)
    ]
    return {**_shown(found[0], basis), "versions": versions[::-1]}


def _shown(authorisation: Authorisation, basis: Basis) -> Plain:
    """Without the reason: it is confidential."""
    shown: Plain = {name: value for name, value in plain(authorisation).items() if name != "reason_class"}
    day = day_of(basis.now)
    counting = [each for each in basis.snapshot.arrangements if each.counts(authorisation, day)]
    feed = basis.snapshot.status_feeds.get(authorisation.issuer)
    heard_at = feed.heard_at if feed is not None else 0
    stale = any(each.silent_from(heard_at) <= basis.now for each in counting)
    return {"id": authorisation.id, **shown, "holds": authorisation.shortfall(day) is None, "status_stale": stale}


ACTS = {"aeo.import": Act(Import, import_rows, Effect.STARTS, PARTNERS, is_large=True)}
VIEWS = {
    "aeo.list": View(Which, list_authorisations),
    "aeo.show": View(Named, show_authorisation),
    "aeo.reasons": View(Named, show_reasons, roles=PARTNERS | SECURITY | frozenset({OperatorRole.AUDITOR})),
}
