"""Routes about feeds themselves: what their records look like, how far behind they are, what a filter would bring."""

from __future__ import annotations

from hub.web.route import BODY_CODES, Route

_CODES = ("NOT_FOUND", "FEED_GONE")

FEED_ROUTES = (
    Route(
        method="GET",
        path="/v1/feeds/{feed}/schema",
        name="get_feed_schema",
        scope="feeds:read",
        answers=(200, 404, 410),
        codes=_CODES,
        summary="The JSON Schema of the feed's records, as its version and the agreements show them.",
    ),
    Route(
        method="GET",
        path="/v1/feeds/{feed}/asyncapi",
        name="get_feed_asyncapi",
        scope="feeds:read",
        answers=(200, 404, 410),
        codes=_CODES,
        summary="The feed, its lanes and records as an AsyncAPI 3 document.",
    ),
    Route(
        method="GET",
        path="/v1/feeds/{feed}/lag",
        name="get_feed_lag",
        scope="feeds:read",
        answers=(200, 404, 410),
        codes=(*_CODES, "STORAGE_UNAVAILABLE"),
        summary="How many events each lane is behind, for how long, and whether that grows.",
    ),
    Route(
        method="POST",
        path="/v1/feeds/{feed}/count",
        name="count_feed",
        scope="feeds:read",
        waits=True,
        media_types=("application/json",),
        answers=(200, 404, 410, 422),
        codes=(*_CODES, *BODY_CODES, "ACT_REFUSED", "STORAGE_UNAVAILABLE"),
        summary="How much another filter would have brought in the last 24 hours, rounded; at most 20 times an hour.",
    ),
)
