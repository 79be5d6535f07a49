"""What a request brings along to say who sent it, read from the wire and not yet believed."""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address
from ssl import SSLObject

from aiohttp import web

from hub.core.evidence import Credentials
from hub.ports.observer import Observer
from hub.trust.certificate import certificate_id, certificate_of_header

CLIENT_CERT = "Client-Cert"
"""RFC 9440 §2.2."""
FORWARDED_FOR = "X-Forwarded-For"


class CredentialReader:
    """Reads `Credentials` of requests to the hub that partners know as `url`.

    A client certificate is that of the TLS connection, whose key the handshake proved, or the one that a proxy of
    `proxies` names (addresses), who proved it in the hub's place.
    """

    def __init__(self, url: str, *, proxies: Container[str], observer: Observer) -> None:
        self._url = url
        self._proxies = proxies
        self._observer = observer

    def read(self, request: web.BaseRequest) -> Credentials:
        der = self._certificate(request)
        return Credentials(
            request.method,
            self._url + request.rel_url.raw_path,
            tuple(request.headers.getall("Authorization", ())),
            tuple(request.headers.getall("DPoP", ())),
            certificate=certificate_id(der) if der else None,
            certificate_der=der,
            is_confidential=self._is_confidential(request),
            address=self.address(request),
        )

    def _is_confidential(self, request: web.BaseRequest) -> bool:
        if request.remote in self._proxies or request.get_extra_info("ssl_object") is not None:
            return True
        try:
            return ip_address(request.remote or "").is_loopback
        except ValueError:
            return False

    def address(self, request: web.BaseRequest) -> str:
        """Of the connection's other end; if that is a trusted proxy, of its own: the last one that it names."""
        if request.remote not in self._proxies:
            return request.remote or ""
        named = ",".join(request.headers.getall(FORWARDED_FOR, ()))
        return named.rpartition(",")[2].strip() or request.remote or ""

    def _certificate(self, request: web.BaseRequest) -> bytes:
        """In DER; empty: none was shown."""
        named = request.headers.getall(CLIENT_CERT, ())
        if named and request.remote in self._proxies:
            return certificate_of_header(named[0]) if len(named) == 1 else b""
        if named:
            self._observer.count("client_cert_headers_ignored")
        connection: SSLObject | None = request.get_extra_info("ssl_object")
        return (connection.getpeercert(binary_form=True) if connection is not None else None) or b""
