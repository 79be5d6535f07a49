"""What a request takes of its sender's quota, and what its answer says of what is left.

The fields are those of RateLimit header fields for HTTP (draft-ietf-httpapi-ratelimit-headers-10): lists of strings
(RFC 9651) that name a policy each, with its quota `q`, its window `w` in seconds and its unit `qu`; of what is left
`r`, and in how many seconds, `t`, all of it is there again.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.intake.quota import Left, Quotas
from hub.web.problems import Refused
from hub.web.under_way import ROUTE

_UNITS = {"events": ';qu="events"', "bytes": ';qu="content-bytes"', "requests": ""}
"""Requests are the unit where none is named."""


def too_many_failures() -> Refused:
    """For an address whose authentications keep failing."""
    return Refused(Refusal("TOO_MANY_REQUESTS", "failed authentications")).pausing(1.0)


class RequestCharge:
    """A request under way that its sender's accounts were charged for."""

    def __init__(self, quotas: Quotas, principal: Principal, request: web.BaseRequest) -> None:
        route = request[ROUTE]
        self._quotas = quotas
        self._accounts = quotas.accounts(principal)
        self._shown = self._accounts if principal.agent is None else self._accounts[1:]
        """What is left to a principal tells an agent what others send for it."""
        self._stays = route.waits
        self._writes = route.method == "POST" and route.scope == "events:write"
        self._declared = request.content_length or 0
        self._entered = False

    def enter(self) -> None:
        """Charge the request and its declared body, before any of it is read. Raises `Refused`."""
        if refusal := self._quotas.enter(self._accounts, (0, self._declared, 1), stays=self._stays):
            raise Refused(refusal)
        self._entered = True

    def headers(self) -> Mapping[str, str]:
        left = self._quotas.left(self._shown)
        shown = left if self._writes else [each for each in left if each.name == "requests"]
        return {"RateLimit-Policy": ", ".join(map(_policy, shown)), "RateLimit": ", ".join(map(_left, shown))}

    def pause(self) -> float:
        return self._quotas.pause(self._accounts)

    def end(self, bytes_received: int) -> None:
        """Give the place back, and pay for what came without having been declared."""
        if not self._entered:
            return
        if not self._declared and bytes_received:
            self._quotas.owe(self._accounts, (0, bytes_received, 0))
        self._quotas.leave(self._accounts, stays=self._stays)


def _policy(left: Left) -> str:
    return f'"{left.name}";q={left.quota};w={left.window_seconds}{_UNITS[left.name]}'


def _left(left: Left) -> str:
    return f'"{left.name}";r={left.remaining};t={left.full_in_seconds}'
