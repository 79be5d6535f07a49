"""Routes of agreements, by which a partner gives events to an authority."""

from __future__ import annotations

from hub.web.route import BODY_CODES, REGISTRY_CODES, Route

AGREEMENT_ROUTES = (
    Route(
        method="GET",
        path="/v1/agreements/mine",
        name="own_agreements",
        scope="events:write",
        or_scope="agreements:sign",
        answers=(200, 400),
        summary="The agreements that cover you, in words, and the members of each event type that they cover.",
    ),
    Route(
        method="POST",
        path="/v1/agreements/{agreement}/signatures",
        name="sign_agreement",
        scope="agreements:sign",
        media_types=("application/json",),
        answers=(200, 202, 404, 422),
        codes=(*BODY_CODES, *REGISTRY_CODES, "ACT_REFUSED", "NOT_FOUND"),
        summary="Sign an agreement that was proposed to you: a detached JWS over its text.",
    ),
)
