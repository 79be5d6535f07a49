"""The route by which administrations' word on AEO authorisations comes in."""

from __future__ import annotations

from hub.web.route import BODY_CODES, STORE_CODES, TEXT, Route

STATUS_ROUTES = (
    Route(
        method="POST",
        path="/v1/aeo/statuses",
        name="post_aeo_statuses",
        scope="aeo:write",
        media_types=(TEXT,),
        answers=(200, 403, 409, 422),
        codes=(*BODY_CODES, *STORE_CODES, "ROLE_NOT_PERMITTED", "ACT_REFUSED", "REGISTRY_MOVED"),
        summary="Messages of AEO status feeds, one JWS a line: all are taken or none; every fault names its line.",
    ),
)
