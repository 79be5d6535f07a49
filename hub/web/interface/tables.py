"""What the routes leave unsaid: parameters, and what their answers hold. By the name of the route."""

from __future__ import annotations

from typing import Any

from hub.web.copy_routes import COPIES
from hub.web.route import CSV, EDIFACT, NDJSON, XLSX

JSON, SSE, HTML, SCHEMA = "application/json", "text/event-stream", "text/html", "application/schema+json"
BYTES = "application/octet-stream"


def _query(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "schema": schema or {"type": "string"},
    }


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema or {"type": "string"}}


_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 999_999}
_CURSOR = _query("cursor", "as it was answered: what comes after it")
_LIMIT = _query("limit", "at most so many items", **_COUNT)
_WAIT = _query("wait", "seconds to wait for the first item", **_COUNT)
_LANE = _query("lane", "the lane of its urgent types; the other one, if not given", const="urgent")
_FROM = _query("from", "begin with the first record kept, or with the next one", enum=["earliest", "now"])
_LAST_EVENT = _header("Last-Event-ID", "a cursor: where to go on")
_PROOF = _query("proof", "with the seals of records that withhold members", const="yes")
_LANG = _query("lang", "the language, instead of Accept-Language", enum=["en", "fr"])
_SOURCE = _query("source", "the source of what the document holds")
_TYPE = _query("type", "the event type of rows that name none")
_EPCIS = [
    _header("GS1-EPCIS-Version", "the version of EPCIS that the client speaks"),
    _header("GS1-CBV-Version", "the version of the vocabulary that the client speaks"),
]
_PER_PAGE = [
    _query("perPage", "at most so many", type="integer", minimum=1, maximum=100),
    _query("nextPageToken", "of the link that was answered"),
]
_ANSWER = _query(
    "answer",
    "dcsa: faults in the form of DCSA as well; contrl, aperak: in EDIFACT what is sent as application/edifact",
    enum=["dcsa", "contrl", "aperak"],
)
_PURPOSE = _query("purpose", "the purpose of the agreements to look through")
_CACHE = _header("If-None-Match", "what the client has, by its ETag")

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "post_events": [
        _header("Hub-Batch", "atomic: all items or none", const="atomic"),
        _header("Content-Digest", "sha-256=:<base64>: of the body (RFC 9530), of a signed request"),
        _header("Signature-Input", "what is signed (RFC 9421), and by which key of the client"),
        _header("Signature", "the signature: kept with the events"),
        _SOURCE,
        _ANSWER,
    ],
    "validate": [_SOURCE, _TYPE, _ANSWER],
    "post_table": [_SOURCE, _TYPE],
    "get_table": [_CURSOR, _LIMIT],
    "post_interchange": [_SOURCE],
    "get_interchange": [_query("answer", "in EDIFACT, once it has ended", enum=["contrl", "aperak"]), _CURSOR, _LIMIT],
    "get_workbook": [_LANG],
    "get_xlsx_template": [_LANG],
    "get_csv_template": [_LANG],
    "list_schemas": [_LANG, _CACHE],
    "get_schema_type": [_LANG, _CACHE],
    "get_schema": [_query("form", "flat: without references", const="flat"), _CACHE],
    "openapi": [_CACHE],
    "asyncapi": [_CACHE],
    "post_document": [
        _query("kind", "what it is: a document name code of UNTDID 1001, such as 380", required=True),
        _query("reference", "its reference, as its issuer writes it", required=True),
        _query("subject", "scheme:value of what it is about; may be repeated", type="array", items={"type": "string"}),
        _query("title", "what a person would call it"),
        _query("issued_at", "when it was issued (RFC 3339)"),
        _query("source", "of its event; documents, if not given"),
        _query("id", "of its event; sha256: and the digest, if not given"),
        _query("updated_at", "a later version of what is said of the same bytes (RFC 3339)"),
        _query("replaces", "the SHA-256 (hex) of the copy that this one takes the place of"),
        _query("reason", "why it takes the place of that one"),
        _header("Content-Digest", "sha-256=:<base64>: of the body, to be compared (RFC 9530)"),
        _header("Repr-Digest", "the same"),
    ],
    "get_document": [_PURPOSE],
    "get_document_content": [_PURPOSE],
    "get_events": [
        _query("source", "with id: what was judged of this identity of yours"),
        _query("id", "with source"),
        _query("version", "with source and id: the data.updated_at of a correction"),
        _query("publisher", "whose events"),
        _query("object", "scheme:value of what they are about"),
        _query("type", "an event type"),
        _query("time", "which time from and to bound", enum=["received", "occurred"]),
        _query("from", "not earlier (RFC 3339)"),
        _query("to", "earlier (RFC 3339)"),
        _query("status", "whether it counts"),
        _query("tied", "events of objects that are tied to the one asked for as well", enum=["true", "false"]),
        _query("order", "which first", enum=["newest", "oldest"]),
        _query("purpose", "the purpose of the agreements to look through"),
        _CURSOR,
        _LIMIT,
    ],
    "get_object": [_query("purpose", "the purpose of the agreements to look through")],
    "get_receipts": [
        _query("source", "of the event", required=True),
        _query("id", "of the event", required=True),
        _query("version", "the data.updated_at of a correction"),
        _CURSOR,
        _LIMIT,
    ],
    "get_receipt_chain": [
        _query("source", "of the event", required=True),
        _query("id", "of the event", required=True),
        _query("version", "the data.updated_at of a correction"),
    ],
    "list_dead_letters": [
        _query("state", "of these alone", enum=["waiting", "released", "repaired", "discarded"]),
        _CURSOR,
        _LIMIT,
    ],
    "list_accesses": [
        _query("source", "with id: of this event of yours alone"),
        _query("id", "with source"),
        _query("version", "with source and id: the data.updated_at of a correction"),
        _query("from", "given not earlier (RFC 3339)"),
        _query("to", "given earlier (RFC 3339)"),
        _query("concerning", "yes: of events of others that concern you, if the hub tells", enum=["no", "yes"]),
        _query("format", "an export, with the next page in Link", enum=["json", "csv", "ndjson"]),
        _CURSOR,
        _LIMIT,
    ],
    "get_notices": [_CURSOR, _LIMIT, _WAIT],
    "stream_notices": [_CURSOR, _LAST_EVENT],
    "sent_notices": [
        _query("id", "those that you sent under this id of yours"),
        _query("overdue", "yes: those alone whose deadline passed unacknowledged", const="yes"),
        _CURSOR,
        _LIMIT,
    ],
    "list_mandates": [_CURSOR, _LIMIT],
    "own_agreements": [_CURSOR, _LIMIT],
    "get_records": [
        _LANE,
        _CURSOR,
        _FROM,
        _LIMIT,
        _WAIT,
        _PROOF,
    ],
    "acknowledge": [_LANE],
    "get_replay_records": [_CURSOR, _LIMIT, _WAIT, _PROOF],
    "stream": [_LANE, _CURSOR, _FROM, _LAST_EVENT, _PROOF],
    "epcis_capture": [
        _header("GS1-Capture-Error-Behaviour", "what becomes of the rest", enum=["rollback", "proceed"]),
        _SOURCE,
    ],
    "epcis_capture_jobs": [*_EPCIS, *_PER_PAGE],
    "epcis_capture_job": _EPCIS,
    "epcis_discovery": _EPCIS,
    "epcis_post_event": [_SOURCE],
    "epcis_events": [*_EPCIS, *_PER_PAGE],
    "epcis_event": [*_EPCIS, _SOURCE],
}
"""Beside those in the path, and `Accept-Language`, which every route takes."""

