"""Routes of mandates, by which one partner lets another report for it."""

from __future__ import annotations

from hub.web.route import BODY_CODES, REGISTRY_CODES, Route

_ACT_CODES = (*BODY_CODES, *REGISTRY_CODES, "ACT_REFUSED")

MANDATE_ROUTES = (
    Route(
        method="POST",
        path="/v1/mandates",
        name="grant_mandate",
        scope="mandates:sign",
        media_types=("application/json",),
        answers=(200, 201, 202, 422),
        codes=_ACT_CODES,
        summary="Grant a mandate under signatures of two systems; where you have but one, an officer signs as well.",
    ),
    Route(
        method="POST",
        path="/v1/mandates/{mandate}/withdraw",
        name="withdraw_mandate",
        scope="mandates:sign",
        media_types=("application/json",),
        answers=(200, 202, 404, 422),
        codes=(*_ACT_CODES, "NOT_FOUND"),
        summary="Withdraw a mandate of yours under signatures of two systems; what rests on it ends with it.",
    ),
    Route(
        method="GET",
        path="/v1/mandates",
        name="list_mandates",
        scope="receipts:read",
        or_scope="mandates:sign",
        answers=(200, 400),
        summary="The mandates that you are principal or agent of, with their signatures, oldest first.",
    ),
)
