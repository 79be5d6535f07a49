"""Certificates of a local Kafka: an authority of its own, which names the brokers and, to try mTLS, readers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

AUTHORITY, AUTHORITY_KEY = "recipients-ca.crt", "recipients-ca.key"
VALIDITY_DAYS = 365


def authority(directory: Path) -> Path:
    """The authority's certificate, made once with its key beside it."""
    certificate = directory / AUTHORITY
    if not certificate.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name.from_rfc4514_string("CN=customs-hub kafka")
        signed = _builder(own, own, key, is_authority=True).sign(key, SHA256())
        _write_private(directory / AUTHORITY_KEY, _pem(key))
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    return certificate


def issue(directory: Path, subject: str, name: str, *, is_broker: bool = False) -> tuple[Path, Path]:
    """`<name>.crt` and `<name>.key`, of a broker on this machine or a reader; `subject` as RFC 4514 writes it.

    The key's file also holds the certificate, as brokers take it. Raises `ValueError` for what is no subject.
    """
    issuer = x509.load_pem_x509_certificate(authority(directory).read_bytes())
    authority_key = load_pem_private_key((directory / AUTHORITY_KEY).read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(x509.Name.from_rfc4514_string(subject), issuer.subject, key, is_authority=False)
    if is_broker:
        here = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(here), critical=False)
    pem = builder.sign(authority_key, SHA256()).public_bytes(Encoding.PEM)
    files = directory / f"{name}.crt", directory / f"{name}.key"
    files[0].write_bytes(pem)
    _write_private(files[1], _pem(key) + pem)
    return files


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALIDITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_private(file: Path, content: bytes) -> None:
    file.touch(0o600)
    file.write_bytes(content)
