"""What the OpenAPI document promises of an answer, held against the answers that the hub gives."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from hub.web.interface.openapi import openapi, own_schemas
from hub.web.route import Route
from hub.web.routes import ROUTES
from schemas.catalogue import catalogue


@cache
def document() -> dict[str, Any]:
    return openapi(ROUTES, catalogue(), "http://127.0.0.1:8480")


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": own_schemas()}}
    return Draft202012Validator(schema, validate_formats=True, offline=True)


def departure(route: Route, status: int, content_type: str, body: Any) -> str:
    """What of an answer the document does not promise; empty if it promises all of it. `body` of JSON only."""
    at = route.path.replace("*}", "}")
    responses = document()["paths"][at][route.method.lower()]["responses"]
    if (promised := responses.get(str(status))) is None:
        return f"{route.method} {at} is not described to answer {status}"
    media_type = content_type.partition(";")[0]
    content = promised.get("content", {})
    if media_type not in content:
        return f"{route.method} {at} {status} is not described as {media_type}" if content or body is not None else ""
    if body is None:
        return ""
    name = content[media_type]["schema"]["$ref"].rpartition("/")[2]
    errors = _validator(name).evaluate(body).errors()
    return f"{route.method} {at} {status} {name}: {errors[:3]}" if errors else ""
