"""What a request says of the native events in it: how they travel, and whether they are to be taken together."""

from __future__ import annotations

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Mode
from hub.web.problems import Refused
from hub.web.routes import BATCHED, BINARY, NDJSON, STRUCTURED

MODES = {STRUCTURED: Mode.STRUCTURED, BATCHED: Mode.BATCHED, NDJSON: Mode.NDJSON, BINARY: Mode.BINARY}
ATOMIC = "Hub-Batch"


def atomic(request: web.BaseRequest) -> bool:
    wanted = request.headers.get(ATOMIC)
    if wanted not in (None, "atomic"):
        raise Refused(Refusal("BAD_REQUEST", "Hub-Batch: atomic, or no such header"))
    return wanted is not None


def attribute_headers(request: web.BaseRequest) -> dict[str, str]:
    """The `ce-` headers; an attribute given twice has no meaning."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        if (name := name.lower()).startswith("ce-"):
            if name in found:
                raise Refused(Refusal("BAD_REQUEST", f"{name} is given twice"))
            found[name] = value
    return found
