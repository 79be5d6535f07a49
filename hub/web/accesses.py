"""What a company asks about its data: who was given it, and how far each event came."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.fields import join
from hub.core.registry import Snapshot
from hub.core.settings import ViewsSettings
from hub.ports.first_occurrence import FirstOccurrence
from hub.trust.ack import detached
from hub.trust.jws import Flaw, open_jws
from hub.trust.mandate import SIGNATURE_BYTES_MAX
from hub.trust.statement import utc_text
from hub.views.accesses import Accesses, Given, GivenPage, agreements_of
from hub.views.chain import Chains, Link
from hub.views.owned import concerned
from hub.web.edge import Handler, answer, number, only
from hub.web.gate import ASKED, Gate
from hub.web.problems import Refused, granted
from hub.web.reading import identity_of, of_whom
from hub.web.route import CSV, NDJSON
from hub.web.viewing import span_of
from schemas.headers import EventHeader
from schemas.identity import identity_key

EXPORTED_MAX = 1_000
"""Accesses of one page of an export."""
_COLUMNS = (
    "time", "step", "way", "recipient", "purpose", "legal_basis", "agreements", "fields",
    "source", "id", "version", "type",
)  # fmt: skip
_IDENTITY = frozenset(("source", "id", "version"))


class AccessAPI:
    """Handlers of the routes by which companies see who was given their data."""

    def __init__(
        self,
        *,
        gate: Gate,
        accesses: Accesses,
        chains: Chains,
        index: FirstOccurrence,
        snapshot: Callable[[], Snapshot],
        settings: ViewsSettings,
    ) -> None:
        self._gate = gate
        self._accesses = accesses
        self._chains = chains
        self._index = index
        self._snapshot = snapshot
        self._settings = settings

    def handlers(self) -> Mapping[str, Handler]:
        return {"list_accesses": self.list_accesses, "get_receipt_chain": self.get_receipt_chain}

    async def list_accesses(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, {"from", "to", "concerning", "format", "cursor", "limit", *_IDENTITY})
        form = _choice(request, "format", ("json", "csv", "ndjson"))
        is_concerned = _choice(request, "concerning", ("no", "yes")) == "yes"
        if _IDENTITY & request.query.keys():
            if is_concerned:
                raise Refused(Refusal("BAD_REQUEST", "concerning: one event is asked for by its publisher alone"))
            page = await self._of_one(request, principal)
        else:
            page = await self._page(request, principal, form, concerned(principal.partner.id) if is_concerned else "")
        items = [_item(each, self._snapshot(), named=not is_concerned) for each in page.items]
        if form == "json":
            return answer({"items": items, "next": page.next})
        body = _lines(items) if form == "ndjson" else _table(items)
        query = {**request.query, "cursor": page.next or ""}
        headers = {"Link": f'</v1/accesses?{urlencode(query)}>; rel="next"'} if page.next else {}
        return web.Response(body=body, headers=headers, content_type=NDJSON if form == "ndjson" else CSV)

    async def get_receipt_chain(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, {ASKED, *_IDENTITY})
        publisher, sender = of_whom(request, principal)
        chain = await self._chains.of(publisher, *identity_of(request), sender=sender)
        if chain is None:
            return answer({"accepted": None, "recipients": []})
        return answer({"accepted": utc_text(chain.accepted_us), "recipients": [_link(link) for link in chain.links]})

    async def _page(self, request: web.BaseRequest, principal: Principal, form: str, owner: str) -> GivenPage:
        """`owner`: whose events are meant; empty: those that the caller published."""
        most = self._settings.page_events_max if form == "json" else EXPORTED_MAX
        limit = min(max(1, number(request, "limit", most)), most)
        span, cursor = span_of(request), request.query.get("cursor")
        owner = owner or principal.partner.id
        return granted(await self._accesses.page(owner, span=span, cursor=cursor, limit=limit))

    async def _of_one(self, request: web.BaseRequest, principal: Principal) -> GivenPage:
        """Of one event, oldest first: no more of them than fit into an answer."""
        identity = identity_key(principal.partner.id, *identity_of(request))
        found = await self._index.occurrences(identity)
        items = await self._accesses.of_one(found[0].position, span=span_of(request)) if found else ()
        return GivenPage(items[:EXPORTED_MAX], None)


def _choice(request: web.BaseRequest, name: str, choices: Sequence[str]) -> str:
    chosen = request.query.get(name, choices[0])
    if chosen not in choices:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: one of {', '.join(choices)}"))
    return chosen


def _item(given: Given, snapshot: Snapshot, *, named: bool) -> dict[str, Any]:
    """`named`: with the names of the events; else they are another company's."""
    access, events = given.access, [_event(each, named=named) for each in given.events]
    if given.telling is not None:
        return {"time": utc_text(access.time_us), "recipient": "authority", "events": events}
    agreements = list(agreements_of(access, snapshot))
    return {
        "time": utc_text(access.time_us),
        "step": access.step.value,
        "way": access.way,
        "recipient": access.recipient,
        "purpose": access.purpose,
        "legal_basis": sorted({each.legal_basis for each in agreements if each.legal_basis}),
        "agreements": [each.id for each in agreements],
        "fields": list(join(each.fields for each in agreements)),
        "events": events,
    }


def _event(header: EventHeader, *, named: bool) -> dict[str, str]:
    about = {"type": header.type, "received": utc_text(header.received_us)}
    if not named:
        return about
    version = {"version": header.version} if header.version else {}
    return {"source": header.source, "id": header.id, **version, **about}


def _link(link: Link) -> dict[str, object]:
    if not link.recipient:
        return {"recipient": "authority", "delivered": _time(link.delivered_us)}
    told: dict[str, object] = {
        "recipient": link.recipient,
        "purpose": link.purpose,
        "way": link.way,
        "published": _time(link.published_us),
        "delivered": _time(link.delivered_us),
        "processed": _time(link.processed_us),
    }
    return told | (_signed(link.signature) if link.signature else {})


def _signed(signature: str) -> dict[str, str]:
    """Without what it is over: the marks of others are in it. Whoever has that can compare the digest."""
    jws = open_jws(signature, bytes_max=SIGNATURE_BYTES_MAX)
    assert not isinstance(jws, Flaw)  # It was taken.
    return {"signature": detached(signature), "signed_sha256": sha256(jws.unverified_payload).hexdigest()}


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else utc_text(time_us)


def _lines(items: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def _table(items: Iterable[Mapping[str, Any]]) -> bytes:
    """A row for each event of each access (RFC 4180); several values in a cell are separated by spaces."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for item in items:
        events: Sequence[Mapping[str, str]] = item["events"] or [{}]
        for event in events:
            row = {**item, **event}
            cells = (row.get(column, "") for column in _COLUMNS)
            writer.writerow([" ".join(cell) if isinstance(cell, list) else _harmless(cell) for cell in cells])
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins like this for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
