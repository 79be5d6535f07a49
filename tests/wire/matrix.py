"""What the access matrix is made of: a stage with things of others on it, kinds of callers, and how routes are asked.

All that belongs to the others says `MARKER` somewhere, and nothing that a caller sends does: an answer that holds it
leaks. What a name in a path can stand for is one row of `NAMES`; how a route is asked is one row of `ASKED`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
import orjson

from connectors.keys import generate
from connectors.signing import signature_headers
from hub.core.codes import digest_of, make_api_key
from hub.core.dead_letter import letter_id
from hub.core.partner import SCOPES as REGISTERED
from hub.core.record import EVENTS, QUARANTINE, LogRecord, Position
from hub.web.route import Route
from schemas.headers import EventHeader, NoticeHeader, pack, unpack
from tests.edifact import interchange, message
from tests.mandates import JSON, drafted, signed_by
from tests.wire import test_copies, test_epcis, test_interchanges, test_tables
from tests.wire.test_copies import png
from tests.world import ASSERTION_TYPE, GATE_IN, RISK, SOURCE, Answer, Caller, HubWorld, event

MARKER = "Zqxmarker"
EVERYTHING = {"from": "1970-01-01T00:00:00Z"}
SCOPES = ("events:write", "feeds:read", "receipts:read")
WHICH = ("own", "foreign", "unknown")
CONTAINERS = {"foreign": "TCLU4265557", "own": "CSQU3054383", "unknown": "MSCU6639870"}
Names = Mapping[str, str]
Kit = dict[str, Any]
"""What one company has, by the name that stands for it in a path: table, capture, sha256, event, …"""


@dataclass
class Stage:
    """A world in which `victim` sent something of every kind, and `holder` reads it."""

    world: HubWorld
    victim: Caller
    holder: Caller
    theirs: Kit = field(default_factory=dict)
    own: Kit = field(default_factory=dict)
    """What the caller made for itself."""


async def a_mandate(caller: Caller) -> str:
    """Its name; two systems of the principal sign it."""
    world, keys = caller.world, (generate("EdDSA"), generate("EdDSA"))
    for number, key in enumerate(keys):
        public = key.public_pem().decode()
        given = {"partner": caller.partner, "system": f"signer{number}", "key": public, "scopes": ["mandates:sign"]}
        await world.act("key.add", **given)
    written = drafted(caller, "custodian", sources=[f"urn:{MARKER}"])
    await world.act("mandate.grant", principal=caller.partner, **signed_by(written, keys))
    return str(written["mandate"]["id"])


async def a_replay(caller: Caller, feed: str) -> str:
    """A session on a feed of the caller's."""
    answer = await caller.ask("POST", f"/v1/feeds/{feed}/replays", json=EVERYTHING)
    assert answer.status == 201, answer
    return str(answer.json["id"])


async def a_proposal(world: HubWorld) -> str:
    """Between the two, which both are to sign."""
    terms = {"provider": {"partner": "victim"}, "types": ["*"], "fields": ["/id"], "legal_basis": MARKER}
    await world.act("agreement.propose", id="between-them", recipient="custodian", purpose="statistics", **terms)
    return "between-them"


async def set_up(world: HubWorld) -> Stage:
    aeo = {"type": "F", "issuer": "NL", "valid_from": "2020-01-01", "number": f"NLAEOF-{MARKER}"}
    roles = ["terminal", "carrier", "exporter"]
    await world.reader("custodian", feed=False)
    victim = await world.company("victim", scopes=SCOPES, roles=roles, name=f"{MARKER} Lines")
    await world.act("partner.aeo", id="victim", **aeo)
    holder = await world.reader("holder", provider={"partner": "victim"}, notices=["hold"])
    stage = Stage(world, victim, holder)
    stage.theirs = await something_of_every_kind(victim, "foreign", MARKER)
    stage.theirs |= {"mandate": await a_mandate(victim), "agreement": await a_proposal(world)}
    stage.theirs |= {"feed": "holder", "cursor": (await holder.get("/v1/feeds/holder/records", wait=30)).json["next"]}
    stage.theirs["replay"] = await a_replay(holder, "holder")
    stage.theirs |= {"record": (await holder.records("holder", 1))[0]}
    stage.theirs["notice"] = await a_notice(stage)
    stage.theirs["letter"] = await a_letter(world, "victim")
    while len((await victim.get("/v1/events")).json["items"]) < SENT:
        await asyncio.sleep(0.005)
    return stage


