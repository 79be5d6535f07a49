"""Routes of the catalogue: event types and their schemas, and the interface described for machines."""

from __future__ import annotations

from hub.web.route import Route

SCHEMA_ROUTES = (
    Route(
        method="GET",
        path="/v1/schemas",
        name="list_schemas",
        answers=(200, 304),
        summary="Every event type with its versions, as JSON or as a page; `lang` is en or fr.",
    ),
    Route(
        method="GET",
        path="/v1/schemas/{type}",
        name="get_schema_type",
        answers=(200, 304, 404),
        codes=("NOT_FOUND",),
        summary="An event type: versions, who may report it, examples with their faults; as JSON or as a page.",
    ),
    Route(
        method="GET",
        path="/v1/schemas/{type}/{version}",
        name="get_schema",
        answers=(200, 304, 404),
        codes=("NOT_FOUND",),
        summary="A version's JSON Schema as published; with `form=flat` without references.",
    ),
    Route(
        method="GET",
        path="/v1/openapi.json",
        name="openapi",
        answers=(200, 304),
        summary="This interface as an OpenAPI 3.1 document.",
    ),
    Route(
        method="GET",
        path="/v1/asyncapi.json",
        name="asyncapi",
        answers=(200, 304),
        summary="Feeds and notices as an AsyncAPI 3 document.",
    ),
)
