"""Certificates for a test: an authority, what it issued, and what signed itself."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


class Pair:
    """A certificate and its key; without an issuer it signed itself."""

    def __init__(
        self,
        name: str,
        *,
        issuer: Pair | None = None,
        usage: x509.ObjectIdentifier | None = CLIENT,
        days: int = 30,
        alternatives: Sequence[x509.GeneralName] = (),
    ) -> None:
        """`name`: its common name, or its whole subject (RFC 4514)."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name.from_rfc4514_string(name if "=" in name else f"CN={name}")
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage == SERVER:
            alternatives = [x509.IPAddress(ip_address("127.0.0.1"))]
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        self.certificate = builder.sign((issuer or self).key, SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """The files of the certificate and of its key."""
        certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
        certificate.write_text(self.pem)
        key.touch(0o600)
        key.write_text(self.key_pem)
        return certificate, key


def client_context(trusted: Pair, directory: Path, own: Pair | None = None) -> ssl.SSLContext:
    """A client that trusts one certificate, and shows its own if it has one."""
    context = ssl.create_default_context(cadata=trusted.pem)
    if own is not None:
        context.load_cert_chain(*own.write(directory, "client"))
    return context