async def a_letter(world: HubWorld, publisher: str) -> str:
    """The id of a dead letter: the publisher's first event, set aside as if there had been another before it."""
    log, letters = world.hub.ports.log, world.hub.ports.dead_letters
    async with log.reader(EVENTS) as reader:
        records = await reader.read(0, 0, records_max=100, bytes_max=1_048_576)
    headers = ((record, unpack(record.header)) for record in records)
    found = (each for each, header in headers if isinstance(header, EventHeader) and header.publisher == publisher)
    record = next(found)
    about = NoticeHeader(publisher, "CONFLICT", log.generation, 0, record.offset)
    kept = msgspec.msgpack.encode([record.header, record.value])
    await log.append(QUARANTINE, 0, [LogRecord(publisher.encode(), pack(about), kept)])
    name = letter_id(Position(log.generation, 0, record.offset), "CONFLICT", "")
    while await letters.get(name) is None:
        await asyncio.sleep(0.005)
    return name


async def a_notice(stage: Stage) -> str:
    """The id of what the holder tells the victim, once that one can read it. It does not say the marker."""
    sender = Caller(stage.world, "holder.engine", generate("EdDSA"))
    key = sender.key.public_pem().decode()
    await stage.world.act("key.add", partner="holder", system="engine", key=key, scopes=["notices:write"])
    assert (await sender.sign_in()).status == 200
    answer = await sender.ask("POST", "/v1/notices", data=_notice(stage, sender), headers=JSON)
    assert answer.status == 201, answer
    while not (await stage.victim.get("/v1/notices", wait=1)).json["items"]:
        pass
    return str(answer.json["items"][0]["notice"])


async def lose_a_key(victim: Caller) -> None:
    """So that there is a notice to the one who reads what came under it."""
    lost = Caller(victim.world, victim.id, generate("EdDSA"))
    await victim.world.add_key(lost)
    await lost.sign_in()
    assert (await lost.post(event(f"{MARKER}-lost"))).status == 201
    await victim.world.act("key.leaked", key=lost.key.id, since="1970-01-01", reason=MARKER)


SENT = 6
"""Events that come of it."""


async def something_of_every_kind(caller: Caller, which: str, text: str) -> Kit:
    """Post an event, a table, a capture and a copy that all say `text`; empty if the caller may send nothing."""
    about = [{"scheme": "iso6346", "value": CONTAINERS[which]}]
    posted = await caller.post(event(f"{which}-event", subjects=about, place={"unlocode": "NLRTM", "name": text}))
    if posted.status != 201:
        return {}
    assert (await caller.post(event(f"{text}-event", subjects=about))).status == 201
    table = await test_tables.post(caller, test_tables.sheet(f"{text}-row,no"))
    unread = await test_interchanges.post(caller, interchange(message(text, "BGM")))
    urn = f"urn:uuid:{which}"
    captured = test_epcis.document(
        test_epcis.epcis(urn, bizTransactionList=[{"type": "po", "bizTransaction": f"urn:x:{text}"}])
    )
    capture = await test_epcis.send(caller, "/epcis/capture", captured)
    content = png(text=text.encode())
    copy = await test_copies.post(caller, content, reference=f"INV-{text}", title=text)
    assert (table.status, capture.status) == (200, 202), (table, capture)
    await test_epcis.ended(caller, capture.headers["Location"])
    return {
        "table": table.headers["Location"].rpartition("/")[2],
        "interchange": unread.headers["Location"].rpartition("/")[2],
        "capture": capture.headers["Location"].rpartition("/")[2],
        "event": urn,
        "scheme": "iso6346",
        "value": CONTAINERS[which],
        **({"sha256": sha256(content).hexdigest()} if copy.status == 201 else {}),
        "receipt": posted.json["receipt"],
        **({"proof": await _signed(caller, event(f"{text}-signed", subjects=about))} if _has_a_key(caller) else {}),
    }


