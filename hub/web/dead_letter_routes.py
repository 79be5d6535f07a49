"""Routes by which companies see what was set aside of theirs."""

from __future__ import annotations

from hub.web.route import Route

DEAD_LETTER_ROUTES = (
    Route(
        method="GET",
        path="/v1/dead-letters",
        name="list_dead_letters",
        for_another=True,
        scope="receipts:read",
        answers=(200, 400),
        codes=("CURSOR_INVALID", "STORAGE_UNAVAILABLE"),
        summary="Events of yours that were set aside, and deliveries to you that were given up: why, since when, what "
        "became of each, and what you can do.",
    ),
    Route(
        method="GET",
        path="/v1/dead-letters/{letter}",
        name="get_dead_letter",
        for_another=True,
        scope="receipts:read",
        answers=(200, 404),
        codes=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        summary="One of them; of a conflict also what was found against what you had sent first, member by member.",
    ),
)
