"""Routes of documents: dry runs, tables and templates, and the EPCIS 2.0 REST interface as far as it is offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from hub.web.route import (
    BATCHED,
    BINARY,
    DOCUMENT_CODES,
    EDIFACT,
    ITEM_CODES,
    JUDGED_CODES,
    LINKED,
    NDJSON,
    STORE_CODES,
    STRUCTURED,
    TABLES,
    Route,
)

_TABLE_CODES = (*DOCUMENT_CODES, *STORE_CODES, *ITEM_CODES)

DOCUMENT_ROUTES = (
    Route(
        method="POST",
        path="/v1/validate",
        name="validate",
        for_another=True,
        scope="events:write",
        media_types=(STRUCTURED, BATCHED, NDJSON, BINARY, LINKED, EDIFACT, *TABLES),
        answers=(200, 207, 403, 422),
        codes=(*DOCUMENT_CODES, *JUDGED_CODES),
        summary="What would become of events, of a document or of a table; nothing is stored. `answer` as there.",
    ),
    Route(
        method="POST",
        path="/v1/tables",
        name="post_table",
        for_another=True,
        scope="events:write",
        media_types=TABLES,
        waits=True,
        answers=(200, 202, 207, 403, 422, 503, 507),
        codes=_TABLE_CODES,
        summary="Push a sheet of events; every row gets a verdict, at once or where `Location` says.",
    ),
    Route(
        method="GET",
        path="/v1/tables/{table}",
        name="get_table",
        for_another=True,
        scope="events:write",
        answers=(200, 404),
        codes=(*_TABLE_CODES, "NOT_FOUND"),
        summary="How far a sheet of yours has come, and what became of its rows, 1,000 at a time.",
    ),
    Route(
        method="GET",
        path="/v1/tables/{table}/workbook",
        name="get_workbook",
        for_another=True,
        scope="events:write",
        waits=True,
        answers=(200, 404, 409),
        codes=("NOT_FOUND", "NOT_FINISHED", "STORAGE_UNAVAILABLE"),
        summary="A sheet of yours as a workbook, what is wrong marked and explained; `lang` is en or fr.",
    ),
    Route(
        method="POST",
        path="/v1/interchanges",
        name="post_interchange",
        for_another=True,
        scope="events:write",
        media_types=(EDIFACT,),
        waits=True,
        answers=(200, 202, 207, 403, 422, 503, 507),
        codes=_TABLE_CODES,
        summary="Push more EDIFACT than `/v1/events` takes; every event gets a verdict, or `Location` says where.",
    ),
    Route(
        method="GET",
        path="/v1/interchanges/{interchange}",
        name="get_interchange",
        for_another=True,
        scope="events:write",
        waits=True,
        answers=(200, 404, 409),
        codes=(*_TABLE_CODES, "NOT_FOUND", "NOT_FINISHED"),
        summary="How far EDIFACT of yours has come, item by item; `answer` is contrl or aperak, once it has ended.",
    ),
    Route(
        method="GET",
        path="/v1/schemas/{type}/template.xlsx",
        name="get_xlsx_template",
        answers=(200, 404),
        codes=("NOT_FOUND",),
        summary="A workbook to fill in with events of a type; `lang` is en or fr.",
    ),
    Route(
        method="GET",
        path="/v1/schemas/{type}/template.csv",
        name="get_csv_template",
        answers=(200, 404),
        codes=("NOT_FOUND",),
        summary="The same as separated values.",
    ),
)


def _options(path: str, name: str) -> Route:
    return Route(
        method="OPTIONS",
        path=path,
        name=name,
        scope="events:write",
        or_scope="receipts:read",
        answers=(204,),
        summary="The versions and limits of the interface, as headers.",
    )


def _elsewhere() -> Iterator[Route]:
    methods: tuple[Literal["GET", "POST", "OPTIONS", "DELETE"], ...] = ("GET", "POST", "OPTIONS", "DELETE")
    for method in methods:
        yield Route(
            method=method,
            path="/epcis/{other*}",
            name="epcis_other",
            scope="events:write",
            or_scope="receipts:read",
            answers=(404, 501),
            codes=("NOT_FOUND", "NOT_OFFERED"),
            summary="What EPCIS 2.0 has besides (queries, subscriptions, lists of types, EPCs, steps and places): 501.",
        )


_VERSION_CODES = ("NOT_ACCEPTABLE",)

EPCIS_ROUTES = (
    Route(
        method="GET",
        path="/epcis",
        name="epcis_discovery",
        scope="events:write",
        or_scope="receipts:read",
        answers=(200, 406),
        codes=_VERSION_CODES,
        summary="The resources of EPCIS 2.0 that are offered.",
    ),
    _options("/epcis", "epcis_options"),
    Route(
        method="POST",
        path="/epcis/capture",
        name="epcis_capture",
        for_another=True,
        scope="events:write",
        media_types=(BINARY, LINKED),
        answers=(202, 400, 403, 406, 413, 415, 507),
        codes=(*DOCUMENT_CODES, *STORE_CODES, "MANDATE_MISSING", "NOT_ACCEPTABLE"),
        summary="An EPCIS document to be judged; `Location` says how far it has come.",
    ),
    Route(
        method="GET",
        path="/epcis/capture",
        name="epcis_capture_jobs",
        scope="events:write",
        answers=(200, 400, 406),
        codes=(*_VERSION_CODES, "CURSOR_INVALID", "STORAGE_UNAVAILABLE"),
        summary="Your capture jobs, newest first, `perPage` at a time.",
    ),
    _options("/epcis/capture", "epcis_capture_options"),
    Route(
        method="GET",
        path="/epcis/capture/{capture}",
        name="epcis_capture_job",
        for_another=True,
        scope="events:write",
        answers=(200, 404, 406),
        codes=(*_VERSION_CODES, *_TABLE_CODES, "NOT_FOUND"),
        summary="How far a capture of yours has come, and what is wrong in it.",
    ),
    _options("/epcis/capture/{capture}", "epcis_capture_job_options"),
    Route(
        method="POST",
        path="/epcis/events",
        name="epcis_post_event",
        for_another=True,
        scope="events:write",
        media_types=(BINARY, LINKED),
        answers=(200, 201, 400, 403, 409, 413, 415, 503, 507),
        codes=(*DOCUMENT_CODES, *STORE_CODES, *ITEM_CODES, "NOT_ACCEPTABLE"),
        summary="One EPCIS event; it is accepted when you are answered.",
    ),
    Route(
        method="GET",
        path="/epcis/events",
        name="epcis_events",
        scope="receipts:read",
        answers=(200, 400, 406, 501),
        codes=(*_VERSION_CODES, "CURSOR_INVALID", "STORAGE_UNAVAILABLE", "NOT_OFFERED"),
        summary="Your events that came as EPCIS, as a query document, by type, time, action, step and EPC.",
    ),
    _options("/epcis/events", "epcis_events_options"),
    Route(
        method="GET",
        path="/epcis/events/{event*}",
        name="epcis_event",
        scope="receipts:read",
        answers=(200, 404, 406),
        codes=(*_VERSION_CODES, "NOT_FOUND", "STORAGE_UNAVAILABLE"),
        summary="One event of yours by its `eventID`, with what took it back.",
    ),
    _options("/epcis/events/{event*}", "epcis_event_options"),
    *_elsewhere(),
)