def _has_a_key(caller: Caller) -> bool:
    return caller.world.hub.snapshot().keys.get(caller.key.id) is not None


async def _signed(caller: Caller, sent: object) -> str:
    """Post a request that its sender signed; the name that its proof is kept under."""
    body = orjson.dumps(sent)
    url = f"{caller.world.hub.url}/v1/events"
    answer = await caller.post(body, **signature_headers(caller.key, "POST", url, body, now=int(time.time())))
    assert answer.status == 201, answer
    return answer.headers["Hub-Proof"]


KEPT_AS = {"get_proof": {"sha256": "proof"}}
"""By route: what a name in its path stands for, where the name alone does not say it."""
UNKNOWN: Kit = {
    "proof": sha256(b"nobody signed it").hexdigest(),
    "mandate": "no-such-mandate",
    "agreement": "no-such-agreement",
    "feed": "no-such-feed",
    "replay": "0" * 32,
    "notice": "0" * 32,
    "letter": "0" * 32,
    "table": "0" * 32,
    "interchange": "0" * 32,
    "capture": "0" * 32,
    "sha256": sha256(b"nobody has it").hexdigest(),
    "event": "urn:uuid:unknown",
    "scheme": "iso6346",
    "value": CONTAINERS["unknown"],
}

PRIVATE = {
    ("feed",),
    ("replay",),
    ("notice",),
    ("letter",),
    ("table",),
    ("interchange",),
    ("capture",),
    ("sha256",),
    ("event",),
    ("scheme", "value"),
    ("mandate",),
    ("agreement",),
}
"""Names of which everybody has their own: another's is answered like one that nobody has."""
PUBLIC: dict[tuple[str, ...], Kit] = {
    ("type",): {"type": GATE_IN},
    ("type", "version"): {"type": GATE_IN, "version": "1.0"},
    ("other",): {"other": "queries/q1"},
}
ANSWERED_ALIKE = {"epcis_capture_job_options", "epcis_event_options", "get_object"}
"""They tell of the interface whatever stands in the path, or of nothing: containers are nobody's."""


def names_in(route: Route) -> tuple[str, ...]:
    return tuple(part.strip("{}*") for part in route.path.split("/") if part.startswith("{"))


def standing_for(route: Route, stage: Stage) -> Iterator[tuple[str, Names]]:
    """Which, and the names in the route's path: own, foreign, unknown; `public` where nothing in it is anybody's."""
    names = names_in(route)
    if names not in PRIVATE:
        yield "public", PUBLIC.get(names, {})
        return
    for which, kit in zip(WHICH, (stage.own, stage.theirs, UNKNOWN), strict=True):
        keys = {name: KEPT_AS.get(route.name, {}).get(name, name) for name in names}
        if all(key in kit for key in keys.values()):
            yield which, {name: kit[key] for name, key in keys.items()}


def filled(route: Route, names: Names) -> str:
    path = route.path.replace("*}", "}")
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=":/"))
    return path


Body = Callable[[Stage, Caller], object]


@dataclass(frozen=True)
class Asked:
    """How a route is asked: each query in turn, and a body that is right in form."""

    queries: tuple[str, ...] = ("",)
    body: Body | None = None
    media_type: str = "application/json"


def _form(**more: str) -> Body:
    def make(stage: Stage, caller: Caller) -> object:
        good = caller.assertion() | {"token": stage.victim.token, "grant_type": "client_credentials"}
        return "&".join(f"{name}={quote(text)}" for name, text in (good | more).items()).encode()

    return make


def _json(document: object) -> Body:
    return lambda stage, caller: orjson.dumps(document)


def _receipt(stage: Stage, caller: Caller) -> object:
    return orjson.dumps({"receipt": stage.theirs["receipt"]})


def _capture(stage: Stage, caller: Caller) -> object:
    return orjson.dumps(test_epcis.document(test_epcis.epcis("urn:uuid:asked")))


