"""What a company asks about what was set aside: its own letters alone, and in them its own data alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hub.core.dead_letter import CONFLICT, FAILED, UNDELIVERED, DeadLetter, LetterState
from hub.core.errors import ERRORS, Refusal
from hub.operate.letter_desk import LetterDesk, Opened
from hub.ports.dead_letters import After, Which
from hub.trust.statement import utc_text
from hub.web.edge import Handler, answer, language_of, number, only
from hub.web.gate import ASKED, Gate
from hub.web.problems import Refused
from hub.web.reading import of_whom

ITEMS_MAX = 100
_CURSOR = re.compile(r"(\d{1,19})\.([0-9a-f]{1,64})")
_REMEDIES = {CONFLICT: "send-version", FAILED: "wait", UNDELIVERED: "pull"}
"""What its partner can do while it waits: send a corrected version, nothing, or read the feed itself."""


class DeadLettersAPI:
    def __init__(self, gate: Gate, desk: LetterDesk) -> None:
        self._gate = gate
        self._desk = desk

    def handlers(self) -> Mapping[str, Handler]:
        return {"list_dead_letters": self.list, "get_dead_letter": self.get}

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, {ASKED, "state", "cursor", "limit"})
        partner, agent = of_whom(request, principal)
        which = Which(partner=partner, agent=agent, state=_state_of(request))
        limit = min(max(1, number(request, "limit", ITEMS_MAX)), ITEMS_MAX)
        found = await self._desk.page(which, after=_after(request), limit=limit + 1)
        items = [_told(each, language_of(request)) for each in found[:limit]]
        following = f"{found[limit - 1].since_us}.{found[limit - 1].id}" if len(found) > limit else None
        return answer({"items": items, "next": following})

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, {ASKED})
        partner, agent = of_whom(request, principal)
        letter = await self._desk.get(names["letter"])
        if letter is None or letter.partner != partner or agent not in (None, letter.agent):
            raise Refused(Refusal("NOT_FOUND"))
        opened = await self._desk.opened(letter)
        return answer({**_told(letter, language_of(request)), **_compared(opened, agent)})


def _told(letter: DeadLetter, language: str) -> dict[str, Any]:
    row, header = ERRORS[letter.cause], letter.event
    told: dict[str, Any] = {
        "id": letter.id,
        "code": letter.cause,
        "title": row.fr if language == "fr" else row.en,
        "since": utc_text(letter.since_us),
        "state": letter.state.value,
        "remedy": _REMEDIES.get(letter.cause, "wait") if letter.state is LetterState.WAITING else "none",
    }
    if header is not None:
        event = {"type": header.type, "source": header.source, "id": header.id}
        version = {"version": header.version} if header.version else {}
        told["event"] = {**event, **version, "received": utc_text(header.received_us)}
    if letter.cause == UNDELIVERED:
        told["delivery"] = {
            name: letter.said.get(name) for name in ("endpoint", "feed", "webhook_id", "attempts", "why")
        }
    if letter.state is not LetterState.WAITING:
        told["settled"] = utc_text(letter.settled_us)
    return told


def _compared(opened: Opened, agent: str | None) -> dict[str, Any]:
    """Of a conflict; an agent is shown what it sent itself, and nothing of what another did."""
    first = opened.first_header
    if first is None or agent not in (None, first.sender):
        return {"differences": []}
    rows = [{"at": each.at, "found": each.found, "expected": each.expected} for each in opened.differences()]
    return {"differences": rows, "first_received": utc_text(first.received_us)}


def _state_of(request: web.BaseRequest) -> LetterState | None:
    if (asked := request.query.get("state")) is None:
        return None
    try:
        return LetterState(asked)
    except ValueError as error:
        raise Refused(Refusal("BAD_REQUEST", f"state: one of {', '.join(LetterState)}")) from error


def _after(request: web.BaseRequest) -> After | None:
    if (cursor := request.query.get("cursor")) is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise Refused(Refusal("CURSOR_INVALID"))
    return min(int(match[1]), 2**62), match[2]
