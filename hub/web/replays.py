"""Replays over HTTP: a recipient begins, reads, lists and ends its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import orjson
from aiohttp import web
from msgspec import Meta, Struct

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.feed import Lane
from hub.core.operator import CLIENT_PREFIX
from hub.core.replay import FOR_EVER_US, Replay
from hub.core.settings import ReplaySettings
from hub.delivery.journal import Reader
from hub.delivery.replay import Replaying
from hub.delivery.replay_start import Starting, Wanted
from hub.delivery.replays import Replays
from hub.trust.cursor import CURSOR_CHARACTERS_MAX
from hub.trust.statement import utc_text
from hub.web import render
from hub.web.edge import JSON, BodyReader, Handler, answer, number, only
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from hub.web.reading import proof_asked
from schemas.identity import instant_us

BODY_BYTES_MAX = 16_384
WAIT_SECONDS_MAX = 30
_OPERATOR = "operator"
LANES = {None: None, "main": Lane.MAIN, "urgent": Lane.URGENT}

CursorText = Annotated[str, Meta(max_length=CURSOR_CHARACTERS_MAX)]


class _Body(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    from_: str | None = None
    to: str | None = None
    cursor: CursorText | None = None
    until: CursorText | None = None
    missing: CursorText | None = None
    failed: bool = False
    known_at: str | None = None
    lane: str | None = None


_body = msgspec.json.Decoder(_Body)


class ReplaysAPI:
    """Handlers of replays."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        starting: Starting,
        replaying: Replaying,
        replays: Replays,
        settings: ReplaySettings,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._starting = starting
        self._replaying = replaying
        self._replays = replays
        self._settings = settings

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "start_replay": self.start,
            "list_replays": self.list,
            "get_replay_records": self.records,
            "end_replay": self.end,
        }

    async def start(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        self._gate.enter(request, "feeds:read")
        only(request, ())
        self._bodies.media_type(request, (JSON,))
        wanted = _wanted(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX))
        principal = self._gate.enter(request, "feeds:read")  # The body may have taken seconds.
        started = await self._starting.start(principal.partner.id, names["feed"], wanted, _reader(principal))
        replay = granted(started)
        return answer(_for_its_recipient(replay), 201, {"Location": f"/v1/replays/{replay.id}/records"})

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        only(request, ())
        found = await self._replays.of(principal.partner.id)
        return answer({"items": [_for_its_recipient(each) for each in found], "next": None})

    async def records(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        only(request, ("cursor", "limit", "wait", "proof"))
        page = granted(
            await self._replaying.page(
                principal.partner.id,
                names["replay"],
                request.query.get("cursor"),
                reader=_reader(principal),
                limit=max(1, number(request, "limit", self._settings.page_records_max)),
                wait=min(number(request, "wait", 0), WAIT_SECONDS_MAX),
                proof=proof_asked(request),
            )
        )
        self._gate.enter(request, "feeds:read")  # It may have waited long: who asks is looked at again.
        about = {"id": names["replay"], "complete": page.complete, "gap": page.gap}
        items = [orjson.Fragment(record) for record in page.records]
        sealed = {} if page.seals is None else {"seals": [*map(render.feed_seal, page.seals)]}
        return answer({"items": items, "next": page.cursor, "replay": about} | sealed)

    async def end(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        only(request, ())
        refusal = await self._replays.end(principal.partner.id, names["replay"])
        if refusal is not None:
            raise Refused(refusal)
        return web.Response(status=204)


def replay_document(replay: Replay) -> dict[str, object]:
    """A session as it is told."""
    bounds = {"from": replay.from_us, "to": replay.to_us, "known_at": replay.known_us}
    return {
        "id": replay.id,
        "feed": replay.feed,
        "asked": replay.asked.value,
        **{name: utc_text(moment) for name, moment in bounds.items() if 0 < moment < FOR_EVER_US},
        **({"lane": replay.lane or "main"} if replay.lane is not None else {}),
        "begun": utc_text(replay.begun * 1_000_000),
        "expires": utc_text(replay.expires * 1_000_000),
        "by": replay.by,
    }


def _for_its_recipient(replay: Replay) -> dict[str, object]:
    """Which operator began it is the hub's own matter."""
    began = _OPERATOR if replay.by.startswith(CLIENT_PREFIX) else replay.by
    return {**replay_document(replay), "by": began}


def _wanted(body: bytes) -> Wanted:
    """Raises `Refused`."""
    try:
        said = _body.decode(body)
    except msgspec.DecodeError as e:
        raise Refused(Refusal("BODY_MALFORMED", "schemas/formats/replay.md says what can be asked for")) from e
    if said.lane not in LANES:
        raise Refused(Refusal("BAD_REQUEST", "lane: main, urgent, or left out"))
    return Wanted(
        from_us=_moment("from", said.from_),
        to_us=_moment("to", said.to),
        cursor=said.cursor,
        until=said.until,
        missing=said.missing,
        failed=said.failed,
        known_us=_moment("known_at", said.known_at),
        lane=LANES[said.lane],
    )


def _moment(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    moment = instant_us(text)
    if moment is None:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: an RFC 3339 time with offset"))
    return max(0, moment)


def _reader(principal: Principal) -> Reader:
    return Reader(principal.system.id, principal.key_id)
