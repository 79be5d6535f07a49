"""Bad input: every refusal is a problem with a code, a text and a fix; nothing of it is stored."""

from __future__ import annotations

import gzip
import time
from base64 import urlsafe_b64encode

import orjson
import pytest

from connectors.keys import generate
from hub.web.routes import BATCHED, BINARY, NDJSON, STRUCTURED
from tests.world import Answer, Caller, HubWorld, event


async def nothing_stored(caller: Caller) -> bool:
    status = await caller.world.hub.status()
    return all(partition["end"] == 0 for partition in status["partitions"])  # type: ignore[attr-defined]


GOOD = orjson.dumps(event("a"))
NESTED = b'{"a":' * 65 + b"1" + b"}" * 65


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "JSON_EMPTY"),
        (b"{", "JSON_TRUNCATED"),
        (b"null", "JSON_NOT_AN_OBJECT"),
        (GOOD + GOOD, "JSON_TRAILING"),
        (b"\xef\xbb\xbf" + GOOD, "JSON_BOM"),
        (GOOD.decode().encode("utf-16"), "JSON_UTF16"),
        (GOOD.replace(b"NLRTM", b"NL\xffTM"), "JSON_NOT_UTF8"),
        (GOOD.replace(b'"NLRTM"', rb'"\ud800"'), "JSON_SURROGATE"),
        (GOOD.replace(b"false", b"NaN"), "JSON_NOT_FINITE"),
        (GOOD.replace(b"false", b"1e999"), "JSON_NUMBER_RANGE"),
        (GOOD.replace(b"false", b"9007199254740993"), "JSON_NUMBER_RANGE"),
        (GOOD.replace(b'"empty"', b'"empty":false,"emp\\u0074y"'), "JSON_MEMBER_REPEATED"),
        (NESTED, "JSON_TOO_DEEP"),
        (b"[" * 200_000, "JSON_TOO_DEEP"),
    ],
)
async def test_json_that_two_readers_could_read_in_two_ways_is_refused(delta: Caller, body: bytes, fault: str) -> None:
    answer = await delta.post(body)

    assert (answer.status, answer.code) == (400, "BODY_MALFORMED")
    assert fault in [each["code"] for each in answer.json["faults"]]
    assert all(each["text"] and len(each["found"]) <= 64 for each in answer.json["faults"])
    assert await nothing_stored(delta)


async def test_all_that_is_said_of_a_refused_event_is_said_in_the_language_asked_for(delta: Caller) -> None:
    bad = orjson.dumps(event("a", empty="no"))

    english = (await delta.post(bad)).json
    french = (await delta.post(bad, Accept_Language="fr-FR, en;q=0.5")).json

    [said], [dit] = english["faults"], french["faults"]
    assert {name for name in said if said[name] != dit[name]} == {"expected", "text", "fix"}
    assert dit["expected"] == "true ou false : true si le conteneur est vide, sinon false"
    assert {name for name in english if english[name] != french[name]} == {"title", "fix", "faults"}


@pytest.mark.parametrize(
    ("media_type", "body", "code"),
    [
        (BATCHED, b"[]", "BODY_MALFORMED"),
        (BATCHED, b"{}", "BODY_MALFORMED"),
        (BATCHED, b"[1]", "BODY_MALFORMED"),
        (BATCHED, b"[" + GOOD, "BODY_MALFORMED"),
        (BATCHED, b"[" * 200_000, "BODY_MALFORMED"),
        (BATCHED, b"[" + b",".join([b"{}"] * 1_001) + b"]", "BODY_TOO_LARGE"),
        (NDJSON, b"", "BODY_MALFORMED"),
        (NDJSON, b"\n\r\n \n", "BODY_MALFORMED"),
        (NDJSON, b"{}\n" * 1_001, "BODY_TOO_LARGE"),
    ],
)
async def test_a_batch_without_bounds_is_refused_as_a_whole(
    delta: Caller, media_type: str, body: bytes, code: str
) -> None:
    answer = await delta.post(body, media_type)

    assert answer.code == code
    assert await nothing_stored(delta)


async def test_a_thousand_events_are_taken_in_one_batch(delta: Caller) -> None:
    lines = b"\n".join(orjson.dumps(event(f"e{number}")) for number in range(1_000))

    answer = await delta.post(lines, NDJSON)

    assert answer.status == 200
    assert [item["id"] for item in answer.json["items"]] == [f"e{number}" for number in range(1_000)]


