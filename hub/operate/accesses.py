"""Who was given what, for those who may know everything, what companies are not told too; each look is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from hub.core.access import Access, run_list
from hub.core.operator import SECURITY, OperatorRole
from hub.core.registry import Snapshot
from hub.operate.acts import Apart, Basis
from hub.operate.checks import Checks
from hub.operate.views import Plain, View, plain
from hub.ports.access_journal import Entry, Query
from hub.trust.statement import utc_text

ENTRIES_MAX = 1_000
"""In one answer."""
_FOR_EVER = 1 << 42


class ListAccesses(Struct, frozen=True, forbid_unknown_fields=True):
    """Empty: any. Times as a date or RFC 3339."""

    recipient: str = ""
    feed: str = ""
    credential: str = ""
    since: str = ""
    until: str = ""
    limit: str = "100"


async def gather_accesses(request: ListAccesses, _: Snapshot, apart: Apart) -> Sequence[Entry]:
    """One more than is asked for, where there are more."""
    checks = Checks()
    query, limit = _asked(request, checks)
    return () if checks.faults else await apart.accesses.entries(query, limit=limit + 1)


def list_accesses(request: ListAccesses, basis: Basis, checks: Checks) -> Plain:
    _, limit = _asked(request, checks)
    return {"items": [told(each.access) for each in basis.found[:limit]], "more": len(basis.found) > limit}


def _asked(request: ListAccesses, checks: Checks) -> tuple[Query, int]:
    since = checks.instant("/since", request.since) if request.since else 0
    until = checks.instant("/until", request.until) if request.until else _FOR_EVER
    limit = int(request.limit) if request.limit.isdecimal() and len(request.limit) <= len(str(ENTRIES_MAX)) else 0
    if not 1 <= limit <= ENTRIES_MAX:
        checks.invalid("/limit", request.limit, f"1 to {ENTRIES_MAX}")
    query = Query(
        recipient=request.recipient or None,
        feed=request.feed or None,
        credential=request.credential or None,
        time_us=(since * 1_000_000, until * 1_000_000),
    )
    return query, limit


def told(access: Access) -> Plain:
    """All that is known of it."""
    runs = run_list(access.runs)
    kept = {name: value for name, value in plain(access).items() if name not in ("time_us", "lane", "runs")}
    return {
        "time": utc_text(access.time_us),
        **kept,
        "feed": f"{access.feed}/{access.lane}" if access.lane else access.feed,
        "offsets": _spans(runs),
        "events": sum(count for _, count in runs),
    }


def _spans(runs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """First and last."""
    return [[first, first + count - 1] for first, count in runs]


VIEWS = {
    "access.list": View(
        ListAccesses, list_accesses, gather_accesses, roles=SECURITY | frozenset({OperatorRole.AUDITOR})
    )
}
