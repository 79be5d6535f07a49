"""Routes of what customs answers: engines send, companies acknowledge."""

from __future__ import annotations

from hub.web.route import BODY_CODES, STORE_CODES, Route

ANSWER_ROUTES = (
    Route(
        method="POST",
        path="/v1/notices",
        name="send_notice",
        scope="notices:write",
        media_types=("application/json",),
        answers=(200, 201, 400, 403, 404, 409, 410),
        codes=(
            *BODY_CODES,
            *STORE_CODES,
            *("ROLE_NOT_PERMITTED", "NOT_FOUND", "FEED_GONE", "NOTICE_NOT_AGREED", "NOTICE_CONFLICT"),
        ),
        summary="Tell companies something about an event or object that a feed of yours showed, if an agreement lets "
        "you; sent again under the same id it is sent once.",
    ),
    Route(
        method="GET",
        path="/v1/notices/sent",
        name="sent_notices",
        scope="notices:write",
        answers=(200, 400),
        codes=("CURSOR_INVALID", "STORAGE_UNAVAILABLE"),
        summary="What you sent, newest first, and how far it came: written, read, acknowledged, overdue.",
    ),
    Route(
        method="POST",
        path="/v1/notices/{notice}/acknowledge",
        name="acknowledge_notice",
        scope="receipts:read",
        media_types=("application/json",),
        answers=(200, 400, 404),
        codes=(*BODY_CODES, *STORE_CODES, "NOT_FOUND", "ACK_SIGNATURE_INVALID"),
        summary="Say that you have read a notice of customs, signed or not; the first time stands.",
    ),
)