async def test_an_event_that_is_too_large_is_refused_alone(delta: Caller) -> None:
    large = orjson.dumps(event("large")) + b" " * 262_144
    body = b"[" + b",".join([GOOD, large[:-1].replace(b"{", b"{" + b" " * 262_144, 1), GOOD.replace(b'"a"', b'"b"')])

    answer = await delta.post(body + b"]", BATCHED)

    assert answer.status == 207
    assert [item["verdict"] for item in answer.json["items"]] == ["ACCEPTED", "REJECTED", "ACCEPTED"]
    assert answer.json["items"][1]["code"] == "BODY_TOO_LARGE"
    assert (await delta.post(large)).code == "BODY_TOO_LARGE"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"Content_Encoding": "gzip"}, "Content-Encoding"),
        ({"Content_Encoding": "deflate"}, "Content-Encoding"),
        ({"Content_Encoding": "br"}, "Content-Encoding"),
        ({"Content_Encoding": "zstd"}, "Content-Encoding"),
        ({"Content_Encoding": "identity, gzip"}, "Content-Encoding"),
        ({"Content_Type": f"{STRUCTURED}; charset=utf-16"}, "UTF-8"),
        ({"Content_Type": f"{STRUCTURED}; charset=latin1"}, "UTF-8"),
        ({"Content_Type": "application/xml"}, BATCHED),
        ({"Content_Type": "*/*"}, BATCHED),
        ({"Content_Type": "/;;=;"}, BATCHED),
        ({"Content_Type": ""}, BATCHED),
    ],
)
async def test_a_media_type_or_encoding_that_is_not_taken_is_refused_unread(
    delta: Caller, headers: dict[str, str], detail: str
) -> None:
    wire = await delta.world.wire()

    await wire.send(delta.head(Content_Length=str(10_000), **headers) + b"\r\n")
    answer = await wire.answer()

    assert (answer.status, answer.code) == (415, "MEDIA_TYPE_UNSUPPORTED")
    assert detail in answer.json["detail"]
    assert answer.headers["Connection"] == "close"


async def test_a_compressed_body_is_never_unpacked(delta: Caller) -> None:
    answer = await delta.post(gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")

    assert answer.code == "MEDIA_TYPE_UNSUPPORTED"


@pytest.mark.parametrize(
    "media_type", [f"{STRUCTURED}; charset=UTF-8", STRUCTURED.upper(), f'{STRUCTURED};charset="utf-8"']
)
async def test_a_media_type_is_read_as_http_reads_it(delta: Caller, media_type: str) -> None:
    assert (await delta.post(GOOD, media_type)).status == 201


def forged(token: str) -> str:
    """The same claims with another signature."""
    head, claims, _ = token.split(".")
    return f"{head}.{claims}.{urlsafe_b64encode(b'x' * 64).rstrip(b'=').decode()}"


def unsigned(token: str) -> str:
    header = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


async def test_every_token_that_is_not_believed_gets_the_same_answer(delta: Caller) -> None:
    revoked = await delta.world.company("echo")
    await delta.world.act("key.revoke", key=revoked.key.id)
    bearers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic ZGVsdGE6eA==",
        "Bearer garbage",
        "Bearer ü",
        f"Bearer {'x' * 9_000}",
        f"Bearer {delta.token}, {delta.token}",
        f"Bearer {forged(delta.token)}",
        f"Bearer {unsigned(delta.token)}",
        f"Bearer {delta.token}=",
        f"Bearer {revoked.token}",
    ]

    answers = [await ask_as(delta.world, bearer) for bearer in bearers]

    assert {answer.status for answer in answers} == {401}
    assert {answer.body for answer in answers} == {answers[0].body}
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer") for answer in answers)
    assert answers[0].code == "UNAUTHENTICATED"


async def ask_as(world: HubWorld, bearer: str | None) -> Answer:
    """By hand: a client library would not send all of these."""
    wire = await world.wire()
    line = "" if bearer is None else f"Authorization: {bearer}\r\n"
    await wire.send(f"POST /v1/events HTTP/1.1\r\nHost: h\r\n{line}Content-Length: 0\r\n\r\n".encode())
    return await wire.answer()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/events"),
        ("GET", "/v1/events?source=a&id=b"),
        ("GET", "/v1/objects/iso6346/MSKU1234565"),
        ("POST", "/v1/events"),
        ("GET", "/v1/receipts"),
        ("GET", "/v1/notices"),
        ("GET", "/v1/feeds"),
        ("GET", "/v1/feeds/x/records"),
        ("POST", "/v1/feeds/x/ack"),
        ("GET", "/v1/feeds/x/stream"),
    ],
)
async def test_no_route_with_a_scope_answers_a_stranger_or_a_token_without_it(
    delta: Caller, method: str, path: str
) -> None:
    reads = method == "GET" and (path == "/v1/events" or path.startswith("/v1/objects"))
    publishers = path.startswith(("/v1/events", "/v1/receipts", "/v1/notices"))
    other = "events:write" if reads else "feeds:read" if publishers else "receipts:read"
    without = await delta.world.company("echo", scopes=(other,))

    stranger = await delta.world.ask(method, path)
    answer = await without.ask(method, path)

    assert stranger.code == "UNAUTHENTICATED"
    assert (answer.status, answer.code) == (403, "SCOPE_MISSING")
    assert answer.json["detail"] not in ("", other)


