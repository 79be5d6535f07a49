"""The OpenAPI 3.1 document, generated: routes, scopes and codes from the routes' table, events from the schemas."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib import resources
from importlib.metadata import version
from typing import Any

import orjson

from hub.core.errors import ERRORS
from hub.web.gate import ASKED, ON_BEHALF_OF
from hub.web.interface.tables import ANSWERS, PARAMETERS
from hub.web.route import BATCHED, BINARY, LINKED, STRUCTURED, XLSX, Route
from hub.web.routes import EVERYWHERE
from schemas.catalogue import Catalogue, EventType, catalogue, examples, published, shared

Document = dict[str, Any]
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"
_ERROR = 400
_NO_BODY = frozenset({204, 304})
_ITEMS_TELL = frozenset({"post_events", "validate", "post_table", "post_interchange", "ready"})
"""Routes whose answers say what is wrong inside, also where nothing is taken."""
_OF_TOKENS = frozenset({"UNAUTHENTICATED", "PARTNER_SUSPENDED", "SCOPE_MISSING"})

SCOPES = {
    "events:write": "push events and documents",
    "feeds:read": "read feeds",
    "receipts:read": "read receipts, notices and what became of events",
    "aeo:write": "bring what administrations tell of their AEO authorisations",
    "mandates:sign": "grant and withdraw mandates",
    "agreements:sign": "sign agreements",
    "notices:write": "send notices to companies",
}


_SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$"}
_BROUGHT = {
    "name": ON_BEHALF_OF,
    "in": "header",
    "description": "the partner whose events these are, by a mandate that it gave you",
    "schema": _SLUG,
}
_ASKED = {
    "name": ASKED,
    "in": "query",
    "description": "the partner in whose place you sent what you ask for",
    "schema": _SLUG,
}


def openapi(routes: Sequence[Route], known: Catalogue, url: str) -> Document:
    """The whole document for a hub at `url`."""
    paths: defaultdict[str, Document] = defaultdict(dict)
    names = Counter(route.name for route in routes)
    for route in routes:
        name = route.name if names[route.name] == 1 else f"{route.name}_{route.method.lower()}"
        paths[route.path.replace("*}", "}")][route.method.lower()] = _operation(route, name)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customs hub",
            "version": version("customs-hub"),
            "description": "Shipment events from companies, shared with customs risk systems as agreements allow.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": url}],
        "paths": dict(paths),
        "components": {
            "schemas": {**own_schemas(), **event_schemas(known)},
            "examples": {code: {"value": problem_of(code)} for code in ERRORS},
            "parameters": {"language": _LANGUAGE},
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "description": "A client assertion (private_key_jwt, RFC 7523); access tokens are RFC 9068, "
                    "bound to a key of the client by DPoP (RFC 9449).",
                    "flows": {"clientCredentials": {"tokenUrl": f"{url}/oauth/token", "scopes": SCOPES}},
                }
            },
        },
    }


_LANGUAGE: Document = {
    "name": "Accept-Language",
    "in": "header",
    "description": "the language of texts",
    "schema": {"type": "string", "examples": ["en", "fr"]},
}


def _operation(route: Route, name: str) -> Document:
    operation: Document = {
        "operationId": name,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [
            *(_in_path(*found) for found in re.findall(r"\{(\w+)(\*?)\}", route.path)),
            *PARAMETERS.get(route.name, ()),
            *([_ASKED if route.method == "GET" else _BROUGHT] if route.for_another else ()),
            {"$ref": "#/components/parameters/language"},
        ],
        "security": [{"oauth2": [scope]} for scope in route.scopes],
        "responses": _responses(route),
    }
    if route.leaving is not None:
        operation["deprecated"] = True
    if route.media_types:
        content = {media_type: _body(route, media_type) for media_type in route.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _tag(route: Route) -> str:
    first, *rest = route.path.strip("/").split("/")
    return (rest[0].partition(".")[0] if first == "v1" else first).strip(".")


def _in_path(name: str, rest: str) -> Document:
    schema: Document = {"type": "string", "minLength": 1, "maxLength": 600} if rest else {"type": "string"}
    if not rest:
        schema["pattern"] = "^[A-Za-z0-9._-]{1,64}$"
    told = f"{name}; slashes in it may stand as they are" if rest else name
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema}


_ASKED_WITH = {
    "grant_mandate": "SignedMandate",
    "withdraw_mandate": "SignedWithdrawal",
    "sign_agreement": "AgreementSignature",
    "post_document": "File",
    "withdraw_document": "Withdrawal",
    "rotate_credential": "KeyRotation",
    "revoke_credential": "KeyRevocation",
    "enrolment_challenge": "EnrolmentCode",
    "enrol": "EnrolmentProof",
    "receipt_verified": "VerifiedReceipt",
    "start_replay": "ReplayAsked",
    "send_notice": "NoticeAsked",
    "acknowledge_notice": "NoticeAcknowledgement",
    "count_feed": "FilterTried",
}


def _body(route: Route, media_type: str) -> Document:
    if media_type == BATCHED:
        return {"schema": {"type": "array", "items": _ref("Event")}}
    if media_type == STRUCTURED:
        return {"schema": _ref("Event"), "examples": _event_examples()}
    if route.name in _ASKED_WITH:
        return {"schema": _ref(_ASKED_WITH[route.name])}
    if media_type in (BINARY, LINKED) and route.name == "acknowledge":
        return {"schema": _ref("Acknowledgement")}
    if media_type in (BINARY, LINKED):
        return {"schema": _ref("EPCISDocument" if route.path.startswith("/epcis") else "Document")}
    form = "TokenRequest" if route.name == "token" else "ClientForm"
    return {"schema": _ref({FORM: form, XLSX: "File"}.get(media_type, "Text"))}


def _responses(route: Route) -> Document:
    """Every status that the route may answer: what it then holds, and the codes behind those that refuse."""
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys((*route.codes, *_everywhere(route))):
        codes[ERRORS[code].status].append(code)
    return {str(status): _response(route, status, codes[status]) for status in sorted({*route.answers, *codes})}


def _everywhere(route: Route) -> Iterable[str]:
    """The codes that every route may answer; those of tokens where one is asked for, and that nothing is there where a
    name stands in the path."""
    common = (code for code in EVERYWHERE if route.scope or code not in _OF_TOKENS)
    return (*common, "NOT_FOUND") if "{" in route.path else common


def _response(route: Route, status: int, codes: Sequence[str]) -> Document:
    content: Document = {}
    if status in route.answers:
        content = {media_type: {"schema": _ref(name)} for media_type, name in _bodies(route, status).items()}
    if status >= _ERROR:
        found = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
        content[PROBLEM] = {"schema": _ref("Problem"), **({"examples": found} if found else {})}
    told = {"description": ", ".join(codes) or HTTPStatus(status).phrase}
    return told | ({"content": content} if content else {})


def _bodies(route: Route, status: int) -> dict[str, str]:
    """What an answer holds that is no problem, by media type."""
    if status >= _ERROR and FORM in route.media_types:
        return {"application/json": "OAuthError"}
    if status >= _ERROR and route.name not in _ITEMS_TELL:
        return {}
    return {} if status in _NO_BODY else ANSWERS.get(route.name, {})


def problem_of(code: str) -> Document:
    """A problem as it is answered in English, without what was found."""
    row = ERRORS[code]
    return {
        "type": f"urn:customs-hub:error:{code}",
        "title": row.en,
        "status": row.status,
        "code": code,
        "fix": row.fix,
        "retryable": row.retryable,
    }


def own_schemas() -> Document:
    """The schemas of requests and answers that are not events."""
    schemas: Document = orjson.loads(resources.files("hub.web.interface").joinpath("components.json").read_bytes())
    return schemas | {"Outcome": {"anyOf": [_ref("Item"), _ref("Batch")]}}


def event_schemas(known: Catalogue) -> Document:
    """The newest version of every type as published, its references turned to what lies beside it."""
    newest = {kind.name: kind for kind in known.types if known.find(kind.name) is kind}
    events = {name: _placed(_read(kind), name) for name, kind in sorted(newest.items())}
    mapping = {name: f"{_AT}{name}" for name in events}
    both = {name: _placed(schema, name) for name, schema in ((each.split(":")[3], shared()[each]) for each in shared())}
    event = {
        "description": "An event of any type, by its newest version.",
        "oneOf": [_ref(name) for name in events],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return {**both, **events, "Event": event}


def _read(kind: EventType) -> Document:
    schema: Document = orjson.loads(published(kind.name, kind.dataschema.rpartition(":")[2]) or b"{}")
    return schema


def _placed(schema: Any, name: str) -> Any:
    """A schema as a component of this name: its references go to components, and it has no address of its own."""
    if isinstance(schema, list):
        return [_placed(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    placed = {key: _placed(inner, name) for key, inner in schema.items() if key not in ("$id", "$schema")}
    if "$ref" in placed:
        document, _, pointer = schema["$ref"].partition("#")
        placed["$ref"] = f"{_AT}{document.split(':')[3] if document else name}{pointer}"
    return placed


def _event_examples() -> Document:
    """One valid event of each type."""
    return {
        name: {"value": next(event for key, event in examples(name).items() if key.startswith("valid-"))}
        for name in sorted({kind.name for kind in catalogue().types})
    }


def _ref(name: str) -> Document:
    return {"$ref": f"{_AT}{name}"}


_AT = "#/components/schemas/"
