"""The routes by which a company's system comes to the hub, and sees how far it has come."""

from __future__ import annotations

from hub.web.route import BODY_CODES, REGISTRY_CODES, Route

_JSON = ("application/json",)

ENROLMENT_ROUTES = (
    Route(
        method="POST",
        path="/v1/enrolment/challenge",
        name="enrolment_challenge",
        media_types=_JSON,
        answers=(200,),
        codes=BODY_CODES,
        summary="A nonce for the proof by which a system enrols; answered the same whether there is such a code or "
        "not.",
    ),
    Route(
        method="POST",
        path="/v1/enrolment",
        name="enrol",
        media_types=_JSON,
        answers=(201, 403, 409),
        codes=(*BODY_CODES, *REGISTRY_CODES, "ENROLMENT_REFUSED", "ENROLMENT_KEY_KNOWN"),
        summary="Bring the key of a system that was invited, with a proof over the code; an operator then approves it.",
    ),
    Route(
        method="GET",
        path="/v1/enrolment/checklist",
        name="enrolment_checklist",
        scope="receipts:read",
        any_scope=True,
        answers=(200, 404),
        codes=("NOT_FOUND", *REGISTRY_CODES),
        summary="How far this system has come: key, clock, first event, first receipt verified, approval.",
    ),
    Route(
        method="POST",
        path="/v1/enrolment/receipt-verified",
        name="receipt_verified",
        scope="receipts:read",
        any_scope=True,
        media_types=_JSON,
        answers=(200, 404, 422),
        codes=(*BODY_CODES, *REGISTRY_CODES, "NOT_FOUND", "RECEIPT_NOT_OURS"),
        summary="Show a receipt of yours that you verified; answered with the checklist.",
    ),
)
