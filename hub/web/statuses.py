"""AEO statuses over HTTP: what an administration tells of its authorisations, brought by a system of an authority.

The messages prove themselves, so who brings them gives them no weight; the scope keeps everybody else's load away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hub.core.errors import HubError, Refusal
from hub.core.partner import Role
from hub.core.proposal import Authority
from hub.operate.registrar import Done, Registrar
from hub.web.edge import BodyReader, Handler, answer, only
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from hub.web.route import TEXT

SCOPE = "aeo:write"
BODY_BYTES_MAX = 1_048_576
"""Of up to 500 lines; each is some 700 bytes."""


class StatusAPI:
    def __init__(self, *, gate: Gate, bodies: BodyReader, registrar: Registrar) -> None:
        self._gate = gate
        self._bodies = bodies
        self._registrar = registrar

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_aeo_statuses": self.tell}

    async def tell(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, SCOPE)
        if Role.AUTHORITY not in principal.partner.roles:
            raise Refused(Refusal("ROLE_NOT_PERMITTED", "AEO statuses are told by: authority"))
        only(request, ())
        self._bodies.media_type(request, (TEXT,))
        body = await self._bodies.read(request, bytes_max=BODY_BYTES_MAX)
        self._gate.enter(request, SCOPE)  # The body may have taken seconds: who asks is looked at again.
        try:
            lines = body.decode("ascii").split()
        except UnicodeDecodeError as error:
            raise Refused(Refusal("BODY_MALFORMED", "one JWS in compact form a line")) from error
        try:
            done = await self._registrar.perform(
                "aeo.tell", {"lines": lines}, actor=principal.system.id, authority=Authority.ISSUER
            )
        except HubError as error:
            raise Refused(Refusal(error.code)) from error
        return answer(_told(granted(done)))


def _told(done: Done) -> dict[str, Any]:
    """How far each feed came, and of which authorisations something was registered."""
    changed = {(each["kind"], each["id"]): each["object"] for each in done.changed}
    return {
        "revision": done.revision,
        "sequences": {key: each["sequence"] for (kind, key), each in changed.items() if kind == "status_feed"},
        "authorisations": [key for kind, key in changed if kind == "authorisation"],
    }
