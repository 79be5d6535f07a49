"""Refusals over HTTP: raised on the way as `Refused`, answered as problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self, TypeVar

import orjson
from aiohttp import web

from hub.core.errors import Refusal
from hub.core.faults import ACT_FAULTS
from hub.core.words import words
from schemas.faults import FAULTS, Fault

PROBLEM = "application/problem+json"
RETRY_AFTER_SECONDS = "1"

T = TypeVar("T")

_FAULTS = {**FAULTS, **ACT_FAULTS}


class Refused(Exception):
    """Raised by handlers to leave with a refusal; carries headers where HTTP asks for some."""

    def __init__(self, refusal: Refusal, **headers: str) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.pause = 0.0
        self.closes = False
        self.headers = headers

    def pausing(self, seconds: float) -> Self:
        """The same; once it is answered, the connection is not read for so long."""
        self.pause = seconds
        return self

    def closing(self) -> Self:
        """The same; once it is answered, nothing more is read of the connection."""
        self.closes = True
        return self


def granted(outcome: T | Refusal) -> T:
    """What was asked for. Raises `Refused` where it is a refusal."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


def problem(
    refusal: Refusal, *, language: str = "en", instance: str = "", extra: Mapping[str, object] | None = None
) -> web.Response:
    """A refusal as it is answered (`schemas/formats/problem.md`)."""
    row = refusal.row
    said = words().said
    document = {
        "type": f"urn:customs-hub:error:{row.code}",
        "title": row.fr if language == "fr" else row.en,
        "status": row.status,
        "code": row.code,
        "fix": said(row.fix, language),
        "retryable": row.retryable,
    }
    if refusal.detail:
        document["detail"] = said(refusal.detail, language)
    if instance:
        document["instance"] = instance
    if refusal.faults:
        document["faults"] = fault_documents(refusal.faults, language)
    if refusal.cursor:
        document["cursor"] = refusal.cursor
    response = web.Response(status=row.status, body=orjson.dumps({**document, **(extra or {})}), content_type=PROBLEM)
    if row.retryable:
        response.headers["Retry-After"] = str(refusal.retry_after) if refusal.retry_after else RETRY_AFTER_SECONDS
    if row.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def fault_documents(faults: Iterable[Fault], language: str) -> list[dict[str, str]]:
    """Faults as they are answered: with their text and, where one is obvious, a fix."""
    return [words().fault(each, language, _FAULTS) for each in faults]
