"""The catalogue as a service: public, rendered once, told apart by what a client already has (`ETag`, RFC 9110 §13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256

import orjson
from aiohttp import web

from hub.core.errors import Refusal
from hub.core.words import words
from hub.web import pages
from hub.web.edge import JSON, Handler
from hub.web.problems import Refused
from hub.web.templates import wanted_language
from schemas import listing
from schemas.catalogue import Catalogue, EventType, published
from schemas.deprecation import Deprecations, headers_of
from schemas.described import members
from schemas.faults import FAULTS, Fault

SCHEMA = "application/schema+json"
CACHED = "public, max-age=3600"
Page = tuple[bytes, dict[str, str]]


class CatalogueAPI:
    """Handlers of the catalogue. What was rendered is kept: at most a page for each type, form and language."""

    def __init__(
        self, *, catalogue: Catalogue, deprecations: Deprecations, documents: Mapping[str, Callable[[], object]]
    ) -> None:
        """`documents`: what describes the interface for machines, by the name of its route."""
        self._catalogue = catalogue
        self._deprecations = deprecations
        self._documents = documents
        self._kept: dict[tuple[str, ...], Page] = {}

    def handlers(self) -> Mapping[str, Handler]:
        described = {name: self._described(name) for name in self._documents}
        return {"list_schemas": self.list, "get_schema_type": self.type, "get_schema": self.schema, **described}

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        language = wanted_language(request)
        if not _wants_page(request):
            return self._answer(request, ("list",), lambda: _json(self._listing))
        return self._answer(
            request,
            ("list", language),
            lambda: (pages.page("catalogue.html", language, items=self._listing["items"]), pages.HEADERS),
        )

    async def type(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        language = wanted_language(request)
        kind = self._found(names["type"])
        if not _wants_page(request):
            return self._answer(request, ("type", kind.name), lambda: _json(self._detail(kind)))
        return self._answer(request, ("type", kind.name, language), lambda: self._page(kind, language))

    async def schema(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        name, version = names["type"], names["version"]
        form = request.query.get("form", "published")
        if form not in ("published", "flat"):
            raise Refused(Refusal("BAD_REQUEST", "form: flat, or left out"))
        return self._answer(request, ("schema", name, version, form), lambda: self._schema(name, version, form))

    def _described(self, name: str) -> Handler:
        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            return self._answer(request, (name,), lambda: _json(self._documents[name]()))

        return handle

    def _answer(self, request: web.BaseRequest, key: tuple[str, ...], make: Callable[[], Page]) -> web.Response:
        """What is kept under `key`, made if need be; 304 where the client has it already."""
        if (kept := self._kept.get(key)) is None:
            body, headers = make()
            etag = f'"{sha256(body).hexdigest()[:32]}"'
            kept = self._kept[key] = body, {**headers, "ETag": etag, "Cache-Control": CACHED}
        body, headers = kept
        headers = {**headers, "Vary": "Accept, Accept-Language"}
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={name: headers[name] for name in ("ETag", "Cache-Control", "Vary")})
        return web.Response(body=body, headers=headers)

    @cached_property
    def _listing(self) -> listing.Document:
        return listing.listing(self._catalogue, self._deprecations)

    def _detail(self, kind: EventType) -> listing.Document:
        return listing.detail(kind, self._catalogue, self._deprecations)

    def _found(self, name: str, dataschema: str | None = None) -> EventType:
        kind = self._catalogue.find(name, dataschema)
        if isinstance(kind, Fault):
            raise Refused(Refusal("NOT_FOUND", f"{kind.found}: {kind.expected}"))
        return kind

    def _schema(self, name: str, version: str, form: str) -> Page:
        headers = {"Content-Type": SCHEMA}
        dataschema = f"urn:customs-hub:schema:{name}:{version}"
        if (leaving := self._deprecations.get(dataschema)) is not None:
            headers |= headers_of(leaving)
        if form == "flat":
            flat = {"$schema": _DIALECT, "$id": dataschema, **self._found(name, dataschema).schema.flat}
            return orjson.dumps(flat, option=orjson.OPT_INDENT_2), headers
        if (raw := published(name, version)) is None:
            self._found(name, dataschema)
        return raw or b"", headers

    def _page(self, kind: EventType, language: str) -> Page:
        told = self._detail(kind)
        examples = [
            {
                **each,
                "event": pages.written(each["event"]),
                "faults": [_said(fault, language) for fault in each["faults"]],
            }
            for each in told["examples"]
        ]
        rows = members(kind.schema.flat, language)
        roles = [words().french(f"role: {role}") if language == "fr" else role for role in told["roles"]]
        body = pages.page("type.html", language, type=told, roles=roles, members=rows, examples=examples)
        return body, pages.HEADERS


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _said(fault: Mapping[str, str], language: str) -> dict[str, str]:
    text = FAULTS[fault["code"]]
    return {**fault, "text": text.fr if language == "fr" else text.en}


def _json(document: object) -> Page:
    return orjson.dumps(document), {"Content-Type": JSON}


def _wants_page(request: web.BaseRequest) -> bool:
    """A browser names text/html; whatever else asks gets JSON."""
    return "text/html" in request.headers.get("Accept", "")
