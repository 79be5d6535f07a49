"""Handing a copy over: in chunks, as a file to be kept, and to the last byte only if it is what its digest says."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256

from aiohttp import web

from hub.core.copies import Entry
from hub.core.errors import BlobDamaged
from hub.ports.system import Clock
from hub.web.edge import SERVER

_SUFFIXES = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/xml": "xml",
    "application/json": "json",
    "application/vc+jwt": "jwt",
    "application/vp+jwt": "jwt",
}


async def hand_over(
    request: web.BaseRequest,
    entry: Entry,
    digest: str,
    chunks: AsyncIterator[bytes],
    *,
    clock: Clock,
    seconds_max: float,
) -> web.StreamResponse:
    """Answer with the copy; nothing is ever shown inside a page.

    Raises what `chunks` raises before the first byte; after it the connection ends before the last one.
    """
    waiting = await anext(chunks, b"")
    response = web.StreamResponse(headers=_headers(entry, digest))
    response.content_length = entry.bytes
    found = sha256(waiting)
    try:
        async with clock.deadline(seconds_max):
            await response.prepare(request)
            async for chunk in chunks:
                found.update(chunk)
                await response.write(waiting)
                waiting = chunk
            if found.hexdigest() != digest:
                raise BlobDamaged("a copy is not what its digest says")
            await response.write(waiting)
            await response.write_eof()
    except TimeoutError as e:
        raise ConnectionResetError("the reader takes too long") from e
    return response


def _headers(entry: Entry, digest: str) -> dict[str, str]:
    return {
        "Content-Type": entry.media_type,
        "Content-Disposition": f'attachment; filename="{digest}.{_SUFFIXES[entry.media_type]}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "none",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:",
        **SERVER,
    }
