"""The interface described for machines says of every route what the routes' table says, and what it shows is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from hub.core.errors import ERRORS
from hub.core.record import NOTICES
from hub.web.interface.asyncapi import asyncapi
from hub.web.interface.openapi import own_schemas, problem_of
from hub.web.interface.tables import ANSWERS, PARAMETERS
from hub.web.route import Route
from hub.web.routes import EVERYWHERE, ROUTES
from schemas.catalogue import catalogue, examples
from tests.described import departure, document

OPENAPI = orjson.loads(orjson.dumps(document()))
ASYNCAPI = orjson.loads(orjson.dumps(asyncapi(catalogue(), "https://hub.example")))
TYPES = sorted(kind.name for kind in catalogue().types)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def followed(whole: Any, reference: str) -> Any:
    assert reference.startswith("#/"), reference
    for name in reference.removeprefix("#/").split("/"):
        whole = whole[name.replace("~1", "/").replace("~0", "~")]
    return whole


def judge(schema: dict[str, Any]) -> Draft202012Validator:
    whole = schema | {"components": OPENAPI["components"]}
    return Draft202012Validator(whole, validate_formats=True, offline=True)


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = OPENAPI["paths"][route.path.replace("*}", "}")][route.method.lower()]
    return found


def test_the_openapi_document_is_one() -> None:
    validate(OPENAPI)


def test_every_route_is_described_and_nothing_else() -> None:
    told = {(method.upper(), path) for path, methods in OPENAPI["paths"].items() for method in methods}

    assert told == {(route.method, route.path.replace("*}", "}")) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_is_described_with_its_scopes_statuses_codes_and_media_types(route: Route) -> None:
    told = operation(route)

    assert told["summary"] == route.summary
    assert [scope for each in told["security"] for scope in each["oauth2"]] == list(route.scopes)
    assert {str(status) for status in route.answers} <= told["responses"].keys()
    assert set(told.get("requestBody", {}).get("content", {})) == set(route.media_types)
    shown = {code for each in told["responses"].values() for code in _codes(each)}
    assert set(route.codes) <= shown <= {*route.codes, *EVERYWHERE, "NOT_FOUND"}
    assert ("NOT_FOUND" in shown) == ("NOT_FOUND" in route.codes or "{" in route.path)
    assert ("UNAUTHENTICATED" in shown) == bool(route.scope)


def _codes(response: dict[str, Any]) -> Iterator[str]:
    for content in response.get("content", {}).values():
        yield from content.get("examples", {})


def test_names_of_operations_are_each_used_once() -> None:
    names = [each["operationId"] for methods in OPENAPI["paths"].values() for each in methods.values()]

    assert len(names) == len(set(names))


def test_tables_beside_the_routes_name_routes_and_all_that_answer_with_a_body() -> None:
    names = {route.name for route in ROUTES}
    silent = {route.name for route in ROUTES if not {200, 201} & set(route.answers)} | {"epcis_capture", "revoke"}

    assert PARAMETERS.keys() <= names
    assert names - silent <= ANSWERS.keys() <= names
    assert {name for bodies in ANSWERS.values() for name in bodies.values()} <= OPENAPI["components"]["schemas"].keys()


@pytest.mark.parametrize("whole", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_every_reference_leads_somewhere_inside(whole: dict[str, Any]) -> None:
    assert len(set(references(whole))) > 10
    for reference in set(references(whole)):
        followed(whole, reference)


def test_every_schema_is_used() -> None:
    used = {reference.split("/")[3] for reference in references(OPENAPI) if "/schemas/" in reference}

    assert own_schemas().keys() - used == set()


@pytest.mark.parametrize("name", TYPES)
def test_events_are_described_as_the_schemas_do(name: str) -> None:
    by_type, any_event = judge({"$ref": f"#/components/schemas/{name}"}), judge({"$ref": "#/components/schemas/Event"})

    for key, example in examples(name).items():
        if key.startswith("valid-"):
            assert by_type.is_valid(example)
            assert any_event.is_valid(example)
        elif {fault["code"] for fault in example["faults"]} <= {"MEMBER_MISSING", "VALUE_NOT_ALLOWED", "TYPE_WRONG"}:
            assert not any_event.is_valid(example["event"])


def test_every_example_is_valid_where_it_stands() -> None:
    contents = [
        content
        for methods in OPENAPI["paths"].values()
        for told in methods.values()
        for part in (told.get("requestBody", {}), *told["responses"].values())
        for content in part.get("content", {}).values()
        if "examples" in content
    ]

    assert sum(len(content["examples"]) for content in contents) > 100
    for content in contents:
        takes = judge(content["schema"])
        shown = [followed(OPENAPI, each["$ref"]) if "$ref" in each else each for each in content["examples"].values()]
        assert all(takes.is_valid(example["value"]) for example in shown)


def test_every_error_can_be_told_as_a_problem() -> None:
    takes = judge({"$ref": "#/components/schemas/Problem"})

    assert all(takes.is_valid(problem_of(code)) for code in ERRORS)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (418, "application/json", {}),
        (200, "text/plain", None),
        (200, "application/json", {"items": []}),
        (400, "application/problem+json", {"code": "lower"}),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(status: int, content_type: str, body: Any) -> None:
    feeds = next(route for route in ROUTES if route.name == "list_feeds")

    assert departure(feeds, status, content_type, body)
    assert not departure(feeds, 200, "application/json; charset=utf-8", {"items": [], "next": None})


def test_the_asyncapi_document_is_one() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= ASYNCAPI["info"].keys()
    for name, server in ASYNCAPI["servers"].items():
        assert {"host", "protocol"} <= server.keys(), name
    for name, channel in ASYNCAPI["channels"].items():
        assert {f"{{{each}}}" for each in channel.get("parameters", {})} <= {
            part for part in channel["address"].replace(".", "/").split("/") if part.startswith("{")
        }, name
        assert channel["messages"], name


def test_each_operation_sends_messages_of_its_own_channel() -> None:
    for told in ASYNCAPI["operations"].values():
        channel = told["channel"]["$ref"]
        assert told["action"] == "send"
        assert {each["$ref"] for each in told["messages"]} == {
            f"{channel}/messages/{name}" for name in followed(ASYNCAPI, channel)["messages"]
        }


def test_every_type_is_a_message_of_every_feed_and_notices_are_told() -> None:
    channels = ASYNCAPI["channels"]

    assert sorted(channels["feedTopic"]["messages"]) == sorted(channels["feedStream"]["messages"]) == TYPES
    assert channels["feedTopic"]["address"] == "hub.feed.{feed}"
    assert NOTICES in channels["notices"]["description"]
    assert "agreements" in ASYNCAPI["components"]["messages"][TYPES[0]]["headers"]["properties"]["hub"]["description"]
