"""Client certificates (RFC 8705, RFC 9440): which ones are taken, and how one is named. Nothing in them is followed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from hub.core.certificate import Certificate
from hub.trust.keys import PEM_BYTES_MAX, KeyRefused, checked, encode_base64url

HEADER_CHARACTERS_MAX = 12_288
"""Of a `Client-Cert` header."""


def certificate_id(der: bytes) -> str:
    """`x5t#S256` (RFC 8705 §3.1)."""
    return encode_base64url(sha256(der).digest())


def read_certificate(pem: bytes, system: str) -> Certificate:
    """A system's certificate from PEM (RFC 7468 §5). Raises `KeyRefused`, also for a private key, without echo."""
    if len(pem) > PEM_BYTES_MAX:
        raise KeyRefused(f"the file is larger than {PEM_BYTES_MAX} bytes; expected one certificate")
    if b"PRIVATE KEY" in pem:
        raise KeyRefused("there is a private key in the file; keep it, and give the certificate alone")
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise KeyRefused('no "CERTIFICATE" in PEM was found') from None
    if len(found) != 1:
        raise KeyRefused(f"{len(found)} certificates were found; expected the system's own alone, without its chain")
    return _registered(found[0], system)


def certificate_of_header(value: str) -> bytes:
    """The certificate in a `Client-Cert` header: an sf-binary of its DER form (RFC 9440 §2.2). Empty: there is none."""
    if len(value) > HEADER_CHARACTERS_MAX or not value.isascii() or len(value) < 3 or value[0] != ":" != value[-1]:
        return b""
    try:
        return b64decode(value[1:-1], validate=True) if value[0] == value[-1] == ":" else b""
    except Base64Error:
        return b""


def check_client(certificate: x509.Certificate) -> None:
    """Its key is of a kind that is taken, and it is for clients. Raises `KeyRefused`."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("the certificate's key cannot be read") from None
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey):
        raise KeyRefused("the certificate's key is of another kind; expected EC P-256, Ed25519 or RSA")
    checked(key)
    _check_usage(certificate)


def _registered(certificate: x509.Certificate, system: str) -> Certificate:
    check_client(certificate)
    der = certificate.public_bytes(Encoding.DER)
    return Certificate(
        certificate_id(der),
        system,
        certificate.subject.rfc4514_string(),
        int(certificate.not_valid_after_utc.timestamp()),
        b64encode(der).decode(),
    )


def _check_usage(certificate: x509.Certificate) -> None:
    """RFC 5280 §4.2.1.12: without the extension it may be used for anything."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    except ValueError:
        raise KeyRefused("the certificate's extensions cannot be read") from None
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise KeyRefused("the certificate is not for clients: expected clientAuth among its extended key usages")
