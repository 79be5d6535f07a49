"""Signed requests on the wire, and the way back to what was kept of them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted
from hub.intake.signed import SignedRequests
from hub.trust.signature_base import Message
from hub.web.edge import Handler
from hub.web.gate import Gate
from hub.web.problems import Refused, granted

PROOF = "Hub-Proof"
"""Of an answer: the SHA-256 of the request as it is kept."""


class Signatures:
    """`url` is the hub as its partners know it: what they sign as `@target-uri` begins with it."""

    def __init__(self, url: str, gate: Gate, signed: SignedRequests) -> None:
        self._url = url
        self._gate = gate
        self._signed = signed

    def handlers(self) -> Mapping[str, Handler]:
        return {"get_proof": self.get_proof}

    async def proven(self, request: web.BaseRequest, admitted: Admitted, body: bytes) -> Admitted:
        """The admitted request, with its proof if it is signed. Raises `Refused`: a signature that is sent must hold.

        Raises StorageFull and StorageUnavailable.
        """
        if "Signature" not in request.headers and "Signature-Input" not in request.headers:
            return admitted
        fields = tuple((name.lower(), value) for name, value in request.headers.items())
        message = Message(request.method, self._url + request.raw_path, fields)
        return granted(await self._signed.prove(admitted, message, body))

    def told(self, response: web.Response, admitted: Admitted) -> web.Response:
        """The answer, with the name under which the proof is kept."""
        if admitted.proof:
            response.headers[PROOF] = admitted.proof.hex()
        return response

    async def get_proof(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """A signed request of the caller's own, as it is kept."""
        principal = self._gate.enter(request, "receipts:read")
        content = await self._signed.kept(principal.partner.id, names["sha256"])
        if content is None:
            raise Refused(Refusal("NOT_FOUND"))
        return web.Response(
            body=content,
            content_type="application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
        )