def _acknowledged(stage: Stage, caller: Caller) -> object:
    return orjson.dumps({"cursor": stage.theirs["cursor"]})


def _notice(stage: Stage, caller: Caller) -> object:
    """About an event of the victim's, as the holder's feed showed it."""
    names = {name: stage.theirs["record"][name] for name in ("source", "id", "publisher", "receivedtime")}
    about = {"id": "asked", "kind": "hold", "feed": stage.theirs["feed"], "event": names}
    return orjson.dumps(about | {"text": "Hold it.", "language": "en"})


def _event(stage: Stage, caller: Caller) -> object:
    return orjson.dumps(event("foreign-event"))


def _row(stage: Stage, caller: Caller) -> object:
    return test_tables.sheet("asked-row,no")


def _edifact(stage: Stage, caller: Caller) -> object:
    return interchange(message("CODECO", "BGM+34"))


def _copy(stage: Stage, caller: Caller) -> object:
    return png(text=b"asked")


FORM = "application/x-www-form-urlencoded"
_THEIR_OBJECT = f"object=iso6346:{CONTAINERS['foreign']}"
_THEIR_EVENT = f"source={quote(SOURCE)}&id=foreign-event"
_AN_HOUR = quote((datetime.now(UTC) - timedelta(hours=2)).isoformat())
_COPY = "kind=380&reference=R"
_LINKED = "application/ld+json"
_CLOUD = "application/cloudevents+json"
_ANYTHING = Asked()
_LISTS = ("", "perPage=1", "nextPageToken=x")
THEIR_COPY = sha256(png(text=MARKER.encode())).hexdigest()

