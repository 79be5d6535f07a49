"""What a request brings along to say who sent it, read from the wire and not yet believed."""

from __future__ import annotations

from aiohttp import web

from hub.core.evidence import Credentials


class CredentialReader:
    """Reads `Credentials` of requests to the hub that partners know as `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self, request: web.BaseRequest) -> Credentials:
        return Credentials(
            request.method,
            self._url + request.rel_url.raw_path,
            tuple(request.headers.getall("Authorization", ())),
            tuple(request.headers.getall("DPoP", ())),
        )
