"""Digital copies of documents over HTTP: handed in, looked at, given back, withdrawn.

A copy comes once, in constant memory, and goes out the same way: never inline, and only to its publisher and to those
whom an agreement in force shows all that the event says of the document.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from hub.core.access import Step
from hub.core.copies import Asked, CopyDecision, Entry, Standing, Version, standing_of
from hub.core.errors import BlobDamaged, Refusal
from hub.core.evidence import Admitted, Item, Mode, Principal, Verdict
from hub.core.registry import Snapshot
from hub.core.settings import DocumentsSettings
from hub.delivery.journal import Journal
from hub.intake.copies import Copies
from hub.intake.deposit import Deposited, Deposits
from hub.intake.pipeline import Answer, Pipeline
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.views.documents import DOCUMENT, Copy, DocumentState, KnownDocuments
from hub.views.looked_up import looked_up
from hub.views.sight import Sight, Sights, sight_of_owner
from hub.views.states import Judged
from hub.web import render
from hub.web.answers import events_answer, leaving_headers, names_of
from hub.web.copy_routes import COPIES
from hub.web.edge import BodyReader, Handler, answer, language_of, only
from hub.web.gate import Gate
from hub.web.handing import hand_over
from hub.web.problems import Refused, fault_documents, granted
from hub.web.route import BINARY
from schemas import guard
from schemas.faults import Fault, Severity, fault
from schemas.headers import EventHeader, unpack

TAKEN = ", ".join(COPIES)
_TAKEN = re.compile(
    r"application/(?:pdf|x-pdf|octet-stream|(?:[a-z0-9.+-]+\+)?(?:xml|json)|v[cp](?:[-+]ld)?\+jwt)"
    r"|text/xml|image/(?:jpeg|jpg|pjpeg|png)"
)
PARAMETERS = frozenset(
    ("kind", "reference", "subject", "title", "issued_at", "source", "id", "updated_at", "replaces", "reason")
)
REASON_BYTES_MAX = 8_192
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST_FIELD = re.compile(r"(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/=]*):\s*(?=,|;|$)")
_STATUS = {Verdict.ACCEPTED: 201, Verdict.DUPLICATE: 200, Verdict.HELD: 202}


class CopiesAPI:
    """Handlers of digital copies."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        pipeline: Pipeline,
        deposits: Deposits,
        copies: Copies,
        known: KnownDocuments,
        sights: Sights,
        journal: Journal,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        settings: DocumentsSettings,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._pipeline = pipeline
        self._deposits = deposits
        self._copies = copies
        self._known = known
        self._sights = sights
        self._journal = journal
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._settings = settings

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "post_document": self.post,
            "get_document": self.get,
            "get_document_content": self.content,
            "withdraw_document": self.withdraw,
        }

    async def post(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Authenticate ▸ admit ▸ what can be said before the body ▸ receive ▸ deposit."""
        admitted = self._admit(request)
        claimed, digest, asked = _claimed_type(request), _claimed_digest(request), _asked(request)
        bounds = self._settings
        chunks = self._bodies.chunks(request, bytes_max=bounds.body_bytes_max, seconds_max=bounds.upload_seconds_max)
        replaced = await self._own(admitted, asked.replaces) if asked.replaces is not None else None
        if (refused := await self._deposits.foresee(admitted, asked, replaced)) is not None:
            return _item_answer(refused, request, admitted.principal)
        async with self._copies.receiving(admitted.principal.partner.id, chunks) as upload:
            if not self._pipeline.is_current(admitted):
                admitted = self._admit(request)  # The body may have taken a minute: who asks is looked at again.
            if digest not in (None, upload.digest):
                raise Refused(Refusal("DIGEST_DIFFERS", f"sha-256 of what came: {upload.sha256}"))
            outcome = await self._deposits.submit(admitted, upload, asked, replaced=replaced, claimed=claimed)
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
        if isinstance(outcome, Item):
            return _item_answer(outcome, request, admitted.principal)
        decision = self._snapshot().copy_decision(admitted.principal.partner.id, upload.sha256)
        state = await self._state_of(admitted.principal.partner.id, outcome)
        notes = [_WITHDRAWN] if state is DocumentState.WITHDRAWN else []
        document = {"sha256": upload.sha256, **_checked_document(outcome.entry, decision, language_of(request), notes)}
        more = {"document": document, "event": outcome.entry.event, "state": state.value}
        place = f"/v1/documents/{upload.sha256}" if admitted.principal.agent is None else ""
        return _item_answer(outcome.item, request, admitted.principal, more, place=place)

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal, sight = self._sight(request)
        copy = (await self._found(sight, _digest_of(names)))[0]
        versions = await self._known.versions(sight, copy)
        shown = [copy.shown, *(each.shown for each in versions)]
        await self._journal.add(looked_up(shown, sight, principal))
        document: dict[str, object] = {
            "publisher": copy.shown.event["publisher"],
            "state": copy.state.value,
            "document": copy.shown.data["document"],
            "versions": [_version_document(each) for each in versions],
        }
        publisher, digest = copy.known.publisher, _digest_of(names)
        entry = await self._copies.entry(publisher, digest) if sight.allows(copy.known, DOCUMENT) else None
        if entry is not None:
            decision = self._snapshot().copy_decision(publisher, digest)
            handing = _handing_of(copy, standing_of(entry, decision))
            document["copy"] = handing
            if publisher == sight.own:
                document |= _checked_document(entry, decision, language_of(request))
            if publisher == sight.own or handing == "given":
                document["credentials"] = entry.credentials
        return answer(document)

    async def content(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """The first copy of these bytes that the caller may have; else why not the newest."""
        (principal, sight), digest = self._sight(request), _digest_of(names)
        why = Refusal("NOT_FOUND")
        for copy in reversed(await self._found(sight, digest)):
            publisher = copy.known.publisher
            entry = await self._copies.entry(publisher, digest) if sight.allows(copy.known, DOCUMENT) else None
            if entry is None:
                continue
            decision = self._snapshot().copy_decision(publisher, digest)
            standing = standing_of(entry, decision)
            if copy.state is DocumentState.WITHDRAWN:
                why = Refusal("DOCUMENT_WITHDRAWN")
            elif standing is Standing.REFUSED:
                why = Refusal("COPY_REFUSED", decision.reason if decision and publisher == sight.own else "")
            elif standing is Standing.QUARANTINED:
                why = Refusal("DOCUMENT_QUARANTINED")
            else:
                await self._journal.add(looked_up([copy.shown], sight, principal, step=Step.VIEWED))
                return await self._hand_over(request, publisher, digest, entry, own=publisher == sight.own)
        raise Refused(why)

    async def _hand_over(
        self, request: web.BaseRequest, publisher: str, digest: str, entry: Entry, *, own: bool
    ) -> web.StreamResponse:
        seconds_max = self._settings.upload_seconds_max
        try:
            async with self._copies.opening(publisher, digest) as chunks:
                response = await hand_over(request, entry, digest, chunks, clock=self._clock, seconds_max=seconds_max)
        except BlobDamaged as e:
            self._observer.count("alarms", alarm="copy_damaged")
            self._observer.event("alarm.copy_damaged", error=str(e), sha256=digest)
            raise
        self._observer.count("documents_handed_over", to="publisher" if own else "recipient")
        return response

    async def withdraw(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        admitted = self._admit(request)
        if not request.can_read_body:
            raise Refused(Refusal("BODY_MALFORMED", _REASON))
        self._bodies.media_type(request, (BINARY,))
        body = await self._bodies.read(request, bytes_max=REASON_BYTES_MAX)
        if not self._pipeline.is_current(admitted):
            admitted = self._admit(request)
        reason = _reason(body)
        partner, digest = admitted.principal.partner.id, _digest_of(names)
        copy = (await self._found(sight_of_owner(partner), digest))[0]
        if not _is_brought_by(admitted.principal, copy):
            raise Refused(Refusal("NOT_FOUND"))
        version, last = await self._known.newest(partner, copy)
        body_digest = sha256(body).digest()
        if copy.state is DocumentState.WITHDRAWN:
            event = {name: member for name, member in last.event.items() if name in _OF_THE_EVENT}
            item = await self._deposits.again(admitted, body_digest, event)
        else:
            item = await self._deposits.withdraw(admitted, body_digest, version, reason)
        return _item_answer(item, request, admitted.principal, {"state": DocumentState.WITHDRAWN.value})

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        return granted(self._pipeline.admit(principal, mode=Mode.STRUCTURED, atomic=False))

    def _sight(self, request: web.BaseRequest) -> tuple[Principal, Sight]:
        principal: Principal = self._gate.enter(request, "receipts:read", "feeds:read")
        only(request, {"purpose"})
        purpose = request.query.get("purpose")
        return principal, granted(self._sights.of(principal, purpose, now=self._clock.now_us() // 1_000_000))

    async def _found(self, sight: Sight, digest: str) -> list[Copy]:
        """At least one. Raises `Refused`: for the caller there is none."""
        found = await self._known.copies(sight, digest)
        if not found:
            raise Refused(Refusal("NOT_FOUND"))
        return found

    async def _state_of(self, partner: str, deposited: Deposited) -> DocumentState:
        """What a copy that was handed in is now: one that came before may have been withdrawn since."""
        if deposited.item.verdict is not Verdict.DUPLICATE:
            return DocumentState.CURRENT
        event, document = deposited.entry.event, deposited.entry.event["data"]["document"]
        found = await self._known.copies(sight_of_owner(partner), document["sha256"])
        series = event["source"], event["id"]
        states = (each.state for each in found if (each.shown.event["source"], each.shown.event["id"]) == series)
        return next(states, DocumentState.CURRENT)

    async def _own(self, admitted: Admitted, digest: str) -> Version:
        """The newest version of the document that a copy of the caller's is one of."""
        partner = admitted.principal.partner.id
        found = await self._known.copies(sight_of_owner(partner), digest)
        if not found or not _is_brought_by(admitted.principal, found[0]):
            raise Refused(Refusal("BAD_REQUEST", "replaces: the SHA-256 (hex) of a document of yours"))
        return (await self._known.newest(partner, found[0]))[0]


_REASON = '{"reason": {"text": "…"}}'
_WITHDRAWN = replace(
    fault("DOCUMENT_STAYS_WITHDRAWN", "", "bytes of a withdrawn document", "updated_at, later than its withdrawal"),
    severity=Severity.WARNING,
)
_OF_THE_EVENT = frozenset(("specversion", "id", "source", "type", "time", "data"))


def _claimed_type(request: web.BaseRequest) -> str:
    if not _TAKEN.fullmatch(request.content_type):
        raise Refused(Refusal("MEDIA_TYPE_UNSUPPORTED", f"one of: {TAKEN}"))
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(Refusal("MEDIA_TYPE_UNSUPPORTED", "no Content-Encoding"))
    return request.content_type


def _claimed_digest(request: web.BaseRequest) -> bytes | None:
    """`Content-Digest` or `Repr-Digest` (RFC 9530 §2, §3), one thing where nothing is encoded; other algorithms than
    SHA-256 are passed over (§5)."""
    found: set[bytes] = set()
    for name in ("Content-Digest", "Repr-Digest"):
        for field in request.headers.getall(name, ()):
            for text in _DIGEST_FIELD.findall(field):
                try:
                    found.add(b64decode(text, validate=True))
                except Base64Error:
                    found.add(b"")
    if len(found) > 1 or any(len(each) != 32 for each in found):
        raise Refused(Refusal("BAD_REQUEST", "Content-Digest, Repr-Digest: sha-256=:<base64>:"))
    return next(iter(found), None)


def _asked(request: web.BaseRequest) -> Asked:
    query = request.query
    only(request, PARAMETERS, several={"subject"})
    if not (query.get("kind") and query.get("reference")):
        raise Refused(Refusal("BAD_REQUEST", "kind (UNTDID 1001) and reference: of the document, as parameters"))
    subjects = tuple(query.getall("subject", ()))
    if not all(scheme and value for scheme, _, value in (each.partition(":") for each in subjects)):
        raise Refused(Refusal("BAD_REQUEST", "subject: scheme:value, such as iso6346:MSKU1234565"))
    given: dict[str, Any] = {name: query[name] for name in PARAMETERS - {"subject"} if name in query}
    for name in ("issued_at", "updated_at"):
        if name in given:
            given[name] = given[name].replace(" ", "+")  # A `+` that was not percent-encoded.
    if "replaces" in given and not _SHA256.fullmatch(given["replaces"]):
        raise Refused(Refusal("BAD_REQUEST", "replaces: the SHA-256 (hex) of a document of yours"))
    return Asked(**given, subjects=subjects)


def _is_brought_by(principal: Principal, copy: Copy) -> bool:
    """Whether it may be changed by whoever asks: by its publisher, and by an agent that brought it itself."""
    header = unpack(copy.known.header)
    assert isinstance(header, EventHeader)
    return principal.sender.id in (header.publisher, header.sender)


def _digest_of(names: Mapping[str, str]) -> str:
    digest = names["sha256"]
    if not _SHA256.fullmatch(digest):
        raise Refused(Refusal("NOT_FOUND"))
    return digest


def _reason(body: bytes) -> dict[str, Any]:
    parsed = guard.parse(body)
    if isinstance(parsed, list):
        raise Refused(Refusal("BODY_MALFORMED", faults=parsed))
    reason = parsed.value.get("reason")
    if not isinstance(reason, dict) or set(parsed.value) != {"reason"}:
        raise Refused(Refusal("BODY_MALFORMED", _REASON))
    return reason


def _item_answer(
    item: Item,
    request: web.BaseRequest,
    principal: Principal,
    more: Mapping[str, object] | None = None,
    place: str = "",
) -> web.StreamResponse:
    language = language_of(request)
    if item.refusal is not None:
        return events_answer(Answer([item], Mode.STRUCTURED, principal=principal), language)
    headers = {**({"Location": place} if place else {}), **leaving_headers([item])}
    document = {**render.single_item(item, language), **names_of(principal), **(more or {})}
    return answer(document, _STATUS[item.verdict], headers)


def _handing_of(copy: Copy, standing: Standing) -> str:
    """Whether the bytes are given to those who may have them, or why not."""
    if copy.state is DocumentState.WITHDRAWN:
        return DocumentState.WITHDRAWN.value
    return standing.value if standing in (Standing.QUARANTINED, Standing.REFUSED) else "given"


def _checked_document(
    entry: Entry, decision: CopyDecision | None, language: str, notes: Sequence[Fault] = ()
) -> dict[str, object]:
    """What was found of a copy; `notes` go before it."""
    standing = standing_of(entry, decision)
    document: dict[str, object] = {
        "bytes": entry.bytes,
        "media_type": entry.media_type,
        "quarantined": standing is Standing.QUARANTINED,
        "faults": fault_documents([*notes, *entry.faults], language),
    }
    if decision is not None and standing in (Standing.RELEASED, Standing.REFUSED):
        decided = utc_text(decision.decided * 1_000_000)
        document["decision"] = {"outcome": standing.value, "reason": decision.reason, "decided": decided}
    return document


def _version_document(judged: Judged) -> dict[str, object]:
    event, data = judged.shown.event, judged.shown.data
    return {
        "type": event["type"],
        "status": judged.state.value,
        "sha256": data.get("document", {}).get("sha256"),
        "source": event["source"],
        "id": event["id"],
        "version": data.get("updated_at"),
        "received": utc_text(judged.shown.known.received_us),
    }
