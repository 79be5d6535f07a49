"""Routes by which companies see who was given their data."""

from __future__ import annotations

from hub.web.route import Route

ACCESS_ROUTES = (
    Route(
        method="GET",
        path="/v1/receipts/chain",
        name="get_receipt_chain",
        for_another=True,
        scope="receipts:read",
        answers=(200, 400),
        codes=("STORAGE_UNAVAILABLE",),
        summary="How far an event of yours came: accepted, published, delivered, processed, by recipient, and when.",
    ),
    Route(
        method="GET",
        path="/v1/accesses",
        name="list_accesses",
        scope="receipts:read",
        answers=(200, 400),
        codes=("CURSOR_INVALID", "STORAGE_UNAVAILABLE"),
        summary="Who was given your events, by which agreements, for what, which fields, and when; of all, or with "
        "`source` and `id` of one; `format=csv` and `format=ndjson` export.",
    ),
)
