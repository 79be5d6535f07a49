"""Routes of replays: the past of a feed, in sessions of its recipient's."""

from __future__ import annotations

from hub.web.route import BODY_CODES, FEED_CODES, STORE_CODES, Route

REPLAY_ROUTES = (
    Route(
        method="POST",
        path="/v1/feeds/{feed}/replays",
        name="start_replay",
        scope="feeds:read",
        media_types=("application/json",),
        answers=(201, 400, 404, 410),
        codes=(*FEED_CODES, *BODY_CODES, *STORE_CODES),
        summary="Begin to read the past of a feed again: by time, from a cursor, what is missing behind one, or what "
        "failed; with `known_at`, as it was known then. Shown is what was allowed then and still is.",
    ),
    Route(
        method="GET",
        path="/v1/replays",
        name="list_replays",
        scope="feeds:read",
        answers=(200,),
        codes=("STORAGE_UNAVAILABLE",),
        summary="Your open replays.",
    ),
    Route(
        method="GET",
        path="/v1/replays/{replay}/records",
        name="get_replay_records",
        scope="feeds:read",
        waits=True,
        answers=(200, 400, 404, 410),
        codes=(*FEED_CODES, "OUTCOME_UNKNOWN"),
        summary="Records of a replay after a cursor; repeatable, at a pace apart from live delivery.",
    ),
    Route(
        method="DELETE",
        path="/v1/replays/{replay}",
        name="end_replay",
        scope="feeds:read",
        answers=(204, 404),
        codes=("NOT_FOUND", *STORE_CODES),
        summary="End a replay.",
    ),
)
