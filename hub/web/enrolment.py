"""Enrolment over HTTP: two routes for those who are not known yet, two for those who want to see how far they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from aiohttp import web
from msgspec import Meta, Struct

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.partner import SCOPES
from hub.core.registry import Snapshot
from hub.intake.strangers import prefix_of
from hub.operate.checklist import Item, checklist_of
from hub.operate.enrol import EnrolmentDesk
from hub.operate.progress import Progress
from hub.ports.key_ring import KeyRing
from hub.ports.system import Clock
from hub.trust.receipt import Shown, is_own, read_receipt
from hub.trust.statement import utc_text
from hub.web.charge import too_many_failures
from hub.web.edge import JSON, BodyReader, Handler, answer, only
from hub.web.gate import Gate
from hub.web.problems import Refused
from hub.web.under_way import ROUTE
from schemas.guard import parse_as

BODY_BYTES_MAX = 16_384
_NEVER_CACHED = {"Cache-Control": "no-store"}


class _Challenged(Struct, frozen=True, forbid_unknown_fields=True):
    code_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Brought(Struct, frozen=True, forbid_unknown_fields=True):
    proof: str


class _Verified(Struct, frozen=True, forbid_unknown_fields=True):
    receipt: dict[str, Any]


T = TypeVar("T", bound=Struct)


class EnrolmentAPI:
    def __init__(
        self,
        desk: EnrolmentDesk,
        progress: Progress,
        *,
        gate: Gate,
        bodies: BodyReader,
        keys: KeyRing,
        snapshot: Callable[[], Snapshot],
        url: str,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._progress = progress
        self._gate = gate
        self._bodies = bodies
        self._keys = keys
        self._snapshot = snapshot
        self._url = url
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "enrolment_challenge": self.challenge,
            "enrol": self.enrol,
            "enrolment_checklist": self.checklist,
            "receipt_verified": self.receipt_verified,
        }

    async def challenge(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        asked = await self._stranger(request, _Challenged, '{"code_sha256": "…"}')
        given = self._desk.challenge(asked.code_sha256, prefix_of(self._gate.address(request)))
        if isinstance(given, Refusal):
            raise Refused(given).pausing(1.0)
        document = {"nonce": given.nonce, "expires_in": given.seconds, "hub": self._url, "time": given.time}
        return answer(document, 200, _NEVER_CACHED)

    async def enrol(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        asked = await self._stranger(request, _Brought, '{"proof": "…"}')
        enrolled = await self._desk.enrol(asked.proof, prefix_of(self._gate.address(request)))
        if isinstance(enrolled, Refusal):
            address, door = self._gate.address(request), request[ROUTE].name
            pause = self._gate.strangers.refused(address, door=door, reason=enrolled.code)
            raise Refused(enrolled).pausing(pause)
        document = {
            "client_id": enrolled.client_id,
            "key": enrolled.key,
            "read_out": enrolled.spoken,
            "state": "requested",
            "scopes": list(enrolled.scopes),
            "revocation_code": enrolled.revocation_code,
            "hub": self._url,
        }
        return answer(document, 201, _NEVER_CACHED)

    async def checklist(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, *SCOPES)
        only(request, ())
        await self._progress.settle(principal.system.id)
        return self._checklist(principal)

    async def receipt_verified(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        self._gate.enter(request, *SCOPES)
        asked = await self._read(request, _Verified, '{"receipt": {…}}')
        principal = self._gate.enter(request, *SCOPES)  # The body may have taken seconds: who asks is looked at again.
        shown = read_receipt(asked.receipt)
        if shown is None or not self._is_own(shown, principal):
            raise Refused(Refusal("RECEIPT_NOT_OURS"))
        if principal.system.id in {each.id for each in self._snapshot().enrolments.of(principal.partner.id)}:
            await self._progress.receipt(principal.system.id)
        return self._checklist(principal)

    def _is_own(self, shown: Shown, principal: Principal) -> bool:
        keys = {key.id: key.public for key in self._keys.seal_keys()}
        return shown.statement.get("publisher") == principal.partner.id and is_own(shown, keys.get)

    def _checklist(self, principal: Principal) -> web.Response:
        snapshot, now = self._snapshot(), self._clock.now_us() // 1_000_000
        enrolment = snapshot.enrolments.get(principal.system.id)
        if enrolment is None:
            raise Refused(Refusal("NOT_FOUND"))
        found = checklist_of(enrolment, snapshot, now)
        items = [_item(each) for each in found.items]
        document = {"system": found.system, "key": found.key, "complete": found.complete, "items": items}
        return answer(document, 200, _NEVER_CACHED)

    async def _stranger(self, request: web.BaseRequest, shape: type[T], wanted: str) -> T:
        """What a stranger sends, whose address did not fail too often of late."""
        if self._gate.strangers.must_wait(self._gate.address(request)):
            raise too_many_failures()
        return await self._read(request, shape, wanted)

    async def _read(self, request: web.BaseRequest, shape: type[T], wanted: str) -> T:
        only(request, ())
        self._bodies.media_type(request, (JSON,))
        found = parse_as(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX), shape)
        if found is None:
            raise Refused(Refusal("BODY_MALFORMED", wanted))
        return found


def _item(item: Item) -> dict[str, object]:
    document: dict[str, object] = {"name": item.name, "done": item.done}
    if item.at is not None:
        document["at"] = utc_text(item.at * 1_000_000)
    if item.found:
        document["found"] = item.found
    return document
