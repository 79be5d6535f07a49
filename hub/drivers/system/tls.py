"""TLS as the hub ends it itself: one context, whose certificate and trust are renewed while connections stay open.

Theory of operation. OpenSSL takes a certificate, a key and trusted client certificates into a context at any time; they
count for handshakes from then on. Clients without a certificate are let in, for they may prove themselves otherwise. A
client certificate must lead to one that is trusted: an authority's in `client_ca_file`, or itself, where it is
registered (OpenSSL's partial chains), so an unknown one ends the handshake. Trust is only ever added here; that a
registered certificate was revoked or belongs to somebody else, the registry says at each request.
"""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path

from hub.core.certificate import Certificate
from hub.core.errors import HubError
from hub.core.settings import TLSSettings

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 §4.2); those of 1.3 are all so."""


class ServerTLS:
    """The context of a listener."""

    def __init__(self, settings: TLSSettings) -> None:
        """Raises `HubError` where certificate or key cannot be used."""
        self._settings = settings
        self._files = Path(settings.certificate_file), Path(settings.key_file)
        self._trusted: set[str] = set()
        self.context = _context()
        try:
            if settings.client_certificates == "optional":
                self.context.verify_mode = ssl.CERT_OPTIONAL
                self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
                if settings.client_ca_file:
                    self.context.load_verify_locations(settings.client_ca_file)
            self._seen = self._versions()
            self._load(self.context)
        except (OSError, ValueError) as error:  # An SSLError is an OSError.
            raise HubError(f"TLS cannot be spoken with the settings of `[tls]`: {error}") from error

    def trust(self, certificates: Iterable[Certificate]) -> None:
        """Let clients open connections with these certificates."""
        if self._settings.client_certificates != "optional":
            return
        for certificate in certificates:
            if certificate.id not in self._trusted and not certificate.is_name:
                self._trusted.add(certificate.id)
                self.context.load_verify_locations(cadata=b64decode(certificate.der))

    def renew(self) -> bool:
        """Take up certificate and key if their files were replaced. Raises `HubError`; what was in use stays so."""
        try:
            versions = self._versions()
            if versions == self._seen:
                return False
            self._load(_context())  # Two files are not replaced at once: half of the new pair must not be taken up.
            self._load(self.context)
        except OSError as error:
            raise HubError(f"the certificate cannot be renewed: {error}") from error
        self._seen = versions
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        certificate, key = self._files
        context.load_cert_chain(certificate, key)

    def _versions(self) -> list[tuple[int, int]]:
        return [(found.st_ino, found.st_mtime_ns) for found in (file.stat() for file in self._files)]


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0  # A resumed session would not be looked at again; connections live long instead.
    context.set_alpn_protocols(["http/1.1"])
    return context
