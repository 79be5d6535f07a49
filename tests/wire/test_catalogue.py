"""The catalogue over HTTP: public, sent once, readable without script or anything from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from html.parser import HTMLParser

import orjson
import pytest
from jsonschema_rs import Draft202012Validator
from msgspec.structs import replace

from hub.web.interface.openapi import openapi
from hub.web.routes import ROUTES, Router
from schemas.catalogue import catalogue, published
from schemas.deprecation import read
from schemas.faults import FAULTS
from tests.unit.test_schemas_deprecation import GATE, table
from tests.wire.conftest import MakeWorld
from tests.wire.test_check_digits import WRONG
from tests.world import Answer, Caller, HubWorld, event

TYPE = "customs.container.gate_in"
AT = f"/v1/schemas/{TYPE}"
HTML = "text/html,application/xhtml+xml;q=0.9"
NAMES = [kind.name for kind in catalogue().types]


async def get(world: HubWorld, path: str, **headers: str) -> Answer:
    return await world.ask("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})


async def test_every_type_is_listed_with_its_versions_and_links_that_lead_there(world: HubWorld) -> None:
    listed = (await get(world, "/v1/schemas")).json["items"]

    assert [each["type"] for each in listed] == sorted(NAMES)
    for each in listed:
        assert set(each["title"]) == {"en", "fr"}
        for link in (*each["links"].values(), *(version["schema"] for version in each["versions"])):
            assert (await get(world, link)).status == 200


async def test_a_type_tells_who_may_send_it_and_shows_what_is_wrong_in_its_examples(world: HubWorld) -> None:
    told = (await get(world, AT)).json

    assert told["roles"] == ["carrier", "terminal", "warehouse"]
    assert told["subject_schemes"][:3] == ["iso6346", "ilu", "equipment"]
    assert told["versions"][0]["status"] == "current"
    shown = {each["name"]: each for each in told["examples"]}
    assert shown["valid-weighed"]["faults"] == []
    assert shown["invalid-future"]["faults"][0]["text"] in {text.en for text in FAULTS.values()}


async def test_a_schema_is_given_byte_for_byte_as_it_was_published(world: HubWorld) -> None:
    given = await get(world, f"{AT}/1.0")
    shared = await get(world, "/v1/schemas/common/1.0")

    assert given.headers["Content-Type"] == shared.headers["Content-Type"] == "application/schema+json"
    assert (given.body, shared.body) == (published(TYPE, "1.0"), published("common", "1.0"))


@pytest.mark.parametrize("name", NAMES)
async def test_a_schema_without_references_judges_by_itself(name: str, world: HubWorld) -> None:
    flat = (await get(world, f"/v1/schemas/{name}/1.0?form=flat")).json
    examples = (await get(world, f"/v1/schemas/{name}")).json["examples"]

    assert flat["$id"] == f"urn:customs-hub:schema:{name}:1.0"
    judge = Draft202012Validator(flat, validate_formats=True, offline=True)
    assert all(judge.is_valid(each["event"]) for each in examples if not each["faults"])


@pytest.mark.parametrize("path", ["/v1/schemas", AT, f"{AT}/1.0", f"{AT}/1.0?form=flat"])
async def test_what_a_client_has_already_is_not_sent_again(path: str, world: HubWorld) -> None:
    first = await get(world, path)

    again = await get(world, path, If_None_Match=f'"other", {first.headers["ETag"]}')

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (await get(world, path, If_None_Match='"other"')).status == 200
    assert "public" in first.headers["Cache-Control"]
    assert first.headers["Vary"] == "Accept, Accept-Language"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/schemas/customs.container.gatein", 404, "NOT_FOUND"),
        (f"{AT}/9.9", 404, "NOT_FOUND"),
        (f"{AT}/9.9?form=flat", 404, "NOT_FOUND"),
        ("/v1/schemas/common/1.0?form=flat", 404, "NOT_FOUND"),
        ("/v1/schemas/naming.json/1.0", 404, "NOT_FOUND"),
        (f"{AT}/1.0?form=round", 400, "BAD_REQUEST"),
        ("/v1/schemas?lang=de", 400, "BAD_REQUEST"),
    ],
)
async def test_what_is_not_there_is_a_problem(path: str, status: int, code: str, world: HubWorld) -> None:
    answer = await get(world, path)

    assert (answer.status, answer.code) == (status, code)


class Page(HTMLParser):
    """What matters of a page: its elements, and that each is closed where it was opened."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("path", ["/v1/schemas", *(f"/v1/schemas/{name}" for name in NAMES)])
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_page_is_for_reading_alone_and_says_what_it_is(path: str, language: str, world: HubWorld) -> None:
    answer = await get(world, path, Accept=HTML, Accept_Language=language)
    page = Page(answer.body.decode())

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.all("html") == [{"lang": language}]
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "link", "iframe", "form", "object", "base"})
    assert all((each["href"] or "").startswith(("/v1/schemas", "?lang=")) for each in page.all("a"))
    assert not [
        name for _, attributes in page.elements for name in attributes if name == "style" or name.startswith("on")
    ]
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(each.get("scope") in ("row", "col") for each in page.all("th"))
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


