"""Routes of digital copies of documents."""

from __future__ import annotations

from hub.web.route import BINARY, BODY_CODES, ITEM_CODES, STORE_CODES, Route

COPIES = (
    "application/pdf", "image/jpeg", "image/png", "application/xml", "application/json", "application/vc+jwt",
    "application/vp+jwt",
)  # fmt: skip

COPY_ROUTES = (
    Route(
        method="POST",
        path="/v1/documents",
        name="post_document",
        for_another=True,
        scope="events:write",
        media_types=COPIES,
        waits=True,
        answers=(200, 201, 202, 400, 403, 409, 413, 415, 422, 503, 507),
        codes=(*BODY_CODES, *STORE_CODES, *ITEM_CODES, "DIGEST_DIFFERS", "DOCUMENT_REFUSED"),
        summary="Hand in a digital copy of a document; it is examined, kept, and accepted as an event with a receipt. "
        "The same bytes again are answered with the same receipt.",
    ),
    Route(
        method="GET",
        path="/v1/documents/{sha256}",
        name="get_document",
        scope="receipts:read",
        or_scope="feeds:read",
        waits=True,
        answers=(200, 400, 404),
        codes=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        summary="What is known of the document that a copy is a version of: its state, and its versions.",
    ),
    Route(
        method="GET",
        path="/v1/documents/{sha256}/content",
        name="get_document_content",
        scope="receipts:read",
        or_scope="feeds:read",
        waits=True,
        answers=(200, 400, 404, 409, 410),
        codes=("NOT_FOUND", "DOCUMENT_WITHDRAWN", "DOCUMENT_QUARANTINED", "COPY_REFUSED", "STORAGE_UNAVAILABLE"),
        summary="The copy, to its publisher and to those whom an agreement shows all of `/data/document`.",
    ),
    Route(
        method="POST",
        path="/v1/documents/{sha256}/withdraw",
        name="withdraw_document",
        for_another=True,
        scope="events:write",
        media_types=(BINARY,),
        waits=True,
        answers=(200, 201, 202, 400, 403, 404, 409, 413, 415, 422, 503, 507),
        codes=(*BODY_CODES, *STORE_CODES, *ITEM_CODES, "NOT_FOUND"),
        summary="Withdraw a document of yours, all its versions: it is kept, and no longer handed out.",
    ),
)
