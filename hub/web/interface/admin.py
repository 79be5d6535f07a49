"""The operators' interface described for machines (OpenAPI 3.1), from its routes and the registrar's own requests."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from hub.operate.feed_drafts import DraftFeed
from hub.operate.registrar import ACTS, VIEWS, Done, Prepared, Waiting
from hub.web.admin import ROUTES, ToPrepare, ToRead, ToSign
from hub.web.edge import JSON
from hub.web.problems import PROBLEM
from hub.web.route import Route

Document = dict[str, Any]

_ASKED: Mapping[str, type[msgspec.Struct]] = {
    **{name: act.request for name, act in ACTS.items()},
    **{name: view.request for name, view in VIEWS.items()},
    "act.prepare": ToPrepare,
    "act.sign": ToSign,
    "audit.list": ToRead,
    "feed.preview": DraftFeed,
}
_TOLD: Mapping[str, tuple[type[msgspec.Struct], ...]] = {
    **dict.fromkeys(ACTS, (Done,)),
    "act.prepare": (Prepared, Done),
    "act.sign": (Done, Waiting),
}
_PROBLEM = {"type": "object", "required": ["type", "title", "status", "code"]}
_References = Mapping[type[msgspec.Struct], Document]


def admin_openapi(url: str) -> Document:
    """The whole document for the network's door at `url`."""
    shapes: list[type[msgspec.Struct]] = list(dict.fromkeys([*_ASKED.values(), Done, Prepared, Waiting]))
    schemas, components = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    references = dict(zip(shapes, schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customs hub, operators",
            "version": version("customs-hub"),
            "description": "Acts are signed: `act/prepare` answers a statement, `act/sign` takes a signature over it.",
        },
        "servers": [{"url": url}],
        "paths": {route.path: {route.method.lower(): _operation(route, references)} for route in ROUTES},
        "components": {
            "schemas": components,
            "securitySchemes": {"dpop": {"type": "http", "scheme": "DPoP", "description": "RFC 9449; scope admin."}},
        },
        "security": [{"dpop": []}],
    }


def _operation(route: Route, references: _References) -> Document:
    asked = _ASKED.get(route.name)
    operation: Document = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": _responses(route, references),
    }
    if asked is not None and route.method == "POST":
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": references[asked]}}}
    elif asked is not None:
        operation["parameters"] = [
            {"name": field.encode_name, "in": "query", "required": field.required, "schema": {"type": "string"}}
            for field in msgspec.structs.fields(asked)
        ]
    return operation


def _responses(route: Route, references: _References) -> Document:
    told = [references[each] for each in _TOLD.get(route.name, ())]
    schema = {"anyOf": told} if told else {"type": "object"}
    codes = ", ".join(route.codes) or "As every route may answer."
    refused = {"description": codes, "content": {PROBLEM: {"schema": _PROBLEM}}}
    statuses = ("default", *(str(status) for status in route.answers if status != 200))
    return {
        "200": {"description": "As asked.", "content": {JSON: {"schema": schema}}},
        **dict.fromkeys(statuses, refused),
    }