ANSWERS: dict[str, dict[str, str]] = {
    "token": {JSON: "Token"},
    "rotate_credential": {JSON: "RotatedKey"},
    "enrolment_challenge": {JSON: "EnrolmentNonce"},
    "enrol": {JSON: "Enrolled"},
    "enrolment_checklist": {JSON: "Checklist"},
    "receipt_verified": {JSON: "Checklist"},
    "introspect": {JSON: "Introspection"},
    "metadata": {JSON: "AuthorizationServer"},
    "jwks": {JSON: "KeySet"},
    "seal_keys": {JSON: "SealKeys"},
    "post_events": {JSON: "Outcome", EDIFACT: "Text"},
    "validate": {JSON: "Outcome", EDIFACT: "Text"},
    "post_table": {JSON: "Table"},
    "get_table": {JSON: "Table"},
    "post_interchange": {JSON: "Table"},
    "get_interchange": {JSON: "Table", EDIFACT: "Text"},
    "get_workbook": {XLSX: "File"},
    "get_xlsx_template": {XLSX: "File"},
    "get_csv_template": {CSV: "Text"},
    "list_schemas": {JSON: "Schemas", HTML: "Text"},
    "get_schema_type": {JSON: "SchemaType", HTML: "Text"},
    "get_schema": {SCHEMA: "JSONSchema"},
    "openapi": {JSON: "Described"},
    "asyncapi": {JSON: "Described"},
    "post_document": {JSON: "Deposited"},
    "get_document": {JSON: "KnownDocument"},
    "get_document_content": dict.fromkeys(COPIES, "File") | {JSON: "HandedIn"},
    "withdraw_document": {JSON: "Item"},
    "get_events": {JSON: "KnownEvents"},
    "get_object": {JSON: "KnownObject"},
    "get_receipts": {JSON: "Receipts"},
    "get_receipt_chain": {JSON: "ReceiptChain"},
    "list_dead_letters": {JSON: "DeadLetters"},
    "get_dead_letter": {JSON: "DeadLetterOpened"},
    "list_accesses": {JSON: "Accesses", CSV: "Text", NDJSON: "Text"},
    "get_proof": {BYTES: "File"},
    "grant_mandate": {JSON: "Mandate"},
    "withdraw_mandate": {JSON: "Mandate"},
    "list_mandates": {JSON: "Mandates"},
    "own_agreements": {JSON: "OwnAgreements"},
    "sign_agreement": {JSON: "OwnAgreement"},
    "get_notices": {JSON: "Notices"},
    "stream_notices": {SSE: "Text"},
    "send_notice": {JSON: "SentNotices"},
    "sent_notices": {JSON: "SentNotices"},
    "acknowledge_notice": {JSON: "NoticeAcknowledged"},
    "post_aeo_statuses": {JSON: "StatusesTaken"},
    "list_feeds": {JSON: "Feeds"},
    "list_endpoints": {JSON: "Endpoints"},
    "get_records": {JSON: "FeedPage"},
    "get_feed_schema": {SCHEMA: "JSONSchema"},
    "get_feed_asyncapi": {JSON: "Described"},
    "get_feed_lag": {JSON: "FeedLags"},
    "count_feed": {JSON: "FeedCount"},
    "stream": {SSE: "Text"},
    "start_replay": {JSON: "Replay"},
    "list_replays": {JSON: "Replays"},
    "get_replay_records": {JSON: "ReplayPage"},
    "epcis_discovery": {JSON: "EPCISDocument"},
    "epcis_capture_jobs": {JSON: "EPCISJobs"},
    "epcis_capture_job": {JSON: "EPCISJob"},
    "epcis_post_event": {JSON: "EPCISDocument"},
    "epcis_events": {JSON: "EPCISDocument"},
    "epcis_event": {JSON: "EPCISDocument"},
    "live": {JSON: "Live"},
    "ready": {JSON: "Ready"},
}
"""What success holds, by media type; routes that are not here answer without a body."""