async def test_refusals_speak_french_where_it_is_asked_for_first(delta: Caller) -> None:
    async def title(languages: str) -> str:
        return str((await delta.post(event(place=None), Accept_Language=languages)).json["title"])

    french = "L'événement enfreint son schéma ou une règle du métier."

    assert await title("fr") == french
    assert await title("fr-CA, fr;q=0.9, en;q=0.8") == french
    assert await title("de, fr;q=0.5") == french
    assert await title("en, fr") == await title("") == await title("de") != french


async def test_the_faults_of_an_event_are_all_named_with_their_places(delta: Caller) -> None:
    wrong = event("a", occurred_at="yesterday", subjects=[{"scheme": "iso6346", "value": "?"}], empty="no", place=None)

    answer = await delta.post(wrong, Accept_Language="fr")

    assert (answer.status, answer.code) == (422, "EVENT_INVALID")
    faults = {each["place"]: each for each in answer.json["faults"]}
    assert {"/data/occurred_at", "/data/subjects/0/value", "/data/empty", "/data/place"} <= set(faults)
    assert faults["/data/occurred_at"]["found"] == "yesterday"
    assert answer.json["verdict"] == "REJECTED"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ce_id": "%ff"}, "BODY_MALFORMED"),
        ({"ce_id": "%ff\xff"}, "BODY_MALFORMED"),
        ({"ce_id": "\xff"}, "BODY_MALFORMED"),
        ({"ce_id": "%ED%A0%80"}, "BODY_MALFORMED"),
        ({"ce_type": "customs.unknown"}, "EVENT_INVALID"),
        ({"ce_source": ""}, "EVENT_INVALID"),
    ],
)
async def test_attributes_in_headers_that_cannot_be_read_are_refused(
    delta: Caller, headers: dict[str, str], code: str
) -> None:
    sent = event("a")
    attributes = {f"ce_{name}": str(value) for name, value in sent.items() if name != "data"}
    body = orjson.dumps(sent["data"])
    wire = await delta.world.wire()

    given = {"Content_Type": BINARY, "Content_Length": str(len(body))} | attributes | headers
    await wire.send(delta.head(**given) + b"\r\n" + body)
    answer = await wire.answer()

    assert answer.code == code
    assert await nothing_stored(delta)


async def test_an_attribute_that_is_given_twice_is_refused(delta: Caller) -> None:
    wire = await delta.world.wire()

    await wire.send(delta.head(Content_Type=BINARY, Content_Length="2", ce_id="a") + b"CE-ID: b\r\n\r\n{}")

    assert (await wire.answer()).code == "BAD_REQUEST"


@pytest.mark.parametrize(
    "form",
    [
        "",
        "grant_type",
        "grant_type=password",
        "grant_type=client_credentials",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&client_assertion_type=x&client_assertion=y",
        "grant_type=client_credentials&client_secret=s",
        "grant_type=client_credentials&scope=%ff",
        "&".join(f"p{number}=x" for number in range(17)),
        "\xff",
    ],
)
async def test_a_token_request_that_is_wrong_is_refused_as_oauth_asks(world: HubWorld, form: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await world.ask("POST", "/oauth/token", data=form.encode("latin-1"), headers=headers)

    assert answer.status in (400, 401)
    assert "error" in answer.json or answer.code == "BAD_REQUEST"
    assert "access_token" not in answer.json


async def test_a_key_that_was_never_registered_gets_no_token(delta: Caller) -> None:
    delta.key = generate("ES256")

    answer = await delta.sign_in()

    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in answer.headers


async def test_an_assertion_is_good_for_one_token(delta: Caller) -> None:
    assertion = delta.key.assertion(client_id=delta.id, issuer=delta.world.hub.url, now=int(time.time()))

    first = await delta.sign_in(client_assertion=assertion)
    again = await delta.sign_in(client_assertion=assertion)

    assert (first.status, again.status) == (200, 401)
    assert first.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "query", ["", "source=a", "id=a", "source=&id=a", f"source={'x' * 257}&id=a", "source=a&id=b&version=x"]
)
async def test_an_identity_that_cannot_be_is_a_bad_request(delta: Caller, query: str) -> None:
    for path in ("/v1/events", "/v1/receipts") if query else ("/v1/receipts",):
        assert (await delta.ask("GET", f"{path}?{query}")).code == "BAD_REQUEST"