ASKED: dict[str, Asked] = {
    "token": Asked(body=_form(client_assertion="a.b.c"), media_type=FORM),
    "introspect": Asked(body=_form(), media_type=FORM),
    "revoke": Asked(body=_form(), media_type=FORM),
    "enrolment_challenge": Asked(body=_json({"code_sha256": "0" * 64})),
    "enrol": Asked(body=_json({"proof": "a.b.c"})),
    "enrolment_checklist": _ANYTHING,
    "receipt_verified": Asked(body=_receipt),
    "rotate_credential": Asked(body=_json({"proof": "a.b.c"})),
    "revoke_credential": Asked(body=_json({"code": "chr_0"})),
    "metadata": _ANYTHING,
    "jwks": _ANYTHING,
    "seal_keys": _ANYTHING,
    "post_events": Asked(body=_event, media_type=_CLOUD),
    "validate": Asked(body=_event, media_type=_CLOUD),
    "post_table": Asked((f"type={GATE_IN}",), _row, "text/csv"),
    "grant_mandate": Asked(body=_json({"mandate": {"id": "asked"}, "signatures": []})),
    "withdraw_mandate": Asked(body=_json({"withdrawal": {"id": "asked"}, "signatures": []})),
    "list_mandates": Asked(("", "limit=1", "cursor=x")),
    "own_agreements": Asked(("", "limit=1", "cursor=x")),
    "sign_agreement": Asked(body=_json({"signature": "a..b"})),
    "get_table": Asked(("", "limit=1", "cursor=x")),
    "post_interchange": Asked(("", "source=x"), _edifact, "application/edifact"),
    "get_interchange": Asked(("", "limit=1", "cursor=x", "answer=contrl", "answer=aperak")),
    "get_workbook": _ANYTHING,
    "get_xlsx_template": _ANYTHING,
    "get_csv_template": _ANYTHING,
    "post_document": Asked((_COPY, f"{_COPY}&replaces={THEIR_COPY}&reason=x"), _copy, "image/png"),
    "get_document": Asked(("", f"purpose={RISK}")),
    "get_document_content": Asked(("", f"purpose={RISK}")),
    "withdraw_document": Asked(body=_json({"reason": {"text": "Cancelled."}})),
    "list_schemas": _ANYTHING,
    "get_schema_type": _ANYTHING,
    "get_schema": _ANYTHING,
    "openapi": _ANYTHING,
    "asyncapi": _ANYTHING,
    "get_events": Asked(
        (
            "",
            "publisher=victim",
            _THEIR_OBJECT,
            f"{_THEIR_OBJECT}&tied=true",
            _THEIR_EVENT,
            f"{_THEIR_EVENT}&on_behalf_of=victim",
            f"purpose={RISK}",
            "limit=1",
        )
    ),
    "get_object": Asked(("", f"purpose={RISK}")),
    "get_receipts": Asked((_THEIR_EVENT, f"{_THEIR_EVENT}&on_behalf_of=victim")),
    "get_receipt_chain": Asked((_THEIR_EVENT, f"{_THEIR_EVENT}&on_behalf_of=victim")),
    "list_dead_letters": Asked(("", "limit=1", "state=waiting", "on_behalf_of=victim")),
    "get_dead_letter": Asked(("", "on_behalf_of=victim")),
    "list_accesses": Asked(("", "limit=1", "format=csv", "format=ndjson", "concerning=yes", _THEIR_EVENT)),
    "get_notices": Asked(("", "wait=0", "limit=1")),
    "stream_notices": Asked(("cursor=x", "on_behalf_of=victim")),
    "send_notice": Asked(body=_notice),
    "sent_notices": Asked(("", "limit=1", "overdue=yes", "id=asked", "cursor=x")),
    "acknowledge_notice": Asked(body=_json({})),
    "list_feeds": _ANYTHING,
    "list_endpoints": _ANYTHING,
    "get_records": Asked(("", "limit=1", "from=earliest", "from=now")),
    "start_replay": Asked(body=_json(EVERYTHING)),
    "list_replays": _ANYTHING,
    "get_replay_records": Asked(("", "limit=1", "wait=0")),
    "end_replay": _ANYTHING,
    "acknowledge": Asked(body=_acknowledged),
    "get_feed_schema": _ANYTHING,
    "get_feed_asyncapi": _ANYTHING,
    "get_feed_lag": _ANYTHING,
    "count_feed": Asked(body=_json({"filter": "type exists"})),
    "stream": _ANYTHING,
    "epcis_discovery": _ANYTHING,
    "epcis_options": _ANYTHING,
    "epcis_capture": Asked(body=_capture, media_type=_LINKED),
    "epcis_capture_jobs": Asked(_LISTS),
    "epcis_capture_options": _ANYTHING,
    "epcis_capture_job": _ANYTHING,
    "epcis_capture_job_options": _ANYTHING,
    "epcis_post_event": Asked(
        body=lambda stage, caller: orjson.dumps(test_epcis.epcis("urn:uuid:e")), media_type=_LINKED
    ),
    "epcis_events": Asked((*_LISTS, f"GE_eventTime={_AN_HOUR}")),
    "epcis_events_options": _ANYTHING,
    "epcis_event": _ANYTHING,
    "epcis_event_options": _ANYTHING,
    "epcis_other": _ANYTHING,
    "get_proof": _ANYTHING,
    "post_aeo_statuses": Asked(body=lambda stage, caller: b"a.b.c", media_type="text/plain"),
    "live": _ANYTHING,
    "ready": _ANYTHING,
}
"""By the name of the route."""

ENDLESS = {("stream", "own")}
"""What answers for ever."""


async def asked(
    stage: Stage, caller: Caller, route: Route, names: Names, query: str, headers: Mapping[str, str]
) -> Answer:
    row = ASKED[route.name]
    path = filled(route, names) + (f"?{query}" if query else "")
    body = row.body(stage, caller) if row.body is not None else None
    given = dict(headers) | ({"Content-Type": row.media_type} if body is not None else {})
    return await caller.world.ask(route.method, path, data=body, headers=given)


Enter = Callable[[HubWorld], Awaitable[Caller]]


