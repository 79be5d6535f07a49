"""The route by which recipients see where their feeds are brought."""

from __future__ import annotations

from hub.web.route import Route

ENDPOINT_ROUTES = (
    Route(
        method="GET",
        path="/v1/endpoints",
        name="list_endpoints",
        scope="feeds:read",
        or_scope="receipts:read",
        answers=(200,),
        summary="Where your feeds (`feeds:read`) and notices (`receipts:read`) are brought (webhooks), how each "
        "does, and the public keys that sign.",
    ),
)