async def test_the_policy_of_a_page_lets_in_its_own_style_and_nothing_else(world: HubWorld) -> None:
    answer = await get(world, AT, Accept=HTML)

    style = re.search(rb"<style>(.*)</style>", answer.body, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1]).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_shows_members_words_and_examples_with_their_faults(world: HubWorld) -> None:
    page = Page((await get(world, f"{AT}?lang=fr", Accept=HTML)).body.decode())

    for shown in (
        "data.place.unlocode", "data.seals[].number", "^[A-Z]{2}[A-Z2-9]{3}$", "customs.container.gate_in:1.0",
        "data.remarks", "personnel", "invalid-several-faults", "MSKU1234565", "PORT_TERMINAL",
        FAULTS["TIME_IN_FUTURE"].fr,
    ):  # fmt: skip
        assert shown in page.text


@pytest.fixture
async def delta(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    """A company at a hub where version 1.0 of gate-in ends."""
    monkeypatch.setattr("hub.assembly.hub.deprecations", lambda: read(table()))
    async with make_world() as world:
        await world.reader(feed=False)
        yield await world.company()


async def test_a_version_that_ends_says_so_where_it_is_shown_and_to_who_names_it(delta: Caller) -> None:
    shown = await get(delta.world, f"{AT}/1.0")
    listed = (await get(delta.world, AT)).json["versions"][0]
    named = await delta.post({**event("a"), "dataschema": GATE})
    silent = await delta.post(event("b"))
    page = Page((await get(delta.world, AT, Accept=HTML)).body.decode())

    assert shown.headers["Sunset"] == named.headers["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert named.headers["Deprecation"] == "@1793491200"
    assert named.status == silent.status == 201
    assert "Deprecation" not in silent.headers
    assert (listed["status"], listed["successor"]) == ("deprecated", GATE.replace(":1.0", ":1.1"))
    assert "until 2027-11-01" in page.text


async def test_binary_mode_names_its_version_in_a_header(delta: Caller) -> None:
    sent = {**event("a"), "dataschema": GATE}
    attributes = {f"ce-{name}": str(text) for name, text in sent.items() if name != "data"}

    answer = await delta.post(orjson.dumps(sent["data"]), "application/json", **attributes)

    assert answer.status == 201
    assert "Sunset" in answer.headers


async def test_a_dry_run_says_as_well_that_a_version_ends(delta: Caller) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    bodies = [orjson.dumps({**event("a"), "dataschema": GATE}), orjson.dumps(event("a"))]

    named, silent = [await delta.ask("POST", "/v1/validate", data=body, headers=headers) for body in bodies]

    assert named.status == silent.status == 200
    assert named.headers["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert "Sunset" not in silent.headers


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("check_digits", ["warn", "reject"])
async def test_every_format_is_told_that_what_it_became_ends_taken_or_refused(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, name: str, check_digits: str
) -> None:
    leaving = next(iter(read(table()).values()))
    ending = {each.dataschema: leaving for each in catalogue().types}
    monkeypatch.setattr("hub.assembly.hub.deprecations", lambda: ending)
    path, media_type, sent = WRONG[name]
    async with make_world() as world:
        await world.reader(feed=False)
        delta = await world.company(check_digits=check_digits)
        body = sent if isinstance(sent, bytes) else orjson.dumps(sent)

        answer = await delta.ask("POST", path, data=body, headers={"Content-Type": media_type})
        again = await delta.get(answer.headers["Location"]) if name == "table" else answer

    assert answer.status == ((400 if path.startswith("/epcis") else 422) if check_digits == "reject" else answer.status)
    for each in (answer, again):
        assert each.headers["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
        assert each.headers["Deprecation"] == "@1793491200"


async def test_a_route_that_ends_says_so_with_whatever_it_answers(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    [leaving] = read(table(successor="/v2/feeds")).values()
    routes = [replace(each, leaving=leaving) if each.name == "list_feeds" else each for each in ROUTES]
    monkeypatch.setattr("hub.assembly.hub.Router", lambda given=routes: Router(given))
    async with make_world() as world:
        told = await get(world, "/v1/feeds")
        other = await get(world, "/v1/schemas")

    assert (told.status, told.headers["Deprecation"]) == (401, "@1793491200")
    assert told.headers["Link"] == '</v2/feeds>; rel="successor-version"'
    assert "Sunset" not in other.headers
    assert openapi(routes, catalogue(), "https://hub.example")["paths"]["/v1/feeds"]["get"]["deprecated"] is True


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
async def test_the_interface_is_described_at_the_address_of_this_hub(name: str, world: HubWorld) -> None:
    first = await get(world, f"/v1/{name}.json")
    again = await get(world, f"/v1/{name}.json", If_None_Match=first.headers["ETag"])

    assert world.hub.url.removeprefix("http://") in orjson.dumps(first.json["servers"]).decode()
    assert again.status == 304