@dataclass(frozen=True)
class Kind:
    """A kind of caller: how it comes to the hub, and what every route with a scope answers it at best."""

    enter: Enter
    scopes: frozenset[str] = frozenset(SCOPES)
    stopped: str = ""
    """`UNAUTHENTICATED` or `PARTNER_SUSPENDED`, whatever is asked for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    feed: str = ""
    """That is its own."""


def _company(*scopes: str, then: Callable[[Caller], Awaitable[object]] | None = None, **partner: Any) -> Enter:
    async def enter(world: HubWorld) -> Caller:
        roles = {"roles": ["terminal", "carrier", "exporter"]}
        caller = await world.company("caller", scopes=scopes or SCOPES, **(roles | partner))
        if then is not None:
            await then(caller)
        return caller

    return enter


async def _authority(world: HubWorld) -> Caller:
    await world.act("partner.add", id="somebody", name="Somebody", country="NL", roles=["terminal"])
    return await world.reader("caller", provider={"partner": "somebody"})


async def _an_aeo(caller: Caller) -> None:
    given = {"type": "F", "issuer": "NL", "valid_from": "2020-01-01", "number": "NLAEOF-caller"}
    await caller.world.act("partner.aeo", id="caller", **given)


async def _without_token(caller: Caller) -> None:
    caller.token = ""


async def _forged_token(caller: Caller) -> None:
    caller.token = caller.token[:-8] + "AAAAAAAA"


async def _shown_assertion(caller: Caller) -> None:
    caller.token = caller.assertion()["client_assertion"]


async def _with_an_api_key(world: HubWorld) -> Caller:
    """Of the small firms' lane: the key itself is what is sent."""
    await _company(tier="small")(world)
    secret, scopes = make_api_key(bytes(range(17))), ["events:write", "receipts:read"]
    await world.act("api-key.issue", id=digest_of(secret), partner="caller", system="web", scopes=scopes)
    return Caller(world, "caller.web", generate("EdDSA"), secret)


async def _with_a_lost_api_key(world: HubWorld) -> Caller:
    caller = await _with_an_api_key(world)
    await world.act("api-key.revoke", id=digest_of(caller.token))
    return caller


def _act(act: str, **request: Any) -> Callable[[Caller], Awaitable[object]]:
    return lambda caller: caller.world.act(act, **({"id": "caller"} | request))


async def _lost_key(caller: Caller) -> None:
    await caller.world.act("key.revoke", key=caller.key.id)


async def _lost_token(caller: Caller) -> None:
    form = caller.assertion() | {"token": caller.token, "client_assertion_type": ASSERTION_TYPE}
    assert (await caller.world.ask("POST", "/oauth/revoke", data=form)).status == 200


_READS = frozenset({"feeds:read", "receipts:read"})
KINDS: dict[str, Kind] = {
    "nobody": Kind(_company(then=_without_token), stopped="UNAUTHENTICATED"),
    "forger": Kind(_company(then=_forged_token), stopped="UNAUTHENTICATED"),
    "with an assertion for a token": Kind(_company(then=_shown_assertion), stopped="UNAUTHENTICATED"),
    "sandbox": Kind(_company(tier="sandbox")),
    "small": Kind(_company(tier="small")),
    "small, with an API key": Kind(_with_an_api_key, scopes=frozenset({"events:write", "receipts:read"})),
    "revoked API key": Kind(_with_a_lost_api_key, stopped="UNAUTHENTICATED"),
    "trusted": Kind(_company()),
    "AEO": Kind(_company(then=_an_aeo)),
    "agent without a mandate": Kind(_company(roles=["broker"]), headers={"Hub-On-Behalf-Of": "victim"}),
    "authority with a feed": Kind(_authority, scopes=_READS, feed="caller"),
    "authority without a feed": Kind(_company(*_READS, roles=["authority"]), scopes=_READS),
    "suspended": Kind(_company(then=_act("partner.suspend", reason="x")), stopped="PARTNER_SUSPENDED"),
    "left": Kind(_company(then=_act("partner.leave", reason="x")), stopped="PARTNER_SUSPENDED"),
    "revoked key": Kind(_company(then=_lost_key), stopped="UNAUTHENTICATED"),
    "revoked token": Kind(_company(then=_lost_token), stopped="UNAUTHENTICATED"),
    **{f"only {scope}": Kind(_company(scope), scopes=frozenset({scope})) for scope in REGISTERED},
}
