"""Problems in the words of EPCIS 2.0: its exception types beside the hub's codes (REST Bindings 2.0, `responses`)."""

from __future__ import annotations

import orjson
from aiohttp import web

ROOT = "/epcis"
_TYPES = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchNameException",
    406: "NotAcceptableException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    415: "UnsupportedMediaTypeException",
}


def epcis_status(status: int) -> int:
    """The standard knows no 422."""
    return 400 if status == 422 else status


def epcis_type(status: int, *, reading: bool = False) -> str:
    """The type of a problem with this status; a question that is wrong has another than an event that is."""
    if status == 400 and reading:
        return "epcisException:QueryParameterException"
    return f"epcisException:{_TYPES.get(status, 'ImplementationException')}"


def speak_epcis(response: web.Response, *, reading: bool) -> None:
    """Give a problem the standard's type and status."""
    assert isinstance(response.body, bytes)
    status = epcis_status(response.status)
    document = orjson.loads(response.body) | {"type": epcis_type(status, reading=reading), "status": status}
    response.set_status(status)
    response.body = orjson.dumps(document)
